#include "ops/posix/borrowed_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cairn/core/descriptor.h"
#include "catch2.h"
#include "temp_folder.h"

using cairn::core::Bytes;
using cairn::core::Descriptor;
using cairn::repo::ops::BorrowedPages;
using cairn::test::TempFolder;

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
// Others on the machine may take pages from the cache at any moment, or look at a file.
constexpr int kAttempts = 5;

struct Extent {
  std::size_t begin = 0;
  std::size_t length = 0;
};

Descriptor open_file(const std::string& path, int flags) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  REQUIRE(file.is_open());
  return file;
}

/// Of the pages of an extent, how many in a thousand lie in the page cache.
std::size_t cached_permille(const std::string& path, const Extent& extent) {
  const Descriptor file = open_file(path, O_RDONLY);
  void* const map = ::mmap(nullptr, extent.length, PROT_READ, MAP_SHARED, file.number(),
                           static_cast<::off_t>(extent.begin));
  REQUIRE(map != MAP_FAILED);
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((extent.length + page_bytes - 1) / page_bytes);
  REQUIRE(::mincore(map, extent.length, pages.data()) == 0);
  ::munmap(map, extent.length);
  std::size_t count = 0;
  for (const unsigned char page : pages) {
    count += page & 1U;
  }
  return count * 1000 / pages.size();
}

void write_file(const std::string& path, std::size_t size) {
  const Descriptor file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  const Bytes piece(256 * kKiB, std::byte{7});
  for (std::size_t at = 0; at < size; at += piece.size()) {
    const std::size_t length = std::min(piece.size(), size - at);
    REQUIRE(::write(file.number(), piece.data(), length) == static_cast<::ssize_t>(length));
  }
  REQUIRE(::fsync(file.number()) == 0);
}

void empty_cache(const std::string& path) {
  const Descriptor file = open_file(path, O_RDONLY);
  static_cast<void>(::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED));
}

/// As somebody who works with the file; no reading ahead.
void bring_in(const std::string& path, const Extent& extent) {
  const Descriptor file = open_file(path, O_RDONLY);
  static_cast<void>(::posix_fadvise(file.number(), 0, 0, POSIX_FADV_RANDOM));
  Bytes bytes(extent.length);
  REQUIRE(::pread(file.number(), bytes.data(), bytes.size(), static_cast<::off_t>(extent.begin)) ==
          static_cast<::ssize_t>(extent.length));
}

void read_through(const std::string& path, std::size_t size, int times = 1) {
  const Descriptor file = open_file(path, O_RDONLY);
  BorrowedPages pages(file.number(), size);
  Bytes bytes(512 * kKiB);
  for (int time = 0; time < times; ++time) {
    std::size_t at = 0;
    while (at < size) {
      const ::ssize_t got = pages.read(bytes, at);
      REQUIRE(got > 0);
      REQUIRE(bytes[0] == std::byte{7});
      at += static_cast<std::size_t>(got);
    }
    REQUIRE(pages.read(bytes, at) == 0);
  }
}

class PagedFile {
 public:
  explicit PagedFile(std::size_t size) : size_(size) { write_file(path(), size); }

  [[nodiscard]] std::string path() const { return folder_ / "file"; }
  /// False where files lie in memory, or where mincore() does not tell.
  [[nodiscard]] bool can_leave_cache() const {
    empty_cache(path());
    return cached_permille(path(), {0, size_}) == 0;
  }
  /// True if, of some attempts that begin with nothing but `before` in the cache, one ends with all
  /// of `stays` there and nothing of `goes`.
  [[nodiscard]] bool keeps(const Extent& before, const Extent& stays, const Extent& goes,
                           int times = 1) const {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      empty_cache(path());
      if (before.length > 0) {
        bring_in(path(), before);
      }
      read_through(path(), size_, times);
      if ((stays.length == 0 || cached_permille(path(), stays) == 1000) &&
          (goes.length == 0 || cached_permille(path(), goes) == 0)) {
        return true;
      }
    }
    return false;
  }

 private:
  std::size_t size_;
  TempFolder folder_;
};

/// True, and said, if the test has nothing to show here.
bool is_skipped(const PagedFile& file) {
  const bool is_skipped = !file.can_leave_cache();
  if (is_skipped) {
    WARN("skipped: pages of files do not leave the cache of this file system (a tmpfs?)");
  }
  return is_skipped;
}

}  // namespace

TEST_CASE("what reading a file brought into the page cache is given back", "[pages]") {
  for (const std::size_t size : {3 * kKiB, 300 * kKiB, 3 * kMiB + 5, 150 * kMiB + 77}) {
    CAPTURE(size);
    const PagedFile file(size);
    if (is_skipped(file)) {
      return;
    }
    CHECK(file.keeps({}, {}, {0, size}));
    CHECK(file.keeps({}, {}, {0, size}, 2));
  }
}

TEST_CASE("what was in the page cache before stays there", "[pages]") {
  for (const std::size_t size : {3 * kKiB, 300 * kKiB, 3 * kMiB + 5, 150 * kMiB}) {
    CAPTURE(size);
    const PagedFile file(size);
    if (is_skipped(file)) {
      return;
    }
    CHECK(file.keeps({0, size}, {0, size}, {}));
    CHECK(file.keeps({0, size}, {0, size}, {}, 2));
  }
}

TEST_CASE("of a large file that is cached in part just that part stays", "[pages]") {
  const std::size_t size = 150 * kMiB;
  const PagedFile file(size);
  if (is_skipped(file)) {
    return;
  }
  CHECK(file.keeps({0, kMiB}, {0, kMiB}, {kMiB, size - kMiB}));
  CHECK(file.keeps({63 * kMiB, 2 * kMiB}, {63 * kMiB, 2 * kMiB}, {65 * kMiB, size - 65 * kMiB}));
  CHECK(file.keeps({63 * kMiB, 2 * kMiB}, {63 * kMiB, 2 * kMiB}, {0, 63 * kMiB}));
  CHECK(file.keeps({size - kMiB, kMiB}, {size - kMiB, kMiB}, {0, size - kMiB}));
}
