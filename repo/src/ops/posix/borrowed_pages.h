#pragma once

#include <sys/types.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "cairn/core/bytes.h"

namespace cairn::repo::ops {

/// Reads a file from front to back, and gives back to the kernel what that brought into its page
/// cache: a backup of everything shall not push out what others are working with. Pages that were
/// there before stay.
///
/// How it knows: a small file is asked for without waiting first (preadv2(2), RWF_NOWAIT). A large
/// one is mapped, and asked by mincore(2), always a whole window before reading and reading ahead
/// have got there. Where the system will not tell (a file of somebody else, a file system that
/// cannot), everything counts as having been there. All of it is advice: nothing here fails.
///
/// Not thread-safe. System calls: for a small file in the cache none more than pread(2). Memory:
/// 300 bytes, and for a moment 16 KiB of stack.
class BorrowedPages {
 public:
  /// From here on a file is large.
  static constexpr std::uint64_t kLargeBytes = 1024 * 1024;

  /// `descriptor` must stay open.
  BorrowedPages(int descriptor, std::uint64_t size_bytes) noexcept;
  ~BorrowedPages();
  BorrowedPages(BorrowedPages&& other) noexcept;
  BorrowedPages& operator=(BorrowedPages&&) = delete;

  /// As pread(2). Offsets grow from call to call, or begin again with the first.
  [[nodiscard]] ::ssize_t read(core::MutableByteView out, std::uint64_t offset);

 private:
  // A granule counts as having been there if any of its pages was. Reading ahead goes no further
  // than twice what the device is set to, which is seldom more than 8 MiB.
  static constexpr std::uint64_t kGranuleBytes = 128 * 1024;
  static constexpr std::uint64_t kWindowBytes = 64 * 1024 * 1024;
  static constexpr std::size_t kWindowGranules = kWindowBytes / kGranuleBytes;
  using Window = std::bitset<kWindowGranules>;  ///< 1: was there
  enum class Small : std::uint8_t { unknown, was_there, borrowed };

  [[nodiscard]] ::ssize_t read_small(core::MutableByteView out, std::uint64_t offset);
  void reach(std::uint64_t offset);
  [[nodiscard]] Window look(std::uint64_t number) const;
  [[nodiscard]] bool was_there(std::uint64_t granule) const;
  void give_back();

  int descriptor_;
  std::uint64_t size_bytes_;
  Small small_ = Small::unknown;
  std::uint64_t windows_seen_ = 0;  ///< so many from the front have been looked at
  std::array<Window, 2> windows_;   ///< the last two of them, by their numbers' last bit
  std::uint64_t run_begin_ = 0;     ///< of the granules that are to be given back, up to ...
  std::uint64_t given_to_ = 0;      ///< ... here; before that all was decided
  std::uint64_t read_to_ = 0;
};

}  // namespace cairn::repo::ops
