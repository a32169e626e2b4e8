#pragma once

#include <array>
#include <cstdint>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "format/pack.h"
#include "ops/repository/catalogue_view.h"

/// Keeps a writer below the repository's size limit (repo/settings.h).
namespace cairn::repo::ops {

/// What may be stored, and what is.
struct StorageLimit {
  std::uint64_t max_bytes = 0;  ///< 0: no limit
  std::uint64_t stored_bytes = 0;
};
/// Reads the settings and, if there is a limit, counts all objects. Packs and index segments are
/// those that the last ensure_catalogue() listed. Errors: io.
[[nodiscard]] core::Result<StorageLimit> measure_storage(CatalogueView view, Observer& observer);

/// The account of one writer: what it has written, and what it must still write whatever happens
/// next, so that a run that has to end can publish everything it has accepted. Both sizes are upper
/// bounds: a few kilobytes below a limit may stay unused, but it is never exceeded. Not
/// thread-safe.
class StorageRoom {
 public:
  /// Kept free for the snapshot, so that a run seldom finds only at its end that there is no space
  /// for it: 64 KiB suffice for one with hundreds of sources or problems.
  static constexpr std::uint64_t kSnapshotBytes = 64 * 1024;

  explicit StorageRoom(const StorageLimit& limit) : limit_(limit) {}

  /// False: everything fits. Never changes, so any thread may ask.
  [[nodiscard]] bool is_limited() const noexcept { return limit_.max_bytes != 0; }

  /// A block that is to go into a pack.
  struct Block {
    format::BlockKind kind = format::BlockKind::data;
    std::uint64_t stored_bytes = 0;  ///< with its tag
    std::uint64_t chunks = 0;
  };
  /// Whether everything can still be published if this block is accepted too.
  [[nodiscard]] bool fits(const Block& block) const noexcept;
  void take(const Block& block) noexcept;
  /// The open pack of this kind has been published.
  void pack_published(format::BlockKind kind, std::uint64_t bytes) noexcept;
  /// All published packs are now listed by an index segment of this size.
  void segment_published(std::uint64_t bytes) noexcept;

  /// For the end, when only the snapshot is left to be written. Errors: no_space.
  [[nodiscard]] core::Status check_snapshot(const Snapshot& snapshot) const;
  /// The error for the user.
  [[nodiscard]] core::Error no_room() const;

 private:
  struct OpenPack {
    std::uint64_t bytes = 0;          ///< 0: none is open
    std::uint64_t listing_bytes = 0;  ///< in the index segment
  };
  [[nodiscard]] OpenPack with(const Block& block) const noexcept;
  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const noexcept;

  const StorageLimit limit_;
  std::uint64_t written_bytes_ = 0;
  std::array<OpenPack, 2> open_;
  std::uint64_t unlisted_bytes_ = 0;  ///< in the index segment, for packs that are published
};

}  // namespace cairn::repo::ops
