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
  core::Result<repo::store::OpenedRegister> opened(const repo::SnapshotId& id) {
    const repo::ops::State& state = repository->state();
    return repo::store::get_register(*state.backend, *state.keys, id);
  }
};

}  // namespace

TEST_CASE("a snapshot whose writer was killed before it noted it has its number to itself",
          "[chain]") {
  ForgetfulClient client;
  const auto third = client.backup();
  REQUIRE(outcome(third) == "ok");
  const auto record = client.opened(*third->id);
  REQUIRE(outcome(record) == "ok");
  CHECK(record->link.sequence == 3);
  CHECK(record->link.previous == client.second);
  check_all_restore(client.fixture, 3);
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
  const auto third = client.backup();
  REQUIRE(outcome(third) == "ok");
  const auto record = client.opened(*third->id);
  REQUIRE(outcome(record) == "ok");
  CHECK(record->link.sequence == 3);
  CHECK(record->link.previous == client.second);
  check_all_restore(client.fixture, 3);
}

TEST_CASE("a snapshot that never came to be, or is gone, leaves the chain as it was", "[chain]") {
  ForgetfulClient client;
  bury(*client.repository, client.second);
  REQUIRE(outcome(client.repository->state().backend->remove(repo::store::object_name(
              repo::format::ObjectKind::snapshot, client.second))) == "ok");
  const auto third = client.backup();
  REQUIRE(outcome(third) == "ok");
  const auto record = client.opened(*third->id);
  REQUIRE(outcome(record) == "ok");
  CHECK(record->link.sequence == 2);
  check_all_restore(client.fixture, 2);
}
