#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "inode_of.h"
#include "ops/target/restore_policy.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace {

constexpr core::Timestamp kOld{1'000'000'000, 5};
constexpr core::Timestamp kNew{1'700'000'000, 7};

/// What the observer was told, sorted.
class ChangeObserver final : public repo::Observer {
 public:
  void restored(RestoreAction action, std::string_view path) override {
    told.push_back(std::string(to_string(action)) + ' ' + std::string(path));
  }
  [[nodiscard]] std::vector<std::string> sorted() {
    std::sort(told.begin(), told.end());
    return told;
  }
  std::vector<std::string> told;
};

std::vector<TreeObject> mixed_tree() {
  return {tree::file("big", 3'000'000, 1),
          tree::file("docs/small", 500, 2),
          tree::text_file("docs/nothing", ""),
          tree::hard_link("again", "big"),
          tree::symlink("link", "docs/small"),
          tree::fifo("pipe"),
          tree::sparse_file("sparse", 9'000'000, {{4096, 8192}, {5'242'880, 4096}}, 3),
          tree::folder("empty")};
}

}  // namespace

TEST_CASE("the policy decides by what is there and its time") {
  repo::Entry entry;
  entry.mtime = kNew;
  entry.content.size_bytes = 10;
  struct ::stat status {};
  status.st_mode = S_IFREG | 0644;
  status.st_size = 10;
  status.st_mtim = {kNew.seconds, static_cast<long>(kNew.nanoseconds)};
  using repo::ops::judge;
  using repo::ops::Verdict;
  CHECK(judge(Overwrite::always, std::nullopt, entry) == Verdict::create);
  CHECK(judge(Overwrite::refuse, status, entry) == Verdict::refuse);
  CHECK(judge(Overwrite::always, status, entry) == Verdict::compare);
  CHECK(judge(Overwrite::if_changed, status, entry) == Verdict::metadata_only);
  CHECK(judge(Overwrite::if_newer, status, entry) == Verdict::keep);
  CHECK(judge(Overwrite::never, status, entry) == Verdict::keep);
  status.st_mtim.tv_nsec -= 1;
  CHECK(judge(Overwrite::if_changed, status, entry) == Verdict::compare);
  CHECK(judge(Overwrite::if_newer, status, entry) == Verdict::compare);
  status.st_mode = S_IFLNK | 0777;
  CHECK(judge(Overwrite::always, status, entry) == Verdict::replace);
  CHECK(judge(Overwrite::if_changed, status, entry) == Verdict::replace);
}

TEST_CASE("a restore over itself changes nothing") {
  RestoreFixture fixture;
  fixture.make("source", mixed_tree());
  fixture.back_up();
  fixture.must(fixture.over(Overwrite::refuse));
  const auto before = inode_of(fixture.at("out/docs/small"));
  for (const Overwrite overwrite : {Overwrite::always, Overwrite::if_changed}) {
    CAPTURE(to_string(overwrite));
    const auto report = fixture.must(fixture.over(overwrite));
    CHECK(report.bytes_written == 0);
    CHECK(count(report, RestoreAction::created) == 0);
    CHECK(count(report, RestoreAction::updated) == 0);
    CHECK(count(report, RestoreAction::metadata_set) == 0);
    CHECK(count(report, RestoreAction::unchanged) == 10);
    CHECK(report.restored == report.unchanged);
    CHECK(report.restored.files == 5);
    CHECK(report.restored.folders == 3);
    CHECK(fixture.differences({.holes = true}) == std::vector<std::string>());
  }
  CHECK(inode_of(fixture.at("out/docs/small")) == before);
}

TEST_CASE("only chunks that differ are fetched and written") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("big", 8'000'000, 1), tree::file("second", 8'000'000, 2)});
  fixture.back_up();
  fixture.make("out", {tree::file("big", 8'000'000, 1), tree::file("second", 8'000'000, 2)});
  flip_byte(fixture.at("out/big"), 4'000'000);
  std::filesystem::resize_file(fixture.at("out/second"), 7'999'000);
  const auto report = fixture.must(fixture.over(Overwrite::always));
  CHECK(fixture.differences() == std::vector<std::string>());
  // Once gathered, once copied over; a chunk is at most 256 KiB here.
  CHECK(report.bytes_written <= 4 * 256 * 1024);
  CHECK(report.bytes_kept >= 15'000'000);
  CHECK(count(report, RestoreAction::updated) == 2);
}

TEST_CASE("each policy on a file that was changed, and on one that was touched") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("newer here", "snapshot").with_mtime(kOld),
                          tree::text_file("older here", "snapshot").with_mtime(kNew),
                          tree::text_file("sly", "snapshot").with_mtime(kOld),
                          tree::text_file("missing", "snapshot"), tree::symlink("link", "new")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("newer here", "standing!").with_mtime(kNew),
                       tree::text_file("older here", "standing!").with_mtime(kOld),
                       tree::text_file("sly", "standing").with_mtime(kOld),
                       tree::symlink("link", "old").with_mtime({9'000'000'000, 0})});
  const auto texts = [&] {
    return std::vector{fixture.text("out/newer here"), fixture.text("out/older here"),
                       fixture.text("out/sly"), fixture.text("out/missing"),
                       std::filesystem::read_symlink(fixture.at("out/link")).native()};
  };
  const std::string standing = "standing!";
  const std::string snapshot = "snapshot";
  SECTION("always") {
    fixture.must(fixture.over(Overwrite::always));
    CHECK(texts() == std::vector<std::string>{snapshot, snapshot, snapshot, snapshot, "new"});
    CHECK(fixture.differences() == std::vector<std::string>());
  }
  SECTION("if-changed trusts size and time") {
    fixture.must(fixture.over(Overwrite::if_changed));
    CHECK(texts() == std::vector<std::string>{snapshot, snapshot, "standing", snapshot, "new"});
  }
  SECTION("if-newer") {
    const auto report = fixture.must(fixture.over(Overwrite::if_newer));
    CHECK(texts() == std::vector<std::string>{standing, snapshot, "standing", snapshot, "old"});
    CHECK(count(report, RestoreAction::kept) == 3);
  }
  SECTION("never") {
    const auto report = fixture.must(fixture.over(Overwrite::never));
    CHECK(texts() == std::vector<std::string>{standing, standing, "standing", snapshot, "old"});
    CHECK(count(report, RestoreAction::kept) == 4);
    CHECK(count(report, RestoreAction::created) == 1);
    CHECK(report.restored.files == 1);
    CHECK(report.restored.symlinks == 0);
  }
}

TEST_CASE("objects of another type are replaced, full folders only with --delete") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a", "file"), tree::text_file("b/c", "in a folder"),
                          tree::symlink("d", "target"), tree::text_file("e", "file")});
  fixture.back_up();
  fixture.make("out", {tree::folder("a"), tree::fifo("b"), tree::text_file("d", "was a file"),
                       tree::text_file("e/full", "x")});
  const auto without = fixture.run(fixture.over(Overwrite::always));
  REQUIRE(outcome(without) == "ok");
  REQUIRE(without->problem_count == 1);
  CHECK(without->problems[0].path == fixture.at("out/e"));
  CHECK(fixture.text("out/a") == "file");
  CHECK(fixture.text("out/b/c") == "in a folder");
  CHECK(fixture.text("out/e/full") == "x");
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;
  fixture.must(options);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("deletion removes what the snapshot lacks, inside restored folders only") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("keep/a", "x"), tree::text_file("z", "x")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("extra", "x"), tree::text_file("keep/extra/deep/b", "x"),
                       tree::symlink("keep/way out", fixture.at("outside"))});
  fixture.make("outside", {tree::text_file("mine", "x")});
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;

  SECTION("a dry run tells and does nothing") {
    options.dry_run = true;
    ChangeObserver changes;
    const auto report = repo::restore(*fixture.repository, fixture.snapshot, options, changes);
    REQUIRE(outcome(report) == "ok");
    const std::string out = fixture.at("out");
    CHECK(changes.sorted() ==
          std::vector<std::string>{
              "created " + out + "/keep/a", "created " + out + "/z", "deleted " + out + "/extra",
              "deleted " + out + "/keep/extra", "deleted " + out + "/keep/extra/deep",
              "deleted " + out + "/keep/extra/deep/b", "deleted " + out + "/keep/way out",
              "metadata_set " + out, "metadata_set " + out + "/keep"});
    CHECK(report->bytes_written == 2);
    CHECK_FALSE(std::filesystem::exists(fixture.at("out/z")));
    CHECK(std::filesystem::exists(fixture.at("out/keep/extra/deep/b")));
  }
  SECTION("a real run does it") {
    const auto report = fixture.must(options);
    CHECK(count(report, RestoreAction::deleted) == 5);
    CHECK(fixture.differences() == std::vector<std::string>());
    CHECK(fixture.text("outside/mine") == "x");
  }
  SECTION("what is not selected is spared, with the folders that hold it") {
    options.selects = [&](std::string_view path, bool is_folder) {
      return is_folder || !path.ends_with("b");
    };
    fixture.must(options);
    CHECK(fixture.text("out/keep/extra/deep/b") == "x");
    CHECK_FALSE(std::filesystem::exists(fixture.at("out/extra")));
  }
  SECTION("of a whole snapshot, folders above the sources keep what they have") {
    options.path.clear();
    fixture.must(options);
    CHECK(fixture.text("out/extra") == "x");
  }
}

TEST_CASE("a selection decides by paths in the snapshot") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/first", "shared"), tree::text_file("a/x", "x"),
                          tree::hard_link("b/second", "a/first"),
                          tree::hard_link("b/third", "a/first"), tree::text_file("c/y", "y")});
  fixture.back_up();
  std::vector<std::string> folders;
  auto options = fixture.over(Overwrite::refuse);
  options.selects = [&](std::string_view path, bool is_folder) {
    if (is_folder) {
      folders.emplace_back(path);
    }
    return !path.ends_with("/a") && !path.ends_with("/y");
  };
  fixture.must(options);
  CHECK_FALSE(std::filesystem::exists(fixture.at("out/a")));
  CHECK_FALSE(std::filesystem::exists(fixture.at("out/c/y")));
  CHECK(fixture.text("out/b/second") == "shared");
  CHECK(inode_of(fixture.at("out/b/second")) == inode_of(fixture.at("out/b/third")));
  CHECK(std::find(folders.begin(), folders.end(), fixture.at("source/c")) != folders.end());
}

TEST_CASE("a file with names elsewhere is replaced, never changed through them") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("a", 3'000'000, 1), tree::file("b", 3'000'000, 2)});
  fixture.back_up();
  fixture.make("outside", {tree::file("mine", 3'000'000, 1)});
  flip_byte(fixture.at("outside/mine"), 5);
  const auto mine = read_file(fixture.at("outside/mine"));
  fixture.make("out", {});
  std::filesystem::create_hard_link(fixture.at("outside/mine"), fixture.at("out/a"));
  std::filesystem::create_hard_link(fixture.at("outside/mine"), fixture.at("out/b"));
  fixture.must(fixture.over(Overwrite::always));
  CHECK(fixture.differences() == std::vector<std::string>());
  CHECK(read_file(fixture.at("outside/mine")) == mine);
}

TEST_CASE("hard links are made right over whatever is there") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a", "one"), tree::hard_link("b", "a"),
                          tree::text_file("c", "two"), tree::hard_link("d", "c")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("a", "one"), tree::hard_link("c", "a"),
                       tree::text_file("b", "other"), tree::symlink("d", "a")});
  fixture.must(fixture.over(Overwrite::always));
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a link whose first name is kept as something else becomes a file of its own") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a", "snapshot"), tree::hard_link("b", "a"),
                          tree::hard_link("c", "a")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("a", "mine")});
  fixture.must(fixture.over(Overwrite::never));
  CHECK(fixture.text("out/a") == "mine");
  CHECK(fixture.text("out/b") == "snapshot");
  CHECK(inode_of(fixture.at("out/b")) == inode_of(fixture.at("out/c")));
}

TEST_CASE("holes come back over data, and data over holes") {
  RestoreFixture fixture;
  fixture.make("source", {tree::sparse_file("a", 6'000'000, {{4096, 4096}, {2'097'152, 65'536}}, 1),
                          tree::text_file("zeros", std::string(2'000'000, '\0')),
                          tree::sparse_file("small", 500'000, {{0, 4096}}, 2)});
  fixture.back_up();
  fixture.make("out", {tree::file("a", 6'000'000, 5), tree::sparse_file("zeros", 2'000'000, {}),
                       tree::file("small", 600'000, 3)});
  fixture.must(fixture.over(Overwrite::always));
  CHECK(fixture.differences({.holes = true}) == std::vector<std::string>());
}

TEST_CASE("damage leaves what was there as it was") {
  RestoreFixture fixture;
  fixture.make("source", {tree::file("a", 2'500'000, 1)});
  fixture.back_up();
  fixture.make("out", {tree::file("a", 2'500'000, 2)});
  const auto before = read_file(fixture.at("out/a"));
  for (const std::string& pack : fixture.objects("packs")) {
    const std::string file = fixture.object_file(pack);
    std::filesystem::permissions(file, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    for (std::uint64_t at = 5'000; at < 1'500'000 && at < std::filesystem::file_size(file);
         at += 200'000) {
      flip_byte(file, at);
    }
  }
  const auto report = fixture.run(fixture.over(Overwrite::always));
  if (report) {
    CHECK(report->problem_count >= 1);
  }
  CHECK(read_file(fixture.at("out/a")) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(fixture.at("out")), {}) == 1);
}

TEST_CASE("many workers over many files that are there", "[threads]") {
  RestoreFixture fixture;
  fixture.workers = 4;
  std::vector<TreeObject> wanted{tree::file("huge", 6'000'000, 999)};
  std::vector<TreeObject> standing{tree::file("huge", 6'500'000, 999)};
  for (unsigned i = 0; i < 200; ++i) {
    const std::string name = "d" + std::to_string(i % 13) + "/f" + std::to_string(i);
    wanted.push_back(tree::file(name, (i * 7919) % 60'000, i % 100));
    if (i % 3 != 0) {
      standing.push_back(tree::file(name, (i * 7919) % 60'000, i % 50));
    }
    standing.push_back(tree::file(name + " extra", 10));
  }
  fixture.make("source", wanted);
  fixture.back_up();
  fixture.make("out", standing);
  flip_byte(fixture.at("out/huge"), 3'000'000);
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;
  const auto report = fixture.must(options);
  CHECK(count(report, RestoreAction::deleted) == 200);
  CHECK(fixture.differences() == std::vector<std::string>());
}
