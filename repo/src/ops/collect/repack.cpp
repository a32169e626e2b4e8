#include "ops/collect/repack.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "cairn/core/stop.h"
#include "cairn/core/workers.h"
#include "ops/repository/damage.h"
#include "ops/writing/block_writer.h"
#include "store/packs/pack_reader.h"
#include "store/packs/segment_hasher.h"

namespace cairn::repo::ops {

namespace {

using format::BlockKind;

BlockClass class_of(BlockKind kind, const format::BlockRecord& block) {
  std::vector<std::uint32_t> lengths;
  for (const format::ChunkRecord& chunk : block.chunks) {
    lengths.push_back(chunk.length_bytes);
  }
  return block_class_like(kind, block.codec, lengths);
}

}  // namespace

/// One thread's share: packs, one after the other.
class Repack::Worker {
 public:
  explicit Worker(Repack& repack) : repack_(repack), open_(repack.store_) {}

  core::Status copy(const PackId& id);
  /// Writes what is left in the open blocks.
  core::Status flush() { return open_.flush(); }

 private:
  struct Source {
    store::PackSummary summary;
    format::PackDirectory directory;
    format::PackFooter footer;  ///< not of a damaged pack
  };
  core::Result<Source> open(const PackId& id);
  core::Status check_ciphertext(const Source& source);
  core::Status copy_block(const Source& source, std::uint32_t number);
  core::Status salvage_block(const Source& source, std::uint32_t number);
  core::Status read_block(const Source& source, std::uint32_t number);
  /// Takes the block that was read, unopened.
  core::Status take_block(const Source& source, std::uint32_t number);
  core::Status take_chunks(const Source& source, std::uint32_t number,
                           const std::vector<bool>& wanted);
  core::Status check_chunks(const Source& source, const format::BlockRecord& record);
  [[nodiscard]] bool can_open(BlockKind kind) const {
    const auto& keys = *repack_.view_.repository.keys;
    return kind == BlockKind::data ? keys.can_read_data() : keys.can_read_metadata();
  }

  Repack& repack_;
  BlockWriter open_;
  store::BlockReader::Scratch scratch_;
  core::Bytes sealed_;
  core::Bytes plain_;
};

core::Result<Repack::Worker::Source> Repack::Worker::open(const PackId& id) {
  const OpenRepository& repository = repack_.view_.repository;
  if (repack_.options_.damaged != nullptr) {
    const format::IndexedPack& pack = repack_.options_.damaged->at(id);
    return Source{.summary = store::summary_of(pack), .directory = pack.directory, .footer = {}};
  }
  CAIRN_TRY(auto description,
            store::read_pack_description(*repository.backend, *repository.keys, id));
  format::IndexedPack pack{.id = id,
                           .size_bytes = description.size_bytes,
                           .directory = std::move(description.directory)};
  return Source{.summary = store::summary_of(pack),
                .directory = std::move(pack.directory),
                .footer = std::move(description.footer)};
}

// The table hashes the pack in long segments, so single blocks cannot be checked against it.
core::Status Repack::Worker::check_ciphertext(const Source& source) {
  const OpenRepository& repository = repack_.view_.repository;
  const auto name = store::object_name(format::ObjectKind::pack, source.summary.id);
  store::SegmentHasher segments;
  const std::uint64_t end = source.footer.covered_bytes;
  for (std::uint64_t at = 0; at < end; at += sealed_.size()) {
    sealed_.resize(std::min<std::uint64_t>(end - at, format::kPackSegmentBytes));
    CAIRN_TRY_STATUS(repository.backend->get_range(name, at, sealed_));
    segments.update(sealed_);
  }
  if (!std::ranges::equal(segments.finish(), source.footer.segments)) {
    return core::fail(
        core::ErrorCode::corrupt,
        fmt::format("read {}: its bytes are not what its table says", store::object_path(name)));
  }
  return {};
}

core::Status Repack::Worker::copy(const PackId& id) {
  CAIRN_TRY(const Source source, open(id));
  const bool is_damaged = repack_.options_.damaged != nullptr;
  if (!is_damaged && !can_open(source.summary.kind)) {
    CAIRN_TRY_STATUS(check_ciphertext(source));
  }
  for (std::uint32_t number = 0; number < source.directory.blocks.size(); ++number) {
    CAIRN_TRY_STATUS(core::check_stop(repack_.options_.stop));
    CAIRN_TRY_STATUS(is_damaged ? salvage_block(source, number) : copy_block(source, number));
  }
  return {};
}

core::Status Repack::Worker::copy_block(const Source& source, std::uint32_t number) {
  const format::BlockRecord& record = source.directory.blocks[number];
  std::vector<bool> wanted(record.chunks.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < record.chunks.size(); ++i) {
    CAIRN_TRY(const bool is_wanted, repack_.claim(record.chunks[i].id));
    wanted[i] = is_wanted;
    count += is_wanted ? 1 : 0;
  }
  if (count == 0) {
    return {};
  }
  CAIRN_TRY_STATUS(read_block(source, number));
  const bool opens = can_open(source.summary.kind);
  if (opens) {
    CAIRN_TRY_STATUS(
        repack_.view_.repository.blocks->open(source.summary, number, sealed_, scratch_, plain_));
    CAIRN_TRY_STATUS(check_chunks(source, record));
  }
  if (opens && count < wanted.size()) {
    return take_chunks(source, number, wanted);
  }
  return take_block(source, number);
}

core::Status Repack::Worker::read_block(const Source& source, std::uint32_t number) {
  const auto& place = source.summary.blocks[number];
  sealed_.resize(place.record.stored_bytes);
  CAIRN_TRY_STATUS(repack_.view_.repository.backend->get_range(
      store::object_name(format::ObjectKind::pack, source.summary.id), place.offset_bytes,
      sealed_));
  repack_.meter_.add_bytes(place.record.stored_bytes);
  return {};
}

/// Nothing is claimed before it is known to be intact: another pack may have it, too.
core::Status Repack::Worker::salvage_block(const Source& source, std::uint32_t number) {
  const format::BlockRecord& record = source.directory.blocks[number];
  core::Status readable = read_block(source, number);
  if (readable) {
    readable =
        repack_.view_.repository.blocks->open(source.summary, number, sealed_, scratch_, plain_);
  }
  if (!readable && readable.error().code() == core::ErrorCode::not_found) {
    return readable;  // all of the pack is gone
  }
  if (!readable && !is_damaged(readable.error().code())) {
    repack_.add_unread(source.summary.id, readable.error());
  }
  std::vector<bool> wanted(record.chunks.size());
  std::size_t count = 0;
  const std::vector<bool> intact = readable
                                       ? store::intact_chunks(*repack_.view_.repository.keys,
                                                              source.summary.kind, record, plain_)
                                       : std::vector<bool>(record.chunks.size());
  for (std::size_t i = 0; i < record.chunks.size(); ++i) {
    if (!intact[i]) {
      repack_.add_unreadable(record.chunks[i].id);
      continue;
    }
    CAIRN_TRY(const bool is_wanted, repack_.claim(record.chunks[i].id));
    wanted[i] = is_wanted;
    count += is_wanted ? 1 : 0;
  }
  repack_.copied_chunks_ += count;
  if (count == 0) {
    return {};
  }
  if (count < wanted.size()) {
    return take_chunks(source, number, wanted);
  }
  return take_block(source, number);
}

core::Status Repack::Worker::check_chunks(const Source& source, const format::BlockRecord& record) {
  const auto intact =
      store::intact_chunks(*repack_.view_.repository.keys, source.summary.kind, record, plain_);
  if (std::ranges::find(intact, false) != intact.end()) {
    return core::fail(core::ErrorCode::corrupt,
                      fmt::format("read {}: a chunk is not what its id says",
                                  store::object_path(store::object_name(format::ObjectKind::pack,
                                                                        source.summary.id))));
  }
  return {};
}

core::Status Repack::Worker::take_block(const Source& source, std::uint32_t number) {
  const format::BlockRecord& record = source.directory.blocks[number];
  ChunkStore& store = repack_.store_;
  return store.packer().put({.kind = source.summary.kind,
                             .record = record,
                             .key = source.directory.keys[record.key],
                             .bytes = std::exchange(sealed_, store.buffers().take_sealed())});
}

core::Status Repack::Worker::take_chunks(const Source& source, std::uint32_t number,
                                         const std::vector<bool>& wanted) {
  const format::BlockRecord& record = source.directory.blocks[number];
  const BlockClass block_class = class_of(source.summary.kind, record);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const format::ChunkRecord& chunk = record.chunks[i];
    if (wanted[i]) {
      const auto bytes = core::ByteView(plain_).subspan(offset, chunk.length_bytes);
      CAIRN_TRY_STATUS(open_.add(block_class, chunk.id, bytes));
    }
    offset += chunk.length_bytes;
  }
  return {};
}

core::Result<bool> Repack::claim(const ChunkId& id) {
  if (!options_.marks.contains(id)) {
    return false;
  }
  if (!options_.repeated.contains(id)) {
    return true;
  }
  CAIRN_TRY(const auto elsewhere, view_.catalogue().find(id, options_.stays));
  if (elsewhere) {
    return false;
  }
  const std::scoped_lock lock(mutex_);
  return copied_.insert(id).second;
}

void Repack::add_unreadable(const ChunkId& id) {
  const std::scoped_lock lock(mutex_);
  unreadable_.insert(id);
}

void Repack::add_unread(const PackId& id, const core::Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!unread_.insert(id).second) {
      return;
    }
  }
  meter_.warning(error.message() +
                 ": the pack is kept, for its bytes may be readable another time. To give it up, "
                 "remove it by hand, then run cairn repair packs again");
}

core::Result<std::set<ChunkId>> Repack::lost() const {
  std::set<ChunkId> lost;
  for (const ChunkId& id : unreadable_) {
    CAIRN_TRY(const auto elsewhere, view_.catalogue().find(id, options_.stays));
    if (!elsewhere && !copied_.contains(id)) {
      lost.insert(id);
    }
  }
  return lost;
}

core::Status Repack::run(const std::vector<PackId>& packs) {
  std::atomic<std::size_t> next{0};
  const auto work = [&](unsigned /*worker*/, const std::atomic<bool>& failed) -> core::Status {
    Worker worker(*this);
    for (std::size_t i = next++; i < packs.size() && !failed; i = next++) {
      meter_.at(store::object_path(store::object_name(format::ObjectKind::pack, packs[i])));
      auto copied = worker.copy(packs[i]);
      if (!copied && is_damaged(copied.error().code())) {
        meter_.warning(copied.error().message() +
                       ": left as it is; it is made good by: cairn repair packs");
      } else if (!copied) {
        return copied;
      }
      meter_.files_done(1);
    }
    return failed ? core::Status() : worker.flush();
  };
  return core::run_workers(
      view_.repository.environment.threads,
      static_cast<unsigned>(std::min<std::size_t>(std::max(options_.workers, 1U), packs.size())),
      "rewriting packs", work);
}

}  // namespace cairn::repo::ops
