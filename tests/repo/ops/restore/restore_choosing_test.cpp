#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace fs = std::filesystem;

namespace {

unsigned mode_of(const std::string& path) {
  struct ::stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

/// Selects files of one name, and passes through all folders.
repo::RestoreOptions only(repo::RestoreOptions options, const std::string& name) {
  options.selects = [name](std::string_view path, bool is_folder) {
    return is_folder || path.ends_with("/" + name);
  };
  options.is_only_passed = [](std::string_view /*path*/) { return true; };
  return options;
}

}  // namespace

TEST_CASE("a selection that takes nothing is an error, and makes nothing") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/b/f", "x"), tree::text_file("g", "x")});
  fixture.back_up();
  auto options = only(fixture.over(Overwrite::refuse), "nothing");
  SECTION("of a folder") {}
  SECTION("of the whole snapshot") { options.path.clear(); }
  SECTION("of a file") { options.path = fixture.at("source/g"); }
  SECTION("because all of it is left out") {
    options.is_only_passed = {};
    options.selects = [](std::string_view /*path*/, bool /*is_folder*/) { return false; };
  }
  CHECK(outcome(fixture.run(options)) == "not_found");
  CHECK_FALSE(fs::exists(fixture.at("out")));
}

TEST_CASE("only folders that get something are made for a selection") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/b/f", "x"), tree::text_file("a/c/g", "x"),
                          tree::text_file("d/g", "x").with_mode(0640), tree::folder("empty")});
  fixture.back_up();
  auto options = only(fixture.over(Overwrite::refuse), "f");
  const auto report = fixture.must(options);
  CHECK(fixture.text("out/a/b/f") == "x");
  CHECK_FALSE(fs::exists(fixture.at("out/a/c")));
  CHECK_FALSE(fs::exists(fixture.at("out/d")));
  CHECK_FALSE(fs::exists(fixture.at("out/empty")));
  CHECK(report.restored.files == 1);
  CHECK(mode_of(fixture.at("out/a/b")) == mode_of(fixture.at("source/a/b")));
}

TEST_CASE("a folder that is only passed through and stands there keeps its metadata") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/f", "x"), tree::text_file("b/g", "x")});
  fixture.back_up();
  fixture.make("out", {tree::folder("a").with_mode(0711), tree::folder("b").with_mode(0711)});
  fixture.must(only(fixture.over(Overwrite::always), "f"));
  CHECK(fixture.text("out/a/f") == "x");
  CHECK(mode_of(fixture.at("out/a")) == 0711);
  CHECK(mode_of(fixture.at("out/b")) == 0711);
}

TEST_CASE("a file keeps what stands in a folder's place from being replaced by the folder") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("a/f", "x"), tree::text_file("g", "x")});
  fixture.back_up();
  auto options = fixture.over(Overwrite::never);
  options.path.clear();
  fs::create_directories(fs::path(fixture.at("out") + fixture.at("source")).parent_path());
  std::ofstream(fixture.at("out") + fixture.at("source")) << "mine";
  const auto report = fixture.must(options);
  CHECK(report.restored.files == 0);
  CHECK(count(report, RestoreAction::kept) == 1);
  CHECK(core::to_string(read_file(fixture.at("out") + fixture.at("source"))) == "mine");
}

TEST_CASE("a single file goes back to the place of a file") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("app.db", "as recorded"), tree::folder("d")});
  fixture.back_up();
  fixture.make("out", {tree::text_file("app.db", "later"), tree::text_file("other", "mine"),
                       tree::text_file("third", "mine")});
  auto options = fixture.over(Overwrite::always);
  options.path = fixture.at("source/app.db");
  SECTION("its own") {
    options.target = fixture.at("out/app.db");
    fixture.must(options);
    CHECK(fixture.text("out/app.db") == "as recorded");
    CHECK(fixture.text("out/other") == "mine");
  }
  SECTION("under another name") {
    options.target = fixture.at("out/other");
    fixture.must(options);
    CHECK(fixture.text("out/other") == "as recorded");
    CHECK(fixture.text("out/app.db") == "later");
  }
  SECTION("which a restore point saves") {
    options.target = fixture.at("out/other");
    const auto paths =
        repo::paths_to_overwrite(*fixture.repository, fixture.snapshot, options, fixture.observer);
    REQUIRE(outcome(paths) == "ok");
    CHECK(*paths == std::vector{fixture.at("out/other")});
  }
  SECTION("but not without being told") {
    options.target = fixture.at("out/app.db");
    options.overwrite = Overwrite::refuse;
    CHECK(outcome(fixture.run(options)) == "invalid_argument");
    CHECK(fixture.text("out/app.db") == "later");
  }
  SECTION("and no folder takes a file's place so") {
    options.path = fixture.at("source/d");
    options.target = fixture.at("out/app.db");
    const auto refused = fixture.run(options);
    REQUIRE(outcome(refused) == "invalid_argument");
    CHECK_THAT(refused.error().message(), Catch::Contains("is a file"));
  }
}

TEST_CASE("folders above a source come back as they were, unrecorded ones private") {
  RestoreFixture fixture;
  fixture.make("source", {tree::text_file("ada/docs/f", "x"), tree::text_file("bob/f", "x")});
  REQUIRE(::chmod(fixture.at("source/ada").c_str(), 0700) == 0);
  REQUIRE(::chmod(fixture.at("source").c_str(), 01751) == 0);
  fixture.repository = fixture.init();
  const auto made = fixture.backup(*fixture.repository,
                                   {fixture.at("source/ada/docs"), fixture.at("source/bob")});
  REQUIRE(outcome(made) == "ok");
  fixture.snapshot = made->snapshot;
  auto options = fixture.over(Overwrite::refuse);
  options.path.clear();
  const std::string out = fixture.at("out") + fixture.at("source");
  SECTION("recorded") {
    fixture.must(options);
    CHECK(mode_of(out + "/ada") == 0700);
    CHECK(mode_of(out) == 01751);
    struct ::stat was {};
    struct ::stat is {};
    REQUIRE(::stat(fixture.at("source/ada").c_str(), &was) == 0);
    REQUIRE(::stat((out + "/ada").c_str(), &is) == 0);
    CHECK(was.st_mtim.tv_nsec == is.st_mtim.tv_nsec);
  }
  SECTION("below a folder that stands for one of them") {
    options.path = fixture.at("source");
    fixture.must(options);
    CHECK(mode_of(fixture.at("out/ada")) == 0700);
  }
  SECTION("not recorded") {
    fixture.snapshot.folders_above.clear();
    fixture.must(options);
    CHECK(mode_of(out + "/ada") == 0700);
    CHECK(mode_of(out) == 0700);
  }
  SECTION("those that are there stay as they are") {
    fs::create_directories(out + "/ada");
    REQUIRE(::chmod((out + "/ada").c_str(), 0750) == 0);
    options.overwrite = Overwrite::always;
    fixture.must(options);
    CHECK(mode_of(out + "/ada") == 0750);
  }
}

TEST_CASE("restore --delete spares what the backup was told to leave out") {
  RestoreFixture fixture;
  const std::string tag = "Signature: 8a477f597d28d172789f06886806bc55";
  fixture.make("source",
               {tree::text_file("f", "x"), tree::text_file("a.log", "x"),
                tree::text_file("cache/c", "x"), tree::text_file("build/.skip", ""),
                tree::text_file("build/o", "x"), tree::text_file("tagged/CACHEDIR.TAG", tag),
                tree::text_file("tagged/data", "x"), tree::file("big", 5000, 1)});
  fixture.repository = fixture.init();
  auto backup = fixture.options({fixture.at("source")});
  REQUIRE(backup.choice.filter.add_exclude("*.log"));
  REQUIRE(backup.choice.filter.add_exclude("cache/"));
  backup.choice.exclude_if_present = {".skip"};
  backup.choice.exclude_caches = true;
  backup.choice.exclude_larger_than_bytes = 4000;
  const auto made = fixture.backup(*fixture.repository, backup);
  REQUIRE(outcome(made) == "ok");
  const auto listed = repo::list_snapshots(*fixture.repository, fixture.observer);
  REQUIRE(outcome(listed) == "ok");
  fixture.snapshot = listed->front().snapshot;  // as it was read back
  CHECK(fixture.snapshot.left_out.size() == 1);
  fixture.make(
      "out",
      {tree::text_file("f", "y"), tree::text_file("new", "x"), tree::text_file("a.log", "x"),
       tree::text_file("later/b.log", "x"), tree::text_file("later/c", "x"),
       tree::text_file("cache/c", "x"), tree::text_file("build/o", "x"),
       tree::text_file("build/.skip", ""), tree::text_file("tagged/CACHEDIR.TAG", tag),
       tree::text_file("tagged/data", "x"), tree::file("big", 5000, 1),
       tree::text_file("new cache/CACHEDIR.TAG", tag), tree::text_file("new cache/data", "x")});
  auto options = fixture.over(Overwrite::always);
  options.delete_extra = true;
  const std::vector<std::string> spared = {"a.log",       "later/b.log", "cache/c",       "build/o",
                                           "tagged/data", "big",         "new cache/data"};
  SECTION("unless asked to") {
    const auto report = fixture.must(options);
    CHECK(report.spared_left_out == spared.size());
    for (const std::string& name : spared) {
      CAPTURE(name);
      CHECK(fs::exists(fixture.at("out/" + name)));
    }
    CHECK_FALSE(fs::exists(fixture.at("out/new")));
    CHECK_FALSE(fs::exists(fixture.at("out/later/c")));
  }
  SECTION("asked to") {
    options.delete_excluded = true;
    const auto report = fixture.must(options);
    CHECK(report.spared_left_out == 0);
    for (const std::string& name : spared) {
      CAPTURE(name);
      CHECK_FALSE(fs::exists(fixture.at("out/" + name)));
    }
  }
  SECTION("and it is refused if not all of that is recorded") {
    fixture.snapshot.left_out.front() = {};
    fixture.snapshot.left_out.front().is_whole = false;
    CHECK(outcome(fixture.run(options)) == "invalid_argument");
    CHECK(fs::exists(fixture.at("out/new")));
    options.delete_excluded = true;
    fixture.must(options);
    CHECK_FALSE(fs::exists(fixture.at("out/new")));
  }
}

TEST_CASE("files that others have open for writing are found below a path") {
  RestoreFixture fixture;
  fixture.make("proc", {tree::text_file("77/comm", "postgres\n"), tree::folder("77/fd"),
                        tree::text_file("77/fdinfo/3", "pos:\t0\nflags:\t0100002\nmnt_id:\t1\n"),
                        tree::text_file("77/fdinfo/4", "pos:\t0\nflags:\t0100000\n"),
                        tree::text_file("77/fdinfo/5", "pos:\t0\nflags:\t0100001\n"),
                        tree::text_file("version", "x")});
  fs::create_symlink("/srv/db/base", fixture.at("proc/77/fd/3"));
  fs::create_symlink("/srv/db/read", fixture.at("proc/77/fd/4"));
  fs::create_symlink("/srv/dbx", fixture.at("proc/77/fd/5"));
  const auto found = repo::files_open_for_writing({"/srv/db"}, fixture.at("proc"));
  REQUIRE(found.size() == 1);
  CHECK(found[0].path == "/srv/db/base");
  CHECK(found[0].process == 77);
  CHECK(found[0].program == "postgres");
  CHECK(repo::files_open_for_writing({"/srv/dbx"}, fixture.at("proc")).size() == 1);
  CHECK(repo::files_open_for_writing({"/"}, fixture.at("proc")).size() == 2);
  CHECK(repo::files_open_for_writing({"/srv/db"}, fixture.at("nothing")).empty());
}
