#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/restored_file.h"
#include "store/objects/key_ring.h"

/// Finding out what of a file is in the target already.
namespace cairn::repo::ops {

/// A piece of a file: one chunk, or a hole.
struct Slice {
  std::shared_ptr<RestoredFile> file;
  std::optional<ChunkId> chunk;  ///< nullopt: hole
  std::uint64_t file_offset = 0;
  std::uint64_t length_bytes = 0;
  std::uint32_t block_offset = 0;  ///< in the block that holds the chunk, once that is known
};

/// Slices compared by many threads, and how long to wait for them.
class CompareRound {
 public:
  CompareRound() = default;
  CompareRound(const CompareRound&) = delete;
  CompareRound& operator=(const CompareRound&) = delete;
  /// Waits until all shares are gone.
  ~CompareRound();

  /// One share of the work; done when it is destroyed, by whoever does or drops it.
  class Share {
   public:
    explicit Share(CompareRound& round);
    Share(Share&& other) noexcept;
    Share& operator=(Share&&) = delete;
    ~Share();

   private:
    CompareRound* round_;
  };

  void add_wanted(std::vector<Slice> slices);
  /// Waits until all shares are gone, and answers what is to be fetched.
  [[nodiscard]] std::vector<Slice> wait();

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t shares_ = 0;
  std::vector<Slice> wanted_;
};

/// Compares the slices of one file with what is there: by id, chunk by chunk. Not thread-safe;
/// several may work on one file at a time.
class FileComparison {
 public:
  /// Opens what is there.
  static core::Result<FileComparison> open(RestoredFile& file);

  enum class Found {
    right,   ///< where it belongs
    copied,  ///< elsewhere: and now where it belongs
    wanted,  ///< nowhere
  };
  /// Errors: of reading what is there, or of writing the copy.
  [[nodiscard]] core::Result<Found> compare(const Slice& slice, const store::KeyRing& keys,
                                            bool dry_run, core::Bytes& buffer);

 private:
  explicit FileComparison(RestoredFile& file) : file_(&file) {}
  [[nodiscard]] core::Result<Found> compare_hole(const Slice& slice, bool dry_run);
  [[nodiscard]] static core::Result<bool> holds(int descriptor, const Slice& slice,
                                                const store::KeyRing& keys, core::Bytes& buffer);

  RestoredFile* file_;
  std::shared_ptr<Descriptor> base_;   ///< what becomes the file if nothing has to be done
  std::shared_ptr<Descriptor> other_;  ///< where else its bytes may be
  bool base_has_holes_ = false;
  Run::Bytes other_bytes_ = Run::Bytes::new_ones;  ///< what those are
};

}  // namespace cairn::repo::ops
