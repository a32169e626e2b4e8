#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cairn/repo/forget.h"
#include "cairn/repo/rewrite.h"
#include "ops/choice/left_out.h"
#include "ops/progress/after_commit.h"
#include "ops/progress/problem_list.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/rewrite/tree_rewriter.h"
#include "ops/snapshots/chain.h"
#include "ops/snapshots/snapshot_choice.h"
#include "ops/writing/announced_sessions.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/stored_nodes.h"
#include "ops/writing/writing_session.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::OpenRepository;

bool is_same_but_for_tags(const Snapshot& a, const Snapshot& b) {
  return a.start == b.start && a.end == b.end && a.host == b.host && a.user == b.user &&
         a.set == b.set && a.type == b.type && a.sources == b.sources;
}

class Rewriting {
 public:
  Rewriting(Repository& repository, const ops::TreeRewriter::Options& trees,
            const RewriteOptions& options, Observer& observer)
      : repository_(repository),
        open_(ops::opened(repository)),
        options_(options),
        observer_(observer),
        meter_(observer, open_.environment.clock),
        trees_(trees) {}

  core::Result<RewriteReport> run();

 private:
  core::Status replace(RewrittenSnapshot& rewritten);
  core::Status replace_once(RewrittenSnapshot& rewritten);
  core::Result<Snapshot> build(ops::WriteView view, RewrittenSnapshot& rewritten);
  core::Status publish(ops::WritingSession& session, const Snapshot& snapshot,
                       RewrittenSnapshot& rewritten);
  core::Status pin_replacement(const RewrittenSnapshot& rewritten);
  core::Status forget_original(RewrittenSnapshot& rewritten);

  Repository& repository_;
  OpenRepository& open_;
  const RewriteOptions& options_;
  Observer& observer_;
  ops::ProgressMeter meter_;
  const ops::TreeRewriter::Options trees_;
  ops::TreeRewriter::UnchangedFolders unchanged_;
  std::vector<ListedSnapshot> standing_;
  RewriteReport report_;
};

core::Result<RewriteReport> Rewriting::run() {
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(open_));
  list.warn(observer_);
  standing_ = list.snapshots;
  CAIRN_TRY_STATUS(ops::keep_matching(list, options_.filter, observer_));
  report_.unreadable = options_.filter.names.empty() ? list.unreadable.size() : 0;
  TreeCounts totals;
  for (ListedSnapshot& listed : list.snapshots) {
    totals += counts_of(listed.snapshot);
    report_.snapshots.push_back({.original = std::move(listed)});
  }
  meter_.set_totals(totals.files + totals.folders + totals.symlinks + totals.others, totals.bytes);
  for (RewrittenSnapshot& rewritten : report_.snapshots) {
    CAIRN_TRY_STATUS(replace(rewritten));
    if (rewritten.replacement && options_.forget && !options_.dry_run) {
      ops::AfterCommit after(observer_, fmt::format("snapshot {} is stored in place of {}",
                                                    rewritten.replacement->short_hex(),
                                                    rewritten.original.id.short_hex()));
      after(forget_original(rewritten));
    }
  }
  meter_.finish();
  return std::move(report_);
}

core::Status Rewriting::replace(RewrittenSnapshot& rewritten) {
  for (int fences = 0;; ++fences) {
    core::Status done = replace_once(rewritten);
    if (done) {
      return done;
    }
    if (done.error().code() != ErrorCode::fenced || fences >= ops::WritingSession::kFencesMax) {
      return core::fail(std::move(done).error().with_context("rewrite snapshot " +
                                                             rewritten.original.id.short_hex()));
    }
    observer_.warning(done.error().message() + ": starting again");
  }
}

core::Status Rewriting::replace_once(RewrittenSnapshot& rewritten) {
  rewritten = {.original = std::move(rewritten.original)};
  CAIRN_TRY(const auto session,
            ops::WritingSession::begin(
                open_, {.program_version = options_.program_version, .announce = !options_.dry_run},
                observer_));
  // Condemned records have been read: a collector that comes after somebody forgets the snapshot
  // waits for this session. What it needs may be relied on as long as it exists.
  CAIRN_TRY(const bool forgotten, ops::is_forgotten(open_, rewritten.original.id));
  if (forgotten) {
    observer_.warning(
        fmt::format("snapshot {} has been forgotten meanwhile", rewritten.original.id.short_hex()));
    return {};
  }
  CAIRN_TRY(const Snapshot snapshot, build(session->view(), rewritten));
  const auto before = std::ranges::find_if(standing_, [&](const ListedSnapshot& listed) {
    return listed.id != rewritten.original.id && is_same_but_for_tags(listed.snapshot, snapshot);
  });
  if (rewritten.changed && before != standing_.end()) {
    rewritten.replacement = before->id;
    rewritten.was_there = true;
    return {};
  }
  return rewritten.changed && !options_.dry_run ? publish(*session, snapshot, rewritten)
                                                : core::Status();
}

/// The snapshot that replaces it; everything that it refers to is durable.
core::Result<Snapshot> Rewriting::build(ops::WriteView view, RewrittenSnapshot& rewritten) {
  ops::ChunkStore store(
      view, {.compression_level = options_.compression_level, .dry_run = options_.dry_run}, meter_);
  ops::StoredNodes nodes(store, *open_.keys);
  ops::TreeRewriter trees(view, nodes, unchanged_, trees_, meter_);
  Snapshot snapshot = rewritten.original.snapshot;
  snapshot.sources.clear();
  bool changed = false;
  for (const Source& source : rewritten.original.snapshot.sources) {
    CAIRN_TRY(ops::RewrittenSource became, trees.rewrite(source));
    changed = changed || became.changed;
    if (became.source) {
      snapshot.sources.push_back(std::move(*became.source));
    }
    rewritten.left_out += became.left_out;
    rewritten.left_out_bytes += became.left_out_bytes;
    rewritten.lost_count += became.lost_count;
    for (Problem& problem : became.lost) {
      if (rewritten.lost.size() < kProblemsMax) {
        rewritten.lost.push_back(problem);
      }
      ops::list_problem(snapshot.problems, std::move(problem));
    }
  }
  snapshot.problem_count += rewritten.lost_count;
  rewritten.nothing_left = snapshot.sources.empty();
  rewritten.changed = changed && !rewritten.nothing_left;
  if (!rewritten.changed) {
    return snapshot;
  }
  if (trees_.exclude != nullptr) {
    ops::add_left_out({.filter = *trees_.exclude},
                      snapshot);  // it does not count as lost, and no restore deletes it
  }
  CAIRN_TRY_STATUS(nodes.flush());
  CAIRN_TRY_STATUS(store.publish_all());
  const ops::ChunkStore::Totals totals = store.totals();
  snapshot.added_data = totals.data;
  snapshot.added_metadata = totals.metadata;
  report_.written_bytes += totals.written_bytes;
  return snapshot;
}

core::Status Rewriting::publish(ops::WritingSession& session, const Snapshot& snapshot,
                                RewrittenSnapshot& rewritten) {
  CAIRN_TRY_STATUS(session.publish(snapshot, report_.written_bytes, observer_));
  rewritten.replacement = session.id();
  ListedSnapshot listed = rewritten.original;
  listed.id = session.id();
  listed.snapshot = snapshot;
  standing_.push_back(std::move(listed));
  if (rewritten.original.pinned) {
    ops::AfterCommit after(observer_, fmt::format("snapshot {} is stored in place of {}",
                                                  rewritten.replacement->short_hex(),
                                                  rewritten.original.id.short_hex()));
    after(pin_replacement(rewritten));
  }
  return {};
}

core::Status Rewriting::pin_replacement(const RewrittenSnapshot& rewritten) {
  CAIRN_TRY(const ops::StandingMarks marks, ops::read_marks(open_));
  return ops::put_standing_mark(open_, marks,
                                {.snapshot = *rewritten.replacement,
                                 .tags = rewritten.original.snapshot.tags,
                                 .pinned = true});
}

core::Status Rewriting::forget_original(RewrittenSnapshot& rewritten) {
  if (rewritten.original.pinned) {
    observer_.warning(
        fmt::format("snapshot {} is pinned, so it stays; unpin and forget it if {} "
                    "is good",
                    rewritten.original.id.short_hex(), rewritten.replacement->short_hex()));
    return {};
  }
  CAIRN_TRY(const ForgetReport forgotten,
            forget(repository_, {.snapshots = {rewritten.original.id.hex()}}, observer_));
  rewritten.forgotten = forgotten.forgotten > 0;
  return {};
}

core::Result<RewriteReport> rewrite_with(Repository& repository,
                                         const ops::TreeRewriter::Options& trees,
                                         const RewriteOptions& options, Observer& observer) {
  CAIRN_TRY_STATUS(ops::check_compression_level(options.compression_level));
  OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open, "replace snapshots"));
  if (!open.keys->can_write()) {
    return core::fail(
        ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot add snapshots", to_string(open.keys->role())),
        "use a key of role admin");
  }
  return ops::with_sound_catalogue(
      open, observer, [&] { return Rewriting(repository, trees, options, observer).run(); });
}

}  // namespace

core::Result<RewriteReport> rewrite(Repository& repository, const PathFilter& exclude,
                                    const RewriteOptions& options, Observer& observer) {
  return ops::reported_verb(observer, "rewrite", [&] {
    return rewrite_with(repository, {.exclude = &exclude, .stop = options.stop}, options, observer);
  });
}

core::Result<RewriteReport> repair_snapshots(Repository& repository, const RewriteOptions& options,
                                             Observer& observer) {
  return ops::reported_verb(observer, "repair snapshots", [&]() -> core::Result<RewriteReport> {
    CAIRN_TRY(auto report,
              rewrite_with(repository, {.mend = true, .stop = options.stop}, options, observer));
    // Snapshots that are gone as a whole cannot be repaired: this is noted, so that no audit
    // reports them as just removed.
    OpenRepository& open = ops::opened(repository);
    CAIRN_TRY_STATUS(ops::acknowledge_lost_snapshots(open, options.dry_run, observer));
    return report;
  });
}

}  // namespace cairn::repo
