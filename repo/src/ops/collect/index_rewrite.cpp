#include "ops/collect/index_rewrite.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ops/repository/pack_directories.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

// At 40 bytes a chunk about 20 MiB; 32,768 packs take as much.
constexpr std::uint64_t kSegmentChunks = 512 * 1024;
constexpr std::size_t kSegmentPacks = 32 * 1024;
// A full segment of a backup lists 49,152 chunks. Each client has to read a merged segment again,
// so a few small ones may stay.
constexpr std::uint64_t kSmallSegmentChunks = 16 * 1024;
constexpr std::size_t kSmallSegmentsMany = 16;

std::uint64_t chunks_of(const format::IndexedPack& pack) {
  std::uint64_t chunks = 0;
  for (const format::BlockRecord& block : pack.directory.blocks) {
    chunks += block.chunks.size();
  }
  return chunks;
}

/// What one pass learns about each segment.
struct SegmentState {
  std::uint64_t chunks = 0;
  bool is_stale = false;  ///< lists a pack that is to be left out, or is gone
};

class Rewriter {
 public:
  Rewriter(const OpenRepository& repository, const IndexRewriteOptions& options, Observer& observer)
      : repository_(repository), options_(options), observer_(observer) {}

  core::Result<RewrittenIndex> run() {
    CAIRN_TRY(const PackDirectories directories, PackDirectories::list(repository_));
    CAIRN_TRY_STATUS(choose(directories));
    if (replaced_.empty() && !has_unlisted_) {
      return result_;
    }
    CAIRN_TRY_STATUS(directories.visit(
        [&](const PackDirectories::Visited& visited) -> core::Status {
          const bool is_wanted = visited.segment == nullptr || replaced_.contains(*visited.segment);
          return is_wanted && belongs(directories, visited.pack) ? add(visited.pack)
                                                                 : core::Status();
        },
        options_.stop, observer_));
    CAIRN_TRY_STATUS(publish());
    for (const IndexSegmentId& id : replaced_) {
      const core::Status removed =
          repository_.backend->remove(store::object_name(format::ObjectKind::index, id));
      if (!removed && removed.error().code() != core::ErrorCode::not_found) {
        return core::fail(removed.error());
      }
      result_.removed += removed ? 1U : 0U;
    }
    return result_;
  }

 private:
  [[nodiscard]] bool belongs(const PackDirectories& directories,
                             const format::IndexedPack& pack) const {
    return directories.present().contains(pack.id) && !options_.leave_out.contains(pack.id);
  }

  core::Status choose(const PackDirectories& directories) {
    std::map<IndexSegmentId, SegmentState> segments;
    CAIRN_TRY_STATUS(directories.visit(
        [&](const PackDirectories::Visited& visited) -> core::Status {
          const bool is_kept = belongs(directories, visited.pack);
          if (visited.segment == nullptr) {
            has_unlisted_ = has_unlisted_ || is_kept;
            return {};
          }
          SegmentState& segment = segments[*visited.segment];
          segment.chunks += chunks_of(visited.pack);
          segment.is_stale = segment.is_stale || !is_kept;
          return {};
        },
        options_.stop, observer_));
    const auto is_small = [](const auto& item) { return item.second.chunks < kSmallSegmentChunks; };
    const bool merges =
        static_cast<std::size_t>(std::ranges::count_if(segments, is_small)) >= kSmallSegmentsMany;
    if (options_.replace_all) {
      replaced_.insert(directories.segments().begin(), directories.segments().end());
    }
    for (const auto& item : segments) {
      if (item.second.is_stale || (merges && is_small(item))) {
        replaced_.insert(item.first);
      }
    }
    return {};
  }

  core::Status add(const format::IndexedPack& pack) {
    if (!added_.insert(pack.id).second) {
      return {};
    }
    chunks_ += chunks_of(pack);
    next_.packs.push_back(pack);
    return chunks_ >= kSegmentChunks || next_.packs.size() >= kSegmentPacks ? publish()
                                                                            : core::Status();
  }

  core::Status publish() {
    if (next_.packs.empty()) {
      return {};
    }
    format::IndexSegment segment = std::exchange(next_, {});
    chunks_ = 0;
    result_.packs += segment.packs.size();
    std::ranges::sort(segment.packs, {}, &format::IndexedPack::id);
    std::uint64_t written_bytes = 0;
    CAIRN_TRY_STATUS(store::put_index_segment(*repository_.backend, *repository_.keys,
                                              repository_.environment.random, segment,
                                              written_bytes));
    result_.written += 1;
    return {};
  }

  const OpenRepository& repository_;
  const IndexRewriteOptions options_;
  Observer& observer_;
  std::unordered_set<IndexSegmentId> replaced_;
  bool has_unlisted_ = false;
  std::unordered_set<PackId> added_;
  format::IndexSegment next_;
  std::uint64_t chunks_ = 0;
  RewrittenIndex result_;
};

}  // namespace

core::Result<RewrittenIndex> rewrite_index(const OpenRepository& repository,
                                           const IndexRewriteOptions& options, Observer& observer) {
  return Rewriter(repository, options, observer).run();
}

}  // namespace cairn::repo::ops
