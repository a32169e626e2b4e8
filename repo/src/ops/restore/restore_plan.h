#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "ops/restore/restore_compare.h"
#include "store/catalogue/catalogue.h"

/// Which blocks the slices of a restore come from.
namespace cairn::repo::ops {

/// What one worker takes from one block.
struct BlockTask {
  static constexpr std::size_t kSlicesMax = 4096;

  std::shared_ptr<const store::PackSummary> pack;  ///< nullptr: no pack holds these chunks
  std::uint32_t block = 0;
  std::vector<Slice> slices;  ///< sorted by block_offset; at most kSlicesMax if they are in a pack
};

/// Plans window by window. Blocks of which a window needs little wait for the next one, until there
/// are kCarriedSlices slices in them: so a block is read only once even if packs were filled by
/// several threads, or hold the only copy of something that is needed often. Not thread-safe.
/// Memory: the directories of kPacksMax packs without their chunks (about 50 bytes a block), what
/// waits, and during a call 70 bytes a slice.
class RestorePlanner {
 public:
  /// Chunks are looked for in packs that `present` accepts.
  explicit RestorePlanner(const store::Catalogue& catalogue, store::PackFilter present = {})
      : catalogue_(&catalogue), present_(std::move(present)) {}

  /// Sorts the slices, each of which has a chunk, together with those that waited, by pack, block
  /// and offset, so that each block is read once. The task for chunks that no pack holds comes
  /// last. `is_last`: nothing may wait. Errors: of the catalogue.
  [[nodiscard]] core::Result<std::vector<BlockTask>> plan(std::vector<Slice> slices,
                                                          bool is_last = true);
  /// To be called after the catalogue was rebuilt, since packs then have other numbers.
  void restart(const store::Catalogue& catalogue);

 private:
  static constexpr std::size_t kPacksMax = 256;
  static constexpr std::size_t kCarriedSlices = 8 * 1024;
  [[nodiscard]] core::Result<std::shared_ptr<const store::PackSummary>> pack_summary(
      store::PackNumber number);
  /// Takes out what can wait for the next window.
  [[nodiscard]] std::vector<BlockTask> carry_over(std::vector<BlockTask> tasks);

  const store::Catalogue* catalogue_;
  const store::PackFilter present_;
  std::unordered_map<store::PackNumber, std::shared_ptr<const store::PackSummary>> packs_;
  std::vector<Slice> carried_;
};

}  // namespace cairn::repo::ops
