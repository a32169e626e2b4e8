#include <algorithm>
#include <vector>

#include "cairn/repo/copy.h"
#include "cairn/repo/rewrite.h"
#include "collecting.h"
#include "fault_backend.h"
#include "fault_loop.h"
#include "forwarding_catalogue.h"
#include "ops/repository/local_catalogue.h"

using namespace cairn;
using namespace cairn::test;

/// Once the snapshot is there the verb has succeeded, whatever fails afterwards, and whatever the
/// storage answered; before that there is none.
namespace {

/// Passes on; its notes cannot be changed any more from a certain one on.
class FullCatalogue final : public test::ForwardingCatalogue {
 public:
  FullCatalogue(std::unique_ptr<repo::store::Catalogue> real, int good, core::ErrorCode code)
      : ForwardingCatalogue(std::move(real)), good_(good), code_(code) {}
  core::Status put_note(std::string_view name, core::ByteView value) override {
    return fails() ? core::Status(core::fail(code_, "the catalogue fails"))
                   : real_->put_note(name, value);
  }
  core::Status remove_note(std::string_view name) override {
    return fails() ? core::Status(core::fail(code_, "the catalogue fails"))
                   : real_->remove_note(name);
  }
  [[nodiscard]] bool has_failed() const noexcept { return good_ < 0; }

 private:
  bool fails() { return good_-- <= 0; }
  int good_;
  core::ErrorCode code_;
};

struct World {
  World() : repository(fixture.init()) {
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(tree(), {tree::file("a", 2'000, 1), tree::file("b/c", 300, 2)}).empty());
    REQUIRE(outcome(backup()) == "ok");
    flip_byte(tree() + "/a", 0);
  }
  [[nodiscard]] std::string tree() const { return fixture.at("source"); }
  core::Result<repo::BackupReport> backup() { return fixture.backup(*repository, {tree()}); }
  [[nodiscard]] std::size_t registers() const { return fixture.objects("snapshots").size(); }
  /// What the repository holds is good, and the next backup works and continues.
  void check_after() {
    const std::size_t before = registers();
    flip_byte(tree() + "/b/c", 0);
    REQUIRE(outcome(backup()) == "ok");
    CHECK(registers() == before + 1);
    const auto verified = fixture.verify(*repository);
    REQUIRE(outcome(verified) == "ok");
    CHECK_FALSE(verified->damaged());
  }

  RepoFixture fixture;
  core::Result<repo::Repository> repository;
};

/// Runs `verb`, which answers how many snapshots it has made, with each call of the storage failing
/// in turn: all that follow it too, or alone.
template <class Verb>
std::uint64_t for_each_failing_call(const std::vector<bool>& stickies, const Verb& verb) {
  std::uint64_t met = 0;
  for (const bool sticky : stickies) {
    for (std::uint64_t call = 1;; ++call) {
      INFO("call " << call << " fails" << (sticky ? ", and all after it" : ""));
      REQUIRE(call < 1'000);
      World world;
      repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
      auto real = std::move(parts.backend);
      auto faulty = std::make_unique<FaultBackend>(*real);
      FaultBackend& storage = *faulty;
      // Readers made while opening hold on to the real one.
      parts.backend = std::move(faulty);
      storage.arm({.at_call = call, .sticky = sticky, .code = core::ErrorCode::io});
      const std::size_t before = world.registers();
      const core::Result<std::size_t> made = verb(world);
      const bool hit = storage.failure_hit();
      storage.disarm();
      parts.backend = std::move(real);
      CHECK(world.registers() == before + made.value_or(0));
      world.check_after();
      if (!hit) {
        break;
      }
      ++met;
    }
  }
  return met;
}

}  // namespace

TEST_CASE("a backup fails before its snapshot is there, or not at all", "[published]") {
  const auto met =
      for_each_failing_call({false, true}, [](World& world) -> core::Result<std::size_t> {
        CAIRN_TRY(const auto report, world.backup());
        return std::size_t{report.id ? 1U : 0U};
      });
  CHECK(met > 20);
}

TEST_CASE("a replaced snapshot is there or the verb failed", "[published]") {
  const auto met = for_each_failing_call({true}, [](World& world) -> core::Result<std::size_t> {
    repo::PathFilter exclude;
    REQUIRE(outcome(exclude.add_exclude("c")) == "ok");
    CAIRN_TRY(const auto report,
              repo::rewrite(*world.repository, exclude, {.forget = true}, world.fixture.observer));
    return static_cast<std::size_t>(std::ranges::count_if(
        report.snapshots, [](const auto& one) { return one.replacement.has_value(); }));
  });
  CHECK(met > 10);
}

TEST_CASE("a copied snapshot is there or the verb failed", "[published]") {
  const auto met = for_each_failing_call({true}, [](World& world) -> core::Result<std::size_t> {
    repo::InitOptions other;
    other.location = world.fixture.at("from");
    other.credentials = RepoFixture::passphrase();
    other.kdf = RepoFixture::cheap_kdf();
    auto from = repo::Repository::init(world.fixture.environment(), other);
    REQUIRE(outcome(from) == "ok");
    REQUIRE(outcome(world.fixture.backup(*from, {world.tree()})) == "ok");
    CAIRN_TRY(const auto report, repo::copy(*from, *world.repository, {}, world.fixture.observer));
    return static_cast<std::size_t>(std::ranges::count_if(
        report.snapshots, [](const auto& one) { return one.copy.has_value(); }));
  });
  CHECK(met > 10);
}

TEST_CASE("a catalogue that fails after the snapshot is there costs a warning", "[published]") {
  const auto code = GENERATE(core::ErrorCode::no_space, core::ErrorCode::io,
                             core::ErrorCode::corrupt, core::ErrorCode::changed);
  bool hit = true;
  int warned = 0;
  for (int good = 0; hit; ++good) {
    INFO("after " << good << " changes of notes");
    REQUIRE(good < 100);
    World world;
    repo::ops::OpenRepository& parts = repo::ops::opened(*world.repository);
    auto full = std::make_unique<FullCatalogue>(std::move(parts.local->catalogue), good, code);
    FullCatalogue& catalogue = *full;
    repo::ops::install_catalogue(parts, std::move(full));
    const std::size_t before = world.registers();
    world.fixture.observer.warnings.clear();
    const auto report = world.backup();
    hit = catalogue.has_failed();
    CHECK(world.registers() == before + (report ? 1 : 0));
    if (report && hit) {
      warned += 1;
      REQUIRE_FALSE(world.fixture.observer.warnings.empty());
      CHECK(world.fixture.observer.warnings.front().find("is stored, but afterwards") !=
            std::string::npos);
    }
    // The next run has a catalogue that works, and remembers what was noted.
    world.repository = world.fixture.open();
    REQUIRE(outcome(world.repository) == "ok");
    world.check_after();
  }
  CHECK(warned >= 3);  // the new end, the intent, the anchor
}

TEST_CASE("an error behind which the snapshot is found is no failure", "[published]") {
  Fault lost_answer;
  lost_answer.takes_effect = true;
  bool hit = true;
  int stored_all_the_same = 0;
  for (lost_answer.at_call = 1; hit; ++lost_answer.at_call) {
    INFO("call " << lost_answer.at_call << " answers with an error, but takes effect");
    REQUIRE(lost_answer.at_call < 1'000);
    const auto real = core::make_posix_file_system();
    FaultFileSystem faulty(*real);
    RepoFixture fixture(&faulty);
    auto repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(fixture.at("source"), {tree::file("a", 2'000, 1)}).empty());
    faulty.arm(lost_answer);
    const auto report = fixture.backup(*repository, {fixture.at("source")});
    faulty.disarm();
    hit = faulty.fault_hit();
    CHECK(fixture.objects("snapshots").size() == (report ? 1U : 0U));
    stored_all_the_same += report && !fixture.observer.warnings.empty() ? 1 : 0;
  }
  CHECK(stored_all_the_same > 0);
}
