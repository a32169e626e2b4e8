#include <set>
#include <utility>

#include "cairn/repo/stats.h"
#include "ops/collect/pack_usage.h"
#include "ops/repository/access.h"
#include "ops/rewrite/tree_rewriter.h"
#include "ops/snapshots/snapshot_choice.h"
#include "ops/tree/reachability.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/stored_nodes.h"
#include "ops/writing/writing_session.h"

namespace cairn::repo {

namespace {

using ops::WriteView;

struct Usage {
  std::uint64_t needed_bytes = 0;
  std::uint64_t unneeded_bytes = 0;
};

core::Result<Usage> usage_of(const ops::OpenRepository& repository, const ops::ChunkMarks& marks,
                             const std::stop_token& stop, Observer& observer) {
  CAIRN_TRY(const auto directories, ops::PackDirectories::list(repository));
  CAIRN_TRY(
      const ops::UsageSurvey survey,
      ops::survey_usage(directories, {.marks = marks, .condemned = {}, .stop = stop}, observer));
  Usage usage;
  for (const ops::PackUsage& pack : survey.packs) {
    usage.needed_bytes += pack.used_bytes;
    usage.unneeded_bytes += pack.unused_bytes;
  }
  return usage;
}

/// Marks the nodes that pass through it.
class MarkingSink final : public ops::NodeSink {
 public:
  MarkingSink(ops::NodeSink& nodes, ops::ChunkMarks& marks) : nodes_(nodes), marks_(marks) {}
  [[nodiscard]] core::Result<ChunkId> put_node(core::ByteView encoded) override {
    CAIRN_TRY(const ChunkId id, nodes_.put_node(encoded));
    marks_.add(id);
    return id;
  }

 private:
  ops::NodeSink& nodes_;
  ops::ChunkMarks& marks_;
};

/// Marks what the snapshots would need without the excluded paths. Returns the bytes of new nodes.
core::Result<std::uint64_t> mark_without(WriteView view,
                                         const std::vector<const ListedSnapshot*>& snapshots,
                                         const WouldFreeOptions& options, ops::ProgressMeter& meter,
                                         ops::ChunkMarks& marks) {
  ops::ChunkStore store(view, {.dry_run = true}, meter);
  ops::StoredNodes nodes(store, *view.repository.keys);
  MarkingSink sink(nodes, marks);
  ops::TreeRewriter::UnchangedFolders unchanged;
  ops::TreeRewriter trees(view, sink, unchanged,
                          {.exclude = &options.exclude, .kept = &marks, .stop = options.stop},
                          meter);
  for (const ListedSnapshot* const listed : snapshots) {
    for (const Source& source : listed->snapshot.sources) {
      CAIRN_TRY_STATUS(trees.rewrite(source));
    }
  }
  CAIRN_TRY_STATUS(nodes.flush());
  CAIRN_TRY_STATUS(store.publish_all());
  marks.seal();
  return store.totals().metadata.stored_bytes;
}

}  // namespace

static core::Result<WouldFree> would_free_once(ops::OpenRepository& repository,
                                               const WouldFreeOptions& options,
                                               Observer& observer) {
  CAIRN_TRY(const auto session,
            ops::WritingSession::begin(repository, {.announce = false}, observer));
  const WriteView view = session->view();
  CAIRN_TRY(const ops::SnapshotList list, ops::read_snapshots(repository));
  if (!list.unreadable.empty()) {
    return core::fail(core::Error(list.unreadable.begin()->second)
                          .with_hint("what it needs is not known. See: cairn verify"));
  }
  std::set<SnapshotId> forgotten;
  for (const std::string& name : options.snapshots) {
    CAIRN_TRY(const ListedSnapshot* const listed,
              ops::find_in(list, name, options.filter, observer));
    forgotten.insert(listed->id);
  }
  ops::ProgressMeter meter(observer, repository.environment.clock);
  ops::Reachability all({.stop = options.stop, .meter = &meter});
  ops::Reachability staying({.stop = options.stop});
  std::vector<const ListedSnapshot*> stay;
  for (const ListedSnapshot& listed : list.snapshots) {
    CAIRN_TRY_STATUS(all.add(view, listed.snapshot));
    if (!forgotten.contains(listed.id)) {
      stay.push_back(&listed);
    }
  }
  all.seal();
  WouldFree result;
  CAIRN_TRY(const Usage now, usage_of(repository, all.marks(), options.stop, observer));
  Usage then;
  if (options.exclude.empty()) {
    for (const ListedSnapshot* const listed : stay) {
      CAIRN_TRY_STATUS(staying.add(view, listed->snapshot));
    }
    staying.seal();
    CAIRN_TRY(then, usage_of(repository, staying.marks(), options.stop, observer));
  } else {
    ops::ChunkMarks marks;
    CAIRN_TRY(result.added_bytes, mark_without(view, stay, options, meter, marks));
    CAIRN_TRY(then, usage_of(repository, marks, options.stop, observer));
  }
  meter.finish();
  result.needed_bytes = now.needed_bytes;
  result.unneeded_bytes = now.unneeded_bytes;
  result.freed_bytes = now.needed_bytes - then.needed_bytes;
  return result;
}

core::Result<WouldFree> would_free(Repository& repository, const WouldFreeOptions& options,
                                   Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  return ops::with_sound_catalogue(open, observer,
                                   [&] { return would_free_once(open, options, observer); });
}

}  // namespace cairn::repo
