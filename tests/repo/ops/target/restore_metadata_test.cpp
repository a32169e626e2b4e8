#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cairn/core/descriptor.h"
#include "child_process.h"
#include "ops/target/restore_metadata.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace {

bool write_text(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool done =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<::ssize_t>(text.size());
  ::close(file);
  return done;
}

/// Makes this process root of a user namespace in which nobody else exists.
bool enter_namespace_of_one() {
  return ::unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", "0 0 1") && write_text("/proc/self/gid_map", "0 0 1");
}

}  // namespace

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

TEST_CASE("files whose owner is refused even to root are restored all the same") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to make files of another owner");
    return;
  }
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("f", "precious").with_owner(4321, 4321),
                          tree::text_file("d/tool", "run").with_owner(4321, 0).with_mode(06755),
                          tree::folder("shared").with_owner(4321, 0).with_mode(02775),
                          tree::symlink("link", "f").with_owner(4321, 4321),
                          tree::text_file("own", "mine").with_mode(04755)});
  fixture.back_up();
  fixture.repository = core::fail(core::ErrorCode::io, "closed");
  const std::string told = run_in_child([&]() -> std::string {
    if (!enter_namespace_of_one()) {
      return "no namespace";
    }
    fixture.repository = fixture.open();
    if (!fixture.repository) {
      return message_of(fixture.repository);
    }
    const auto report = fixture.run(fixture.over(Overwrite::refuse));
    if (!report) {
      return message_of(report);
    }
    return std::to_string(report->skipped_owner) + ' ' + std::to_string(report->skipped_set_id) +
           ' ' + std::to_string(report->problem_count) + ' ' +
           std::to_string(report->restored.files) + (report->as_superuser ? " root" : "");
  });
  if (told == "no namespace") {
    WARN("skipped: no user namespaces here");
    return;
  }
  CHECK(told == "4 1 0 3 root");
  CHECK(fixture.text("out/f") == "precious");
  const auto mode_of = [&](const char* name) {
    return static_cast<unsigned>(std::filesystem::status(fixture.at(name)).permissions());
  };
  CHECK(mode_of("out/d/tool") == 0755);
  CHECK(mode_of("out/shared") == 02775);  // its group is right
  CHECK(mode_of("out/own") == 04755);
}

TEST_CASE("set-user-id and set-group-id are not for who could not be given the owner") {
  using repo::ops::mode_with_owner;
  repo::Entry file;
  file.mode = 06755;
  CHECK(mode_with_owner(file, {}) == 06755);
  CHECK(mode_with_owner(file, {false, true}) == 0755);
  CHECK(mode_with_owner(file, {true, false}) == 0755);
  file.mode = 01755;
  CHECK(mode_with_owner(file, {false, false}) == 01755);
  repo::Entry folder;
  folder.type = repo::EntryType::folder;
  folder.mode = 03775;
  CHECK(mode_with_owner(folder, {false, true}) == 03775);
  CHECK(mode_with_owner(folder, {true, false}) == 01775);
}

TEST_CASE("without owners, set-user-id is left out, and a second restore changes nothing") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to give files away");
    return;
  }
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("tool", "x").with_owner(1, 2).with_mode(04755)});
  fixture.back_up();
  auto options = fixture.over(Overwrite::always);
  options.no_owner = true;
  const auto report = fixture.must(options);
  CHECK(report.skipped_owner == 0);
  CHECK(report.skipped_set_id == 1);
  struct ::stat status {};
  REQUIRE(::stat(fixture.at("out/tool").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
  CHECK((status.st_mode & 07777U) == 0755);
  CHECK(count(fixture.must(options), RestoreAction::unchanged) == 2);
}

TEST_CASE("an attribute that is refused costs neither the others nor the file") {
  RestoreFixture fixture;
  write_file(fixture.at("f"), core::as_view("x"));
  repo::ops::ProgressMeter meter(fixture.observer, fixture.clock);
  repo::ops::ProblemList problems(meter);
  repo::ops::RestoreLog log(meter, problems);
  repo::ops::MetadataWriter writer({}, log);
  const core::Descriptor file(::open(fixture.at("f").c_str(), O_RDWR | O_CLOEXEC));
  repo::Entry entry;
  entry.mode = 0640;
  entry.owner = {::geteuid(), ::getegid(), {}, {}};
  entry.mtime = {1'000'000'000, 0};
  entry.xattrs = {{"bogus.name", "no such namespace"},
                  {"system.posix_acl_access", "no ACL"},
                  {"user.mine", "fits"}};
  writer.set(file.number(), entry, "f");
  CHECK(problems.count() == 2);
  struct ::stat status {};
  REQUIRE(::fstat(file.number(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0640);
  CHECK(status.st_mtim.tv_sec == 1'000'000'000);
  entry.xattrs = {{"user.mine", "fits"}};
  CHECK(writer.matches(file.number(), entry));
}

TEST_CASE("only chosen attributes are restored, and others not removed") {
  RestoreFixture fixture;
  fixture.make("source",
               {tree::text_file("f", "x").with_xattr("user.a", "1").with_xattr("user.b", "1")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("f", "x").with_xattr("user.b", "2")});
  auto options = fixture.over(Overwrite::always);
  options.selects_xattr = [](std::string_view name) { return name == "user.a"; };
  fixture.must(options);
  fixture.make("expected",
               {tree::text_file("f", "x").with_xattr("user.a", "1").with_xattr("user.b", "2")});
  CHECK(compare_trees(fixture.at("expected"), fixture.at("out"), {.mtimes = false}) ==
        std::vector<std::string>());
  CHECK(count(fixture.must(options), RestoreAction::unchanged) == 2);
}
