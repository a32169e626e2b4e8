#include "ops/snapshots/snapshot_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cairn::repo::ops {
namespace {

using core::ErrorCode;

constexpr std::size_t kIdPrefixMin = 4;

/// The number after "latest~", or 0 for "latest"; nullopt for anything else.
core::Result<std::optional<std::size_t>> steps_back(std::string_view name) {
  constexpr std::string_view kLatestWord = "latest";
  if (!name.starts_with(kLatestWord)) {
    return std::optional<std::size_t>();
  }
  name.remove_prefix(kLatestWord.size());
  if (name.empty()) {
    return std::optional<std::size_t>(0);
  }
  std::size_t steps = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + 1, end, steps);
  if (name.front() != '~' || parsed.ec != std::errc() || parsed.ptr != end) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("\"latest{}\" is no snapshot name", name),
                      "write latest, or latest~2 for the second before it");
  }
  return std::optional<std::size_t>(steps);
}

std::string time_text(core::Timestamp when, int utc_offset_minutes) {
  std::string text = core::format_rfc3339(when, utc_offset_minutes);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

/// "1a2b3c4d of 2026-01-01 14:30:00+01:00"
std::string name_of(const ListedSnapshot& listed) {
  return fmt::format("{} of {}", listed.id.short_hex(),
                     time_text(listed.snapshot.start, listed.snapshot.utc_offset_minutes));
}

/// " of host a or b, set c"; empty if everything passes.
std::string describe(const SnapshotFilter& filter) {
  std::vector<std::string> parts;
  const auto add = [&parts](std::string_view what, const auto& values, std::string_view between) {
    if (!values.empty()) {
      parts.push_back(fmt::format("{} {}", what, fmt::join(values, between)));
    }
  };
  add("host", filter.hosts, " or ");
  add("set", filter.sets, " or ");
  std::vector<std::string> tags;
  for (const std::vector<std::string>& list : filter.tag_lists) {
    tags.push_back(fmt::format("{}", fmt::join(list, ",")));
  }
  add("tag", tags, " or ");
  std::vector<std::string_view> types;
  std::ranges::transform(filter.types, std::back_inserter(types),
                         [](SnapshotType type) { return to_string(type); });
  add("type", types, " or ");
  add("path", filter.paths, " and ");
  return parts.empty() ? std::string() : fmt::format(" of {}", fmt::join(parts, ", "));
}

/// The snapshots that "latest" chooses from, oldest first, and those that were skipped.
struct Candidates {
  std::vector<const ListedSnapshot*> fit;
  std::vector<const ListedSnapshot*> passed_over;  ///< without restore points
};

Candidates candidates(const SnapshotList& list, const SnapshotFilter& filter,
                      const std::optional<core::Timestamp>& until) {
  Candidates found;
  for (const ListedSnapshot& listed : list.snapshots) {
    if (!passes(filter, listed) || is_restore_point(listed) ||
        (until && listed.snapshot.start > *until)) {
      continue;
    }
    (may_be_latest(filter, listed, list.now) ? found.fit : found.passed_over).push_back(&listed);
  }
  return found;
}

/// An unreadable snapshot may be newer than all readable ones, unless one of these was made after
/// it.
core::Status check_nothing_newer(const SnapshotList& list, const Candidates& found,
                                 std::size_t back) {
  for (const auto& [id, error] : list.unreadable) {
    const auto after = list.successors.find(id);
    const bool is_superseded =
        back == 0 && after != list.successors.end() &&
        std::ranges::any_of(found.fit, [&after](const ListedSnapshot* const listed) {
          return listed->id == after->second;
        });
    if (!is_superseded) {
      return core::fail(core::Error(error.code(),
                                    fmt::format("snapshot {} may be the one, and cannot be read: "
                                                "{}",
                                                id.short_hex(), error.message()),
                                    fmt::format("name another one by its id, from: cairn "
                                                "snapshots. If this one is lost, give it up: "
                                                "cairn forget {}",
                                                id.hex())));
    }
  }
  return {};
}

void warn_of_passed_over(const Candidates& found, const ListedSnapshot& chosen,
                         const SnapshotList& list, Observer& observer) {
  const auto newer = std::ranges::find_if(
      found.passed_over,
      [&chosen](const ListedSnapshot* const listed) { return is_older(chosen, *listed); });
  const auto count = found.passed_over.end() - newer;
  if (count == 0) {
    return;
  }
  const ListedSnapshot& newest = *found.passed_over.back();
  const bool ahead = is_in_future(newest.snapshot, list.now);
  observer.warning(fmt::format(
      "{} newer {} passed over, as {} in the future or partial; the newest, {}, is {}: "
      "give its id if you mean it",
      count, count == 1 ? "snapshot is" : "snapshots are", count == 1 ? "it lies" : "they lie",
      name_of(newest), ahead ? "dated in the future" : "partial"));
}

core::Error nothing_found(const SnapshotList& list, const Candidates& found,
                          const SnapshotFilter& filter) {
  if (!found.passed_over.empty()) {
    const ListedSnapshot& newest = *found.passed_over.back();
    const bool ahead = is_in_future(newest.snapshot, list.now);
    return {ErrorCode::not_found,
            fmt::format("all snapshots{} are partial or dated in the future", describe(filter)),
            fmt::format("the newest is {}; {}", name_of(newest),
                        ahead ? fmt::format("if the clock here is right ({}), name it by its id",
                                            core::format_rfc3339(list.now, 0))
                              : "name it by its id, or give --allow-partial")};
  }
  const bool any = std::ranges::any_of(
      list.snapshots, [](const ListedSnapshot& listed) { return !is_restore_point(listed); });
  if (!any) {
    return {ErrorCode::not_found, "the repository has no snapshots yet",
            "make one with: cairn backup PATH"};
  }
  return {ErrorCode::not_found, fmt::format("there is no snapshot{}", describe(filter)),
          "see: cairn snapshots"};
}

core::Result<const ListedSnapshot*> nth_latest(const SnapshotList& list, std::size_t back,
                                               const SnapshotFilter& filter, Observer& observer) {
  const Candidates found = candidates(list, filter, std::nullopt);
  CAIRN_TRY_STATUS(check_nothing_newer(list, found, back));
  if (found.fit.empty()) {
    return core::fail(nothing_found(list, found, filter));
  }
  if (back >= found.fit.size()) {
    return core::fail(
        ErrorCode::not_found,
        found.fit.size() == 1
            ? fmt::format("there is only one snapshot{}", describe(filter))
            : fmt::format("there are only {} snapshots{}", found.fit.size(), describe(filter)));
  }
  const ListedSnapshot* const chosen = found.fit[found.fit.size() - 1 - back];
  warn_of_passed_over(found, *chosen, list, observer);
  return chosen;
}

/// Words that people mistake for names of snapshots.
std::string hint_about(const SnapshotList& list, std::string_view name) {
  for (const ListedSnapshot& listed : list.snapshots) {
    if (listed.snapshot.set == name) {
      return fmt::format("there is a set of that name: latest --name {}", name);
    }
    if (std::ranges::binary_search(listed.snapshot.tags, name)) {
      return fmt::format("there is a tag of that name: latest --tag {}", name);
    }
    if (listed.snapshot.host == name) {
      return fmt::format("there is a host of that name: latest --host {}", name);
    }
  }
  return {};
}

core::Result<const ListedSnapshot*> find_by_id(const SnapshotList& list, std::string_view name,
                                               const SnapshotFilter& filter) {
  if (name.size() < kIdPrefixMin) {
    std::string hint = hint_about(list, name);
    return core::fail(
        ErrorCode::invalid_argument, fmt::format("\"{}\" is no snapshot name", name),
        hint.empty() ? "write latest, latest~2, or at least four digits of an id" : hint);
  }
  std::vector<const ListedSnapshot*> found;
  std::string matches;
  for (const ListedSnapshot& snapshot : list.snapshots) {
    if (snapshot.id.hex().starts_with(name)) {
      found.push_back(&snapshot);
      matches += ' ' + snapshot.id.hex().substr(0, 16);
    }
  }
  if (found.empty()) {
    for (const auto& [id, error] : list.unreadable) {
      if (id.hex().starts_with(name)) {
        return core::fail(error);
      }
    }
    std::string hint = hint_about(list, name);
    return core::fail(ErrorCode::not_found, fmt::format("there is no snapshot {}", name),
                      hint.empty() ? "see: cairn snapshots" : hint);
  }
  if (found.size() > 1) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} fits several snapshots:{}", name, matches),
                      "give more digits of the id");
  }
  if (!passes(filter, *found.front())) {
    return core::fail(
        ErrorCode::not_found,
        fmt::format("snapshot {} is not{}", name_of(*found.front()), describe(filter)),
        "an id needs no other option that chooses snapshots");
  }
  return found.front();
}

}  // namespace

bool passes(const SnapshotFilter& filter, const ListedSnapshot& listed) {
  const Snapshot& snapshot = listed.snapshot;
  const auto is_among = [](const auto& list, const auto& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  const auto has_tag = [&snapshot](const std::string& tag) {
    return std::ranges::binary_search(snapshot.tags, tag);
  };
  return (filter.tag_lists.empty() ||
          std::ranges::any_of(filter.tag_lists,
                              [&has_tag](const std::vector<std::string>& tags) {
                                return std::ranges::all_of(tags, has_tag);
                              })) &&
         is_among(filter.hosts, snapshot.host) && is_among(filter.sets, snapshot.set) &&
         is_among(filter.types, snapshot.type) &&
         std::ranges::all_of(filter.paths, [&snapshot](const std::string& path) {
           return std::ranges::binary_search(snapshot.sources, path, {}, &Source::path);
         });
}

bool may_be_latest(const SnapshotFilter& filter, const ListedSnapshot& listed,
                   core::Timestamp now) noexcept {
  // The same command, run again after a restore, must mean the same snapshot.
  return !is_restore_point(listed) && !is_in_future(listed.snapshot, now) &&
         (filter.allow_partial || !listed.snapshot.partial);
}

core::Result<const ListedSnapshot*> find_in(const SnapshotList& list, std::string_view name,
                                            const SnapshotFilter& filter, Observer& observer) {
  CAIRN_TRY(const auto back, steps_back(name));
  return back ? nth_latest(list, *back, filter, observer) : find_by_id(list, name, filter);
}

core::Result<const ListedSnapshot*> find_in_at(const SnapshotList& list, core::Timestamp when,
                                               int utc_offset_minutes, const SnapshotFilter& filter,
                                               Observer& observer) {
  const Candidates found = candidates(list, filter, when);
  CAIRN_TRY_STATUS(check_nothing_newer(list, found, 0));
  if (!found.fit.empty()) {
    warn_of_passed_over(found, *found.fit.back(), list, observer);
    return found.fit.back();
  }
  const Candidates of_any_time = candidates(list, filter, std::nullopt);
  if (of_any_time.fit.empty()) {
    return core::fail(nothing_found(list, of_any_time, filter));
  }
  return core::fail(ErrorCode::not_found,
                    fmt::format("there is no snapshot{} from {} or before", describe(filter),
                                time_text(when, utc_offset_minutes)),
                    fmt::format("the oldest is {}", name_of(*of_any_time.fit.front())));
}

core::Status keep_matching(SnapshotList& list, const SnapshotFilter& filter, Observer& observer) {
  std::set<SnapshotId> named;
  for (const std::string& name : filter.names) {
    CAIRN_TRY(const ListedSnapshot* const snapshot, find_in(list, name, filter, observer));
    named.insert(snapshot->id);
  }
  std::erase_if(list.snapshots, [&](const ListedSnapshot& listed) {
    return !passes(filter, listed) || (!named.empty() && !named.contains(listed.id));
  });
  if (list.snapshots.empty() && !filter.is_empty()) {
    observer.warning(fmt::format("there is no snapshot{}", describe(filter)));
  }
  return {};
}

}  // namespace cairn::repo::ops
