#include "cairn/repo/copy.h"
#include "cairn/core/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ops/copy/copy_chunks.h"
#include "ops/copy/copy_tree.h"
#include "ops/progress/after_commit.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/snapshots/snapshot_choice.h"
#include "ops/writing/stored_nodes.h"
#include "ops/writing/writing_session.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using format::ObjectKind;
using ops::CatalogueView;
using ops::OpenRepository;

core::Status check_roles(const OpenRepository& from, const OpenRepository& to) {
  CAIRN_TRY_STATUS(ops::require_metadata_key(from));
  CAIRN_TRY_STATUS(ops::require_data_key(from));
  CAIRN_TRY_STATUS(ops::require_writing_key(to));
  if (from.config.repository_id == to.config.repository_id) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} and {} are the same repository", from.location, to.location),
                      "a copy needs a repository of its own: cairn init");
  }
  return {};
}

/// Everything that a copy keeps. Tags are left out, since they may be changed on either side.
Snapshot without_what_differs(const Snapshot& snapshot) {
  Snapshot kept = snapshot;
  kept.tags.clear();
  kept.added_data = {};
  kept.added_metadata = {};
  for (Source& source : kept.sources) {
    source.root = {};
    source.birth_times = {
        .size_bytes = source.birth_times.size_bytes, .items = {}, .tree_root = {}};
  }
  return kept;
}

void leave_only(const std::set<SnapshotId>& kept, std::vector<ListedSnapshot>& snapshots) {
  std::erase_if(snapshots,
                [&kept](const ListedSnapshot& listed) { return !kept.contains(listed.id); });
}

/// Keeps the newest `count` of each host, set and paths that "latest" could mean.
void keep_latest(std::vector<ListedSnapshot>& snapshots, std::uint64_t count, core::Timestamp now) {
  if (count == 0) {
    return;
  }
  std::erase_if(snapshots, [now](const ListedSnapshot& listed) {
    return listed.snapshot.partial || is_in_future(listed.snapshot, now);
  });
  std::set<SnapshotId> kept;
  for (const SnapshotGroup& group : group_snapshots(snapshots, {})) {
    const std::size_t most = std::min<std::uint64_t>(count, group.newest_first.size());
    for (std::size_t i = 0; i < most; ++i) {
      kept.insert(snapshots[group.newest_first[i]].id);
    }
  }
  leave_only(kept, snapshots);
}

/// Keeps those that forget() would keep by these rules.
void keep_by_policy(std::vector<ListedSnapshot>& snapshots, const RetentionRules& rules,
                    core::Timestamp now) {
  if (rules.is_empty()) {
    return;
  }
  std::set<SnapshotId> kept;
  for (const RetentionGroup& group : apply_retention(snapshots, rules, now)) {
    for (const RetentionVerdict& verdict : group.verdicts) {
      if (verdict.keep) {
        kept.insert(snapshots[verdict.index].id);
      }
    }
  }
  leave_only(kept, snapshots);
}

std::string copy_note(const OpenRepository& from, const SnapshotId& snapshot) {
  core::Bytes name = core::to_bytes(from.config.repository_id.view());
  core::append(name, snapshot.view());
  return "copy/" + core::hash256(name).hex();
}

core::Result<std::set<SnapshotId>> standing_snapshots(const OpenRepository& repository) {
  CAIRN_TRY(const auto made,
            store::list_ids<SnapshotId>(*repository.backend, ObjectKind::snapshot));
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*repository.backend, ObjectKind::forgotten));
  std::set<SnapshotId> standing(made.begin(), made.end());
  for (const SnapshotId& id : forgotten) {
    standing.erase(id);
  }
  return standing;
}

/// A snapshot of the source and its copy.
struct Pair {
  Snapshot from;
  Snapshot to;
  SnapshotId copy;
};

class Copy {
 public:
  Copy(OpenRepository& source, CatalogueView from, OpenRepository& destination, CatalogueView to,
       const CopyOptions& options, Observer& observer)
      : source_(source),
        from_(from),
        destination_(destination),
        to_(to),
        options_(options),
        observer_(observer),
        meter_(observer, destination.environment.clock),
        chunks_(from, destination,
                {.workers = core::worker_count(destination.environment.threads, options.workers),
                 .stop = options.stop}),
        trees_(from, to, chunks_, meter_, options.stop) {}

  core::Result<CopyReport> run();

 private:
  core::Status find_copies(const std::vector<ListedSnapshot>& chosen);
  core::Status copy_missing(CopiedSnapshot& copied);
  core::Status copy_once(CopiedSnapshot& copied);
  [[nodiscard]] core::Result<bool> trusts_pairs(ops::WriteView view);
  [[nodiscard]] std::optional<ops::EntryPair> earlier_of(const Snapshot& snapshot,
                                                         const Source& source);
  [[nodiscard]] core::Result<std::vector<Source>> copy_sources(const Snapshot& snapshot);

  OpenRepository& source_;
  CatalogueView from_;
  OpenRepository& destination_;
  CatalogueView to_;
  const CopyOptions& options_;
  Observer& observer_;
  ops::ProgressMeter meter_;
  ops::ChunkCopier chunks_;
  ops::TreeCopier trees_;
  std::map<SnapshotId, Pair> pairs_;  ///< by the snapshot of the source
  CopyReport report_;
};

core::Result<CopyReport> Copy::run() {
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(from_));
  list.warn(observer_);
  CAIRN_TRY_STATUS(find_copies(list.snapshots));
  if (!list.unreadable.empty() && options_.filter.names.empty()) {
    if (options_.latest > 0 || !options_.rules.is_empty()) {
      const core::Error& error = list.unreadable.begin()->second;
      return core::fail(error.code(),
                        fmt::format("which snapshots are the newest is not known, since one "
                                    "cannot be read: {}",
                                    error.message()),
                        "copy all that can be read, or name some by their ids");
    }
    report_.unreadable = list.unreadable.size();
  }
  CAIRN_TRY_STATUS(ops::keep_matching(list, options_.filter, observer_));
  keep_latest(list.snapshots, options_.latest, list.now);
  keep_by_policy(list.snapshots, options_.rules, list.now);

  TreeCounts totals;
  for (ListedSnapshot& listed : list.snapshots) {
    CopiedSnapshot copied{
        .source = std::move(listed), .copy = {}, .added_data = {}, .added_metadata = {}};
    if (const auto pair = pairs_.find(copied.source.id); pair != pairs_.end()) {
      copied.copy = pair->second.copy;
      copied.was_there = true;
    } else {
      totals += counts_of(copied.source.snapshot);
    }
    report_.snapshots.push_back(std::move(copied));
  }
  meter_.set_totals(totals.files + totals.folders + totals.symlinks + totals.others, totals.bytes);
  for (CopiedSnapshot& copied : report_.snapshots) {
    if (!copied.was_there && !options_.dry_run) {
      CAIRN_TRY_STATUS(copy_missing(copied));
    }
  }
  meter_.finish();
  report_.bytes_read = chunks_.bytes_read();
  return std::move(report_);
}

/// Which snapshots of the source have a copy: even those that were not chosen save work.
core::Status Copy::find_copies(const std::vector<ListedSnapshot>& originals) {
  if (!destination_.keys->can_read_metadata()) {
    CAIRN_TRY(const auto standing, standing_snapshots(to_));
    for (const ListedSnapshot& original : originals) {
      CAIRN_TRY(const auto note, to_.catalogue().note(copy_note(from_, original.id)));
      if (note && note->size() == SnapshotId::kSize && standing.contains(SnapshotId::from(*note))) {
        // The copy's manifest cannot be read, so nothing can be compared.
        pairs_.emplace(original.id, Pair{{}, {}, SnapshotId::from(*note)});
      }
    }
    return {};
  }
  CAIRN_TRY(ops::SnapshotList there, ops::read_snapshots(to_));
  there.warn(observer_);
  std::multimap<core::Timestamp, ListedSnapshot*> by_start;
  for (ListedSnapshot& listed : there.snapshots) {
    by_start.emplace(listed.snapshot.start, &listed);
  }
  for (const ListedSnapshot& original : originals) {
    const auto [first, last] = by_start.equal_range(original.snapshot.start);
    for (auto at = first; at != last; ++at) {
      const ListedSnapshot& candidate = *at->second;
      if (without_what_differs(candidate.snapshot) == without_what_differs(original.snapshot)) {
        pairs_.emplace(original.id, Pair{original.snapshot, candidate.snapshot, candidate.id});
        break;
      }
    }
  }
  return {};
}

core::Status Copy::copy_missing(CopiedSnapshot& copied) {
  const SnapshotId& id = copied.source.id;
  for (int attempt = 0;; ++attempt) {
    core::Status done = copy_once(copied);
    if (done) {
      return done;
    }
    // Some of what was copied belongs to no snapshot yet.
    trees_.forget_folders();
    const ErrorCode code = done.error().code();
    if (code == ErrorCode::fenced && attempt < ops::WritingSession::kFencesMax) {
      observer_.warning(done.error().message() + ": starting again, with what it has stored");
    } else if (code == ErrorCode::not_found && attempt == 0) {
      // A prune of the source may have moved it.
      observer_.detail(done.error().message() + ": looking again");
      CAIRN_TRY_STATUS(ops::ensure_catalogue(source_, observer_));
    } else {
      return core::fail(std::move(done).error().with_context("copy snapshot " + id.short_hex()));
    }
  }
}

core::Status Copy::copy_once(CopiedSnapshot& copied) {
  CAIRN_TRY(const auto session,
            ops::WritingSession::begin(destination_, {.program_version = options_.program_version},
                                       observer_));
  const ops::WriteView view = session->view();
  CAIRN_TRY(const bool trusted, trusts_pairs(view));
  CAIRN_TRY(const ops::StorageLimit limit, ops::measure_storage(view, observer_));
  ops::ChunkStore store(view, {.compression_level = options_.compression_level, .limit = limit},
                        meter_);
  ops::StoredNodes nodes(store, *destination_.keys);
  chunks_.begin(store);
  trees_.begin(nodes, trusted);

  Snapshot snapshot = copied.source.snapshot;
  auto sources = copy_sources(copied.source.snapshot);
  if (!sources && sources.error().code() != ErrorCode::interrupted) {
    return core::fail(std::move(sources).error());
  }
  // Interrupted work is also made durable: the next copy goes on from there.
  CAIRN_TRY_STATUS(chunks_.flush());
  CAIRN_TRY_STATUS(nodes.flush());
  CAIRN_TRY_STATUS(store.publish_all());
  const ops::ChunkStore::Totals totals = store.totals();
  snapshot.added_data = totals.data;
  snapshot.added_metadata = totals.metadata;
  report_.written_bytes += totals.written_bytes;
  if (!sources) {
    return core::fail(std::move(sources).error());
  }
  snapshot.sources = *std::move(sources);
  CAIRN_TRY_STATUS(store.check_room_for(snapshot));
  CAIRN_TRY_STATUS(session->publish(snapshot, report_.written_bytes, observer_));

  copied.copy = session->id();
  copied.added_data = totals.data;
  copied.added_metadata = totals.metadata;
  ops::AfterCommit after(observer_,
                         fmt::format("snapshot {} is stored", session->id().short_hex()));
  after(to_.catalogue().put_note(copy_note(from_, copied.source.id), session->id().view()));
  pairs_.emplace(copied.source.id,
                 Pair{copied.source.snapshot, std::move(snapshot), session->id()});
  return {};
}

/// Condemned records have been read: a collector that comes after somebody forgets a copy waits for
/// this session. What belongs to copies that exist now may be relied on; see rule 2 in
/// docs/design/0006-stat-cache.md.
core::Result<bool> Copy::trusts_pairs(ops::WriteView view) {
  CAIRN_TRY(const auto standing, standing_snapshots(to_));
  const auto dropped = std::erase_if(
      pairs_, [&standing](const auto& pair) { return !standing.contains(pair.second.copy); });
  const bool trusted = !view.usable_packs.avoids_any();
  if (dropped > 0 || !trusted) {
    trees_.forget_folders();
  }
  return trusted;
}

/// The nearest earlier snapshot of the path that has a copy, else the nearest later one.
std::optional<ops::EntryPair> Copy::earlier_of(const Snapshot& snapshot, const Source& source) {
  const Pair* best = nullptr;
  const auto is_better = [&](const Pair& a, const Pair& b) {
    const bool a_before = a.from.start <= snapshot.start;
    const bool b_before = b.from.start <= snapshot.start;
    const auto ranks = std::tuple(a.from.host == snapshot.host, a_before);
    const auto other = std::tuple(b.from.host == snapshot.host, b_before);
    return ranks != other ? ranks > other
                          : (a_before ? a.from.start > b.from.start : a.from.start < b.from.start);
  };
  const auto find = [&source](const Snapshot& in) {
    return std::ranges::find(in.sources, source.path, &Source::path);
  };
  for (const auto& item : pairs_) {
    const Pair& pair = item.second;
    if (find(pair.from) != pair.from.sources.end() && find(pair.to) != pair.to.sources.end() &&
        (best == nullptr || is_better(pair, *best))) {
      best = &pair;
    }
  }
  if (best == nullptr) {
    return std::nullopt;
  }
  // This only saves work: what cannot be read is not used.
  auto from = ops::read_root(from_, *find(best->from));
  auto to = ops::read_root(to_, *find(best->to));
  if (!from || !to) {
    return std::nullopt;
  }
  return ops::EntryPair{std::move(*from), std::move(*to)};
}

core::Result<std::vector<Source>> Copy::copy_sources(const Snapshot& snapshot) {
  std::vector<Source> sources;
  for (const Source& source : snapshot.sources) {
    meter_.at(source.path);
    CAIRN_TRY(Source copied, trees_.copy(source, earlier_of(snapshot, source)));
    sources.push_back(std::move(copied));
  }
  return sources;
}

}  // namespace

core::Result<CopyReport> copy(Repository& source, Repository& destination,
                              const CopyOptions& options, Observer& observer) {
  CAIRN_TRY_STATUS(ops::check_compression_level(options.compression_level));
  OpenRepository& from = ops::opened(source);
  OpenRepository& to = ops::opened(destination);
  CAIRN_TRY_STATUS(check_roles(from, to));
  return ops::reported_verb(observer, "copy", [&] {
    return ops::with_catalogue(from, observer, [&](CatalogueView from_view) {
      return ops::with_catalogue(to, observer, [&](CatalogueView to_view) {
        return Copy(from, from_view, to, to_view, options, observer).run();
      });
    });
  });
}

}  // namespace cairn::repo
