#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"

/// Bounds how much of a file's read-only shared map counts as memory of this process.
///
/// Touched pages of a map are page cache, which the kernel could take back, but until it does they
/// count as memory of the process: a backup of a million files would show its whole catalogue. So
/// touched places are counted, and when there are too many the whole map is released (madvise(2),
/// MADV_DONTNEED: the page cache keeps the pages, and touching one again costs a minor fault).
namespace cairn::repo::store {

/// Thread-safe, but the map must not move during touched() and let_go().
class MapResidency {
 public:
  /// What may be touched before all is released: the inner pages of the tree are needed by every
  /// lookup and should stay, and their number grows with the file.
  static constexpr std::uint64_t kBytesMin = std::uint64_t{4} * 1024 * 1024;
  static constexpr std::uint64_t kPartOfFile = 32;
  /// The limit for large files.
  static constexpr std::uint64_t kBytesMax = std::uint64_t{10} * 1024 * 1024;

  /// Finds where the file with this inode number is mapped, in /proc/self/maps; without that file
  /// nothing is ever released. No other call may run meanwhile.
  void attach(std::uint64_t inode);

  /// To be called when the file's size changes.
  void file_has(std::uint64_t bytes) noexcept;
  /// To be called when `bytes` were touched. May release the whole map.
  void touched(core::ByteView bytes) noexcept;
  void let_go() noexcept;

  [[nodiscard]] bool is_attached() const noexcept { return begin_ != 0; }
  /// The offset of the bytes in the file; nullopt if they are not in the map, or it was not found.
  [[nodiscard]] std::optional<std::uint64_t> file_offset(core::ByteView bytes) const noexcept;

 private:
  /// The kernel maps whole windows of this size around a touched place ("fault-around").
  static constexpr unsigned kWindowShift = 16;
  /// Windows are distinguished up to a map of 16 GiB; beyond that, some are not counted.
  static constexpr std::size_t kWindows = std::size_t{1} << 18;
  static constexpr std::size_t kWordBits = 64;

  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> count_max_{kBytesMin >> kWindowShift};
  std::array<std::atomic<std::uint64_t>, kWindows / kWordBits> seen_{};
};

}  // namespace cairn::repo::store
