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
  std::uint64_t used_bytes = 0;    ///< as stored: of each block the part that is needed
  std::uint64_t unused_bytes = 0;  ///< the same of what is not
  /// Of unused_bytes, those of blocks of which nothing is needed: a copy can leave these out
  /// without opening anything.
  std::uint64_t dead_block_bytes = 0;
  std::uint64_t used_chunks = 0;
  bool condemned = false;  ///< by another collector, maybe a dead one
};

/// What one look at all directories found.
struct UsageSurvey {
  std::vector<PackUsage> packs;      ///< that are there and whose directory can be read
  std::uint64_t missing_chunks = 0;  ///< marked, but in no pack
  /// Marked chunks that several packs hold. They count as used in the first one only.
  ChunkMarks repeated;
};

struct SurveyOptions {
  const ChunkMarks& marks;
  const std::unordered_set<PackId>& condemned;  ///< these count last
  std::stop_token stop = {};
};
/// Memory: 80 bytes a pack, a bit a mark. Errors: as PackDirectories::visit().
[[nodiscard]] core::Result<UsageSurvey> survey_usage(const PackDirectories& directories,
                                                     const SurveyOptions& options,
                                                     Observer& observer);

enum class PackFate : std::uint8_t {
  keep,
  remove,  ///< nothing in it is needed
  repack,  ///< what is needed of it is copied, then it is removed
};

struct PruneLimits {
  double max_unused = 0.05;  ///< of the used bytes
  std::uint64_t max_repack_bytes = 0;
  bool repack_small = false;
  bool can_open_data = true;  ///< false: only whole blocks of data can be left out
};
/// One fate for each pack. Pure.
///
/// Packs of which nothing is needed go. Packs that others have condemned are copied, because nobody
/// may rely on them again. Of the others those with the largest waste are copied until what is left
/// of it is within max_unused; and small packs, if there are kSmallPacksMany of a kind.
[[nodiscard]] std::vector<PackFate> plan_fates(const std::vector<PackUsage>& packs,
                                               const PruneLimits& limits);
inline constexpr std::size_t kSmallPacksMany = 32;
/// A pack of less is small: a quarter of what a full one has.
[[nodiscard]] std::uint64_t small_pack_bytes(format::BlockKind kind) noexcept;

}  // namespace cairn::repo::ops
