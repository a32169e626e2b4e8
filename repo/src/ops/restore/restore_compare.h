#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "cairn/core/result.h"
#include "ops/target/restored_file.h"
#include "store/objects/key_ring.h"

/// Finding out which parts of a file are already in the target.
namespace cairn::repo::ops {

/// A piece of a file: one chunk, or a hole.
struct Slice {
  std::shared_ptr<RestoredFile> file;
  std::optional<ChunkId> chunk;  ///< nullopt: hole
  std::uint64_t file_offset = 0;
  std::uint64_t length_bytes = 0;
  std::uint32_t block_offset = 0;  ///< in the block that holds the chunk, once known
};

/// Compares the slices of one file with what exists: by id, chunk by chunk. Not thread-safe;
/// several may work on one file at a time.
class FileComparison {
 public:
  /// Opens what exists.
  static core::Result<FileComparison> open(RestoredFile& file);

  /// True if the slice is where it belongs, or was found elsewhere and is copied there now;
  /// otherwise it must be fetched. Errors: of reading what exists, or of writing the copy.
  [[nodiscard]] core::Result<bool> compare(const Slice& slice, const store::KeyRing& keys,
                                           bool dry_run, core::Bytes& buffer);

 private:
  explicit FileComparison(RestoredFile& file) : file_(&file) {}
  core::Status compare_hole(const Slice& slice, bool dry_run);
  [[nodiscard]] static core::Result<bool> holds(int descriptor, const Slice& slice,
                                                const store::KeyRing& keys, core::Bytes& buffer);

  RestoredFile* file_;
  std::shared_ptr<Descriptor> base_;   ///< what becomes the file if nothing has to be done
  std::shared_ptr<Descriptor> other_;  ///< where else its bytes may be
  bool base_has_holes_ = false;
  Run::Bytes other_bytes_ = Run::Bytes::new_ones;  ///< which bytes those are
};

}  // namespace cairn::repo::ops
