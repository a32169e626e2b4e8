#include "mem_catalogue.h"

#include <algorithm>

namespace cairn::test {

using repo::store::ChunkLocation;
using repo::store::PackNumber;

core::Result<std::vector<repo::IndexSegmentId>> MemCatalogue::segments() const {
  const std::scoped_lock lock(tables_->mutex);
  std::vector<repo::IndexSegmentId> ids;
  for (const auto& [id, packs] : tables_->segments) {
    ids.push_back(id);
  }
  return ids;
}

core::Status MemCatalogue::ingest(const repo::IndexSegmentId& id,
                                  const repo::format::IndexSegment& segment) {
  const std::scoped_lock lock(tables_->mutex);
  if (tables_->segments.contains(id)) {
    return {};
  }
  std::vector<PackNumber>& listed = tables_->segments[id];
  for (const repo::format::IndexedPack& pack : segment.packs) {
    const auto known = tables_->numbers.find(pack.id);
    if (known != tables_->numbers.end()) {
      tables_->packs[known->second].segments += 1;
      listed.push_back(known->second);
      continue;
    }
    const auto number = static_cast<PackNumber>(tables_->next_pack++);
    tables_->numbers.emplace(pack.id, number);
    listed.push_back(number);
    MemTables::Pack& entry = tables_->packs[number];
    entry.segments = 1;
    entry.summary = repo::store::summary_of(pack, number);
    for (std::uint32_t block = 0; block < pack.directory.blocks.size(); ++block) {
      const auto& record = pack.directory.blocks[block];
      std::uint32_t at = 0;
      for (const auto& chunk : record.chunks) {
        const ChunkLocation location{number, block, at, chunk.length_bytes};
        entry.chunks.emplace_back(chunk.id, location);
        tables_->chunks.emplace(chunk.id, location);
        at += chunk.length_bytes;
      }
    }
  }
  return {};
}

void MemCatalogue::release(PackNumber number) {
  MemTables::Pack& pack = tables_->packs[number];
  if (--pack.segments > 0) {
    return;
  }
  for (const auto& [id, location] : pack.chunks) {
    auto [at, end] = tables_->chunks.equal_range(id);
    for (; at != end; ++at) {
      if (at->second == location) {
        tables_->chunks.erase(at);
        break;
      }
    }
  }
  tables_->numbers.erase(pack.summary.id);
  tables_->packs.erase(number);
  tables_->dead_packs += 1;
}

core::Status MemCatalogue::retain(std::span<const repo::IndexSegmentId> listed) {
  const std::scoped_lock lock(tables_->mutex);
  for (auto at = tables_->segments.begin(); at != tables_->segments.end();) {
    if (std::find(listed.begin(), listed.end(), at->first) != listed.end()) {
      ++at;
      continue;
    }
    for (const PackNumber number : at->second) {
      release(number);
    }
    at = tables_->segments.erase(at);
  }
  return {};
}

core::Result<std::optional<ChunkLocation>> MemCatalogue::find(
    const repo::ChunkId& id, const repo::store::PackFilter& usable) const {
  const std::scoped_lock lock(tables_->mutex);
  auto [at, end] = tables_->chunks.equal_range(id);
  for (; at != end; ++at) {
    if (!usable || usable(at->second.pack)) {
      return std::optional(at->second);
    }
  }
  return std::optional<ChunkLocation>();
}

core::Result<std::vector<std::optional<ChunkLocation>>> MemCatalogue::find_all(
    std::span<const repo::ChunkId> ids, const repo::store::PackFilter& usable) const {
  std::vector<std::optional<ChunkLocation>> found;
  for (const repo::ChunkId& id : ids) {
    CAIRN_TRY(const auto location, find(id, usable));
    found.push_back(location);
  }
  return found;
}

core::Result<repo::store::PackSummary> MemCatalogue::pack(PackNumber number) const {
  const std::scoped_lock lock(tables_->mutex);
  const auto found = tables_->packs.find(number);
  if (found == tables_->packs.end()) {
    return core::fail(core::ErrorCode::not_found, "there is no such pack");
  }
  return found->second.summary;
}

core::Result<std::optional<PackNumber>> MemCatalogue::find_pack(const repo::PackId& id) const {
  const std::scoped_lock lock(tables_->mutex);
  const auto found = tables_->numbers.find(id);
  return found == tables_->numbers.end() ? std::optional<PackNumber>()
                                         : std::optional(found->second);
}

core::Result<PackNumber> MemCatalogue::next_pack() const {
  const std::scoped_lock lock(tables_->mutex);
  return static_cast<PackNumber>(tables_->next_pack);
}

core::Status MemCatalogue::for_each_pack(
    const std::function<core::Status(PackNumber, const repo::PackId&, std::uint64_t,
                                     repo::format::BlockKind)>& visit) const {
  std::vector<repo::store::PackSummary> packs;
  {
    const std::scoped_lock lock(tables_->mutex);
    for (const auto& [number, pack] : tables_->packs) {
      packs.push_back(pack.summary);
    }
  }
  for (const auto& pack : packs) {
    CAIRN_TRY_STATUS(visit(pack.number, pack.id, pack.size_bytes, pack.kind));
  }
  return {};
}

core::Result<std::uint64_t> MemCatalogue::dead_packs() const {
  const std::scoped_lock lock(tables_->mutex);
  return tables_->dead_packs;
}

core::Status MemCatalogue::put_note(std::string_view name, core::ByteView value) {
  const std::scoped_lock lock(tables_->mutex);
  (*notes_)[std::string(name)] = core::to_bytes(value);
  return {};
}

core::Status MemCatalogue::remove_note(std::string_view name) {
  const std::scoped_lock lock(tables_->mutex);
  notes_->erase(std::string(name));
  return {};
}

core::Result<std::optional<core::Bytes>> MemCatalogue::note(std::string_view name) const {
  const std::scoped_lock lock(tables_->mutex);
  const auto found = notes_->find(name);
  return found == notes_->end() ? std::optional<core::Bytes>() : std::optional(found->second);
}

core::Result<std::vector<std::pair<std::string, core::Bytes>>> MemCatalogue::notes(
    std::string_view prefix) const {
  const std::scoped_lock lock(tables_->mutex);
  std::vector<std::pair<std::string, core::Bytes>> found;
  for (const auto& [name, value] : (*notes_)) {
    if (name.starts_with(prefix)) {
      found.emplace_back(name, value);
    }
  }
  return found;
}

}  // namespace cairn::test
