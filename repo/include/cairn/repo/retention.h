#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/repo/snapshots.h"

/// Which snapshots a policy keeps, and why. Pure: values in, values out; thread-safe.
///
/// A snapshot is kept if any rule of its policy keeps it, or if it is pinned. Rules look at the
/// snapshots of one group from the newest to the oldest:
///
/// - A *count* keeps the newest snapshot of each of that many hours, days, ISO weeks, months or
///   years; those without a snapshot do not count. If the oldest snapshot is reached before the
///   count is used up, that one is kept too, so that a new history keeps its beginning.
/// - A *within* rule keeps what is younger than the group's newest snapshot by less than a
///   duration: everything, or the newest of each hour, day and so on.
/// - Neither sees partial snapshots, and those of the future (is_in_future()): no whole snapshot is
///   forgotten because of them. A partial one stays until a whole one is newer; one that a wrong
///   clock dated in the future stays until its time has come.
/// - Tags and types keep the snapshots that have them. This uses up none of the counts, but a
///   snapshot kept in this way still stands for its hour or day. The same holds for pinned ones.
///
/// Hours and days are local to where the snapshot was made: each snapshot counts in the time zone
/// that it recorded. The hour that is repeated when clocks are set back is one hour. Times outside
/// the years 1 to 9999 count as the nearest one inside.
namespace cairn::repo {

/// A span of time as people say it: calendar years and months, then days, then hours.
struct RetentionDuration {
  std::uint32_t years = 0;
  std::uint32_t months = 0;
  std::uint32_t days = 0;
  std::uint32_t hours = 0;

  [[nodiscard]] bool is_zero() const noexcept { return *this == RetentionDuration(); }
  friend bool operator==(const RetentionDuration&, const RetentionDuration&) = default;
};
/// "1y5m2w7d2h": numbers with y, m or mo (months), w, d or h, each unit at most once, in any order.
/// nullopt for any other text, for a zero duration, or if a number is above 1,000,000.
[[nodiscard]] std::optional<RetentionDuration> parse_retention_duration(std::string_view text);
/// In the form that parse_retention_duration() reads; "0h" for zero.
[[nodiscard]] std::string to_string(const RetentionDuration& duration);

/// A count that is never used up.
inline constexpr std::uint32_t kKeepAll = UINT32_MAX;

/// What to keep. A new one names nothing.
struct RetentionPolicy {
  std::uint32_t last = 0;  ///< this many of the newest, or kKeepAll
  std::uint32_t hourly = 0;
  std::uint32_t daily = 0;
  std::uint32_t weekly = 0;
  std::uint32_t monthly = 0;
  std::uint32_t yearly = 0;
  RetentionDuration within;  ///< everything as young as this
  RetentionDuration within_hourly;
  RetentionDuration within_daily;
  RetentionDuration within_weekly;
  RetentionDuration within_monthly;
  RetentionDuration within_yearly;
  /// All tags of one of these lists; an empty list keeps every snapshot.
  std::vector<std::vector<std::string>> tags;
  std::vector<SnapshotType> types;

  [[nodiscard]] bool is_empty() const { return *this == RetentionPolicy(); }
  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};
/// "last 2, daily 7, within 1y, tag x+y".
[[nodiscard]] std::string to_string(const RetentionPolicy& policy);

/// What the snapshots of one group have in common.
struct RetentionGrouping {
  bool host = true;
  bool set = true;
  bool paths = true;
  bool tags = false;

  friend bool operator==(const RetentionGrouping&, const RetentionGrouping&) = default;
};

struct RetentionRules {
  /// For all types without a policy of their own, together: a snapshot of one type can stand for
  /// the day of another. Not for restore points.
  RetentionPolicy general;
  /// Snapshots of such a type are counted separately, as if they were a group of their own. Restore
  /// points are all kept unless there is a policy for them here: a restore may be undone weeks
  /// later, and no schedule of backups says which restore point that will need.
  std::map<SnapshotType, RetentionPolicy> by_type;
  RetentionGrouping group_by;

  /// True if no policy names anything.
  [[nodiscard]] bool is_empty() const;
  /// The policy for snapshots of this type; nullptr if there is none.
  [[nodiscard]] const RetentionPolicy* policy_of(SnapshotType type) const;
};

/// What becomes of one snapshot.
struct RetentionVerdict {
  std::size_t index = 0;  ///< in the list that was given
  bool keep = true;
  /// Why it is kept: "last 1", "daily 2026-03-01", "oldest daily 2026-02-01", "within 7d", "daily
  /// within 7d 2026-03-01", "pinned", "tag x+y", "type monthly", "no policy", "partial, and no
  /// whole one is newer", "dated in the future". Empty if it is not. Tags are raw bytes.
  std::vector<std::string> reasons;
  bool counts = true;  ///< false: rules skip it, since it is partial or of the future

  friend bool operator==(const RetentionVerdict&, const RetentionVerdict&) = default;
};

/// Fields that are not grouped by are empty.
struct RetentionGroup {
  std::string host;
  std::string set;
  std::vector<std::string> paths;
  std::vector<std::string> tags;
  std::vector<RetentionVerdict> verdicts;  ///< newest first, as is_older() says

  friend bool operator==(const RetentionGroup&, const RetentionGroup&) = default;
};

/// Snapshots of one host, set, paths and tags; fields that are not grouped by are empty.
struct SnapshotGroup {
  std::string host;
  std::string set;
  std::vector<std::string> paths;
  std::vector<std::string> tags;
  std::vector<std::size_t> newest_first;  ///< indices in the list that was given
};

/// Groups ascend by host, set, paths, tags. A partial snapshot may lack some of its intended paths:
/// it belongs to the group of the next whole one that has all of its paths.
[[nodiscard]] std::vector<SnapshotGroup> group_snapshots(std::span<const ListedSnapshot> snapshots,
                                                         const RetentionGrouping& by);

/// Judges every snapshot, in any order. An empty policy keeps everything. Groups are those of
/// group_snapshots(). Memory: one text for each reason.
[[nodiscard]] std::vector<RetentionGroup> apply_retention(std::span<const ListedSnapshot> snapshots,
                                                          const RetentionRules& rules,
                                                          core::Timestamp now);

}  // namespace cairn::repo
