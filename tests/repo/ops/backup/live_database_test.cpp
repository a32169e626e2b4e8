#include <fmt/format.h>

#include <utility>

#include "catch2.h"
#include "live_source.h"
#include "outcome.h"

/// A database and its log have to be of one moment. Nothing here asks SQLite: what counts is which
/// bytes of which file are stored together.
using namespace cairn;
using namespace cairn::test;

namespace {

std::string database(int version) {
  return std::string("SQLite format 3\0", 16) + fmt::format("database {}", version);
}

/// A source with a database, its log, and a folder whose name lies between theirs.
struct LiveDatabase : LiveSource {
  LiveDatabase()
      : LiveSource({tree::text_file("app.db", database(0)), tree::file("app.db-files/1", 1000),
                    tree::text_file("app.db-wal", "log 0"), tree::text_file("other", "x")}) {}
  void write_both(int version) const {
    write("app.db", database(version));
    write("app.db-wal", fmt::format("log {}", version));
  }
  /// The versions that the snapshot holds.
  std::pair<std::string, std::string> stored(const repo::BackupReport& report) {
    return {text_of(report, "app.db").substr(16), text_of(report, "app.db-wal")};
  }
};

using Pair = std::pair<std::string, std::string>;

}  // namespace

TEST_CASE("a database that nobody uses is stored with its log, and not read again") {
  LiveDatabase live;
  const auto first = live.backup(nullptr);
  CHECK(live.problems() == Lines{});
  CHECK(live.stored(first) == Pair{"database 0", "log 0"});
  const auto second = live.backup(nullptr);
  CHECK(live.problems() == Lines{});
  CHECK(live.fixture.observer.last.bytes_done == 0);
  CHECK(second.snapshot.sources.front().root == first.snapshot.sources.front().root);
}

TEST_CASE("a database and its log are stored as they were at one moment") {
  LiveDatabase live;
  const bool was_backed_up = GENERATE(false, true);
  if (was_backed_up) {
    static_cast<void>(live.backup(nullptr));
    live.write("app.db-wal", "log, longer");  // so that the log is looked at again
  }
  // The worker asks the clock before it opens a file: at the third time the database has been read
  // and its log has not.
  int asked = 0;
  const auto report = live.backup([&] {
    if (++asked == 3) {
      live.write_both(1);
    }
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.stored(report) == Pair{"database 1", "log 1"});
  CHECK(asked > 3);
}

TEST_CASE("a database that is never still is named, stored as it was read, and read next time") {
  LiveDatabase live;
  int version = 0;
  static_cast<void>(live.backup([&] { live.write_both(++version); }));
  CHECK(live.problems() == Lines{"changed_while_read app.db"});
  CHECK(live.fixture.observer.problems.front().reason.find("VACUUM INTO") != std::string::npos);
  CHECK(version < 20);
  const auto next = live.backup(nullptr);
  CHECK(live.problems() == Lines{});
  CHECK(live.stored(next) ==
        Pair{fmt::format("database {}", version), fmt::format("log {}", version)});
}

TEST_CASE("a log that only grows while it is read does not keep the database from being stored") {
  LiveDatabase live;
  // At the third time the log is about to be opened; the next step is after that.
  int asked = 0;
  bool has_grown = false;
  const auto report = live.backup([&] { ++asked; },
                                  [&] {
                                    if (asked == 3 && !std::exchange(has_grown, true)) {
                                      live.append("app.db-wal", ", and more");
                                    }
                                  });
  CHECK(has_grown);
  CHECK(live.problems() == Lines{});
  CHECK(live.stored(report) == Pair{"database 0", "log 0"});
  CHECK(live.stored(live.backup(nullptr)) == Pair{"database 0", "log 0, and more"});
}

TEST_CASE("a log that goes away, or is left out, does not keep the database from being stored") {
  LiveDatabase live;
  SECTION("it goes away") {
    int asked = 0;
    static_cast<void>(live.backup([&] {
      if (++asked == 1) {
        fs::remove(live.at("app.db-wal"));
      }
    }));
    CHECK(live.problems() == Lines{"vanished app.db-wal"});
  }
  SECTION("it is left out") {
    repo::BackupOptions options = live.fixture.options({live.source});
    REQUIRE(outcome(options.choice.filter.add_exclude("*-wal")) == "ok");
    REQUIRE(outcome(repo::backup(*live.repository, options, live.fixture.observer)) == "ok");
    CHECK(live.problems() == Lines{});
  }
}

TEST_CASE("a database that is named without its log is stored and said to be in doubt") {
  LiveDatabase live;
  const repo::BackupOptions options = live.fixture.options({live.at("app.db")});
  const auto report = repo::backup(*live.repository, options, live.fixture.observer);
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshot.sources.size() == 1);
  CHECK(live.problems() == Lines{"changed_while_read app.db"});
}

TEST_CASE("files that are called like a log and belong to no database are read one by one") {
  LiveSource live({tree::text_file("notes", "notes"), tree::text_file("notes-journal", "journal")});
  int asked = 0;
  const auto report = live.backup([&] {
    if (++asked == 3) {
      live.replace("notes", "changed");
    }
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.text_of(report, "notes-journal") == "journal");
  CHECK(report.snapshot.sources.front().counts.files == 2);
}
