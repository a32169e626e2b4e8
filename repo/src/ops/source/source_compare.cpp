#include "ops/source/source_compare.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <utility>

namespace cairn::repo::ops {
namespace {

/// Mixes the bits (the finaliser of MurmurHash3) and returns 32 of them.
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

core::Status SourceComparison::look(std::string_view name, core::Timestamp before,
                                    RecordCursor* cursor, Child& child) {
  if (options_.cache == nullptr) {
    return {};
  }
  child.stamp = stamps_.make(name, child.status, owner(child.status), before);
  return cursor != nullptr ? compare(name, *cursor, child) : core::Status();
}

core::Status SourceComparison::compare(std::string_view name, RecordCursor& cursor,
                                       Child& child) const {
  CAIRN_TRY(const RecordCursor::Match match, cursor.look_up(name, child.stamp));
  if (!match.index) {
    return {};
  }
  child.recorded_index = match.index;
  child.fate = Fate::read_again;
  if (!match.same || options_.read_everything) {
    return {};
  }
  const bool is_file = S_ISREG(child.status.stx_mode);
  if (is_file && !cursor.folder().trusted) {
    CAIRN_TRY(const Entry* const entry, cursor.entry(*match.index));
    CAIRN_TRY(const bool is_stored, options_.cache->is_stored(entry->content));
    if (!is_stored) {
      return {};
    }
  }
  const bool is_picked = is_file && options_.samples_in_2_32 > 0 &&
                         mixed(child.stamp ^ options_.sample_seed) < options_.samples_in_2_32;
  child.fate = is_picked ? Fate::sample : Fate::as_recorded;
  return {};
}

core::Status SourceComparison::look_at_lone_source(MetObject& source, Child& child) {
  if (options_.cache == nullptr) {
    return {};
  }
  CAIRN_TRY(source.record, options_.cache->recall(lone_source_key(source.item.path), std::nullopt));
  std::optional<RecordCursor> cursor;
  if (source.record != nullptr) {
    cursor.emplace(*options_.cache, source.record, nullptr);
  }
  return look(kLoneSourceName, now(), cursor ? &*cursor : nullptr, child);
}

void SourceComparison::describe(const Child& child, WalkItem& item) {
  item.stamp = child.stamp;
  item.fate = child.fate;
  item.recorded_index = child.recorded_index;
  item.logs = child.logs;
}

std::optional<ChunkId> SourceComparison::vouched_node(const Child& child,
                                                      const RecordCursor* cursor) {
  if (cursor == nullptr || !cursor->folder().trusted || !child.recorded_index) {
    return std::nullopt;
  }
  const RecordedSubfolder* const subfolder = cursor->folder().subfolder(*child.recorded_index);
  return subfolder != nullptr ? std::optional(subfolder->node) : std::nullopt;
}

core::Result<std::optional<ChunkId>> SourceComparison::anchored_node(
    const std::string& source) const {
  if (options_.cache == nullptr) {
    return std::nullopt;
  }
  return options_.cache->anchor(source);
}

core::Result<std::shared_ptr<const RecalledFolder>> SourceComparison::recall(
    WalkItem& item, const std::optional<ChunkId>& vouched) const {
  if (options_.cache == nullptr) {
    return nullptr;
  }
  CAIRN_TRY(auto record, options_.cache->recall(folder_key(item.path), vouched));
  if (record != nullptr && item.fate == Fate::is_new) {
    item.fate = Fate::read_again;
  }
  return record;
}

RecordCursor SourceComparison::cursor(std::shared_ptr<const RecalledFolder> record,
                                      const std::string& path) const {
  std::function<void(std::string_view)> on_removed;
  if (options_.on_removed) {
    on_removed = [this, &path](std::string_view name) {
      options_.on_removed(fmt::format("{}/{}", path, name));
    };
  }
  return {*options_.cache, std::move(record), std::move(on_removed)};
}

}  // namespace cairn::repo::ops
