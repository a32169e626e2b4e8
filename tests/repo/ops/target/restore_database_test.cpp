#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ops/target/database_sides.h"
#include "restore_fixture.h"

using namespace cairn;
using namespace cairn::test;
using repo::Overwrite;
using repo::RestoreAction;

namespace fs = std::filesystem;

namespace {

const std::string kDatabase = std::string("SQLite format 3\0", 16) + "pages as of the snapshot";
const std::string kLater = std::string("SQLite format 3\0", 16) + "pages as of later........";
const std::string kLog = "\x37\x7f\x06\x82 what was committed later";

/// A folder with a database, and beside the one that stands a log of later.
class DatabaseFixture : public RestoreFixture {
 public:
  DatabaseFixture() {
    make("source", {tree::text_file("app.db", kDatabase), tree::text_file("notes", "text")});
    back_up();
    make("out", {tree::text_file("app.db", kLater), tree::text_file("app.db-wal", kLog),
                 tree::text_file("app.db-shm", "index"), tree::text_file("notes", "old text"),
                 tree::text_file("notes-journal", "a diary")});
  }
  [[nodiscard]] bool has_logs() const {
    return fs::exists(at("out/app.db-wal")) || fs::exists(at("out/app.db-shm"));
  }
};

}  // namespace

TEST_CASE("the log of a later state of a database goes when the database is restored") {
  DatabaseFixture fixture;
  auto options = fixture.over(Overwrite::always);
  SECTION("with its folder") {}
  SECTION("alone") { options.path = fixture.at("source/app.db"); }
  SECTION("where the pages are those of the snapshot, and only the log is later") {
    fs::remove(fixture.at("out/app.db"));
    fixture.make("out", {tree::text_file("app.db", kDatabase)});
  }
  SECTION("whose pages are encrypted: the log tells") {
    std::ofstream(fixture.at("source/app.db"), std::ios::trunc) << "no magic";
    fixture.back_up();
    std::ofstream(fixture.at("out/app.db"), std::ios::trunc) << "no magic either";
  }
  const auto report = fixture.must(options);
  CHECK(fixture.text("out/app.db") == fixture.text("source/app.db"));
  CHECK_FALSE(fixture.has_logs());
  CHECK(count(report, RestoreAction::deleted) == 2);
  CHECK(fixture.observer.warnings.size() == 2);
  CHECK(fixture.text("out/notes-journal") == "a diary");
  for (const auto& entry : fs::directory_iterator(fixture.at("out"))) {
    CHECK(entry.path().filename().native().find(".cairn-restore") == std::string::npos);
  }
}

TEST_CASE("a large database that is changed in place loses the log first") {
  DatabaseFixture fixture;
  std::string pages = kDatabase;
  pages.resize(2'000'000, 'p');
  std::ofstream(fixture.at("source/app.db"), std::ios::trunc) << pages;
  fixture.back_up();
  pages[1'000'000] = 'q';
  std::ofstream(fixture.at("out/app.db"), std::ios::trunc) << pages;
  fixture.must(fixture.over(Overwrite::always));
  CHECK(fixture.text("out/app.db") == fixture.text("source/app.db"));
  CHECK_FALSE(fixture.has_logs());
}

TEST_CASE("a log that the snapshot has is restored with its database") {
  DatabaseFixture fixture;
  fixture.make("source", {tree::text_file("app.db-wal", "\x37\x7f\x06\x82 as of the snapshot")});
  fixture.back_up();
  SECTION("with its folder") {
    fixture.must(fixture.over(Overwrite::always));
    CHECK(fixture.text("out/app.db-wal") == fixture.text("source/app.db-wal"));
    CHECK_FALSE(fs::exists(fixture.at("out/app.db-shm")));
  }
  SECTION("and it is told when the database is restored alone") {
    auto options = fixture.over(Overwrite::always);
    options.path = fixture.at("source/app.db");
    fixture.must(options);
    CHECK_FALSE(fixture.has_logs());
    REQUIRE(fixture.observer.warnings.size() == 3);
    CHECK_THAT(fixture.observer.warnings[0], Catch::Contains("the snapshot has"));
  }
}

TEST_CASE("a database that is kept keeps its log") {
  DatabaseFixture fixture;
  fixture.must(fixture.over(Overwrite::never));
  CHECK(fixture.has_logs());
  CHECK(fixture.observer.warnings.empty());
}

TEST_CASE("what is kept beside a database that was missing is a problem") {
  DatabaseFixture fixture;
  fs::remove(fixture.at("out/app.db"));
  const auto report = fixture.run(fixture.over(Overwrite::never));
  REQUIRE(outcome(report) == "ok");
  CHECK(report->problem_count == 2);
  CHECK(fixture.has_logs());
}

TEST_CASE("a dry run tells of the log and keeps it") {
  DatabaseFixture fixture;
  auto options = fixture.over(Overwrite::always);
  options.dry_run = true;
  const auto report = fixture.must(options);
  CHECK(count(report, RestoreAction::deleted) == 2);
  CHECK(fixture.has_logs());
}

TEST_CASE("a restore point of a database holds its log") {
  DatabaseFixture fixture;
  auto options = fixture.over(Overwrite::always);
  options.path = fixture.at("source/app.db");
  const auto paths =
      repo::paths_to_overwrite(*fixture.repository, fixture.snapshot, options, fixture.observer);
  REQUIRE(outcome(paths) == "ok");
  CHECK(*paths == std::vector{fixture.at("out/app.db-wal"), fixture.at("out/app.db-shm"),
                              fixture.at("out/app.db")});
}
