#include "ops/repack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "store/segment_hasher.h"

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

/// Damage of a pack, as against what ends the whole work.
bool spoils_pack(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::corrupt || code == core::ErrorCode::limit_exceeded;
}

}  // namespace

/// One thread's part: packs, one after the other.
class Repack::Worker {
 public:
  explicit Worker(Repack& repack) : repack_(repack) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      open_[i].block_class = static_cast<BlockClass>(i);
    }
  }

  core::Status copy(const PackId& id);
  /// Hands over what is left in the open blocks.
  core::Status flush();

 private:
  struct Source {
    store::PackSummary summary;
    format::PackDirectory directory;
  };
  core::Result<Source> open(const PackId& id);
  core::Status check_ciphertext(const PackId& id);
  core::Status copy_block(const Source& source, std::uint32_t number);
  core::Status take_chunks(const Source& source, std::uint32_t number,
                           const std::vector<bool>& wanted);
  core::Status check_chunks(const Source& source, const format::BlockRecord& record);
  core::Status hand_over(OpenBlock& block);
  [[nodiscard]] bool can_open(BlockKind kind) const {
    const auto& keys = *repack_.state_.keys;
    return kind == BlockKind::data ? keys.can_read_data() : keys.can_read_metadata();
  }

  Repack& repack_;
  std::array<OpenBlock, kBlockClassCount> open_{};
  std::array<std::optional<core::Compressor>, kBlockClassCount> compressors_;
  store::BlockReader::Scratch scratch_;
  core::Bytes sealed_;
  core::Bytes plain_;
};

core::Result<Repack::Worker::Source> Repack::Worker::open(const PackId& id) {
  State& state = repack_.state_;
  CAIRN_TRY(auto description, store::read_pack_description(*state.backend, *state.keys, id));
  Source source;
  source.summary.id = id;
  source.summary.size_bytes = description.size_bytes;
  source.summary.kind = description.directory.kind;
  source.summary.keys = description.directory.keys;
  std::uint64_t offset = format::kPackHeaderBytes;
  for (const format::BlockRecord& record : description.directory.blocks) {
    source.summary.blocks.push_back({.offset_bytes = offset, .record = {}});
    auto& block = source.summary.blocks.back().record;
    block.stored_bytes = record.stored_bytes;
    block.plain_bytes = record.plain_bytes;
    block.codec = record.codec;
    block.key = record.key;
    block.key_block = record.key_block;
    offset += record.stored_bytes;
  }
  source.directory = std::move(description.directory);
  return source;
}

// The table hashes the pack in long segments, so single blocks cannot be compared with it.
core::Status Repack::Worker::check_ciphertext(const PackId& id) {
  State& state = repack_.state_;
  CAIRN_TRY(const auto description, store::read_pack_description(*state.backend, *state.keys, id));
  const auto name = store::object_name(format::ObjectKind::pack, id);
  store::SegmentHasher segments;
  const std::uint64_t end = description.footer.covered_bytes;
  for (std::uint64_t at = 0; at < end; at += sealed_.size()) {
    sealed_.resize(std::min<std::uint64_t>(end - at, format::kPackSegmentBytes));
    CAIRN_TRY_STATUS(state.backend->get_range(name, at, sealed_));
    segments.update(sealed_);
  }
  if (!std::ranges::equal(segments.finish(), description.footer.segments)) {
    return core::fail(
        core::ErrorCode::corrupt,
        fmt::format("read {}: its bytes are not what its table says", store::object_path(name)));
  }
  return {};
}

core::Status Repack::Worker::copy(const PackId& id) {
  CAIRN_TRY(const Source source, open(id));
  if (!can_open(source.summary.kind)) {
    CAIRN_TRY_STATUS(check_ciphertext(id));
  }
  for (std::uint32_t number = 0; number < source.directory.blocks.size(); ++number) {
    if (repack_.options_.stop.stop_requested()) {
      return core::fail(core::ErrorCode::interrupted, "interrupted");
    }
    CAIRN_TRY_STATUS(copy_block(source, number));
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
  const auto name = store::object_name(format::ObjectKind::pack, source.summary.id);
  sealed_.resize(record.stored_bytes);
  CAIRN_TRY_STATUS(
      repack_.state_.backend->get_range(name, source.summary.blocks[number].offset_bytes, sealed_));
  repack_.meter_.add_bytes(record.stored_bytes);
  const bool opens = can_open(source.summary.kind);
  if (opens) {
    CAIRN_TRY_STATUS(
        repack_.state_.blocks->open(source.summary, number, sealed_, scratch_, plain_));
    CAIRN_TRY_STATUS(check_chunks(source, record));
  }
  if (opens && count < wanted.size()) {
    return take_chunks(source, number, wanted);
  }
  return repack_.store_.move(source.summary.kind, record, source.directory.keys[record.key],
                             std::exchange(sealed_, {}));
}

core::Status Repack::Worker::check_chunks(const Source& source, const format::BlockRecord& record) {
  std::vector<core::ByteView> chunks;
  core::ByteView rest = plain_;
  for (const format::ChunkRecord& chunk : record.chunks) {
    if (chunk.length_bytes > rest.size()) {
      break;
    }
    chunks.push_back(rest.first(chunk.length_bytes));
    rest = rest.subspan(chunk.length_bytes);
  }
  const auto ids = repack_.state_.keys->chunk_ids(source.summary.kind, chunks);
  if (!std::ranges::equal(ids, record.chunks, {}, {}, &format::ChunkRecord::id)) {
    return core::fail(core::ErrorCode::corrupt,
                      fmt::format("read {}: a chunk is not what its id says",
                                  store::object_path(store::object_name(format::ObjectKind::pack,
                                                                        source.summary.id))));
  }
  return {};
}

core::Status Repack::Worker::take_chunks(const Source& source, std::uint32_t number,
                                         const std::vector<bool>& wanted) {
  const format::BlockRecord& record = source.directory.blocks[number];
  OpenBlock& block = open_[static_cast<std::size_t>(class_of(source.summary.kind, record))];
  std::size_t offset = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const format::ChunkRecord& chunk = record.chunks[i];
    if (wanted[i]) {
      block.add(chunk.id, core::ByteView(plain_).subspan(offset, chunk.length_bytes));
      if (block.is_full()) {
        CAIRN_TRY_STATUS(hand_over(block));
      }
    }
    offset += chunk.length_bytes;
  }
  return {};
}

core::Status Repack::Worker::hand_over(OpenBlock& block) {
  auto& compressor = compressors_[static_cast<std::size_t>(block.block_class)];
  if (!compressor) {
    compressor.emplace(repack_.options_.compression_level, block_target_bytes(block.block_class));
  }
  return repack_.store_.store(block, *compressor);
}

core::Status Repack::Worker::flush() {
  for (OpenBlock& block : open_) {
    if (!block.chunks.empty()) {
      CAIRN_TRY_STATUS(hand_over(block));
    }
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
  CAIRN_TRY(const auto elsewhere, state_.catalogue->find(id, options_.stays));
  if (elsewhere) {
    return false;
  }
  const std::scoped_lock lock(mutex_);
  return copied_.insert(id).second;
}

core::Status Repack::run(const std::vector<PackId>& packs) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&]() -> core::Status {
    Worker worker(*this);
    for (std::size_t i = next++; i < packs.size() && !failed; i = next++) {
      meter_.at(store::object_path(store::object_name(format::ObjectKind::pack, packs[i])));
      auto copied = worker.copy(packs[i]);
      if (!copied && spoils_pack(copied.error().code())) {
        meter_.warning(copied.error().message() + ": left as it is; see: cairn verify");
      } else if (!copied) {
        return copied;
      }
      meter_.files_done(1);
    }
    return failed ? core::Status() : worker.flush();
  };
  const std::size_t count = std::min<std::size_t>(std::max(options_.workers, 1U), packs.size());
  std::vector<core::Status> results(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        results[i] = work();
      } catch (const std::exception& e) {
        results[i] = core::fail(core::ErrorCode::internal, fmt::format("repack: {}", e.what()));
      }
      if (!results[i]) {
        failed = true;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (core::Status& result : results) {
    CAIRN_TRY_STATUS(std::move(result));
  }
  return {};
}

}  // namespace cairn::repo::ops
