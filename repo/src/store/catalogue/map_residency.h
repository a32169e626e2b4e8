#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"

/// Bounds how much of a file's read-only shared map stands in this process's memory.
///
/// Pages of a map that were looked at are page cache, which the kernel could take back, but they
/// count as memory of the process until it does: a backup of a million files would show its whole
/// catalogue. So the places looked at are counted, and once they are too many all of the map is let
/// go (madvise(2), MADV_DONTNEED: the page cache keeps the pages, looking again costs a minor
/// fault).
namespace cairn::repo::store {

/// Thread-safe, but the map must stay where it is during touched() and let_go().
class MapResidency {
 public:
  /// What may be looked at before all is let go: the inner pages of the tree are asked for with
  /// every lookup and should stay, and their number grows with the file.
  static constexpr std::uint64_t kBytesMin = std::uint64_t{4} * 1024 * 1024;
  static constexpr std::uint64_t kPartOfFile = 32;
  /// However large the file.
  static constexpr std::uint64_t kBytesMax = std::uint64_t{10} * 1024 * 1024;

  /// Finds where the file with this inode number is mapped, in /proc/self/maps; where there is no
  /// such file, nothing is ever let go. No other call may run meanwhile.
  void attach(std::uint64_t inode);

  /// The file has so many bytes now.
  void file_has(std::uint64_t bytes) noexcept;
  /// `bytes` were looked at. May let go of the whole map.
  void touched(core::ByteView bytes) noexcept;
  void let_go() noexcept;

  [[nodiscard]] bool is_attached() const noexcept { return begin_ != 0; }
  /// Where in the file the bytes lie; nullopt if they are not of the map, or that was not found.
  [[nodiscard]] std::optional<std::uint64_t> file_offset(core::ByteView bytes) const noexcept;

 private:
  /// The kernel maps whole windows of this size around a place that is looked at ("fault-around").
  static constexpr unsigned kWindowShift = 16;
  /// Windows are told apart up to a map of 16 GiB; beyond, some are not counted.
  static constexpr std::size_t kWindows = std::size_t{1} << 18;
  static constexpr std::size_t kWordBits = 64;

  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> count_max_{kBytesMin >> kWindowShift};
  std::array<std::atomic<std::uint64_t>, kWindows / kWordBits> seen_{};
};

}  // namespace cairn::repo::store
