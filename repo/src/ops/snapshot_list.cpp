#include "ops/snapshot_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include "ops/access.h"
#include "store/records.h"

namespace cairn::repo::ops {
namespace {

using core::ErrorCode;

constexpr std::size_t kIdPrefixMin = 4;

/// The number behind "latest~", or 0 for "latest"; nullopt if it is something else.
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

core::Result<const ListedSnapshot*> nth_latest(const std::vector<ListedSnapshot>& snapshots,
                                               std::size_t back) {
  std::size_t count = 0;
  for (std::size_t i = snapshots.size(); i > 0; --i) {
    // The same command, typed again after a restore, must mean the same snapshot.
    if (!is_restore_point(snapshots[i - 1]) && count++ == back) {
      return &snapshots[i - 1];
    }
  }
  if (count == 0) {
    return core::fail(ErrorCode::not_found, "the repository has no snapshots yet",
                      "make one with: cairn backup PATH");
  }
  return core::fail(ErrorCode::not_found, fmt::format("there are only {} snapshots", count));
}

/// A backup client can put any object anywhere: a tombstone counts if somebody signed it who may.
/// Takes it off the list otherwise.
core::Result<bool> check_tombstone(State& state, const SnapshotId& id, SnapshotList& list) {
  if (!list.forgotten.contains(id)) {
    return false;
  }
  const auto tombstone = store::get_tombstone(*state.backend, *state.keys, id);
  if (tombstone || tombstone.error().code() == ErrorCode::unsupported_version) {
    return true;
  }
  if (tombstone.error().code() != ErrorCode::corrupt &&
      tombstone.error().code() != ErrorCode::limit_exceeded) {
    return core::fail(tombstone.error());
  }
  list.void_tombstones.push_back(tombstone.error().message());
  list.forgotten.erase(id);
  return false;
}

}  // namespace

void SnapshotList::warn(Observer& observer) const {
  for (const auto& [id, error] : unreadable) {
    observer.warning(error.message());
  }
  for (const auto* const damage : {&void_tombstones, &marks.damage}) {
    for (const std::string& message : *damage) {
      observer.warning(message);
    }
  }
}

core::Result<SnapshotList> read_snapshots(State& state) {
  CAIRN_TRY_STATUS(require_metadata_key(state));
  SnapshotList list;
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*state.backend, format::ObjectKind::forgotten));
  list.forgotten.insert(forgotten.begin(), forgotten.end());
  CAIRN_TRY(const auto ids,
            store::list_ids<SnapshotId>(*state.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(list.marks, read_marks(state));
  for (const SnapshotId& id : ids) {
    CAIRN_TRY(const bool is_forgotten, check_tombstone(state, id, list));
    if (is_forgotten) {
      continue;
    }
    auto record = store::get_register(*state.backend, *state.keys, id);
    if (!record) {
      if (record.error().code() != ErrorCode::not_found) {
        list.unreadable.emplace(id, std::move(record).error());
      }
      continue;
    }
    if (record->link.type == format::RegisterType::snapshot && record->snapshot) {
      ListedSnapshot listed{.id = id,
                            .chain = record->link.chain,
                            .sequence = record->link.sequence,
                            .snapshot = std::move(*record->snapshot)};
      list.marks.apply_to(listed);
      list.link_hashes.emplace(id, record->link_hash);
      list.snapshots.push_back(std::move(listed));
    }
  }
  std::ranges::sort(list.snapshots, [](const ListedSnapshot& a, const ListedSnapshot& b) {
    return std::tie(a.snapshot.start, a.id) < std::tie(b.snapshot.start, b.id);
  });
  return list;
}

core::Result<const ListedSnapshot*> find_in(const std::vector<ListedSnapshot>& snapshots,
                                            std::string_view name) {
  CAIRN_TRY(const auto back, steps_back(name));
  if (back) {
    return nth_latest(snapshots, *back);
  }
  if (name.size() < kIdPrefixMin) {
    return core::fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no snapshot name", name),
                      "write latest, latest~2, or at least four digits of an id");
  }
  std::vector<const ListedSnapshot*> found;
  std::string matches;
  for (const ListedSnapshot& snapshot : snapshots) {
    if (snapshot.id.hex().starts_with(name)) {
      found.push_back(&snapshot);
      matches += ' ' + snapshot.id.hex().substr(0, 16);
    }
  }
  if (found.empty()) {
    return core::fail(ErrorCode::not_found, fmt::format("there is no snapshot {}", name),
                      "see: cairn snapshots");
  }
  if (found.size() > 1) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} fits several snapshots:{}", name, matches),
                      "give more digits of the id");
  }
  return found.front();
}

core::Status keep_matching(std::vector<ListedSnapshot>& snapshots, const SnapshotFilter& filter) {
  std::set<SnapshotId> named;
  for (const std::string& name : filter.names) {
    CAIRN_TRY(const ListedSnapshot* const snapshot, find_in(snapshots, name));
    named.insert(snapshot->id);
  }
  const auto passes = [&](const ListedSnapshot& listed) {
    const Snapshot& snapshot = listed.snapshot;
    const auto is_among = [](const auto& list, const auto& value) {
      return list.empty() || std::ranges::find(list, value) != list.end();
    };
    return (named.empty() || named.contains(listed.id)) &&
           (filter.tags.empty() || std::ranges::any_of(filter.tags,
                                                       [&snapshot](const std::string& tag) {
                                                         return std::ranges::binary_search(
                                                             snapshot.tags, tag);
                                                       })) &&
           is_among(filter.hosts, snapshot.host) && is_among(filter.types, snapshot.type) &&
           std::ranges::all_of(filter.paths, [&snapshot](const std::string& path) {
             return std::ranges::binary_search(snapshot.sources, path, {}, &Source::path);
           });
  };
  std::erase_if(snapshots, [&passes](const ListedSnapshot& listed) { return !passes(listed); });
  return {};
}

bool is_restore_point(const ListedSnapshot& snapshot) noexcept {
  return snapshot.snapshot.type == SnapshotType::restore_point;
}

}  // namespace cairn::repo::ops
