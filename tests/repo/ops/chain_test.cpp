#include "ops/chain.h"

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
    repo::store::Catalogue& catalogue = *repository->state().catalogue;
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
    const repo::ops::State& state = repository->state();
    const auto record = repo::store::get_register(*state.backend, *state.keys, *report->id);
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
  repo::ops::State& state = client.repository->state();
  const auto real = std::move(state.backend);
  auto bad_disk = std::make_unique<FaultBackend>(*real);
  FaultBackend& disk = *bad_disk;
  const auto name = repo::store::object_name(repo::format::ObjectKind::snapshot, client.second);
  disk.inflict(name, damage::Unreadable{});
  state.backend = std::move(bad_disk);
  CHECK(outcome(client.backup()) == "io");

  disk.heal(name);
  client.check_next_follows();
}

TEST_CASE("a snapshot that never came to be, or is gone, leaves the chain as it was", "[chain]") {
  ForgetfulClient client;
  bury(*client.repository, client.second);
  REQUIRE(outcome(client.repository->state().backend->remove(repo::store::object_name(
              repo::format::ObjectKind::snapshot, client.second))) == "ok");
  const auto link = client.link_of_next();
  CHECK(link.sequence == 2);
  check_all_restore(client.fixture, 2);
}
