#include <filesystem>

#include "cairn/core/crypto.h"
#include "collecting.h"
#include "ops/writing/writing_session.h"
#include "store/backend/temporary_name.h"

// What killed runs leave behind, in a repository that nobody prunes.

using namespace cairn;
using namespace cairn::test;

namespace {

core::ProcessIdentity process_in(std::string_view place, std::uint64_t start) {
  return {.place = core::hash256(core::as_view(place)), .number = 7, .start = start};
}

core::Result<repo::Repository> open_as(RepoFixture& fixture, const core::ProcessIdentity& process,
                                       const std::string& cache) {
  repo::Environment environment = fixture.environment(fixture.at(cache));
  environment.process = process;
  environment.process_is_gone = [process](const core::ProcessIdentity& other) {
    return other.place == process.place && other != process;
  };
  return repo::Repository::open(
      environment, {.location = fixture.at("repo"), .credentials = RepoFixture::passphrase()},
      fixture.observer);
}

}  // namespace

TEST_CASE("a backup clears away what dead writers of its own place left, and nothing else") {
  RepoFixture fixture;
  REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 10'000, 1)}).empty());
  REQUIRE(outcome(fixture.init()) == "ok");
  const auto dead = process_in("here", 100);
  const auto elsewhere = process_in("another container", 100);
  auto dead_one = open_as(fixture, dead, "dead");
  auto living_one = open_as(fixture, elsewhere, "living");
  REQUIRE(outcome(dead_one) == "ok");
  REQUIRE(outcome(living_one) == "ok");
  auto died = repo::ops::WritingSession::begin(repo::ops::opened(*dead_one), {}, fixture.observer);
  REQUIRE(outcome(died) == "ok");
  REQUIRE(outcome((*died)->beat()) == "ok");
  auto living =
      repo::ops::WritingSession::begin(repo::ops::opened(*living_one), {}, fixture.observer);
  REQUIRE(outcome(living) == "ok");
  const std::string litter = "tmp/" + repo::store::temporary_name(dead, 1, 0);
  const std::string in_use = "tmp/" + repo::store::temporary_name(elsewhere, 2, 0);
  write_file(fixture.object_file(litter), core::as_view("half a pack"));
  write_file(fixture.object_file(in_use), core::as_view("half a pack"));
  REQUIRE(fixture.objects("sessions").size() == 3);

  auto repository = open_as(fixture, process_in("here", 200), "cache");
  REQUIRE(outcome(repository) == "ok");
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  CHECK(fixture.objects("tmp") == std::vector<std::string>{in_use});
  REQUIRE(fixture.objects("sessions").size() == 1);
  CHECK(fixture.objects("sessions").front() == "sessions/" + (*living)->id().hex());
  // Without a fence: the run that is over needs none, and a role that only writes may not set one.
  CHECK(fixture.objects("snapshots").size() == 1);
}
