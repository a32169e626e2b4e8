#include "ops/snapshots/chain.h"
#include "ops/repository/local_catalogue.h"

#include <algorithm>
#include <filesystem>

#include "cairn/repo/rewrite.h"
#include "collecting.h"
#include "fault_backend.h"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::string_view kHeadNote = "chain/head";
constexpr std::string_view kIntentNote = "chain/intent";

/// Two snapshots, of which the client does not know that the second came to be: it was killed after
/// it had published it.
struct ForgetfulClient {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");
  repo::SnapshotId second;

  ForgetfulClient() {
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(tree(), {tree::file("a", 2'000, 1)}).empty());
    REQUIRE(outcome(backup()) == "ok");
    repo::store::Catalogue& catalogue = *repo::ops::opened(*repository).local->catalogue;
    const auto head = catalogue.note(kHeadNote);
    REQUIRE(outcome(head) == "ok");
    REQUIRE(head->has_value());
    const auto report = backup();
    REQUIRE(outcome(report) == "ok");
    second = *report->id;
    REQUIRE(outcome(catalogue.put_note(kHeadNote, **head)) == "ok");
    REQUIRE(outcome(catalogue.put_note(kIntentNote, second.view())) == "ok");
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  core::Result<repo::BackupReport> backup() { return fixture.backup(*repository, {tree()}); }
  repo::format::Link link_of_next() {
    const auto report = backup();
    REQUIRE(outcome(report) == "ok");
    const repo::ops::OpenRepository& parts = repo::ops::opened(*repository);
    const auto record = repo::store::get_register(*parts.backend, *parts.keys, *report->id);
    REQUIRE(outcome(record) == "ok");
    return record->link;
  }
  /// The second one counts as the chain's end.
  void check_next_follows() {
    const auto link = link_of_next();
    CHECK(link.sequence == 3);
    CHECK(link.previous == second);
    check_all_restore(fixture, 3);
  }
};

}  // namespace

TEST_CASE("a snapshot whose writer was killed before it noted it has its number to itself",
          "[chain]") {
  ForgetfulClient client;
  client.check_next_follows();
}

TEST_CASE("a chain is not continued while nobody knows where it ends", "[chain]") {
  ForgetfulClient client;
  repo::ops::OpenRepository& parts = repo::ops::opened(*client.repository);
  const auto real = std::move(parts.backend);
  auto bad_disk = std::make_unique<FaultBackend>(*real);
  FaultBackend& disk = *bad_disk;
  const auto name = repo::store::object_name(repo::format::ObjectKind::snapshot, client.second);
  disk.inflict(name, damage::Unreadable{});
  parts.backend = std::move(bad_disk);
  CHECK(outcome(client.backup()) == "io");

  disk.heal(name);
  client.check_next_follows();
}

TEST_CASE("a snapshot that never came to be, or is gone, leaves the chain as it was", "[chain]") {
  ForgetfulClient client;
  bury(*client.repository, client.second);
  REQUIRE(outcome(repo::ops::opened(*client.repository)
                      .backend->remove(repo::store::object_name(repo::format::ObjectKind::snapshot,
                                                                client.second))) == "ok");
  const auto link = client.link_of_next();
  CHECK(link.sequence == 2);
  check_all_restore(client.fixture, 2);
}

namespace {

/// Two clients' worth of one repository, and what each of them finds.
struct ClonedClient {
  RepoFixture fixture;
  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made");

  ClonedClient() {
    repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 2'000, 1)}).empty());
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  }
  /// With the cache folder of that name; the repository is closed again.
  repo::format::Link backup(const std::string& cache) {
    repository = fixture.open("correct horse", fixture.at(cache));
    REQUIRE(outcome(repository) == "ok");
    const auto report = fixture.backup(*repository, {fixture.at("source")});
    REQUIRE(outcome(report) == "ok");
    const repo::ops::OpenRepository& parts = repo::ops::opened(*repository);
    const auto record = repo::store::get_register(*parts.backend, *parts.keys, *report->id);
    REQUIRE(outcome(record) == "ok");
    return record->link;
  }
  void close() { repository = core::fail(core::ErrorCode::io, "closed"); }
  void copy(const std::string& from, const std::string& to) {
    close();
    std::filesystem::remove_all(fixture.at(to));
    std::filesystem::copy(fixture.at(from), fixture.at(to),
                          std::filesystem::copy_options::recursive);
  }
  /// What an audit tells of damage, as this client or as one that has seen nothing.
  std::size_t damages(const std::string& cache, std::size_t* notes = nullptr) {
    repository = fixture.open("correct horse", fixture.at(cache));
    REQUIRE(outcome(repository) == "ok");
    const auto verified = fixture.verify(*repository);
    REQUIRE(outcome(verified) == "ok");
    const auto damage = static_cast<std::size_t>(std::ranges::count(
        verified->findings, repo::Finding::Severity::damage, &repo::Finding::severity));
    if (notes != nullptr) {
      *notes = verified->findings.size() - damage;
    }
    return damage;
  }
};

}  // namespace

TEST_CASE("a cache that was set back begins a new chain", "[chain]") {
  ClonedClient client;
  client.copy("cache", "older");
  CHECK(client.backup("cache").sequence == 2);
  client.copy("older", "cache");
  client.fixture.observer.details.clear();
  const auto link = client.backup("cache");
  CHECK(link.sequence == 1);
  CHECK(std::ranges::any_of(client.fixture.observer.details, [](const std::string& text) {
    return text.find("a new chain begins") != std::string::npos;
  }));
  CHECK(client.fixture.observer.warnings.empty());
  CHECK(client.backup("cache").sequence == 2);
  CHECK(client.damages("cache") == 0);
  CHECK(client.damages("nobody's") == 0);
}

TEST_CASE("two machines with one cache have two chains after the first round", "[chain]") {
  ClonedClient client;
  client.copy("cache", "clone");
  const repo::ChainId chain = client.backup("cache").chain;
  const auto other = client.backup("clone");
  CHECK(other.chain != chain);
  for (std::uint64_t round = 2; round < 4; ++round) {
    const auto mine = client.backup("cache");
    CHECK(mine.chain == chain);
    CHECK(mine.sequence == round + 1);
    const auto theirs = client.backup("clone");
    CHECK(theirs.chain == other.chain);
    CHECK(theirs.sequence == round);
  }
  CHECK(client.damages("cache") == 0);
  CHECK(client.damages("clone") == 0);
  CHECK(client.damages("nobody's") == 0);
}

TEST_CASE("storage that was set back is told by verify, then once by a backup", "[chain]") {
  ClonedClient client;
  client.copy("repo", "repo of yesterday");
  client.backup("cache");
  client.copy("repo of yesterday", "repo");
  CHECK(client.damages("cache") == 1);
  SECTION("a backup begins a new chain") {
    client.fixture.observer.warnings.clear();
    CHECK(client.backup("cache").sequence == 1);
    REQUIRE(client.fixture.observer.warnings.size() == 1);
    CHECK(client.fixture.observer.warnings.front().find("the storage was set back") !=
          std::string::npos);
    client.fixture.observer.warnings.clear();
    CHECK(client.backup("cache").sequence == 2);
    CHECK(client.fixture.observer.warnings.empty());
  }
  SECTION("repair snapshots notes it") {
    client.fixture.observer.warnings.clear();
    REQUIRE(outcome(repo::repair_snapshots(*client.repository, {.dry_run = true},
                                           client.fixture.observer)) == "ok");
    CHECK(client.damages("cache") == 1);
    REQUIRE(outcome(repo::repair_snapshots(*client.repository, {}, client.fixture.observer)) ==
            "ok");
    CHECK(client.fixture.observer.warnings.size() == 2);
    CHECK(client.damages("cache") == 0);
    CHECK(client.backup("cache").sequence == 3);
  }
  CHECK(client.damages("cache") == 0);
  CHECK(client.damages("nobody's") == 0);
}

TEST_CASE("a snapshot that is gone from the middle of a chain is damage until it is noted",
          "[chain]") {
  ClonedClient client;
  const auto second = client.backup("cache");
  client.backup("cache");
  REQUIRE(outcome(repo::ops::opened(*client.repository)
                      .backend->remove(repo::store::object_name(repo::format::ObjectKind::snapshot,
                                                                second.id))) == "ok");
  CHECK(client.damages("nobody's") == 1);
  CHECK(client.backup("cache").sequence == 4);
  CHECK(client.damages("nobody's") == 1);
  REQUIRE(outcome(repo::repair_snapshots(*client.repository, {}, client.fixture.observer)) == "ok");
  CHECK(client.damages("nobody's") == 0);
}

TEST_CASE("a fork that was signed is a note, and hides nothing behind it", "[chain]") {
  ClonedClient client;
  const auto second = client.backup("cache");
  const auto third = client.backup("cache");
  // A client that does not look before it signs.
  repo::ops::OpenRepository& parts = repo::ops::opened(*client.repository);
  auto report = client.fixture.backup(*client.repository, {client.fixture.at("source")});
  REQUIRE(outcome(report) == "ok");
  repo::format::Link twin = third;
  parts.environment.random.fill(twin.id.mutable_view());
  std::uint64_t written_bytes = 0;
  REQUIRE(outcome(repo::store::put_snapshot(*parts.backend, *parts.keys, parts.environment.random,
                                            twin, report->snapshot, written_bytes)) == "ok");
  std::size_t notes = 0;
  CHECK(client.damages("nobody's", &notes) == 0);
  CHECK(notes >= 1);
  REQUIRE(outcome(repo::ops::opened(*client.repository)
                      .backend->remove(repo::store::object_name(repo::format::ObjectKind::snapshot,
                                                                second.id))) == "ok");
  CHECK(client.damages("nobody's") == 2);  // each of the two misses it
}
