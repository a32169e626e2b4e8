#pragma once

#include <cstdint>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/repository/pack_directories.h"
#include "ops/tree/reachability.h"

/// How much of each pack is needed, and what to do about it.
namespace cairn::repo::ops {

struct PackUsage {
  PackId id;
  format::BlockKind kind = format::BlockKind::data;
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;    ///< as stored: the needed part of each block
  std::uint64_t unused_bytes = 0;  ///< the same for the rest
  /// The part of unused_bytes in blocks of which nothing is needed: a copy can leave these out
  /// without opening anything.
  std::uint64_t dead_block_bytes = 0;
  std::uint64_t used_chunks = 0;
  bool condemned = false;  ///< by another collector, perhaps a dead one
};

/// The result of one pass over all directories.
struct UsageSurvey {
  std::vector<PackUsage> packs;      ///< those that exist and have a readable directory
  std::uint64_t missing_chunks = 0;  ///< marked, but in no pack
  /// Marked chunks that are in several packs. They count as used in the first one only.
  ChunkMarks repeated;
};

struct SurveyOptions {
  const ChunkMarks& marks;
  const std::unordered_set<PackId>& condemned;  ///< considered last
  std::stop_token stop = {};
};
/// Memory: 80 bytes a pack, a bit a mark. Errors: as PackDirectories::visit().
[[nodiscard]] core::Result<UsageSurvey> survey_usage(const PackDirectories& directories,
                                                     const SurveyOptions& options,
                                                     Observer& observer);

enum class PackFate : std::uint8_t {
  keep,
  remove,  ///< nothing in it is needed
  repack,  ///< what is needed in it is copied, then it is removed
};

struct PruneLimits {
  double max_unused = 0.05;  ///< of the used bytes
  std::uint64_t max_repack_bytes = 0;
  bool repack_small = false;
  bool can_open_data = true;  ///< false: data can only be left out in whole blocks
};
/// A fate for each pack. Pure.
///
/// Packs of which nothing is needed are removed. Packs that others have condemned are copied,
/// because nobody may rely on them again. Of the others those with the most waste are copied until
/// what is left of it is within max_unused; and so are small packs, if there are kSmallPacksMany of
/// a kind.
[[nodiscard]] std::vector<PackFate> plan_fates(const std::vector<PackUsage>& packs,
                                               const PruneLimits& limits);
inline constexpr std::size_t kSmallPacksMany = 32;
/// A smaller pack counts as small: a quarter of a full one.
[[nodiscard]] std::uint64_t small_pack_bytes(format::BlockKind kind) noexcept;

}  // namespace cairn::repo::ops
