#pragma once

#include <memory>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

namespace cairn::core {

/// One zstd compression context, reused from block to block (a context costs more to set up than
/// a small block costs to compress). Not thread-safe: one per worker.
/// Memory: level 3 needs about 2 MiB for its tables and blocks, level 19 up to 90 MiB.
class Compressor {
 public:
  /// Requires 0 <= level <= 19. Level 0 means "do not compress": compress() returns false.
  /// `size_hint_bytes` is the largest input, so that zstd chooses a window that fits.
  Compressor(int level, std::size_t size_hint_bytes);
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  /// Compresses into `out` (resized to fit) and returns true, or returns false and leaves `out`
  /// unspecified if less than 1/64 would be saved: such data is better stored raw.
  [[nodiscard]] bool compress(ByteView input, Bytes& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One zstd decompression context. Not thread-safe: one per worker.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;

  /// Expands to exactly out.size() bytes: the caller knows and bounds the expected length, so a
  /// hostile frame cannot make us allocate. Fails with corrupt if the frame is damaged or expands
  /// to any other length.
  [[nodiscard]] Status decompress(ByteView input, MutableByteView out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::core
