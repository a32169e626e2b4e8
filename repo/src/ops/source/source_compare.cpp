#include "ops/source/source_compare.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <utility>

namespace cairn::repo::ops {
namespace {

/// Spreads the bits (the finaliser of MurmurHash3) and answers 32 of them.
std::uint64_t mixed(std::uint64_t value) noexcept {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return (value ^ (value >> 33)) >> 32;
}

}  // namespace

SourceComparison::SourceComparison(WalkOptions options)
    : options_(std::move(options)), stamps_(options_.stamp_key, options_.ignores) {
  Expects(options_.cache == nullptr || options_.clock != nullptr);
}

const Owner& SourceComparison::owner(const Statx& status) {
  if (!last_owner_.has_value() || last_owner_->uid != status.stx_uid ||
      last_owner_->gid != status.stx_gid) {
    last_owner_ = Owner{.uid = status.stx_uid, .gid = status.stx_gid, .user = {}, .group = {}};
    owner_names_.fill(*last_owner_);
  }
  return *last_owner_;
}

core::Timestamp SourceComparison::now() const {
  return options_.clock != nullptr ? options_.clock->now() : core::Timestamp();
}

core::Status SourceComparison::look(std::string_view name, core::Timestamp before, SeenCursor* seen,
                                    Child& child) {
  if (options_.cache == nullptr) {
    return {};
  }
  child.stamp = stamps_.make(name, child.status, owner(child.status), before);
  return seen != nullptr ? compare(name, *seen, child) : core::Status();
}

core::Status SourceComparison::compare(std::string_view name, SeenCursor& seen,
                                       Child& child) const {
  CAIRN_TRY(child.match, seen.look_up(name, child.stamp));
  child.match.same = child.match.same && !options_.read_everything;
  if (!child.match.same || !S_ISREG(child.status.stx_mode)) {
    return {};
  }
  if (!seen.folder().trusted) {
    CAIRN_TRY(const Entry* const entry, seen.entry(*child.match.index));
    CAIRN_TRY(child.match.same, options_.cache->is_stored(entry->content));
  }
  child.sampled = child.match.same && options_.samples_in_2_32 > 0 &&
                  mixed(child.stamp ^ options_.sample_seed) < options_.samples_in_2_32;
  return {};
}

core::Status SourceComparison::look_at_lone_source(WalkItem& item, Child& child) {
  if (options_.cache == nullptr) {
    return {};
  }
  CAIRN_TRY(item.seen, options_.cache->recall(lone_source_key(item.path), std::nullopt));
  std::optional<SeenCursor> cursor;
  if (item.seen != nullptr) {
    cursor.emplace(*options_.cache, item.seen, nullptr);
  }
  return look(kLoneSourceName, now(), cursor ? &*cursor : nullptr, child);
}

void SourceComparison::describe(const Child& child, WalkItem& item) {
  item.stamp = child.stamp;
  item.known = child.match.known;
  item.known_index = child.match.index;
  item.sampled = child.sampled;
  item.logs = child.logs;
  item.is_log = child.is_log;
  if (child.match.same) {
    item.seen_index = child.match.index;
  }
}

std::optional<ChunkId> SourceComparison::vouched_node(const Child& child, const SeenCursor* seen) {
  if (seen == nullptr || !seen->folder().trusted || !child.match.index) {
    return std::nullopt;
  }
  const SeenSubfolder* const subfolder = seen->folder().subfolder(*child.match.index);
  return subfolder != nullptr ? std::optional(subfolder->node) : std::nullopt;
}

core::Result<std::optional<ChunkId>> SourceComparison::anchored_node(
    const std::string& source) const {
  if (options_.cache == nullptr) {
    return std::nullopt;
  }
  return options_.cache->anchor(source);
}

core::Result<std::optional<SeenCursor>> SourceComparison::recall(
    WalkItem& item, const std::optional<ChunkId>& vouched) const {
  if (options_.cache == nullptr) {
    return std::nullopt;
  }
  CAIRN_TRY(item.seen, options_.cache->recall(folder_key(item.path), vouched));
  if (item.seen == nullptr) {
    return std::nullopt;
  }
  item.known = true;
  std::function<void(std::string_view)> on_removed;
  if (options_.on_removed) {
    on_removed = [this, folder = item.path](std::string_view name) {
      options_.on_removed(fmt::format("{}/{}", folder == "/" ? "" : folder, name));
    };
  }
  return std::optional<SeenCursor>(std::in_place, *options_.cache, item.seen,
                                   std::move(on_removed));
}

}  // namespace cairn::repo::ops
