#include "ops/snapshots/snapshot_choice.h"

#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "written_snapshots.h"

using namespace cairn;
using namespace cairn::test;

namespace {

/// Snapshots written as in a table of retention, seen at 2026-01-10.
struct Chosen {
  explicit Chosen(std::string_view text) {
    list.now = written_time("2026-01-10T00:00").when;
    list.snapshots = written_snapshots(text);
    std::sort(list.snapshots.begin(), list.snapshots.end(), repo::is_older);
  }

  /// The letter of what a name means, or the error's code.
  [[nodiscard]] std::string find(std::string_view name, const repo::SnapshotFilter& filter = {}) {
    return letter(repo::ops::find_in(list, name, filter, observer));
  }
  [[nodiscard]] std::string find_at(std::string_view time,
                                    const repo::SnapshotFilter& filter = {}) {
    return letter(repo::ops::find_in_at(list, written_time(time).when, 60, filter, observer));
  }
  [[nodiscard]] std::string letter(const core::Result<const repo::ListedSnapshot*>& found) {
    if (!found) {
      message = found.error().message();
      hint = found.error().hint();
      return outcome(found);
    }
    return std::string(1, static_cast<char>((*found)->id.view()[0]));
  }
  /// One more that cannot be read, and what names it as its predecessor.
  void add_unreadable(char letter, char successor) {
    repo::SnapshotId id;
    id.mutable_view()[0] = static_cast<std::byte>(letter);
    list.unreadable.emplace(id, core::Error(core::ErrorCode::io, "read snapshots/x: it failed"));
    repo::SnapshotId after;
    after.mutable_view()[0] = static_cast<std::byte>(successor);
    list.successors.emplace(id, after);
  }

  repo::ops::SnapshotList list;
  RecordingObserver observer;
  std::string message;
  std::string hint;
};

constexpr const char* kTwoHosts =
    "a 2026-01-01T10:00 host=x set=db path=/p tag=t tag=u type=daily;"
    "b 2026-01-02T10:00 host=y path=/p path=/q tag=t; c 2026-01-03T10:00 host=x path=/q";

}  // namespace

TEST_CASE("latest is the newest that passes the filter", "[choice]") {
  Chosen chosen(kTwoHosts);
  CHECK(chosen.find("latest") == "c");
  CHECK(chosen.find("latest~1") == "b");
  CHECK(chosen.find("latest", {.hosts = {"y"}}) == "b");
  CHECK(chosen.find("latest", {.hosts = {"y", "x"}}) == "c");
  CHECK(chosen.find("latest~1", {.hosts = {"x"}}) == "a");
  CHECK(chosen.find("latest", {.sets = {"db"}}) == "a");
  CHECK(chosen.find("latest", {.sets = {""}}) == "c");
  CHECK(chosen.find("latest", {.paths = {"/p"}}) == "b");
  CHECK(chosen.find("latest", {.paths = {"/p", "/q"}}) == "b");
  CHECK(chosen.find("latest", {.types = {repo::SnapshotType::daily}}) == "a");
  CHECK(chosen.find("latest", {.tag_lists = {{"t"}}}) == "b");
  CHECK(chosen.find("latest", {.tag_lists = {{"t", "u"}}}) == "a");
  CHECK(chosen.find("latest", {.tag_lists = {{"none"}, {"t", "u"}}}) == "a");
  CHECK(chosen.find_at("2026-01-02T23:00") == "b");
  CHECK(chosen.find_at("2026-01-02T23:00", {.hosts = {"x"}}) == "a");
  CHECK(chosen.observer.warnings.empty());
}

TEST_CASE("what cannot be chosen says what there is", "[choice]") {
  Chosen chosen(kTwoHosts);
  CHECK(chosen.find("latest", {.hosts = {"z"}, .sets = {"db"}}) == "not_found");
  CHECK(chosen.message == "there is no snapshot of host z, set db");
  CHECK(chosen.find("latest~2", {.hosts = {"x"}}) == "not_found");
  CHECK(chosen.message == "there are only 2 snapshots of host x");
  CHECK(chosen.find_at("2026-01-01T00:00") == "not_found");
  CHECK(chosen.message ==
        "there is no snapshot from 2026-01-01 01:00:00+01:00 or before");  // as the clock shows it
  CHECK_THAT(chosen.hint, Catch::Contains("the oldest is 61000000 of 2026-01-01 10:00:00"));
  CHECK(chosen.find("db") == "invalid_argument");
  CHECK(chosen.hint == "there is a set of that name: latest --name db");
  CHECK(chosen.find("t") == "invalid_argument");
  CHECK(chosen.hint == "there is a tag of that name: latest --tag t");
  Chosen named("a 2026-01-01T10:00 host=laptop set=nightly");
  CHECK(named.find("nightly") == "not_found");
  CHECK(named.hint == "there is a set of that name: latest --name nightly");
  CHECK(named.find("laptop") == "not_found");
  CHECK(named.hint == "there is a host of that name: latest --host laptop");
  // An id is an id; but it must not contradict what else was said.
  CHECK(chosen.find("6100") == "a");
  CHECK(chosen.find("6100", {.hosts = {"x"}}) == "a");
  CHECK(chosen.find("6100", {.hosts = {"y"}}) == "not_found");
  CHECK(Chosen("").find("latest") == "not_found");
}

TEST_CASE("latest is whole, of the past, and no restore point", "[choice]") {
  Chosen chosen(
      "a 2026-01-01T10:00; b 2026-01-02T10:00 partial; c 2026-01-03T10:00 type=restore_point;"
      "d 2036-01-01T10:00");
  CHECK(chosen.find("latest") == "a");
  REQUIRE(chosen.observer.warnings.size() == 1);
  CHECK_THAT(chosen.observer.warnings[0], Catch::Contains("2 newer snapshots") &&
                                              Catch::Contains("64000000") &&
                                              Catch::Contains("dated in the future"));
  CHECK(chosen.find("latest", {.allow_partial = true}) == "b");
  CHECK(chosen.find("latest~1") == "not_found");
  CHECK(chosen.find("6400") == "d");
  CHECK(chosen.find("6200") == "b");
  CHECK(chosen.find("6300") == "c");
  chosen.observer.warnings.clear();
  CHECK(chosen.find_at("2026-01-04T00:00") == "a");
  REQUIRE(chosen.observer.warnings.size() == 1);
  CHECK_THAT(chosen.observer.warnings[0], Catch::Contains("62000000"));
  CHECK(chosen.find_at("2099-01-01T00:00") == "a");
  // A clock of another machine may be a little ahead.
  chosen.list.now = written_time("2036-01-01T09:50").when;
  CHECK(chosen.find("latest") == "d");

  Chosen none("b 2026-01-02T10:00 partial");
  CHECK(none.find("latest") == "not_found");
  CHECK_THAT(none.hint, Catch::Contains("--allow-partial"));
  none.list.now = written_time("2000-01-01T00:00").when;
  CHECK(none.find("latest", {.allow_partial = true}) == "not_found");
  CHECK_THAT(none.hint, Catch::Contains("clock"));
}

TEST_CASE("of equal times the later one of a chain is latest, whatever its id", "[choice]") {
  Chosen chosen("b 2026-01-01T10:00 number=1; a 2026-01-01T10:00 number=2");
  CHECK(chosen.find("latest") == "a");
  CHECK(chosen.find("latest~1") == "b");
}

TEST_CASE("there is no latest while a newer one may be unreadable", "[choice]") {
  Chosen chosen("a 2026-01-01T10:00; b 2026-01-02T10:00 host=y");
  SECTION("nothing is known of it") {
    chosen.add_unreadable('m', 'z');
    CHECK(chosen.find("latest") == "io");
    CHECK_THAT(chosen.message, Catch::Contains("6d000000"));
    CHECK_THAT(chosen.hint, Catch::Contains("cairn forget 6d00"));
    CHECK(chosen.find_at("2026-01-05T00:00") == "io");
    CHECK(chosen.find("6100") == "a");
    CHECK(chosen.find("6d00") == "io");
  }
  SECTION("one that can be read was made after it") {
    chosen.add_unreadable('m', 'b');
    CHECK(chosen.find("latest") == "b");
    CHECK(chosen.find("latest", {.hosts = {"y"}}) == "b");
    // Where it stands among the older ones nobody knows, nor whether it is of another series.
    CHECK(chosen.find("latest~1") == "io");
    CHECK(chosen.find("latest", {.sets = {"other"}}) == "io");
    CHECK(chosen.find_at("2026-01-01T23:00") == "io");
  }
}

TEST_CASE("names are chosen among what passes the filter", "[choice]") {
  Chosen chosen(kTwoHosts);
  const auto letters = [&chosen](const repo::SnapshotFilter& filter) {
    repo::ops::SnapshotList copy = chosen.list;
    REQUIRE(outcome(repo::ops::keep_matching(copy, filter, chosen.observer)) == "ok");
    std::string found;
    for (const repo::ListedSnapshot& listed : copy.snapshots) {
      found += static_cast<char>(listed.id.view()[0]);
    }
    return found;
  };
  CHECK(letters({}) == "abc");
  CHECK(letters({.hosts = {"x"}}) == "ac");
  CHECK(letters({.names = {"latest", "latest~1"}, .hosts = {"x"}}) == "ac");
  CHECK(letters({.names = {"latest"}, .hosts = {"x"}, .paths = {"/p"}}) == "a");
  CHECK(chosen.observer.warnings.empty());
  CHECK(letters({.hosts = {"typo"}}).empty());
  REQUIRE(chosen.observer.warnings.size() == 1);
  CHECK_THAT(chosen.observer.warnings[0], Catch::Contains("no snapshot of host typo"));
}
