#include "store/catalogue/map_residency.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace cairn::repo::store {

void MapResidency::attach(std::uint64_t inode) {
  begin_ = 0;
  end_ = 0;
  count_ = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/data.mdb") == std::string::npos) {
      continue;
    }
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string permissions;
    std::uint64_t offset = 0;
    std::string device;
    std::uint64_t found = 0;
    words >> std::hex >> begin >> dash >> end >> permissions >> offset >> device >> std::dec >>
        found;
    // Pages of a map that is not ours must never be released, so everything must match: the file's
    // name and number, and that nothing can be written through the map.
    if (words && found == inode && offset == 0 && permissions == "r--s") {
      begin_ = begin;
      end_ = end;
      return;
    }
  }
}

void MapResidency::file_has(std::uint64_t bytes) noexcept {
  const std::uint64_t bytes_max = std::min(kBytesMin + bytes / kPartOfFile, kBytesMax);
  count_max_.store(bytes_max >> kWindowShift, std::memory_order_relaxed);
}

std::optional<std::uint64_t> MapResidency::file_offset(core::ByteView bytes) const noexcept {
  const auto place = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (place < begin_ || place >= end_) {
    return std::nullopt;
  }
  return place - begin_;
}

void MapResidency::touched(core::ByteView bytes) noexcept {
  if (!file_offset(bytes)) {
    return;  // a page that this process is changing, or a map that was not found
  }
  const auto place = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t window = (place >> kWindowShift) % kWindows;
  const std::uint64_t bit = std::uint64_t{1} << (window % kWordBits);
  auto& word = seen_[window / kWordBits];
  if ((word.load(std::memory_order_relaxed) & bit) != 0 ||
      (word.fetch_or(bit, std::memory_order_relaxed) & bit) != 0) {
    return;
  }
  if (count_.fetch_add(1, std::memory_order_relaxed) + 1 >=
      count_max_.load(std::memory_order_relaxed)) {
    let_go();
  }
}

void MapResidency::let_go() noexcept {
  if (begin_ == 0) {
    return;
  }
  count_.store(0, std::memory_order_relaxed);
  for (auto& word : seen_) {
    word.store(0, std::memory_order_relaxed);
  }
  // Failure costs memory only.
  static_cast<void>(::madvise(reinterpret_cast<void*>(begin_), end_ - begin_, MADV_DONTNEED));
}

}  // namespace cairn::repo::store
