#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cairn/repo/forget.h"
#include "collecting.h"
#include "loop_disk.h"

// A disk without a free byte: there must be a way to give space back.

using namespace cairn;
using namespace cairn::test;

namespace {

/// In memory; gone with the object.
class SmallDisk {
 public:
  explicit SmallDisk(std::string folder, const char* options) : folder_(std::move(folder)) {
    std::filesystem::create_directory(folder_);
    is_mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, options) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted_) {
      ::umount2(folder_.c_str(), MNT_DETACH);
    }
  }
  [[nodiscard]] bool is_mounted() const noexcept { return is_mounted_; }

 private:
  std::string folder_;
  bool is_mounted_;
};

/// Takes every byte, and every name that can still be given.
void fill(const std::string& folder) {
  std::ofstream bytes(folder + "/filler", std::ios::binary);
  const std::string block(4096, 'x');
  while (bytes.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  for (int i = 0; i < 10'000; ++i) {
    std::ofstream name(folder + "/filler" + std::to_string(i));
    name << 'x' << std::flush;
    if (!name) {
      break;
    }
  }
}

/// Two snapshots with nothing in common, and a full disk.
void check_can_be_freed(RepoFixture& fixture) {
  REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 1'500'000, 1)}).empty());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  std::filesystem::remove(fixture.at("source/a"));
  REQUIRE(make_tree(fixture.at("source"), {tree::file("b", 1'500'000, 2)}).empty());
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  CHECK(std::filesystem::file_size(fixture.at("repo/reserve")) == 1024 * 1024);
  const std::uint64_t before = pack_bytes(fixture);
  fill(fixture.at("repo"));
  const auto full = fixture.backup(*repository, {fixture.at("source")});
  CHECK(outcome(full) == "no_space");
  CHECK(message_of(full).find("the disk of the repository " + fixture.at("repo") + " is full") !=
        std::string::npos);

  repo::ForgetOptions forgetting;
  forgetting.snapshots = {"latest~1"};
  const auto forgotten = repo::forget(*repository, forgetting, fixture.observer);
  REQUIRE(outcome(forgotten) == "ok");
  const auto pruned = prune(fixture, *repository, {.max_repack_bytes = 0});
  INFO(message_of(pruned));
  REQUIRE(outcome(pruned) == "ok");
  CHECK(pruned->removed.packs >= 1);
  CHECK(pack_bytes(fixture) < before - 1'400'000);
  // There is room again, so it is kept for the next time.
  CHECK(std::filesystem::exists(fixture.at("repo/reserve")));
  CHECK(fixture.objects("tmp").empty());
  CHECK(fixture.objects("condemned").empty());
  check_all_restore(fixture, 1);
}

}  // namespace

TEST_CASE("a repository that has filled its disk to the last byte can be freed", "[full]") {
  RepoFixture fixture;
  const SmallDisk disk(fixture.at("repo"), "size=8m");
  if (!disk.is_mounted()) {
    WARN("skipped: needs root to mount a small file system");
    return;
  }
  check_can_be_freed(fixture);
}

TEST_CASE("a repository whose disk has no room for another file can be freed", "[full]") {
  RepoFixture fixture;
  const SmallDisk disk(fixture.at("repo"), "size=16m,nr_inodes=60");
  if (!disk.is_mounted()) {
    WARN("skipped: needs root to mount a small file system");
    return;
  }
  check_can_be_freed(fixture);
}

TEST_CASE("a full ext4 can be freed", "[full]") {
  RepoFixture fixture;
  const LoopDisk disk(fixture.at("repo"), 12);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  check_can_be_freed(fixture);
}
