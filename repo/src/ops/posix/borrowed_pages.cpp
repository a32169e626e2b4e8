#include "ops/posix/borrowed_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cairn/core/descriptor.h"

namespace cairn::repo::ops {
namespace {

// Pages are dropped in pieces of this length: short enough to keep few, long enough for few calls.
constexpr std::uint64_t kGiveBackBytes = 4 * 1024 * 1024;
constexpr std::size_t kPageBytesMin = 4096;

::ssize_t read_at(int descriptor, core::MutableByteView out, std::uint64_t offset) {
  return core::uninterrupted(
      [&] { return ::pread(descriptor, out.data(), out.size(), static_cast<::off_t>(offset)); });
}

/// Only advice: it does not matter if the file system cannot do it. A length of 0 means "to the
/// end".
void drop(int descriptor, std::uint64_t begin, std::uint64_t length) {
  static_cast<void>(::posix_fadvise(descriptor, static_cast<::off_t>(begin),
                                    static_cast<::off_t>(length), POSIX_FADV_DONTNEED));
}

}  // namespace

BorrowedPages::BorrowedPages(int descriptor, std::uint64_t size_bytes) noexcept
    : descriptor_(descriptor), size_bytes_(size_bytes) {}

BorrowedPages::BorrowedPages(BorrowedPages&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_bytes_(other.size_bytes_),
      small_(other.small_),
      windows_seen_(other.windows_seen_),
      windows_(other.windows_),
      run_begin_(other.run_begin_),
      given_to_(other.given_to_),
      read_to_(other.read_to_) {}

BorrowedPages::~BorrowedPages() {
  if (descriptor_ < 0) {
    return;
  }
  if (small_ == Small::borrowed) {
    drop(descriptor_, 0, 0);
  }
  give_back();
}

::ssize_t BorrowedPages::read(core::MutableByteView out, std::uint64_t offset) {
  if (size_bytes_ < kLargeBytes) {
    return read_small(out, offset);
  }
  if (offset < read_to_) {  // read from the start again: what was dropped is gone
    give_back();
    windows_seen_ = 0;
    run_begin_ = given_to_ = read_to_ = 0;
  }
  reach(offset);
  const ::ssize_t got = read_at(descriptor_, out, offset);
  read_to_ = offset + static_cast<std::uint64_t>(std::max<::ssize_t>(got, 0));
  return got;
}

::ssize_t BorrowedPages::read_small(core::MutableByteView out, std::uint64_t offset) {
  if (small_ == Small::unknown) {
    ::iovec piece{.iov_base = out.data(), .iov_len = out.size()};
    const ::ssize_t got = core::uninterrupted([&] {
      return ::preadv2(descriptor_, &piece, 1, static_cast<::off_t>(offset), RWF_NOWAIT);
    });
    small_ = got < 0 && errno == EAGAIN ? Small::borrowed : Small::was_there;
    if (got >= 0) {
      return got;
    }
  }
  return read_at(descriptor_, out, offset);
}

void BorrowedPages::reach(std::uint64_t offset) {
  const std::uint64_t window = offset / kWindowBytes;
  if (window >= windows_seen_) {  // the first one, or after a long hole
    give_back();
    windows_seen_ = window;
    given_to_ = offset / kGranuleBytes * kGranuleBytes;
    run_begin_ = given_to_;
  }
  // Also the window after this one, which the kernel's read-ahead will reach before we do.
  if (windows_seen_ < window + 2) {
    give_back();  // while the window before this one is still known
    if (given_to_ < window * kWindowBytes) {
      given_to_ = run_begin_ = window * kWindowBytes;  // part of a granule before a hole: it stays
    }
    for (; windows_seen_ < window + 2; ++windows_seen_) {
      windows_[windows_seen_ % windows_.size()] = look(windows_seen_);
    }
  } else if (offset - given_to_ >= kGiveBackBytes) {
    give_back();
  }
}

BorrowedPages::Window BorrowedPages::look(std::uint64_t number) const {
  Window window;
  const std::uint64_t begin = number * kWindowBytes;
  if (begin >= size_bytes_) {
    return window;
  }
  const auto length = static_cast<std::size_t>(std::min(size_bytes_ - begin, kWindowBytes));
  window.set();
  void* const map =
      ::mmap(nullptr, length, PROT_READ, MAP_SHARED, descriptor_, static_cast<::off_t>(begin));
  if (map == MAP_FAILED) {
    return window;
  }
  std::array<unsigned char, kWindowBytes / kPageBytesMin> pages{};
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (::mincore(map, length, pages.data()) == 0) {
    window.reset();
    for (std::size_t page = 0; page * page_bytes < length; ++page) {
      if ((pages[page] & 1U) != 0) {
        window.set(page * page_bytes / kGranuleBytes);
      }
    }
  }
  ::munmap(map, length);
  return window;
}

bool BorrowedPages::was_there(std::uint64_t granule) const {
  const std::uint64_t window = granule / kWindowGranules;
  return windows_[window % windows_.size()].test(granule % kWindowGranules);
}

void BorrowedPages::give_back() {
  // No part of the last granule is dropped before the rest of it has been read.
  const bool at_end = read_to_ >= size_bytes_;
  const std::uint64_t end = (read_to_ + (at_end ? kGranuleBytes - 1 : 0)) / kGranuleBytes;
  const auto drop_run = [this] {
    if (run_begin_ < given_to_) {
      drop(descriptor_, run_begin_, given_to_ - run_begin_);
    }
  };
  for (std::uint64_t granule = given_to_ / kGranuleBytes; granule < end; ++granule) {
    const bool stays = was_there(granule);
    if (stays) {
      drop_run();
    }
    given_to_ = (granule + 1) * kGranuleBytes;
    if (stays) {
      run_begin_ = given_to_;
    }
  }
  // From the start of the run, though most of it has been dropped already: the kernel keeps the
  // last folio of a range if the range ends in the middle of it.
  drop_run();
}

}  // namespace cairn::repo::ops
