#pragma once

#include <sys/types.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "cairn/core/bytes.h"

namespace cairn::repo::ops {

/// Reads a file from front to back, and drops the pages that this brings into the kernel's page
/// cache: a backup must not push out what others are working with. Pages that were there before
/// stay.
///
/// How it knows which pages were there: a small file is first read without waiting (preadv2(2),
/// RWF_NOWAIT). A large one is mapped and checked with mincore(2), always a whole window before
/// reading and the kernel's read-ahead get there. If the system does not tell (a file of another
/// user, a file system that cannot), everything counts as having been there. All of this is advice:
/// nothing here fails.
///
/// Not thread-safe. System calls: for a small file in the cache only pread(2). Memory: 300 bytes,
/// and for a moment 16 KiB of stack.
class BorrowedPages {
 public:
  /// Files from this size on are large.
  static constexpr std::uint64_t kLargeBytes = 1024 * 1024;

  /// `descriptor` must stay open.
  BorrowedPages(int descriptor, std::uint64_t size_bytes) noexcept;
  ~BorrowedPages();
  BorrowedPages(BorrowedPages&& other) noexcept;
  BorrowedPages& operator=(BorrowedPages&&) = delete;

  /// As pread(2). Offsets grow from call to call, or start again from 0.
  [[nodiscard]] ::ssize_t read(core::MutableByteView out, std::uint64_t offset);

 private:
  // A granule counts as having been there if any of its pages was. The kernel reads ahead by at
  // most twice the device's setting, which is seldom more than 8 MiB.
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
  std::uint64_t windows_seen_ = 0;  ///< how many from the front have been checked
  std::array<Window, 2> windows_;   ///< the last two of them, by their number's last bit
  std::uint64_t run_begin_ = 0;     ///< granules to be dropped, from here ...
  std::uint64_t given_to_ = 0;      ///< ... to here; everything before is done
  std::uint64_t read_to_ = 0;
};

}  // namespace cairn::repo::ops
