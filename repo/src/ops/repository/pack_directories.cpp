#include "ops/repository/pack_directories.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cairn/core/stop.h"
#include "store/objects/records.h"
#include "store/packs/pack_reader.h"

namespace cairn::repo::ops {

namespace {

/// True if the object was read; false if it was removed meanwhile, or is damaged, which is
/// reported.
template <class T>
core::Result<bool> was_read(const core::Result<T>& object, Observer& observer) {
  if (object) {
    return true;
  }
  switch (object.error().code()) {
    case core::ErrorCode::not_found:
      return false;
    case core::ErrorCode::corrupt:
    case core::ErrorCode::limit_exceeded:
      observer.warning(object.error().message());
      return false;
    default:
      return core::fail(object.error());
  }
}

}  // namespace

core::Result<PackDirectories> PackDirectories::list(
    const OpenRepository& repository, const std::function<void(std::string_view)>& foreign) {
  PackDirectories directories(repository);
  // Segments before packs: a pack exists before a segment lists it.
  CAIRN_TRY(directories.segments_, store::list_ids<IndexSegmentId>(
                                       *repository.backend, format::ObjectKind::index, foreign));
  CAIRN_TRY_STATUS(repository.backend->list(
      format::ObjectKind::pack,
      [&](const store::ListedObject& object) {
        directories.present_.emplace(PackId::from(object.name.id.view()), object.size_bytes);
      },
      foreign));
  return directories;
}

bool PackDirectories::lists_all_of(const PackDirectories& other) const {
  return std::ranges::includes(segments_, other.segments_) &&
         std::ranges::all_of(other.present_,
                             [this](const auto& pack) { return present_.contains(pack.first); });
}

core::Status PackDirectories::visit(const std::function<core::Status(const Visited&)>& visit,
                                    const std::stop_token& stop, Observer& observer) const {
  std::unordered_set<PackId> listed;
  for (const IndexSegmentId& id : segments_) {
    CAIRN_TRY_STATUS(core::check_stop(stop));
    const auto segment = store::get_index_segment(*repository_->backend, *repository_->keys, id);
    CAIRN_TRY(const bool is_there, was_read(segment, observer));
    for (std::size_t i = 0; is_there && i < segment->packs.size(); ++i) {
      listed.insert(segment->packs[i].id);
      CAIRN_TRY_STATUS(visit({.segment = &id, .pack = segment->packs[i]}));
    }
  }
  std::vector<PackId> unlisted;
  for (const auto& [id, size] : present_) {
    if (!listed.contains(id)) {
      unlisted.push_back(id);
    }
  }
  std::ranges::sort(unlisted);
  for (const PackId& id : unlisted) {
    CAIRN_TRY_STATUS(core::check_stop(stop));
    auto description = store::read_pack_description(*repository_->backend, *repository_->keys, id);
    CAIRN_TRY(const bool is_there, was_read(description, observer));
    if (is_there) {
      CAIRN_TRY_STATUS(visit({.segment = nullptr,
                              .pack = {.id = id,
                                       .size_bytes = description->size_bytes,
                                       .directory = std::move(description->directory)}}));
    }
  }
  return {};
}

}  // namespace cairn::repo::ops
