#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "child_process.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

TEST_CASE("attributes that the snapshot lacks are removed, from files and folders") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("d/f", "x").with_xattr("user.one", "1"),
                          tree::text_file("same", "x").with_mode(0600)});
  fixture.back_up();
  fixture.make("out", {tree::folder("d").with_xattr("user.extra", "e").with_mode(0700),
                       tree::text_file("d/f", "x").with_xattr("user.one", "other"),
                       tree::text_file("same", "x").with_xattr("user.extra", "e")});
  const auto report = fixture.must(fixture.over(Overwrite::always));
  CHECK(count(report, RestoreAction::updated) == 0);
  CHECK(count(report, RestoreAction::metadata_set) == 4);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a target that passes ACLs on does not leave them on what is restored") {
  RestoreFixture fixture;
  fixture.make("source",
               {tree::text_file("d/f", "x"), tree::text_file("d/g", "y"), tree::folder("d/e"),
                tree::text_file("h", "z"), tree::text_file("i", "").with_mode(0640)});
  fixture.back_up();
  fixture.make("out", {});
  if (std::system(("setfacl -d -m u:1:rwx '" + fixture.at("out") + "' 2>/dev/null").c_str()) != 0) {
    WARN("skipped: needs setfacl and a file system with ACLs");
    return;
  }
  fixture.must(fixture.over(Overwrite::refuse));
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a target that passes flags and its group on does not leave them on what is restored") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("f", "x"), tree::text_file("g", "y"),
                          tree::text_file("d/f", "x"), tree::text_file("d/g", "y")});
  fixture.back_up();
  fixture.make("out", {});
  if (!change_flags(fixture.at("out"), FS_NODUMP_FL)) {
    WARN("skipped: needs a file system with inode flags");
    return;
  }
  if (::geteuid() == 0) {
    REQUIRE(::chown(fixture.at("out").c_str(), 0, 12345) == 0);
    REQUIRE(::chmod(fixture.at("out").c_str(), 02755) == 0);
  }
  fixture.must(fixture.over(Overwrite::refuse));
  CHECK(fixture.differences({.inode_flags = true}) == std::vector<std::string>());
}

TEST_CASE("numeric ids go before names") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to give files away");
    return;
  }
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a", "x").with_owner(1, 2)});
  fixture.back_up();
  auto options = fixture.over(Overwrite::refuse);
  options.numeric_ids = true;
  fixture.must(options);
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("an ordinary user is told each thing that could not be given") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to make what an ordinary user cannot");
    return;
  }
  RestoreFixture fixture;
  fixture.make(
      "source",
      {tree::text_file("a", "x").with_xattr("trusted.cairn", "t").with_xattr("user.mine", "u"),
       tree::text_file("flagged", "x"), tree::char_device("null", {1, 3})});
  const bool flagged = change_flags(fixture.at("source/flagged"), FS_APPEND_FL | FS_NODUMP_FL);
  fixture.back_up();
  change_flags(fixture.at("source/flagged"), 0, FS_APPEND_FL);
  std::filesystem::permissions(fixture.at("."), std::filesystem::perms::all);
  REQUIRE(std::system(("chmod -R a+rwX '" + fixture.at("repo") + "'").c_str()) == 0);
  fixture.repository = core::fail(core::ErrorCode::io, "closed");
  const std::string told = run_as_ordinary_user([&]() -> std::string {
    fixture.repository = fixture.open("correct horse", fixture.at("cache of nobody"));
    if (!fixture.repository) {
      return message_of(fixture.repository);
    }
    const auto report = fixture.run(fixture.over(Overwrite::refuse));
    if (!report) {
      return message_of(report);
    }
    std::string text =
        std::to_string(report->skipped_owner) + ' ' + std::to_string(report->skipped_attributes) +
        ' ' + std::to_string(report->skipped_flags) + ' ' +
        std::to_string(report->skipped_special) + ' ' + std::to_string(report->problem_count);
    for (const repo::Problem& skipped : report->skipped) {
      text += skipped.path.empty() || skipped.reason.empty() ? " unnamed" : "";
    }
    return text + ' ' + std::to_string(report->skipped.size());
  });
  CHECK(told == (flagged ? "3 1 1 1 1 6" : "3 1 0 1 1 5"));
  if (flagged) {
    CHECK_FALSE(
        fixture.differences({.owners = false, .xattrs = false, .inode_flags = true}).empty());
  }
}

TEST_CASE("an ordinary user writes into folders of their own that are closed") {
  RestoreFixture fixture;
  std::filesystem::permissions(fixture.at("."), std::filesystem::perms::all);
  const std::string told = run_as_ordinary_user([&]() -> std::string {
    std::filesystem::create_directories(fixture.at("mine/d"));
    std::filesystem::create_directories(fixture.at("theirs/d"));
    write_file(fixture.at("mine/d/f"), core::as_view("new"));
    write_file(fixture.at("theirs/d/f"), core::as_view("old"));
    std::filesystem::permissions(fixture.at("theirs/d/f"), std::filesystem::perms::none);
    std::filesystem::permissions(fixture.at("theirs/d"), std::filesystem::perms::owner_read |
                                                             std::filesystem::perms::owner_exec);
    auto repository = fixture.init();
    auto options = fixture.over(Overwrite::always);
    options.path = fixture.at("mine");
    options.target = fixture.at("theirs");
    const auto backup = fixture.backup(*repository, {fixture.at("mine")});
    const auto report = repo::restore(*repository, backup->snapshot, options, fixture.observer);
    if (!report || report->problem_count > 0) {
      return report ? report->problems[0].path + report->problems[0].reason : message_of(report);
    }
    return core::to_string(read_file(fixture.at("theirs/d/f")));
  });
  CHECK(told == "new");
}
