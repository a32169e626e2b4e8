#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cairn/core/crypto.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "format/index.h"
#include "format/pack.h"
#include "store/backend/backend.h"
#include "store/objects/key_ring.h"
#include "store/packs/segment_hasher.h"

namespace cairn::repo::store {

/// The size at which a pack is full; its last block may go beyond.
[[nodiscard]] std::uint64_t full_pack_bytes(format::BlockKind kind) noexcept;

/// Writes one pack front to back: blocks, then directory, table and footer. Not thread-safe.
/// Unusable after its first error: every later call returns the same error. Memory: the directory
/// (about 40 bytes a chunk).
class PackWriter {
 public:
  /// All references except `random` must outlive the writer, and nothing else may use `segments`
  /// meanwhile. The hasher keeps its memory from pack to pack.
  [[nodiscard]] static core::Result<std::unique_ptr<PackWriter>> open(Backend& backend,
                                                                      const KeyRing& keys,
                                                                      core::Random& random,
                                                                      format::BlockKind kind,
                                                                      SegmentHasher& segments);

  /// Appends a block of the pack's kind that is sealed under `key`: a new one of BlockSealer, or
  /// one copied from another pack, which the caller has checked against that pack's segment table.
  /// All of `record` but `key` must be set. Requires has_room_for(record).
  core::Status append(format::BlockRecord record, const format::KeyRecord& key,
                      core::ByteView sealed);

  /// False if the block would exceed the format's limits on blocks, chunks, keys or bytes of a
  /// pack: then publish this pack and open another. Packs of the usual size stop long before,
  /// unless their chunks are only a few bytes long.
  [[nodiscard]] bool has_room_for(const format::BlockRecord& record) const noexcept;

  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }
  [[nodiscard]] bool empty() const noexcept { return directory_.blocks.empty(); }

  /// Publishes the pack, durable when this returns. Requires at least one block. Call once.
  [[nodiscard]] core::Result<format::IndexedPack> publish();

 private:
  PackWriter(std::unique_ptr<ObjectWriter> object, const KeyRing& keys,
             const format::PackHeader& header, SegmentHasher& segments);
  core::Status write(core::ByteView data);
  core::Status write_covered(core::ByteView data);
  std::uint32_t key_index(const format::KeyRecord& key);
  core::Result<format::IndexedPack> publish_now();

  std::unique_ptr<ObjectWriter> object_;
  const KeyRing& keys_;
  const format::PackHeader header_;
  format::PackDirectory directory_;
  SegmentHasher& segments_;
  std::uint64_t offset_ = 0;
  std::size_t chunks_ = 0;
  std::optional<core::Error> broken_;
};

}  // namespace cairn::repo::store
