#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "cairn/core/descriptor.h"
#include "store/catalogue/lmdb_env.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

// LMDB's meta page (data version 1, 64 bits), in the byte order of the machine:
// page header: number 8, pad 2, flags 2, bounds 4 | magic 4, version 4, address 8, map size 8 |
// free table, main table: page size or pad 4, flags 2, depth 2, four counts 8 each, root 8 |
// last page 8 | transaction 8. The newer of two such pages counts.
constexpr std::size_t kMetaBytes = 152;
constexpr std::size_t kFlagsAt = 10;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kVersionAt = 20;
constexpr std::size_t kPageSizeAt = 40;
constexpr std::size_t kFreeRootAt = 80;
constexpr std::size_t kMainRootAt = 128;
constexpr std::size_t kLastPageAt = 136;
constexpr std::size_t kTransactionAt = 144;

constexpr std::uint16_t kMetaFlag = 0x08;
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kPageBytesMin = 512;
constexpr std::uint32_t kPageBytesMax = 32768;
constexpr std::uint64_t kNoPage = UINT64_MAX;

using MetaBytes = std::array<std::byte, kMetaBytes>;

template <class Number>
Number number_at(const MetaBytes& page, std::size_t offset) {
  Number value{};
  std::memcpy(&value, page.data() + offset, sizeof(value));
  return value;
}

bool is_meta(const MetaBytes& page) {
  const auto page_bytes = number_at<std::uint32_t>(page, kPageSizeAt);
  return (number_at<std::uint16_t>(page, kFlagsAt) & kMetaFlag) != 0 &&
         number_at<std::uint32_t>(page, kMagicAt) == kMagic &&
         number_at<std::uint32_t>(page, kVersionAt) == kVersion &&
         std::has_single_bit(page_bytes) && page_bytes >= kPageBytesMin &&
         page_bytes <= kPageBytesMax;
}

bool is_root(std::uint64_t page, std::uint64_t last_page) {
  return page == kNoPage || (page >= 2 && page <= last_page);
}

}  // namespace

Status check_lmdb_file(const std::string& folder) {
  const std::string path = folder + "/data.mdb";
  const core::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.is_open() || ::fstat(file.number(), &info) != 0) {
    return core::fail(core::errno_error(errno, "open " + path));
  }
  if (S_ISREG(info.st_mode) && info.st_size == 0) {
    return core::fail(ErrorCode::not_found, path + ": is empty");
  }
  const auto damaged = [&](std::string_view reason) {
    return core::fail(ErrorCode::corrupt, fmt::format("{}: {}", path, reason));
  };
  if (!S_ISREG(info.st_mode)) {
    return damaged("is not a file");
  }

  MetaBytes newest{};
  for (int i = 0; i < 2; ++i) {
    MetaBytes page{};
    const off_t at = i == 0 ? 0 : off_t{number_at<std::uint32_t>(newest, kPageSizeAt)};
    if (::pread(file.number(), page.data(), page.size(), at) != ssize_t{kMetaBytes} ||
        !is_meta(page)) {
      return damaged("has no meta page of LMDB's where one should be");
    }
    if (i == 0 || number_at<std::uint64_t>(page, kTransactionAt) >
                      number_at<std::uint64_t>(newest, kTransactionAt)) {
      newest = page;
    }
  }
  const std::uint64_t page_bytes = number_at<std::uint32_t>(newest, kPageSizeAt);
  const auto last_page = number_at<std::uint64_t>(newest, kLastPageAt);
  if (last_page >= static_cast<std::uint64_t>(info.st_size) / page_bytes) {
    return damaged("is shorter than its contents");
  }
  if (!is_root(number_at<std::uint64_t>(newest, kFreeRootAt), last_page) ||
      !is_root(number_at<std::uint64_t>(newest, kMainRootAt), last_page)) {
    return damaged("its meta page points outside");
  }
  return {};
}

}  // namespace cairn::repo::store
