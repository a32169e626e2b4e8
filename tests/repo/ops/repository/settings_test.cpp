#include "cairn/repo/settings.h"

#include <filesystem>

#include "cairn/repo/stats.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "ops/repository/standing_settings.h"
#include "several_snapshots.h"
#include "store/objects/records.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::uint64_t max_bytes(RepoFixture& fixture, repo::Repository& repository) {
  const auto settings = repo::read_settings(repository, fixture.observer);
  REQUIRE(outcome(settings) == "ok");
  return settings->max_repo_bytes;
}

repo::SettingsId put_numbered(repo::Repository& repository, std::uint64_t number,
                              std::uint64_t max_repo_bytes) {
  repo::ops::OpenRepository& parts = repo::ops::opened(repository);
  repo::format::Settings settings;
  settings.number = number;
  settings.max_repo_bytes = max_repo_bytes;
  const auto id = repo::store::put_settings(*parts.backend, *parts.keys, parts.environment.random,
                                            std::move(settings));
  REQUIRE(outcome(id) == "ok");
  return *id;
}

}  // namespace

TEST_CASE("a new repository has no limit; one can be set, changed and taken back", "[settings]") {
  SeveralSnapshots several(1);
  RepoFixture& fixture = several.fixture;
  repo::Repository& repository = *several.repository;
  const auto change = [&](std::uint64_t bytes) {
    return outcome(repo::change_settings(repository, {.max_repo_bytes = bytes}, fixture.observer));
  };
  CHECK(max_bytes(fixture, repository) == 0);
  CHECK(change(0) == "ok");
  CHECK(fixture.objects("settings").empty());
  CHECK(change(1'000'000'000'000) == "ok");
  CHECK(max_bytes(fixture, repository) == 1'000'000'000'000);
  const auto first = fixture.objects("settings");
  REQUIRE(first.size() == 1);
  CHECK(change(1'000'000'000'000) == "ok");
  CHECK(fixture.objects("settings") == first);
  CHECK(change(7) == "ok");
  CHECK(max_bytes(fixture, repository) == 7);
  CHECK(fixture.objects("settings").size() == 1);
  CHECK(fixture.objects("settings") != first);
  CHECK(change(0) == "ok");
  CHECK(max_bytes(fixture, repository) == 0);
  CHECK(fixture.objects("settings").size() == 1);
  CHECK(several.damage().empty());
  CHECK(fixture.observer.warnings.empty());
}

TEST_CASE("every role reads settings, and only an admin changes them", "[settings]") {
  SeveralSnapshots several(0);
  REQUIRE(outcome(repo::change_settings(*several.repository, {.max_repo_bytes = 5'000},
                                        several.fixture.observer)) == "ok");
  const auto role =
      GENERATE(repo::Role::backup, repo::Role::restore, repo::Role::maintain, repo::Role::audit);
  CAPTURE(to_string(role));
  several.add_key(role);
  auto client = several.open_as(role);
  REQUIRE(outcome(client) == "ok");
  CHECK(max_bytes(several.fixture, *client) == 5'000);
  const auto changed =
      repo::change_settings(*client, {.max_repo_bytes = 0}, several.fixture.observer);
  REQUIRE(outcome(changed) == "not_permitted");
  CHECK_THAT(changed.error().message(), Catch::Contains(std::string(to_string(role))));
  CHECK_THAT(changed.error().hint(), Catch::Contains("admin"));
  CHECK(max_bytes(several.fixture, *several.repository) == 5'000);
}

TEST_CASE("of several settings those with the highest number count", "[settings]") {
  SeveralSnapshots several(0);
  RepoFixture& fixture = several.fixture;
  repo::Repository& repository = *several.repository;
  put_numbered(repository, 2, 200);
  put_numbered(repository, 10, 1'000);
  put_numbered(repository, 3, 300);
  CHECK(max_bytes(fixture, repository) == 1'000);
  const auto x = put_numbered(repository, 11, 1);
  const auto y = put_numbered(repository, 11, 2);
  CHECK(max_bytes(fixture, repository) == (x > y ? 1 : 2));
  REQUIRE(outcome(repo::change_settings(repository, {.max_repo_bytes = 4}, fixture.observer)) ==
          "ok");
  CHECK(max_bytes(fixture, repository) == 4);
  CHECK(fixture.objects("settings").size() == 1);

  const auto last = put_numbered(repository, UINT64_MAX, 6);
  const auto refused = repo::change_settings(repository, {.max_repo_bytes = 5}, fixture.observer);
  REQUIRE(outcome(refused) == "limit_exceeded");
  CHECK_THAT(refused.error().hint(), Catch::Contains("settings/" + last.hex()));
  CHECK(max_bytes(fixture, repository) == 6);
}

TEST_CASE("damaged settings do not count, and verify names them", "[settings]") {
  SeveralSnapshots several(1);
  RepoFixture& fixture = several.fixture;
  repo::Repository& repository = *several.repository;
  put_numbered(repository, 1, 100'000'000);
  const auto damaged = "settings/" + put_numbered(repository, 2, 1).hex();
  flip_byte(fixture.object_file(damaged), 40);
  CHECK(max_bytes(fixture, repository) == 100'000'000);
  REQUIRE(fixture.observer.warnings.size() == 1);
  CHECK_THAT(fixture.observer.warnings[0], Catch::Contains(damaged) && Catch::Contains("verify"));
  several.backup();

  const auto report = fixture.verify(repository, false);
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->findings.size() == 1);
  CHECK(report->findings[0].severity == repo::Finding::Severity::damage);
  CHECK(report->findings[0].object == damaged);
  CHECK_THAT(report->findings[0].advice, Catch::Contains("cairn config"));

  // As the advice says.
  REQUIRE(outcome(repo::change_settings(repository, {.max_repo_bytes = 1'000'000},
                                        fixture.observer)) == "ok");
  CHECK(max_bytes(fixture, repository) == 1'000'000);
  std::filesystem::remove(fixture.object_file(damaged));
  CHECK(several.damage().empty());
}

TEST_CASE("a writer cannot forge settings that count", "[settings]") {
  SeveralSnapshots several(1);
  RepoFixture& fixture = several.fixture;
  put_numbered(*several.repository, 1, 123'456'789);
  several.add_key(repo::Role::backup);
  auto client = several.open_as(repo::Role::backup);
  REQUIRE(outcome(client) == "ok");
  // All that a client holds: it can sign and seal, and call itself what it likes.
  repo::ops::OpenRepository& parts = repo::ops::opened(*client);
  const auto& bundle = parts.keys->bundle();
  repo::format::Settings settings;
  settings.number = 9;
  settings.signer = *bundle.certificate;
  settings.signer.role = repo::Role::admin;
  settings.signature =
      core::sign(bundle.sign_seed.view(),
                 repo::format::settings_message(parts.config.repository_id, settings));
  const core::Bytes object = repo::format::encode_frame(
      repo::format::ObjectKind::settings,
      repo::store::seal_symmetric(*parts.keys, parts.environment.random,
                                  repo::store::Purpose::settings, {},
                                  repo::format::pad(repo::format::encode_settings(settings))));
  const auto id = core::Hash256::from(core::ByteView(object).last(32));
  REQUIRE(outcome(parts.backend->put({repo::format::ObjectKind::settings, id}, object)) == "ok");

  CHECK(max_bytes(fixture, *client) == 123'456'789);
  CHECK(max_bytes(fixture, *several.repository) == 123'456'789);
  const auto damage = several.damage();
  REQUIRE_FALSE(damage.empty());
  CHECK_THAT(damage.front(), Catch::StartsWith("settings/" + id.hex()));
}

TEST_CASE("a repository without a folder for settings has none, and gets one", "[settings]") {
  SeveralSnapshots several(1);
  RepoFixture& fixture = several.fixture;
  std::filesystem::remove(fixture.at("repo/settings"));
  CHECK(max_bytes(fixture, *several.repository) == 0);
  several.backup();
  CHECK(several.damage().empty());
  const auto before = repo::statistics(*several.repository, fixture.observer);
  REQUIRE(outcome(repo::change_settings(*several.repository, {.max_repo_bytes = 8},
                                        fixture.observer)) == "ok");
  CHECK(max_bytes(fixture, *several.repository) == 8);
  const auto after = repo::statistics(*several.repository, fixture.observer);
  CHECK(after->stored_bytes - before->stored_bytes ==
        std::filesystem::file_size(fixture.object_file(fixture.objects("settings").front())));
}

TEST_CASE("whatever call of changing settings fails, the old or the new ones count", "[settings]") {
  const auto met = for_each_fault([](const Fault& fault) {
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    SeveralSnapshots several(0, &faulty);
    RepoFixture& fixture = several.fixture;
    put_numbered(*several.repository, 1, 10);
    faulty.arm(fault);
    const auto changed =
        repo::change_settings(*several.repository, {.max_repo_bytes = 20}, fixture.observer);
    faulty.disarm();
    const bool hit = faulty.fault_hit();
    CHECK((changed || hit));
    const std::uint64_t found = max_bytes(fixture, *several.repository);
    CHECK((found == 20 || (!changed && found == 10)));
    CHECK(outcome(repo::change_settings(*several.repository, {.max_repo_bytes = 30},
                                        fixture.observer)) == "ok");
    CHECK(max_bytes(fixture, *several.repository) == 30);
    CHECK(several.damage().empty());
    return hit;
  });
  CHECK(met > 5);
}
