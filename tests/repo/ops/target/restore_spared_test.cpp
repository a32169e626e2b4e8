#include "ops/target/restore_spared.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "child_process.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::ProblemKind;
using repo::RestoreAction;

namespace fs = std::filesystem;

namespace {

class SparingFixture : public RestoreFixture {
 public:
  SparingFixture() {
    make("source", {tree::text_file("f", "as recorded"), tree::text_file("d/g", "too"),
                    tree::folder("empty")});
    back_up();
  }
  [[nodiscard]] repo::RestoreOptions deleting() {
    auto options = over(Overwrite::always);
    options.delete_extra = true;
    return options;
  }
  void say_unread(ProblemKind kind, const std::string& path) {
    snapshot.problems.push_back({kind, at(path), "permission denied"});
    snapshot.problem_count += 1;
  }
};

struct ::stat status_of(const std::string& path) {
  struct ::stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("restore --delete never deletes the repository that it reads") {
  SparingFixture fixture;
  fixture.make("out", {tree::text_file("extra", "x"), tree::text_file("srv/extra", "x")});
  const std::string place = fixture.at("out/srv/backups");
  fs::rename(fixture.at("repo"), place);
  fs::create_symlink(place, fixture.at("repo"));  // another spelling than the target's
  for (const bool dry_run : {true, false}) {
    fixture.observer.warnings.clear();
    auto options = fixture.deleting();
    options.dry_run = dry_run;
    const auto report = fixture.must(options);
    CHECK(report.spared_in_use == 1);
    CHECK(count(report, RestoreAction::deleted) == 2);
    REQUIRE(fixture.observer.warnings.size() == 1);
    CHECK_THAT(fixture.observer.warnings[0], Catch::StartsWith(place + " is the repository"));
  }
  CHECK_FALSE(fs::exists(fixture.at("out/extra")));
  CHECK_FALSE(fs::exists(fixture.at("out/srv/extra")));
  CHECK(outcome(fixture.verify(*fixture.repository)) == "ok");
}

TEST_CASE("what a restore works with is not overwritten either") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("backups/packs", "a file once"),
                          tree::text_file("cache/other", "older"), tree::text_file("key", "old")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("key", "new"), tree::text_file("extra/key", "new")});
  fs::rename(fixture.at("repo"), fixture.at("out/backups"));
  fs::create_symlink(fixture.at("out/backups"), fixture.at("repo"));
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;
  options.protects = {fixture.at("out/key"), fixture.at("out/extra/key")};
  const auto report = fixture.must(options);
  CHECK(fixture.text("out/key") == "new");
  CHECK(fixture.text("out/extra/key") == "new");
  CHECK(fixture.text("out/cache/other") == "older");
  CHECK(report.restored.files == 1);
  CHECK(fixture.observer.warnings.size() == 3);
  CHECK(outcome(fixture.verify(*fixture.repository)) == "ok");
}

TEST_CASE("a target inside the repository or its cache is refused") {
  SparingFixture fixture;
  fs::create_directory_symlink(fixture.at("repo/packs"), fixture.at("elsewhere"));
  for (const char* const target : {"repo", "repo/new/folder", "elsewhere", "elsewhere/x"}) {
    CAPTURE(target);
    auto options = fixture.over(Overwrite::always);
    options.target = fixture.at(target);
    const auto refused = fixture.run(options);
    REQUIRE(outcome(refused) == "invalid_argument");
    CHECK_THAT(refused.error().message(), Catch::Contains("the repository"));
  }
  CHECK_FALSE(fs::exists(fixture.at("repo/new")));
  auto options = fixture.over(Overwrite::always);
  options.target = fixture.at("cache/" + fixture.repository->id().hex() + "/x");
  CHECK(outcome(fixture.run(options)) == "invalid_argument");
}

TEST_CASE("restore --delete spares what the backup could not read") {
  SparingFixture fixture;
  fixture.say_unread(ProblemKind::unreadable, "source/closed");
  fixture.say_unread(ProblemKind::vanished, "source/d/gone");
  fixture.say_unread(ProblemKind::incomplete_metadata, "source/d");
  fixture.make("out", {tree::text_file("closed/a/b", "x"), tree::text_file("closed/c", "x"),
                       tree::text_file("d/gone", "x"), tree::text_file("d/other", "x"),
                       tree::text_file("closed.not", "x"), tree::text_file("f/closed", "x")});
  const auto report = fixture.must(fixture.deleting());
  CHECK(report.spared_unread == 2);
  CHECK(fs::exists(fixture.at("out/closed/a/b")));
  CHECK(fs::exists(fixture.at("out/closed/c")));
  CHECK(fs::exists(fixture.at("out/d/gone")));
  CHECK_FALSE(fs::exists(fixture.at("out/d/other")));
  CHECK_FALSE(fs::exists(fixture.at("out/closed.not")));
  CHECK(fixture.text("out/f") == "as recorded");
}

TEST_CASE("what stands above something that could not be read is not deleted with it") {
  SparingFixture fixture;
  fixture.say_unread(ProblemKind::unreadable, "source/new/below/secret");
  fixture.make("out",
               {tree::text_file("new/below/secret", "x"), tree::text_file("new/other", "x")});
  const auto report = fixture.must(fixture.deleting());
  CHECK(report.spared_unread == 1);
  CHECK(fs::exists(fixture.at("out/new/below/secret")));
  CHECK_FALSE(fs::exists(fixture.at("out/new/other")));
}

TEST_CASE("restore --delete is refused where nobody knows what the snapshot lacks") {
  SparingFixture fixture;
  fixture.make("out", {tree::text_file("extra", "x")});
  SECTION("partial") { fixture.snapshot.partial = true; }
  SECTION("more problems than names") { fixture.snapshot.problem_count = 1; }
  const auto refused = fixture.run(fixture.deleting());
  REQUIRE(outcome(refused) == "invalid_argument");
  CHECK_THAT(refused.error().hint(), Catch::Contains("without --delete"));
  CHECK(fixture.text("out/extra") == "x");
  CHECK_FALSE(fs::exists(fixture.at("out/f")));
  fixture.must(fixture.over(Overwrite::always));
}

TEST_CASE("restore --delete leaves a file system alone that is mounted on an empty folder") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to mount");
    return;
  }
  SparingFixture fixture;
  fixture.make("out", {tree::folder("empty"), tree::folder("d"), tree::text_file("extra", "x")});
  fixture.repository = core::fail(core::ErrorCode::io, "closed");
  const std::string told = run_in_child([&]() -> std::string {
    const std::string point = fixture.at("out/empty");
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", point.c_str(), "tmpfs", 0, nullptr) != 0) {
      return "cannot mount";
    }
    write_file(point + "/precious", core::as_view("x"));
    fixture.repository = fixture.open();
    const auto report = fixture.run(fixture.deleting());
    if (!report || report->problem_count > 0) {
      return report ? "problems" : message_of(report);
    }
    return std::to_string(report->spared_mounted) +
           (fs::exists(point + "/precious") ? " kept" : "") +
           (fs::exists(fixture.at("out/extra")) ? "" : " deleted");
  });
  if (told == "cannot mount") {
    WARN("skipped: may not mount");
    return;
  }
  CHECK(told == "1 kept deleted");
}

TEST_CASE("objects are known by what they are, with the folders in them") {
  RestoreFixture fixture;
  fixture.make("here", {tree::text_file("a/b/c/d", "x"), tree::text_file("file", "x")});
  fs::create_directory_symlink(fixture.at("here"), fixture.at("link"));
  repo::ops::ProtectedObjects objects;
  objects.add(fixture.at("link/a"), "it");
  objects.add(fixture.at("nothing"), "nothing");
  objects.add("", "nothing");
  CHECK(objects.find(status_of(fixture.at("here/a"))) == "it");
  CHECK(objects.find(status_of(fixture.at("here/a/b/c"))) == "it");
  CHECK(objects.find(status_of(fixture.at("link"))) == "the way to it");
  CHECK(objects.find(status_of(fixture.at("here"))).empty());
  CHECK(objects.find(status_of(fixture.at("here/file"))).empty());
  CHECK(objects.find_above(fixture.at("here/a/b/c/d/e/f")) == "it");
  CHECK(objects.find_above(fixture.at("here/b")).empty());
}
