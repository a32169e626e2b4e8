#include "ops/collect/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <map>
#include <utility>

#include "cairn/core/stop.h"
#include "cairn/core/workers.h"
#include "ops/collect/index_rewrite.h"
#include "ops/repository/damage.h"
#include "ops/repository/reserve.h"
#include "ops/snapshots/standing_marks.h"
#include "ops/writing/announced_sessions.h"
#include "ops/writing/chunk_store.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

using core::ErrorCode;
using format::ObjectKind;

constexpr std::uint64_t kPollNs = 1'000'000'000;

bool is_one_of(const std::vector<SnapshotId>& ids, const SnapshotId& id) {
  return std::ranges::find(ids, id) != ids.end();
}

/// An object that is gone already counts as removed, so that others need not read it again.
core::Result<bool> remove_object(const OpenRepository& repository, const store::ObjectName& name) {
  const core::Status removed = repository.backend->remove(name);
  if (!removed && removed.error().code() != ErrorCode::not_found) {
    return core::fail(removed.error());
  }
  return removed.has_value();
}

/// What to do about a pack from which needed chunks could not be copied.
core::Error explain_unread(core::Error error) {
  switch (error.code()) {
    case ErrorCode::corrupt:
      return std::move(error).with_hint(
          "nothing was deleted. cairn repair packs saves what is intact in it; then prune again");
    case ErrorCode::io:
    case ErrorCode::permission_denied:
      return std::move(error).with_hint(
          "nothing was deleted. See to permissions, mount, network or disk, then prune again; "
          "cairn prune --max-repack-bytes 0 deletes what needs no reading. A pack that will never "
          "be readable again is given up by removing its file by hand; then: cairn repair packs");
    default:
      return error;
  }
}

}  // namespace

Collector::Collector(OpenRepository& repository, const PruneOptions& options, Observer& observer)
    : repository_(repository),
      options_(options),
      observer_(observer),
      meter_(observer, repository.environment.clock),
      reachable_({.stop = options.stop, .meter = &meter_}) {}

// The records before the catalogue: see 0009-collection.md.
core::Result<CatalogueView> Collector::refresh() {
  CAIRN_TRY(condemned_, read_condemned_packs(repository_));
  return ensure_catalogue(repository_, observer_);
}

/// Those that exist and are not marked yet. To be listed before refresh(): then the catalogue knows
/// what they refer to.
core::Result<std::vector<SnapshotId>> Collector::list_snapshots() {
  CAIRN_TRY(const auto listed,
            store::list_ids<SnapshotId>(*repository_.backend, ObjectKind::snapshot));
  CAIRN_TRY(const auto tombstones,
            store::list_ids<SnapshotId>(*repository_.backend, ObjectKind::forgotten));
  std::vector<SnapshotId> standing;
  for (const SnapshotId& id : listed) {
    bool forgotten = std::ranges::binary_search(tombstones, id);
    if (forgotten) {
      CAIRN_TRY(forgotten, is_forgotten(repository_, id));
    }
    if (forgotten) {
      forgotten_.insert(id);
    } else if (!marked_.contains(id) && !is_one_of(options_.as_if_forgotten, id)) {
      standing.push_back(id);
    }
  }
  return standing;
}

core::Status Collector::mark(CatalogueView view, const std::vector<SnapshotId>& snapshots) {
  for (const SnapshotId& id : snapshots) {
    CAIRN_TRY_STATUS(core::check_stop(options_.stop));
    auto record = store::get_register(*repository_.backend, *repository_.keys, id);
    if (!record && record.error().code() == ErrorCode::not_found) {
      continue;  // forgotten, and removed by another prune
    }
    const std::string name = store::object_path(store::object_name(ObjectKind::snapshot, id));
    if (!record) {
      // What merely cannot be read now (permissions, a bad cable) may be intact.
      const std::string hint =
          is_damaged(record.error().code())
              ? fmt::format("See: cairn verify, cairn repair objects. To end it: cairn forget {}",
                            id.hex())
              : "Nothing is wrong with it as far as is known: let this user read it, or bring the "
                "storage back, then try again";
      return core::fail(std::move(record).error().with_hint(
          fmt::format("nothing is deleted while it is not known what {} needs. {}", name, hint)));
    }
    if (record->link.type == format::RegisterType::snapshot) {
      Expects(record->snapshot.has_value());  // collectors' roles read manifests
      meter_.at("snapshot " + id.short_hex());
      core::Status added = reachable_.add(view, *record->snapshot);
      if (!added) {
        const std::string helps =
            is_lost(added.error().code())
                ? "See: cairn verify, cairn repair"
                : "See to permissions, mount, network or disk, then try again";
        return core::fail(std::move(added)
                              .error()
                              .with_context(fmt::format("walk snapshot {}", id.short_hex()))
                              .with_hint("nothing is deleted while it is not known what is "
                                         "needed. " +
                                         helps));
      }
      report_.snapshots += 1;
    }
    marked_.insert(id);
  }
  reachable_.seal();
  return {};
}

core::Result<CatalogueView> Collector::plan() {
  CAIRN_TRY(const auto snapshots, list_snapshots());
  CAIRN_TRY(const CatalogueView view, refresh());
  CAIRN_TRY_STATUS(mark(view, snapshots));
  CAIRN_TRY_STATUS(survey());
  return view;
}

/// True if another collector may by now delete what was marked or listed: it has copied packs since
/// the listing, or one of the snapshots was forgotten since it was marked.
core::Result<bool> Collector::is_outdated(const PackDirectories& directories) {
  CAIRN_TRY(const PackDirectories now, PackDirectories::list(repository_));
  if (!now.lists_the_same(directories)) {
    return true;
  }
  CAIRN_TRY(const auto tombstones,
            store::list_ids<SnapshotId>(*repository_.backend, ObjectKind::forgotten));
  for (const SnapshotId& id : tombstones) {
    if (marked_.contains(id)) {
      CAIRN_TRY(const bool forgotten, is_forgotten(repository_, id));
      if (forgotten) {
        return true;
      }
    }
  }
  return false;
}

core::Status Collector::survey() {
  std::unordered_set<PackId> condemned_ids;
  for (const CondemnedPacks& record : condemned_) {
    condemned_ids.insert(record.packs.begin(), record.packs.end());
  }
  CAIRN_TRY(const PackDirectories directories, PackDirectories::list(repository_));
  CAIRN_TRY(
      UsageSurvey found,
      survey_usage(directories,
                   {.marks = reachable_.marks(), .condemned = condemned_ids, .stop = options_.stop},
                   observer_));
  if (found.missing_chunks > 0) {
    CAIRN_TRY(const bool outdated, is_outdated(directories));
    if (outdated) {
      return core::fail(
          ErrorCode::not_found,
          fmt::format("{} chunks are not where they were a moment ago", found.missing_chunks),
          "other prunes are at work: try again when they have ended");
    }
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{} chunks that snapshots need are in no pack that is there",
                                  found.missing_chunks),
                      "nothing is deleted from a damaged repository. See: cairn verify, cairn "
                      "repair");
  }
  const std::vector<PackFate> fates =
      plan_fates(found.packs, {.max_unused = options_.max_unused,
                               .max_repack_bytes = options_.max_repack_bytes,
                               .repack_small = options_.repack_small,
                               .can_open_data = repository_.keys->can_read_data()});
  for (std::size_t i = 0; i < fates.size(); ++i) {
    if (fates[i] != PackFate::keep) {
      doomed_.insert(found.packs[i].id);
    }
    if (fates[i] == PackFate::repack) {
      repacked_.push_back(found.packs[i].id);
    }
  }
  count(found, fates);
  repeated_ = std::move(found.repeated);
  return {};
}

void Collector::count(const UsageSurvey& found, const std::vector<PackFate>& fates) {
  const auto add = [](PruneCount& to, const PackUsage& pack) {
    to.packs += 1;
    to.bytes += pack.size_bytes;
  };
  for (std::size_t i = 0; i < fates.size(); ++i) {
    const PackUsage& pack = found.packs[i];
    add(report_.before, pack);
    report_.used_bytes += pack.used_bytes;
    report_.unused_bytes += pack.unused_bytes;
    switch (fates[i]) {
      case PackFate::keep:
        report_.unused_left_bytes += pack.unused_bytes;
        break;
      case PackFate::remove:
        add(report_.to_remove, pack);
        break;
      case PackFate::repack:
        add(report_.to_repack, pack);
        report_.repack_used_bytes += pack.used_bytes;
        break;
    }
  }
}

core::Result<CatalogueView> Collector::plan_salvage(const std::vector<PackId>& damaged) {
  CAIRN_TRY(const CatalogueView view, refresh());
  CAIRN_TRY(const PackDirectories directories, PackDirectories::list(repository_));
  const auto take = [&](const PackDirectories::Visited& visited) -> core::Status {
    const PackId& id = visited.pack.id;
    if (std::ranges::find(damaged, id) != damaged.end() && directories.present().contains(id)) {
      salvaged_.emplace(id, visited.pack);
    }
    return {};
  };
  CAIRN_TRY_STATUS(directories.visit(take, options_.stop, observer_));
  for (const auto& [id, pack] : salvaged_) {
    doomed_.insert(id);
    repacked_.push_back(id);
    report_.to_repack.packs += 1;
    report_.to_repack.bytes += pack.size_bytes;
    for (const format::BlockRecord& block : pack.directory.blocks) {
      for (const format::ChunkRecord& chunk : block.chunks) {
        salvaged_chunks_.add(chunk.id);
      }
    }
  }
  salvaged_chunks_.seal();
  report_.repack_used_bytes = report_.to_repack.bytes;
  return view;
}

/// Packs that this collector or another one is to delete, or that cannot be read.
core::Result<std::unordered_set<store::PackNumber>> Collector::unreliable(
    CatalogueView view) const {
  std::unordered_set<PackId> named = doomed_;
  named.insert(unread_.begin(), unread_.end());
  for (const CondemnedPacks& record : condemned_) {
    named.insert(record.packs.begin(), record.packs.end());
  }
  std::unordered_set<store::PackNumber> numbers;
  for (const PackId& id : named) {
    CAIRN_TRY(const auto number, view.catalogue().find_pack(id));
    if (number) {
      numbers.insert(*number);
    }
  }
  return numbers;
}

core::Status Collector::copy_needed(CatalogueView view) {
  if (repacked_.empty()) {
    return {};
  }
  CAIRN_TRY(const auto leaving, unreliable(view));
  const RepackOptions options{
      .marks = needed_chunks(),
      .repeated = salvaged_.empty() ? repeated_ : needed_chunks(),
      .stays =
          [&](store::PackNumber pack) {
            return !leaving.contains(pack) && !view.missing_packs().contains(pack);
          },
      .workers = core::worker_count(repository_.environment.threads, options_.workers),
      .stop = options_.stop,
      .damaged = salvaged_.empty() ? nullptr : &salvaged_};
  meter_.set_pack_totals(repacked_.size(), report_.repack_used_bytes);
  UsablePacks nothing;  // everything that is asked for is stored
  ChunkStore store({view, nothing}, {.compression_level = options_.compression_level}, meter_);
  Repack repack(view, options, store, meter_);
  core::Status copied = repack.run(repacked_);
  if (copied) {
    copied = store.publish_all();
  }
  const ChunkStore::Totals totals = store.totals();
  report_.written = {.packs = totals.data_packs + totals.metadata_packs,
                     .bytes = totals.pack_bytes};
  CAIRN_TRY(lost_, repack.lost());
  saved_chunks_ = repack.copied_chunks();
  unread_ = repack.unread();
  for (const PackId& id : unread_) {
    doomed_.erase(id);
    report_.kept.packs += 1;
    report_.kept.bytes += salvaged_.at(id).size_bytes;
  }
  if (!copied && copied.error().code() == ErrorCode::no_space) {
    // What was not copied keeps its packs; what is deleted makes space for the next prune.
    observer_.warning(copied.error().message() +
                      ": going on with what can be given back without writing");
    report_.stopped_for_space = true;
    return {};
  }
  if (!copied) {
    return core::fail(explain_unread(std::move(copied).error()));
  }
  return copied;
}

core::Status Collector::condemn() {
  format::Condemned condemned;
  repository_.environment.random.fill(condemned.collector.mutable_view());
  condemned.when = repository_.environment.clock.now();
  condemned.packs.assign(doomed_.begin(), doomed_.end());
  std::ranges::sort(condemned.packs);
  if (condemned.packs.size() > format::kCondemnedPacksMax) {
    condemned.packs.resize(format::kCondemnedPacksMax);  // the next prune goes on
    doomed_ = {condemned.packs.begin(), condemned.packs.end()};
  }
  CAIRN_TRY(record_, with_reserve(repository_, observer_, [&] {
              return store::put_condemned(*repository_.backend, *repository_.keys,
                                          repository_.environment.random, condemned);
            }));
  return {};
}

core::Status Collector::await_sessions() {
  core::Clock& clock = repository_.environment.clock;
  struct Waiting {
    std::uint64_t heartbeat = 0;
    std::uint64_t since_ns = 0;  ///< when it was first seen, or last moved
  };
  std::map<SnapshotId, Waiting> waiting;
  CAIRN_TRY(auto announced, list_announced_sessions(repository_));
  for (const auto& [id, session] : announced) {
    CAIRN_TRY(const bool decided, is_decided(repository_, id));
    if (!decided) {
      waiting.emplace(id, Waiting{session.newest.heartbeat, clock.monotonic_ns()});
      observer_.detail(fmt::format("waiting for the backup of process {} on {}",
                                   session.newest.process.number, session.newest.host));
    }
  }
  while (!waiting.empty()) {
    CAIRN_TRY_STATUS(core::check_stop(options_.stop));
    for (auto at = waiting.begin(); at != waiting.end();) {
      const auto& [id, wait] = *at;
      const auto found = announced.find(id);
      CAIRN_TRY(bool is_over, is_decided(repository_, id));
      is_over = is_over || found == announced.end();
      if (!is_over && is_dead(found->second.newest, wait.since_ns)) {
        CAIRN_TRY_STATUS(give_up(id));
        is_over = true;
      }
      at = is_over ? waiting.erase(at) : std::next(at);
    }
    if (waiting.empty()) {
      break;
    }
    meter_.at("waiting for a backup to end");
    clock.pause(kPollNs);
    CAIRN_TRY(announced, list_announced_sessions(repository_));
    for (auto& [id, wait] : waiting) {
      const auto found = announced.find(id);
      if (found != announced.end() && found->second.newest.heartbeat != wait.heartbeat) {
        wait = {found->second.newest.heartbeat, clock.monotonic_ns()};
      }
    }
  }
  return {};
}

core::Status Collector::give_up(const SnapshotId& session) {
  const core::Status fenced = with_reserve(repository_, observer_, [&] {
    return store::put_fence(*repository_.backend, *repository_.keys, repository_.environment.random,
                            session);
  });
  if (!fenced && fenced.error().code() != ErrorCode::already_exists) {
    return fenced;
  }
  report_.sessions_given_up += fenced ? 1U : 0U;
  return {};
}

bool Collector::process_is_gone(const format::Session& session) const {
  const Environment& environment = repository_.environment;
  return environment.process_is_gone && environment.process_is_gone(session.process);
}

bool Collector::is_dead(const format::Session& session, std::uint64_t since_ns) const {
  if (process_is_gone(session)) {
    return true;
  }
  const std::uint64_t waited_ns = repository_.environment.clock.monotonic_ns() - since_ns;
  return waited_ns / core::kNanosecondsPerSecond >= options_.stale_after_seconds;
}

core::Status Collector::spare_needed() {
  CAIRN_TRY(const auto snapshots, list_snapshots());
  CAIRN_TRY(const CatalogueView view, refresh());
  if (salvaged_.empty()) {
    CAIRN_TRY_STATUS(mark(view, snapshots));
  }
  CAIRN_TRY(const auto leaving, unreliable(view));
  // Frozen like what a writer relies on: a copy that another process puts back into the catalogue,
  // and that is gone, does not count.
  const store::PackFilter stays = [&](store::PackNumber pack) {
    return pack < view.first_unseen_pack() && !leaving.contains(pack) &&
           !view.missing_packs().contains(pack);
  };
  CAIRN_TRY(const PackDirectories directories, PackDirectories::list(repository_));
  std::unordered_set<PackId> seen;
  const auto spare = [&](const PackDirectories::Visited& visited) -> core::Status {
    const PackId& id = visited.pack.id;
    if (!doomed_.contains(id) || !directories.present().contains(id) || !seen.insert(id).second) {
      return {};
    }
    std::vector<ChunkId> needed;
    for (const format::BlockRecord& block : visited.pack.directory.blocks) {
      for (const format::ChunkRecord& chunk : block.chunks) {
        if (needed_chunks().contains(chunk.id) && !lost_.contains(chunk.id)) {
          needed.push_back(chunk.id);
        }
      }
    }
    CAIRN_TRY(const auto copies, view.catalogue().find_all(needed, stays));
    if (!std::ranges::all_of(copies, [](const auto& copy) { return copy.has_value(); })) {
      doomed_.erase(id);
      report_.kept.packs += 1;
      report_.kept.bytes += visited.pack.size_bytes;
    }
    return {};
  };
  CAIRN_TRY_STATUS(directories.visit(spare, options_.stop, observer_));
  // A pack whose directory cannot be read now: nobody knows what is in it.
  std::erase_if(doomed_, [&](const PackId& id) {
    return directories.present().contains(id) && !seen.contains(id);
  });
  return {};
}

core::Status Collector::remove_doomed() {
  const auto rewrite = [&] {
    return rewrite_index(repository_, {.leave_out = doomed_, .stop = options_.stop}, observer_);
  };
  auto rewritten = with_reserve(repository_, observer_, rewrite);
  // With no space for a new index the packs are deleted first. Nobody relies on them, since the
  // condemned record exists, and a listed pack that is gone counts as missing.
  const bool index_last = !rewritten && rewritten.error().code() == ErrorCode::no_space;
  if (!rewritten && !index_last) {
    return core::fail(std::move(rewritten).error());
  }
  CAIRN_TRY_STATUS(remove_packs());
  if (index_last) {
    CAIRN_TRY(rewritten, rewrite());
  }
  report_.index_segments_written += rewritten->written;
  report_.index_segments_removed += rewritten->removed;
  return {};
}

core::Status Collector::remove_packs() {
  for (const PackId& id : doomed_) {
    CAIRN_TRY_STATUS(core::check_stop(options_.stop));
    const auto name = store::object_name(ObjectKind::pack, id);
    CAIRN_TRY(const auto size, repository_.backend->size(name));
    CAIRN_TRY(const bool removed, remove_object(repository_, name));
    if (removed) {
      report_.removed.packs += 1;
      report_.removed.bytes += size.value_or(0);
    }
    meter_.at(store::object_path(name));
  }
  return {};
}

core::Status Collector::withdraw_records() {
  const auto name = [](const CondemnedId& id) {
    return store::object_name(ObjectKind::condemned, id);
  };
  if (record_) {
    CAIRN_TRY_STATUS(remove_object(repository_, name(*record_)));
  }
  for (const CondemnedPacks& record : condemned_) {
    // Its collector may be asleep, having decided to delete: as long as one of its packs exists, so
    // must the record.
    bool names_nothing = true;
    for (const PackId& pack : record.packs) {
      CAIRN_TRY(const auto size,
                repository_.backend->size(store::object_name(ObjectKind::pack, pack)));
      names_nothing = names_nothing && !size;
    }
    if (names_nothing) {
      CAIRN_TRY_STATUS(remove_object(repository_, name(record.id)));
    }
  }
  return {};
}

/// Tags and pins of snapshots that were forgotten.
core::Status Collector::clear_dead_marks() {
  CAIRN_TRY(const StandingMarks marks, read_marks(repository_));
  for (const auto& [snapshot, standing] : marks.of) {
    CAIRN_TRY(const bool forgotten, is_forgotten(repository_, snapshot));
    std::vector<MarkId> dead = standing.superseded;
    dead.push_back(standing.id);
    for (std::size_t i = 0; forgotten && i < dead.size(); ++i) {
      CAIRN_TRY(const bool removed,
                remove_object(repository_, store::object_name(ObjectKind::mark, dead[i])));
      report_.leftovers_removed += removed ? 1 : 0;
    }
  }
  return {};
}

core::Status Collector::clear_leftovers() {
  for (const SnapshotId& id : forgotten_) {
    CAIRN_TRY(const bool removed,
              remove_object(repository_, store::object_name(ObjectKind::snapshot, id)));
    report_.snapshots_removed += removed ? 1 : 0;
  }
  CAIRN_TRY_STATUS(clear_dead_marks());
  CAIRN_TRY(const auto announced, list_announced_sessions(repository_));
  for (const auto& [id, session] : announced) {
    CAIRN_TRY(bool decided, is_decided(repository_, id));
    if (!decided && process_is_gone(session.newest)) {
      CAIRN_TRY_STATUS(give_up(id));
      decided = true;
    }
    for (std::size_t i = 0; decided && i < session.objects.size(); ++i) {
      CAIRN_TRY(
          const bool removed,
          remove_object(repository_, store::object_name(ObjectKind::session, session.objects[i])));
      report_.leftovers_removed += removed ? 1 : 0;
    }
  }
  CAIRN_TRY(const auto unfinished, repository_.backend->abandoned(store::Certainty::likely));
  for (const std::string& name : unfinished) {
    const core::Status discarded = repository_.backend->discard_unfinished(name);
    report_.leftovers_removed += discarded ? 1U : 0U;  // otherwise another prune was faster
  }
  return {};
}

}  // namespace cairn::repo::ops
