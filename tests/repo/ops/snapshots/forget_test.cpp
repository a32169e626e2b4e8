#include "cairn/repo/forget.h"

#include <algorithm>
#include <filesystem>

#include "cairn/repo/marks.h"
#include "cairn/repo/verify.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "ops/repository/open_repository.h"
#include "several_snapshots.h"
#include "store/objects/records.h"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;

core::Result<repo::ForgetReport> forget(SeveralSnapshots& several,
                                        const repo::ForgetOptions& options) {
  return repo::forget(*several.repository, options, several.fixture.observer);
}

repo::ForgetOptions last(std::uint32_t count) {
  repo::ForgetOptions options;
  options.rules.general.last = count;
  return options;
}

repo::ForgetOptions by_name(std::vector<std::string> names) {
  repo::ForgetOptions options;
  options.snapshots = std::move(names);
  return options;
}

repo::format::Tombstone tombstone_of(SeveralSnapshots& several, std::size_t n) {
  repo::ops::OpenRepository& parts = repo::ops::opened(*several.repository);
  const auto read = repo::store::get_tombstone(*parts.backend, *parts.keys, several.ids.at(n));
  REQUIRE(outcome(read) == "ok");
  CHECK(read->intact);
  return read->value;
}

std::string register_of(SeveralSnapshots& several, std::size_t n) {
  return several.fixture.object_file("snapshots/" + several.name(n));
}

/// What a collector will do with the registers of forgotten snapshots.
void remove_forgotten_registers(SeveralSnapshots& several) {
  for (const std::string& object : several.fixture.objects("forgotten")) {
    fs::remove(several.fixture.object_file("snapshots/" + object.substr(object.find('/') + 1)));
  }
}

/// Both copies, so that nothing can be read.
void destroy(const std::string& file) {
  flip_byte(file, 100);
  flip_byte(file, fs::file_size(file) / 2 + 100);
}

/// Asks to stop after so many snapshots were forgotten.
class Interrupting final : public repo::Observer {
 public:
  explicit Interrupting(int after) : left_(after) {}
  void detail(std::string_view /*text*/) override {
    if (--left_ == 0) {
      source_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  int left_;
  std::stop_source source_;
};

}  // namespace

TEST_CASE("a policy forgets, and nothing else changes", "[forget]") {
  SeveralSnapshots several(5);
  const auto registers = several.fixture.objects("snapshots");
  const auto packs = several.fixture.objects("packs");
  const auto report = forget(several, last(2));
  REQUIRE(outcome(report) == "ok");
  CHECK(report->forgotten == 3);
  CHECK(report->plan.doomed ==
        std::vector<repo::SnapshotId>{several.ids[0], several.ids[1], several.ids[2]});
  REQUIRE(report->plan.snapshots.size() == 5);
  REQUIRE(report->plan.groups.size() == 1);
  CHECK(report->plan.groups[0].host == "host");
  CHECK(report->plan.groups[0].verdicts[0].reasons == std::vector<std::string>{"last 1"});
  CHECK(several.standing() == "34");
  CHECK(several.fixture.objects("snapshots") == registers);
  CHECK(several.fixture.objects("packs") == packs);

  const auto tombstone = tombstone_of(several, 1);
  CHECK(tombstone.reason == "policy: last 2");
  CHECK(tombstone.when == several.fixture.clock.now());
  CHECK(tombstone.signer.role == repo::Role::admin);
  CHECK(tombstone.link_hash != core::Hash256());
  CHECK(outcome(repo::find_snapshot(*several.repository, several.name(1),
                                    several.fixture.observer)) == "not_found");
  CHECK(repo::find_snapshot(*several.repository, "latest~1", several.fixture.observer)->id ==
        several.ids[3]);

  const auto again = forget(several, last(2));
  REQUIRE(outcome(again) == "ok");
  CHECK(again->forgotten == 0);
  CHECK(again->plan.doomed.empty());
}

TEST_CASE("a chain with forgotten members verifies, with and without their registers", "[forget]") {
  SeveralSnapshots several(6);
  // In the middle, two in a row, the first and the last.
  REQUIRE(outcome(forget(several, by_name({several.name(0), several.name(2), several.name(3),
                                           several.name(5)}))) == "ok");
  CHECK(several.standing() == "14");
  CHECK(several.damage().empty());
  remove_forgotten_registers(several);
  CHECK(several.fixture.objects("snapshots").size() == 2);
  CHECK(several.damage().empty());
  CHECK(several.standing() == "14");
  // The next one refers to the last, which is gone.
  several.backup();
  CHECK(several.standing() == "146");
  CHECK(several.damage().empty());
  // What is taken away without a tombstone is still missed by what refers to it.
  several.backup();
  fs::remove(register_of(several, 6));
  const auto damage = several.damage();
  REQUIRE(damage.size() == 2);  // each of two clients
  CHECK_THAT(damage[0], Catch::Contains(several.name(6)) && Catch::Contains("forgotten"));
}

TEST_CASE("a tombstone of another link explains nothing", "[forget]") {
  SeveralSnapshots several(3);
  repo::ops::OpenRepository& parts = repo::ops::opened(*several.repository);
  repo::format::Tombstone wrong;
  wrong.snapshot = several.ids[1];
  wrong.link_hash = core::Hash256::from(several.ids[0].view());
  REQUIRE(outcome(repo::store::put_tombstone(*parts.backend, *parts.keys, parts.environment.random,
                                             wrong)) == "ok");
  fs::remove(register_of(several, 1));
  const auto damage = several.damage();
  REQUIRE(damage.size() == 2);  // each of two clients
  CHECK_THAT(damage[0], Catch::Contains("forgotten/" + several.name(1)));
  CHECK_THAT(damage[0], Catch::Contains("another snapshot"));
}

TEST_CASE("a tombstone that nobody signed who may hides nothing", "[forget]") {
  SeveralSnapshots several(3);
  REQUIRE(outcome(forget(several, by_name({several.name(0)}))) == "ok");
  const auto forged = several.fixture.object_file("forgotten/" + several.name(1));
  SECTION("garbage") { write_file(forged, several.fixture.random.bytes(500)); }
  SECTION("one of another snapshot") {
    write_file(forged, read_file(several.fixture.object_file("forgotten/" + several.name(0))));
  }
  several.fixture.observer.warnings.clear();
  CHECK(several.standing() == "12");
  REQUIRE(several.fixture.observer.warnings.size() == 1);
  CHECK_THAT(several.fixture.observer.warnings[0], Catch::Contains("forgotten/" + several.name(1)));
  const auto blocked = forget(several, last(1));
  REQUIRE(outcome(blocked) == "corrupt");
  CHECK_THAT(blocked.error().hint(), Catch::Contains("remove forgotten/" + several.name(1)));
  fs::remove(forged);
  CHECK(outcome(forget(several, last(1))) == "ok");
  CHECK(several.standing() == "2");
  CHECK(several.damage().empty());
}

TEST_CASE("snapshots are forgotten by their names", "[forget]") {
  SeveralSnapshots several(4);
  const auto report = forget(several, by_name({"latest", several.name(1).substr(0, 12)}));
  REQUIRE(outcome(report) == "ok");
  CHECK(report->forgotten == 2);
  CHECK(report->plan.groups.empty());
  CHECK(report->plan.snapshots.size() == 2);
  CHECK(several.standing() == "02");
  CHECK(tombstone_of(several, 3).reason == "by name");

  SECTION("those that were forgotten before are no error") {
    const auto again = forget(several, by_name({several.name(1), several.name(3).substr(0, 12)}));
    REQUIRE(outcome(again) == "ok");
    CHECK(again->forgotten == 0);
    CHECK(again->plan.already_forgotten == 2);
    CHECK(several.standing() == "02");
  }
  SECTION("one wrong name, and nothing is forgotten") {
    CHECK(outcome(forget(several, by_name({several.name(0), "ffffffff"}))) == "not_found");
    CHECK(outcome(forget(several, by_name({several.name(0), "f"}))) == "invalid_argument");
    CHECK(several.standing() == "02");
  }
  SECTION("all of them") {
    CHECK(outcome(forget(several, by_name({several.name(0), several.name(2)}))) == "ok");
    CHECK(several.standing().empty());
    CHECK(several.damage().empty());
    several.backup();
    CHECK(several.standing() == "4");
    CHECK(several.damage().empty());
  }
}

TEST_CASE("pinned snapshots are not forgotten", "[forget]") {
  SeveralSnapshots several(3);
  auto& observer = several.fixture.observer;
  REQUIRE(outcome(repo::pin(*several.repository, {several.name(0)}, observer)) == "ok");
  const auto refused = forget(several, by_name({several.name(1), several.name(0)}));
  REQUIRE(outcome(refused) == "invalid_argument");
  CHECK_THAT(refused.error().message(), Catch::Contains("pinned"));
  CHECK_THAT(refused.error().hint(), Catch::Contains("cairn snapshots unpin"));
  CHECK(several.standing() == "012");

  const auto by_policy = forget(several, last(1));
  REQUIRE(outcome(by_policy) == "ok");
  CHECK(several.standing() == "02");
  CHECK(by_policy->plan.groups[0].verdicts[2].reasons == std::vector<std::string>{"pinned"});

  REQUIRE(outcome(repo::unpin(*several.repository, {several.name(0)}, observer)) == "ok");
  CHECK(outcome(forget(several, by_name({several.name(0)}))) == "ok");
  CHECK(several.standing() == "2");
}

TEST_CASE("tags that were changed later count", "[forget]") {
  SeveralSnapshots several(3);
  REQUIRE(outcome(repo::add_tags(*several.repository, {several.name(0)}, {"keep"},
                                 several.fixture.observer)) == "ok");
  auto options = last(1);
  options.rules.general.tags = {{"keep"}};
  REQUIRE(outcome(forget(several, options)) == "ok");
  CHECK(several.standing() == "02");
  CHECK(tombstone_of(several, 1).reason == "policy: last 1, tag keep");
}

TEST_CASE("each type by its own policy; restore points only if asked for", "[forget]") {
  SeveralSnapshots several(0);
  for (const auto type : {repo::SnapshotType::hourly, repo::SnapshotType::hourly,
                          repo::SnapshotType::manual, repo::SnapshotType::restore_point,
                          repo::SnapshotType::restore_point, repo::SnapshotType::manual}) {
    several.backup({}, type);
  }
  auto options = last(1);
  SECTION("a policy of its own") {
    options.rules.by_type[repo::SnapshotType::hourly].last = 2;
    REQUIRE(outcome(forget(several, options)) == "ok");
    CHECK(several.standing() == "01345");
  }
  SECTION("the general one") {
    REQUIRE(outcome(forget(several, options)) == "ok");
    CHECK(several.standing() == "345");
  }
  SECTION("restore points named by a filter") {
    options.filter.types = {repo::SnapshotType::restore_point};
    REQUIRE(outcome(forget(several, options)) == "ok");
    CHECK(several.standing() == "01245");
    CHECK(tombstone_of(several, 3).reason == "policy: last 1");
  }
  SECTION("restore points with a policy") {
    options.rules.general = {};
    options.rules.by_type[repo::SnapshotType::restore_point].last = 1;
    REQUIRE(outcome(forget(several, options)) == "ok");
    CHECK(several.standing() == "01245");
  }
}

TEST_CASE("a policy sees what passes the filter", "[forget]") {
  SeveralSnapshots several(0);
  several.backup({"x"});
  several.backup({"x"});
  several.backup();
  auto options = last(1);
  const auto standing_after = [&] {
    REQUIRE(outcome(forget(several, options)) == "ok");
    return several.standing();
  };
  SECTION("tags") {
    options.filter.tag_lists = {{"x"}};
    CHECK(standing_after() == "12");
  }
  SECTION("another host") {
    options.filter.hosts = {"elsewhere"};
    CHECK(standing_after() == "012");
  }
  SECTION("paths") {
    options.filter.paths = {several.fixture.at("source"), "/elsewhere"};
    CHECK(standing_after() == "012");
    options.filter.paths = {several.fixture.at("source")};
    CHECK(standing_after() == "2");
  }
  SECTION("types") {
    options.filter.types = {repo::SnapshotType::daily};
    CHECK(standing_after() == "012");
  }
}

TEST_CASE("a policy that says nothing, or would take everything, is refused", "[forget]") {
  SeveralSnapshots several(3);
  const auto empty = forget(several, {});
  REQUIRE(outcome(empty) == "invalid_argument");
  CHECK_THAT(empty.error().hint(), Catch::Contains("--keep-daily"));
  repo::ForgetOptions options;
  options.rules.by_type[repo::SnapshotType::hourly];
  CHECK(outcome(forget(several, options)) == "invalid_argument");
  options.rules.general.tags = {{"misspelt"}};
  const auto all = forget(several, options);
  REQUIRE(outcome(all) == "invalid_argument");
  CHECK_THAT(all.error().message(), Catch::Contains("none of the 3 snapshots"));
  CHECK(several.standing() == "012");
}

TEST_CASE("a dry run plans and writes nothing", "[forget]") {
  SeveralSnapshots several(3);
  auto options = last(1);
  options.dry_run = true;
  const auto report = forget(several, options);
  REQUIRE(outcome(report) == "ok");
  CHECK(report->plan.doomed.size() == 2);
  CHECK(report->forgotten == 0);
  CHECK(several.standing() == "012");
  CHECK(several.fixture.objects("forgotten").empty());
  const auto plan = repo::plan_forget(*several.repository, options, several.fixture.observer);
  REQUIRE(outcome(plan) == "ok");
  CHECK(plan->doomed == report->plan.doomed);
}

TEST_CASE("only admin and maintain forget", "[forget]") {
  SeveralSnapshots several(2);
  const auto role =
      GENERATE(repo::Role::backup, repo::Role::restore, repo::Role::maintain, repo::Role::audit);
  CAPTURE(to_string(role));
  several.add_key(role);
  auto client = several.open_as(role);
  REQUIRE(outcome(client) == "ok");
  const auto report = repo::forget(*client, last(1), several.fixture.observer);
  const auto plan = repo::plan_forget(*client, last(1), several.fixture.observer);
  CHECK(outcome(plan) == (role == repo::Role::backup ? "not_permitted" : "ok"));
  if (role == repo::Role::maintain) {
    REQUIRE(outcome(report) == "ok");
    CHECK(several.standing() == "1");
    CHECK(several.damage().empty());
  } else {
    REQUIRE(outcome(report) == "not_permitted");
    CHECK_THAT(report.error().hint(), Catch::Contains("admin or maintain"));
    CHECK(several.standing() == "01");
  }
}

TEST_CASE("a damaged snapshot is forgotten by its full id only", "[forget]") {
  SeveralSnapshots several(4);
  destroy(register_of(several, 1));
  // It may be one of those that the policy would keep.
  const auto by_policy = forget(several, last(2));
  REQUIRE(outcome(by_policy) == "corrupt");
  CHECK_THAT(by_policy.error().hint(), Catch::Contains("cairn forget " + several.name(1)));
  CHECK(several.standing() == "023");
  CHECK(several.fixture.objects("forgotten").empty());
  CHECK(several.damage().size() == 2);

  const auto by_prefix = forget(several, by_name({several.name(1).substr(0, 16)}));
  REQUIRE(outcome(by_prefix) == "not_found");
  CHECK_THAT(by_prefix.error().hint(), Catch::Contains(several.name(1)));
  const auto report = forget(several, by_name({several.name(1)}));
  REQUIRE(outcome(report) == "ok");
  CHECK(report->forgotten == 1);
  CHECK(report->plan.snapshots.empty());
  CHECK(tombstone_of(several, 1).link_hash == core::Hash256());
  CHECK(several.damage().empty());
  const auto verified = several.fixture.verify(*several.repository, false);
  REQUIRE(verified->findings.size() == 1);
  CHECK_THAT(verified->findings[0].message, Catch::Contains("was forgotten"));
  remove_forgotten_registers(several);
  CHECK(several.damage().empty());
  REQUIRE(outcome(forget(several, last(2))) == "ok");
  CHECK(several.standing() == "23");
}

TEST_CASE("a damaged snapshot that is pinned stays", "[forget]") {
  SeveralSnapshots several(2);
  REQUIRE(outcome(repo::pin(*several.repository, {several.name(0)}, several.fixture.observer)) ==
          "ok");
  destroy(register_of(several, 0));
  const auto refused = forget(several, by_name({several.name(0)}));
  REQUIRE(outcome(refused) == "invalid_argument");
  const auto mark = several.fixture.objects("marks").front();
  CHECK_THAT(refused.error().hint(), Catch::Contains(mark));
  fs::remove(several.fixture.object_file(mark));
  CHECK(outcome(forget(several, by_name({several.name(0)}))) == "ok");
}

TEST_CASE("while a mark is damaged nothing is forgotten", "[forget]") {
  SeveralSnapshots several(3);
  REQUIRE(outcome(repo::pin(*several.repository, {several.name(0)}, several.fixture.observer)) ==
          "ok");
  const auto mark = several.fixture.objects("marks").front();
  flip_byte(several.fixture.object_file(mark), 50);
  const auto refused = forget(several, last(1));
  REQUIRE(outcome(refused) == "corrupt");
  CHECK_THAT(refused.error().message(), Catch::Contains(mark));
  CHECK(outcome(forget(several, by_name({several.name(0)}))) == "corrupt");
  CHECK(outcome(forget(several, last(9))) == "ok");  // there was nothing to forget
  CHECK(several.standing() == "012");
}

TEST_CASE("what was interrupted is finished by the same call", "[forget]") {
  SeveralSnapshots several(5);
  Interrupting observer(2);
  auto options = last(1);
  options.stop = observer.token();
  const auto cut = repo::forget(*several.repository, options, observer);
  REQUIRE(outcome(cut) == "interrupted");
  CHECK_THAT(cut.error().message(), Catch::Contains("2 of 4"));
  CHECK(several.standing() == "234");
  const auto rest = forget(several, last(1));
  REQUIRE(outcome(rest) == "ok");
  CHECK(rest->forgotten == 2);
  CHECK(several.standing() == "4");
  CHECK(several.damage().empty());
}

TEST_CASE("whatever call of forgetting fails, it can be repeated", "[forget]") {
  const auto met = for_each_fault([](const Fault& fault) {
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    SeveralSnapshots several(3, &faulty);
    faulty.arm(fault);
    const auto report = forget(several, last(1));
    faulty.disarm();
    const bool hit = faulty.fault_hit();
    CHECK((report || hit));
    CHECK(several.standing().back() == '2');
    CHECK(outcome(forget(several, last(1))) == "ok");
    CHECK(several.standing() == "2");
    const auto verified = several.fixture.verify(*several.repository, false);
    CHECK((verified && verified->findings.empty()));
    return hit;
  });
  CHECK(met > 10);
}
