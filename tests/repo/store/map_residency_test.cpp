#include "store/catalogue/map_residency.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "catch2.h"
#include "temp_folder.h"

namespace cairn::repo::store {
namespace {

/// A file of zeros, mapped as LMDB maps its own.
class MappedFile {
 public:
  MappedFile(const std::string& path, std::size_t size_bytes) : size_bytes_(size_bytes) {
    const int descriptor = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(descriptor >= 0);
    REQUIRE(::ftruncate(descriptor, static_cast<off_t>(size_bytes)) == 0);
    struct stat info {};
    REQUIRE(::fstat(descriptor, &info) == 0);
    inode_ = info.st_ino;
    map_ = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    REQUIRE(map_ != MAP_FAILED);
    ::close(descriptor);
  }
  ~MappedFile() { ::munmap(map_, size_bytes_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::uint64_t inode() const { return inode_; }
  [[nodiscard]] core::ByteView bytes() const {
    return {static_cast<const std::byte*>(map_), size_bytes_};
  }

  /// What the kernel says stands in memory of it.
  [[nodiscard]] std::uint64_t resident_bytes() const {
    std::ifstream maps("/proc/self/smaps");
    bool is_ours = false;
    for (std::string line; std::getline(maps, line);) {
      if (line.find("data.mdb") != std::string::npos) {
        is_ours = line.find(std::to_string(inode_)) != std::string::npos;
      } else if (is_ours && line.starts_with("Rss:")) {
        return std::stoull(line.substr(4)) * 1024;
      }
    }
    FAIL("the map is not listed");
    return 0;
  }

 private:
  std::size_t size_bytes_;
  std::uint64_t inode_ = 0;
  void* map_ = nullptr;
};

constexpr std::size_t kPage = 4096;

std::uint64_t read_all(const MappedFile& file, MapResidency* residency) {
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < file.bytes().size(); at += kPage) {
    const auto page = file.bytes().subspan(at, kPage);
    sum += std::to_integer<std::uint64_t>(page[0]);
    if (residency != nullptr) {
      residency->touched(page);
    }
    if (at % (std::size_t{4} * 1024 * 1024) == 0) {
      most = std::max(most, file.resident_bytes());
    }
  }
  CHECK(sum == 0);
  return std::max(most, file.resident_bytes());
}

TEST_CASE("reading all of a map leaves little of it in memory") {
  const test::TempFolder folder;
  const MappedFile file(folder.path() + "/data.mdb", 4 * MapResidency::kBytesMin);
  REQUIRE(read_all(file, nullptr) == 4 * MapResidency::kBytesMin);

  MapResidency residency;
  residency.attach(file.inode());
  REQUIRE(residency.is_attached());
  residency.let_go();
  CHECK(file.resident_bytes() == 0);
  CHECK(read_all(file, &residency) <= MapResidency::kBytesMin + kPage * 16);
}

TEST_CASE("only a read-only map of the file itself is ever let go") {
  const test::TempFolder folder;
  const MappedFile other(folder.path() + "/other", kPage);
  const MappedFile file(folder.path() + "/data.mdb", kPage);
  MapResidency residency;
  residency.attach(other.inode());
  CHECK_FALSE(residency.is_attached());
  residency.attach(file.inode());
  CHECK(residency.is_attached());
  REQUIRE(file.bytes()[0] == std::byte{0});
  residency.touched(other.bytes());
  CHECK(file.resident_bytes() == kPage);
  CHECK(residency.file_offset(file.bytes().subspan(7, 1)) == 7U);
  CHECK(residency.file_offset(other.bytes()) == std::nullopt);
}

TEST_CASE("more of a larger file may stay in memory, up to a bound") {
  const test::TempFolder folder;
  const MappedFile file(folder.path() + "/data.mdb", 4 * MapResidency::kBytesMin);
  MapResidency residency;
  residency.attach(file.inode());
  constexpr std::uint64_t kMore = std::uint64_t{2} * 1024 * 1024;
  residency.file_has(MapResidency::kPartOfFile * kMore);
  std::uint64_t most = read_all(file, &residency);
  CHECK(most <= MapResidency::kBytesMin + kMore + kPage * 16);
  CHECK(most > MapResidency::kBytesMin + kPage * 16);
  residency.let_go();
  residency.file_has(std::uint64_t{1} << 40);
  most = read_all(file, &residency);
  CHECK(most <= MapResidency::kBytesMax + kPage * 16);
  CHECK(most > MapResidency::kBytesMin + kMore + kPage * 16);
}

}  // namespace
}  // namespace cairn::repo::store
