#include <sys/stat.h>

#include <filesystem>

#include "inode_of.h"
#include "loop_disk.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace {

/// Source and target on a file system of its own, so that flags go away with it.
class DiskFixture : public RestoreFixture {
 public:
  DiskFixture(const std::string& type, unsigned mebibytes) : disk_(at("disk"), mebibytes, type) {}
  [[nodiscard]] bool is_mounted() const { return disk_.is_mounted(); }
  /// Makes /source and /out links' stead: folders on the disk.
  [[nodiscard]] std::string on_disk(const std::string& name) const { return at("disk/" + name); }

  void back_up_disk() {
    if (!repository) {
      repository = init();
      REQUIRE(outcome(repository) == "ok");
    }
    const auto report = backup(*repository, {on_disk("source")});
    REQUIRE(outcome(report) == "ok");
    REQUIRE(report->snapshot.problem_count == 0);
    snapshot = report->snapshot;
  }
  [[nodiscard]] repo::RestoreOptions over_disk(Overwrite overwrite) {
    auto options = over(overwrite);
    options.path = on_disk("source");
    options.target = on_disk("out");
    return options;
  }
  [[nodiscard]] std::vector<std::string> differences_on_disk() const {
    return compare_trees(on_disk("source"), on_disk("out"), {.holes = true, .inode_flags = true});
  }

 private:
  LoopDisk disk_;
};

}  // namespace

TEST_CASE("flags, holes and attributes on real file systems") {
  const std::string type = GENERATE(as<std::string>(), "ext4", "btrfs", "xfs");
  DiskFixture fixture(type, type == "ext4" ? 64 : 400);
  if (!fixture.is_mounted()) {
    WARN("skipped: needs root, a loop device and mkfs." + type);
    return;
  }
  CAPTURE(type);
  fixture.make("disk/source",
               {tree::file("plain", 100'000, 1), tree::text_file("append", "x"),
                tree::text_file("immutable", "x"), tree::hard_link("second name", "immutable"),
                tree::text_file("nodump", "x"), tree::text_file("closed/inside", "x"),
                tree::sparse_file("holes", 8'000'000, {{0, 65'536}, {4'194'304, 131'072}}, 2),
                tree::text_file("trusted", "x").with_xattr("trusted.cairn", "t"),
                tree::text_file("user", "x").with_xattr("user.cairn", "u").with_owner(5, 6)});
  const auto flag = [&](const std::string& name, unsigned flags) {
    CHECK(change_flags(fixture.on_disk("source/" + name), flags));
  };
  flag("append", FS_APPEND_FL);
  flag("immutable", FS_IMMUTABLE_FL);
  flag("nodump", FS_NODUMP_FL | FS_NOATIME_FL);
  flag("closed", FS_IMMUTABLE_FL);
  if (type == "btrfs") {
    fixture.make("disk/source", {tree::text_file("nocow", "")});
    flag("nocow", FS_NOCOW_FL);
    write_file(fixture.on_disk("source/nocow"), core::as_view("some data"));
  }
  fixture.back_up_disk();

  fixture.must(fixture.over_disk(Overwrite::refuse));
  CHECK(fixture.differences_on_disk() == std::vector<std::string>());

  // Over itself: nothing to do, flags or not.
  const auto again = fixture.must(fixture.over_disk(Overwrite::always));
  CHECK(again.bytes_written == 0);
  CHECK(count(again, RestoreAction::updated) == 0);

  // Over objects whose flags forbid it.
  const auto unlock = [&](const std::string& name) {
    CHECK(change_flags(fixture.on_disk("source/" + name), 0, FS_APPEND_FL | FS_IMMUTABLE_FL));
  };
  for (const char* name : {"append", "immutable", "closed"}) {
    unlock(name);
  }
  std::filesystem::remove_all(fixture.on_disk("source"));
  fixture.make(
      "disk/source",
      {tree::text_file("append", "other"), tree::text_file("immutable", "y"),
       tree::hard_link("second name", "immutable"), tree::text_file("closed/inside", "other")});
  flag("immutable", FS_IMMUTABLE_FL);
  fixture.back_up_disk();
  auto options = fixture.over_disk(Overwrite::always);
  options.delete_extra = true;
  fixture.must(options);
  CHECK(fixture.differences_on_disk() == std::vector<std::string>());
}

TEST_CASE("a large file is patched in place, or cloned where the file system has reflinks") {
  const std::string type = GENERATE(as<std::string>(), "ext4", "btrfs", "xfs");
  DiskFixture fixture(type, type == "ext4" ? 64 : 400);
  if (!fixture.is_mounted()) {
    WARN("skipped: needs root, a loop device and mkfs." + type);
    return;
  }
  CAPTURE(type);
  fixture.make("disk/source", {tree::file("big", 9'000'000, 1)});
  fixture.back_up_disk();
  fixture.make("disk/out", {tree::file("big", 9'500'000, 1)});
  const std::string big = fixture.on_disk("out/big");
  flip_byte(big, 5'000'000);
  const auto before = inode_of(big);
  const auto report = fixture.must(fixture.over_disk(Overwrite::always));
  CHECK(fixture.differences_on_disk() == std::vector<std::string>());
  CHECK((inode_of(big) == before) == (type == "ext4"));
  CHECK(report.bytes_written <= (type == "ext4" ? 2U : 1U) * 2 * 256 * 1024);
}
