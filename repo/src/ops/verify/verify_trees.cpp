#include <fmt/format.h>

#include <utility>

#include "cairn/core/stop.h"
#include "format/node.h"
#include "ops/progress/ends_everything.h"
#include "ops/tree/stored_tree_walk.h"
#include "ops/verify/verify_steps.h"

namespace cairn::repo::ops {

namespace {

constexpr std::string_view kBirthTimes = "a list of birth times";

std::string pack_path(const VerifyWork& work, const store::ChunkLocation& location) {
  const auto pack = work.view.catalogue().pack(location.pack);
  return pack ? store::object_path(store::object_name(format::ObjectKind::pack, pack->id))
              : std::string("packs/?");
}

}  // namespace

void NeededBlocks::add(const store::ChunkLocation& location) { packs_.insert(location.pack); }

core::Result<std::optional<core::Bytes>> TreeCheck::read(const ChunkId& id) {
  CAIRN_TRY(const auto location, locate_chunk(work_.view, id));
  if (location) {
    needed_.add(*location);
  }
  if (work_.findings.blame(id, location)) {
    return std::optional<core::Bytes>();  // its pack is known to be gone
  }
  if (!location) {
    const auto finding = work_.findings.missing(
        "node " + id.hex(), "a snapshot refers to it, but no pack of the repository holds it",
        std::string(kHealingHelps));
    work_.findings.mark_chunk(id, finding);
    return std::optional<core::Bytes>();
  }
  auto bytes = work_.view.chunks().get(id, format::BlockKind::metadata);
  if (!bytes) {
    if (ends_everything(bytes.error().code())) {
      return core::fail(std::move(bytes).error());
    }
    const auto finding = work_.findings.failed_read(pack_path(work_, *location), bytes.error(),
                                                    std::string(kRepairPacksHelps));
    work_.findings.mark_block({location->pack, location->block}, finding);
    return std::optional<core::Bytes>();
  }
  return std::optional<core::Bytes>(std::move(*bytes));
}

core::Status TreeCheck::check_waiting() {
  const std::vector<Referred> referred = std::exchange(waiting_, {});
  std::vector<ChunkId> ids;
  ids.reserve(referred.size());
  for (const Referred& chunk : referred) {
    ids.push_back(chunk.id);
  }
  CAIRN_TRY(const auto locations, locate_chunks(work_.view, ids));
  for (std::size_t i = 0; i < referred.size(); ++i) {
    judge(referred[i], locations[i]);
  }
  return {};
}

void TreeCheck::judge(const Referred& chunk, const std::optional<store::ChunkLocation>& location) {
  if (location) {
    needed_.add(*location);
  }
  if (location && location->length_bytes == chunk.length_bytes) {
    return;
  }
  if (work_.findings.blame(chunk.id, location)) {
    return;
  }
  if (location) {
    const auto finding =
        work_.findings.add(Finding::Severity::damage, "chunk " + chunk.id.hex(),
                           fmt::format("{} needs {} bytes of it, its pack lists {}", chunk.referrer,
                                       chunk.length_bytes, location->length_bytes),
                           std::string(kHealingHelps));
    work_.findings.mark_chunk(chunk.id, finding);
    return;
  }
  // A pack that is gone may have had thousands of them; the paths are what matters.
  const auto [told, is_first] = missing_.try_emplace(chunk.referrer, 0);
  if (is_first) {
    told->second = work_.findings.missing(
        "missing chunks",
        fmt::format("{} refers to chunk {}, which no pack of the repository holds; and maybe to "
                    "others like it",
                    chunk.referrer, chunk.id.hex()),
        std::string(kHealingHelps));
  }
  work_.findings.mark_chunk(chunk.id, told->second);
}

core::Status TreeCheck::take(const NodeReferences& references, std::string_view referrer) {
  for (const ContentItem& piece : references.pieces) {
    waiting_.push_back({*piece.chunk, piece.length_bytes, referrer});
  }
  if (waiting_.size() >= kWaitingChunks) {
    CAIRN_TRY_STATUS(check_waiting());
  }
  for (const ChunkId& node : references.nodes) {
    if (seen_.insert(node).second) {
      pending_.push_back(node);
    }
  }
  return {};
}

core::Status TreeCheck::check_node(const ChunkId& id) {
  CAIRN_TRY(const auto node, read(id));
  if (!node) {
    return {};
  }
  const auto references = references_of(*node);
  if (!references) {
    const auto finding = work_.findings.add(
        Finding::Severity::damage, "node " + id.hex(), references.error().message(),
        "whoever wrote it wrote nonsense; storage damage looks different");
    work_.findings.mark_chunk(id, finding);
    return {};
  }
  work_.meter.add_bytes(references->file_bytes);
  return take(*references, "a file");
}

core::Status TreeCheck::check(const CheckedSnapshot& snapshot) {
  for (const Source& source : snapshot.snapshot.sources) {
    work_.meter.at(source.path);
    CAIRN_TRY_STATUS(take(references_of(source), kBirthTimes));
    while (!pending_.empty()) {
      if (work_.options.stop.stop_requested()) {
        return core::interrupted();
      }
      const ChunkId id = pending_.back();
      pending_.pop_back();
      CAIRN_TRY_STATUS(check_node(id));
      work_.meter.at(source.path);
    }
  }
  return check_waiting();
}

namespace {

/// Finds the paths below which something is marked. Clean subtrees are remembered, so that the cost
/// is that of one walk, plus the damaged paths per snapshot.
class Attribution {
 public:
  explicit Attribution(VerifyWork& work) : work_(work) {}

  core::Status run(const CheckedSnapshot& snapshot) {
    prefix_ = snapshot.id.short_hex() + ':';
    for (const Source& source : snapshot.snapshot.sources) {
      CAIRN_TRY_STATUS(visit_source(source));
    }
    return {};
  }

 private:
  struct Folder {
    bool is_clean = true;
  };
  using Walk = StoredTreeWalk<Folder>;

  [[nodiscard]] core::Result<std::optional<std::size_t>> blame(const ChunkId& id) {
    CAIRN_TRY(const auto location, locate_chunk(work_.view, id));
    return work_.findings.blame(id, location);
  }

  /// True if it is intact; otherwise the finding is reported for the path.
  core::Result<bool> check(const ChunkId& id, const std::string& path, std::string_view remark) {
    CAIRN_TRY(const auto finding, blame(id));
    if (!finding) {
      return true;
    }
    work_.findings.affect(*finding, prefix_ + path + std::string(remark));
    return false;
  }

  core::Status visit_source(const Source& source) {
    CAIRN_TRY(const bool root_fine, check(source.root, source.path, kAndBelow));
    if (!root_fine) {
      return {};
    }
    CAIRN_TRY_STATUS(visit_birth_times(source));
    const auto entry = read_root(work_.view, source);
    if (!entry) {
      return {};
    }
    if (entry->type != EntryType::folder) {
      CAIRN_TRY_STATUS(visit_content(entry->content, source.path));
      return {};
    }
    return visit_folder(entry->folder.node, source.path);
  }

  core::Status visit_birth_times(const Source& source) {
    const NodeReferences references = references_of(source);
    for (const ContentItem& piece : references.pieces) {
      CAIRN_TRY_STATUS(check(*piece.chunk, source.path, kBirthTimesOnly));
    }
    for (const ChunkId& node : references.nodes) {
      if (node != source.root) {
        CAIRN_TRY_STATUS(check(node, source.path, kBirthTimesOnly));
      }
    }
    return {};
  }

  core::Status visit_folder(const ChunkId& node, const std::string& path) {
    Walk walk(work_.view, work_.options.stop);
    enter(walk, node, path);
    while (!walk.has_ended()) {
      CAIRN_TRY_STATUS(step(walk));
    }
    return {};
  }

  void enter(Walk& walk, const ChunkId& node, std::string path) {
    if (!clean_.contains(node) && !walk.enter(node, std::move(path))) {
      walk.level().is_clean = false;  // nobody knows what lies too deep
    }
  }

  core::Status step(Walk& walk) {
    const auto entry = walk.next();
    if (!entry) {
      if (ends_everything(entry.error().code())) {
        return core::fail(entry.error());
      }
      walk.level().is_clean = false;
      return blame_nodes(walk.node(), walk.path());
    }
    if (!*entry) {
      const bool was_clean = walk.level().is_clean;
      if (was_clean) {
        clean_.insert(walk.node());
      }
      walk.leave();
      if (!walk.has_ended() && !was_clean) {
        walk.level().is_clean = false;
      }
      return {};
    }
    std::string path = walk.path_of((*entry)->name);
    if ((*entry)->type == EntryType::folder) {
      enter(walk, (*entry)->folder.node, std::move(path));
      return {};
    }
    CAIRN_TRY(const bool fine, visit_content((*entry)->content, path));
    walk.level().is_clean = walk.level().is_clean && fine;
    return {};
  }

  /// A node of this folder cannot be read: everything it listed is lost.
  core::Status blame_nodes(const ChunkId& folder, const std::string& path) {
    std::vector<ChunkId> pending{folder};
    while (!pending.empty()) {
      const ChunkId id = pending.back();
      pending.pop_back();
      CAIRN_TRY(const bool fine, check(id, path, kSomeEntries));
      if (!fine || !told_.insert(id).second) {
        continue;
      }
      const auto node = work_.view.chunks().get(id, format::BlockKind::metadata);
      if (!node) {
        continue;
      }
      if (const auto inner = format::decode_folder_inner(*node)) {
        for (const auto& child : inner->children) {
          pending.push_back(child.node);
        }
      }
    }
    return {};
  }

  core::Result<bool> visit_content(const Content& content, const std::string& path) {
    bool fine = true;
    if (content.tree_root) {
      CAIRN_TRY(fine, check(*content.tree_root, path, {}));
      if (!fine) {
        return false;
      }
    }
    std::optional<std::size_t> first;
    const auto status =
        for_each_item(work_.view, content,
                      [&](std::uint64_t /*offset*/, const ContentItem& item) -> core::Status {
                        if (item.chunk && !first) {
                          CAIRN_TRY(first, blame(*item.chunk));
                        }
                        return {};
                      });
    if (first) {
      work_.findings.affect(*first, prefix_ + path);
      return false;
    }
    if (!status) {
      if (ends_everything(status.error().code())) {
        return core::fail(status.error());
      }
      CAIRN_TRY_STATUS(blame_list(content, path));
      return false;
    }
    return fine;
  }

  core::Status blame_list(const Content& content, const std::string& path) {
    std::vector<ChunkId> pending{*content.tree_root};
    while (!pending.empty()) {
      const ChunkId id = pending.back();
      pending.pop_back();
      CAIRN_TRY(const bool fine, check(id, path, {}));
      const auto node = work_.view.chunks().get(id, format::BlockKind::metadata);
      if (!fine || !node) {
        continue;
      }
      if (const auto inner = format::decode_list_inner(*node)) {
        for (const auto& child : inner->children) {
          pending.push_back(child.node);
        }
      }
    }
    return {};
  }

  static constexpr std::string_view kAndBelow = " (all of it)";
  static constexpr std::string_view kBirthTimesOnly = " (birth times only)";
  static constexpr std::string_view kSomeEntries = "/... (some of its entries)";

  VerifyWork& work_;
  std::string prefix_;
  std::unordered_set<ChunkId> clean_;
  std::unordered_set<ChunkId> told_;
};

}  // namespace

core::Status attribute_damage(VerifyWork& work, const std::vector<CheckedSnapshot>& snapshots) {
  if (!work.findings.any_marked()) {
    return {};
  }
  Attribution attribution(work);
  for (const CheckedSnapshot& snapshot : snapshots) {
    CAIRN_TRY_STATUS(attribution.run(snapshot));
  }
  return {};
}

}  // namespace cairn::repo::ops
