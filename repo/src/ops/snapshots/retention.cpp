#include "cairn/repo/retention.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "ops/snapshots/calendar_slot.h"

namespace cairn::repo {

namespace {

using ops::SlotLength;

constexpr std::uint32_t kDurationNumberMax = 1'000'000;

/// A rule that keeps the newest snapshot of each slot.
struct SlotRule {
  std::string_view name;
  SlotLength length;
  std::uint32_t RetentionPolicy::*count;
  RetentionDuration RetentionPolicy::*within;
};
constexpr std::array kSlotRules = {
    SlotRule{"hourly", SlotLength::hour, &RetentionPolicy::hourly, &RetentionPolicy::within_hourly},
    SlotRule{"daily", SlotLength::day, &RetentionPolicy::daily, &RetentionPolicy::within_daily},
    SlotRule{"weekly", SlotLength::week, &RetentionPolicy::weekly, &RetentionPolicy::within_weekly},
    SlotRule{"monthly", SlotLength::month, &RetentionPolicy::monthly,
             &RetentionPolicy::within_monthly},
    SlotRule{"yearly", SlotLength::year, &RetentionPolicy::yearly, &RetentionPolicy::within_yearly},
};

std::string count_text(std::string_view name, std::uint32_t count) {
  return count == kKeepAll ? fmt::format("{} all", name) : fmt::format("{} {}", name, count);
}

/// Applies one policy to the snapshots that it is for.
class Judge {
 public:
  /// `order` holds indices into `snapshots`, newest first.
  Judge(std::span<const ListedSnapshot> snapshots, std::vector<std::size_t> order,
        const RetentionPolicy& policy, core::Timestamp now)
      : snapshots_(snapshots), order_(std::move(order)), policy_(policy), now_(now) {
    verdicts_.reserve(order_.size());
    for (std::size_t position = 0; position < order_.size(); ++position) {
      const Snapshot& snapshot = at(position).snapshot;
      const bool counts = !snapshot.partial && !is_in_future(snapshot, now);
      verdicts_.push_back(
          {.index = order_[position], .keep = true, .reasons = {}, .counts = counts});
      if (counts) {
        counted_.push_back(position);
      }
    }
  }

  std::vector<RetentionVerdict> judge() && {
    keep_labelled();
    keep_last();
    keep_within();
    keep_uncounted();
    for (const SlotRule& rule : kSlotRules) {
      keep_slots(rule);
    }
    for (RetentionVerdict& verdict : verdicts_) {
      verdict.keep = !verdict.reasons.empty();
    }
    return std::move(verdicts_);
  }

 private:
  [[nodiscard]] const ListedSnapshot& at(std::size_t position) const {
    return snapshots_[order_[position]];
  }
  void keep(std::size_t position, std::string reason) {
    verdicts_[position].reasons.push_back(std::move(reason));
  }
  /// Requires that some snapshot is counted.
  [[nodiscard]] bool is_within(std::size_t position, const RetentionDuration& duration) const {
    const Snapshot& newest = at(counted_.front()).snapshot;
    return at(position).snapshot.start >
           ops::moment_before(newest.start, newest.utc_offset_minutes, duration);
  }

  void keep_labelled() {
    for (std::size_t position = 0; position < order_.size(); ++position) {
      const ListedSnapshot& listed = at(position);
      if (listed.pinned) {
        keep(position, "pinned");
      }
      for (const std::vector<std::string>& tags : policy_.tags) {
        if (std::ranges::all_of(tags, [&listed](const std::string& tag) {
              return std::ranges::binary_search(listed.snapshot.tags, tag);
            })) {
          keep(position, fmt::format("tag {}", fmt::join(tags, "+")));
        }
      }
      if (std::ranges::find(policy_.types, listed.snapshot.type) != policy_.types.end()) {
        keep(position, fmt::format("type {}", to_string(listed.snapshot.type)));
      }
    }
  }

  void keep_last() {
    const std::size_t count = std::min<std::size_t>(policy_.last, counted_.size());
    for (std::size_t i = 0; i < count; ++i) {
      keep(counted_[i], fmt::format("last {}", i + 1));
    }
  }

  void keep_within() {
    if (policy_.within.is_zero()) {
      return;
    }
    for (const std::size_t position : counted_) {
      if (is_within(position, policy_.within)) {
        keep(position, fmt::format("within {}", to_string(policy_.within)));
      }
    }
  }

  /// Keeps what no rule sees as long as it may be the only snapshot of its time.
  void keep_uncounted() {
    for (std::size_t position = 0; position < order_.size(); ++position) {
      if (verdicts_[position].counts) {
        continue;
      }
      if (is_in_future(at(position).snapshot, now_)) {
        keep(position, "dated in the future");
      } else if (counted_.empty() || position < counted_.front()) {
        keep(position, "partial, and no whole one is newer");
      }
    }
  }

  void keep_slots(const SlotRule& rule) {
    keep_slots(rule.length, std::string(rule.name), policy_.*rule.count, nullptr);
    if (const RetentionDuration& within = policy_.*rule.within; !within.is_zero()) {
      keep_slots(rule.length, fmt::format("{} within {}", rule.name, to_string(within)), kKeepAll,
                 &within);
    }
  }

  void keep_slots(SlotLength length, const std::string& name, std::uint32_t count,
                  const RetentionDuration* within) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < counted_.size() && seen.size() < count; ++i) {
      const std::size_t position = counted_[i];
      if (within != nullptr && !is_within(position, *within)) {
        return;  // anything older is not within it either
      }
      const Snapshot& snapshot = at(position).snapshot;
      std::string slot = ops::slot_of(length, snapshot.start, snapshot.utc_offset_minutes);
      if (!seen.contains(slot)) {
        keep(position, fmt::format("{} {}", name, slot));
        seen.insert(std::move(slot));
      } else if (i + 1 == counted_.size()) {
        keep(position, fmt::format("oldest {} {}", name, slot));
      }
    }
  }

  std::span<const ListedSnapshot> snapshots_;
  std::vector<std::size_t> order_;
  const RetentionPolicy& policy_;
  core::Timestamp now_;
  std::vector<std::size_t> counted_;  ///< positions of snapshots that rules see, newest first
  std::vector<RetentionVerdict> verdicts_;
};

std::vector<RetentionVerdict> keep_all(std::span<const ListedSnapshot> snapshots,
                                       const std::vector<std::size_t>& order) {
  std::vector<RetentionVerdict> verdicts;
  for (const std::size_t index : order) {
    RetentionVerdict verdict{.index = index, .keep = true, .reasons = {"no policy"}};
    if (snapshots[index].pinned) {
      verdict.reasons.insert(verdict.reasons.begin(), "pinned");
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

using GroupKey =
    std::tuple<std::string, std::string, std::vector<std::string>, std::vector<std::string>>;

GroupKey key_of(const Snapshot& snapshot, const RetentionGrouping& by) {
  GroupKey key;
  auto& [host, set, paths, tags] = key;
  if (by.host) {
    host = snapshot.host;
  }
  if (by.set) {
    set = snapshot.set;
  }
  if (by.paths) {
    std::ranges::transform(snapshot.sources, std::back_inserter(paths), &Source::path);
  }
  if (by.tags) {
    tags = snapshot.tags;
  }
  return key;
}

/// The next whole snapshot that has all paths of a partial one, and equals it in the other grouping
/// fields. `newest_first` holds indices; `position` is that of the partial one.
std::size_t whole_one_after(std::span<const ListedSnapshot> snapshots,
                            const std::vector<std::size_t>& newest_first, std::size_t position,
                            const RetentionGrouping& by) {
  RetentionGrouping but_paths = by;
  but_paths.paths = false;
  const Snapshot& partial = snapshots[newest_first[position]].snapshot;
  const GroupKey key = key_of(partial, but_paths);
  for (std::size_t i = position; i > 0; --i) {
    const Snapshot& other = snapshots[newest_first[i - 1]].snapshot;
    if (!other.partial && key_of(other, but_paths) == key &&
        std::ranges::includes(other.sources, partial.sources, {}, &Source::path, &Source::path)) {
      return newest_first[i - 1];
    }
  }
  return newest_first[position];
}

}  // namespace

std::optional<RetentionDuration> parse_retention_duration(std::string_view text) {
  RetentionDuration duration;
  std::uint32_t weeks = 0;
  struct Unit {
    std::string_view name;
    std::uint32_t* number;
    bool seen = false;
  };
  std::array units{Unit{"y", &duration.years},   Unit{"m", &duration.months},
                   Unit{"mo", &duration.months}, Unit{"w", &weeks},
                   Unit{"d", &duration.days},    Unit{"h", &duration.hours}};
  while (!text.empty()) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || number > kDurationNumberMax) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    const std::string_view name =
        text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
    auto* const unit = std::ranges::find(units, name, &Unit::name);
    if (unit == units.end() || unit->seen) {
      return std::nullopt;
    }
    for (Unit& same : units) {
      same.seen = same.seen || same.number == unit->number;
    }
    *unit->number = number;
    text.remove_prefix(name.size());
  }
  duration.days += 7 * weeks;
  return duration.is_zero() ? std::nullopt : std::optional(duration);
}

std::string to_string(const RetentionDuration& duration) {
  std::string text;
  const auto add = [&text](std::uint32_t number, char unit) {
    if (number > 0) {
      text += fmt::format("{}{}", number, unit);
    }
  };
  add(duration.years, 'y');
  add(duration.months, 'm');
  add(duration.days, 'd');
  add(duration.hours, 'h');
  return text.empty() ? "0h" : text;
}

std::string to_string(const RetentionPolicy& policy) {
  std::vector<std::string> parts;
  if (policy.last > 0) {
    parts.push_back(count_text("last", policy.last));
  }
  for (const SlotRule& rule : kSlotRules) {
    if (const std::uint32_t count = policy.*rule.count; count > 0) {
      parts.push_back(count_text(rule.name, count));
    }
  }
  if (!policy.within.is_zero()) {
    parts.push_back(fmt::format("within {}", to_string(policy.within)));
  }
  for (const SlotRule& rule : kSlotRules) {
    if (const RetentionDuration& within = policy.*rule.within; !within.is_zero()) {
      parts.push_back(fmt::format("{} within {}", rule.name, to_string(within)));
    }
  }
  for (const std::vector<std::string>& tags : policy.tags) {
    parts.push_back(fmt::format("tag {}", fmt::join(tags, "+")));
  }
  for (const SnapshotType type : policy.types) {
    parts.push_back(fmt::format("type {}", to_string(type)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

bool RetentionRules::is_empty() const {
  return general.is_empty() &&
         std::ranges::all_of(by_type, [](const auto& own) { return own.second.is_empty(); });
}

const RetentionPolicy* RetentionRules::policy_of(SnapshotType type) const {
  const auto own = by_type.find(type);
  if (own == by_type.end() && type == SnapshotType::restore_point) {
    return nullptr;
  }
  const RetentionPolicy& policy = own == by_type.end() ? general : own->second;
  return policy.is_empty() ? nullptr : &policy;
}

std::vector<SnapshotGroup> group_snapshots(std::span<const ListedSnapshot> snapshots,
                                           const RetentionGrouping& by) {
  std::vector<std::size_t> newest_first(snapshots.size());
  std::iota(newest_first.begin(), newest_first.end(), std::size_t{0});
  std::ranges::sort(newest_first, [&snapshots](std::size_t a, std::size_t b) {
    return is_older(snapshots[b], snapshots[a]);
  });
  std::map<GroupKey, SnapshotGroup> by_key;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    const bool may_lack_paths = by.paths && snapshots[newest_first[i]].snapshot.partial;
    const std::size_t like =
        may_lack_paths ? whole_one_after(snapshots, newest_first, i, by) : newest_first[i];
    by_key[key_of(snapshots[like].snapshot, by)].newest_first.push_back(newest_first[i]);
  }
  std::vector<SnapshotGroup> groups;
  for (auto& [key, group] : by_key) {
    std::tie(group.host, group.set, group.paths, group.tags) = key;
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<RetentionGroup> apply_retention(std::span<const ListedSnapshot> snapshots,
                                            const RetentionRules& rules, core::Timestamp now) {
  std::vector<RetentionGroup> groups;
  for (SnapshotGroup& found : group_snapshots(snapshots, rules.group_by)) {
    std::map<const RetentionPolicy*, std::vector<std::size_t>> by_policy;
    for (const std::size_t index : found.newest_first) {
      by_policy[rules.policy_of(snapshots[index].snapshot.type)].push_back(index);
    }
    RetentionGroup group{.host = std::move(found.host),
                         .set = std::move(found.set),
                         .paths = std::move(found.paths),
                         .tags = std::move(found.tags),
                         .verdicts = {}};
    for (auto& [policy, order] : by_policy) {
      auto verdicts = policy == nullptr ? keep_all(snapshots, order)
                                        : Judge(snapshots, std::move(order), *policy, now).judge();
      std::ranges::move(verdicts, std::back_inserter(group.verdicts));
    }
    std::ranges::sort(group.verdicts, [&snapshots](const auto& a, const auto& b) {
      return is_older(snapshots[b.index], snapshots[a.index]);
    });
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace cairn::repo
