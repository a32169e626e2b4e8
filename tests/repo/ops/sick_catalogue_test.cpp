#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "cairn/repo/diff.h"
#include "cairn/repo/find.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/stats.h"
#include "catch2.h"
#include "forwarding_catalogue.h"
#include "ops/repository/catalogue_view.h"
#include "ops/repository/local_catalogue.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// A catalogue whose damage shows in the middle of a verb is made anew, once, and the verb begins
// again.

using namespace cairn;
using namespace cairn::test;

namespace {

namespace store = repo::store;

/// How often a sick catalogue was asked where chunks are, and from when on it does not know.
struct Sickness {
  std::uint64_t from_call = 1;
  std::atomic<std::uint64_t> calls{0};

  [[nodiscard]] bool has_shown() const { return calls >= from_call; }
};

/// Damage of its files, met where chunks are looked up: not yet when it is brought up to date.
class SickCatalogue final : public test::ForwardingCatalogue {
 public:
  SickCatalogue(std::unique_ptr<Catalogue> real, std::shared_ptr<Sickness> sickness)
      : ForwardingCatalogue(std::move(real)), sickness_(std::move(sickness)) {}

  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] bool saw_damage() const noexcept override { return sickness_->has_shown(); }
  [[nodiscard]] core::Result<std::optional<store::ChunkLocation>> find(
      const repo::ChunkId& id, const store::PackFilter& usable) const override {
    CAIRN_TRY_STATUS(look());
    return real_->find(id, usable);
  }
  [[nodiscard]] core::Result<std::vector<std::optional<store::ChunkLocation>>> find_all(
      std::span<const repo::ChunkId> ids, const store::PackFilter& usable) const override {
    CAIRN_TRY_STATUS(look());
    return real_->find_all(ids, usable);
  }
  [[nodiscard]] core::Result<std::unordered_map<store::PackNumber, std::uint64_t>> chunks_by_pack()
      const override {
    CAIRN_TRY_STATUS(look());
    return real_->chunks_by_pack();
  }

 private:
  core::Status look() const {
    return ++sickness_->calls >= sickness_->from_call
               ? core::Status(core::fail(core::ErrorCode::corrupt, "a page of it is damaged"))
               : core::Status();
  }

  std::shared_ptr<Sickness> sickness_;
};

/// Puts a sick catalogue into the place of the open one.
std::shared_ptr<Sickness> sicken(repo::ops::OpenRepository& parts, std::uint64_t from_call) {
  auto sickness = std::make_shared<Sickness>();
  sickness->from_call = from_call;
  repo::ops::install_catalogue(
      parts, std::make_unique<SickCatalogue>(std::move(parts.local->catalogue), sickness));
  return sickness;
}

/// Makes every new catalogue sick too, as a broken disk would.
class SickDisk final : public repo::Observer {
 public:
  static constexpr int kEnough = 10;  ///< a verb that gets here would go on for ever

  explicit SickDisk(repo::ops::OpenRepository& parts) : parts_(parts) {}
  void detail(std::string_view text) override {
    if (text.find("catalogue made new") != std::string_view::npos && made < kEnough) {
      made += 1;
      sicken(parts_, 1);
    }
  }
  int made = 0;

 private:
  repo::ops::OpenRepository& parts_;
};

struct SickWorld {
  SickWorld() {
    change();
    auto opened = fixture.init();
    REQUIRE(outcome(opened) == "ok");
    repository.emplace(std::move(*opened));
    const auto report = fixture.backup(*repository, {fixture.at("source")});
    REQUIRE(outcome(report) == "ok");
    first = report->snapshot;
    change();
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
    snapshots = *repo::list_snapshots(*repository, fixture.observer);
  }

  /// Other files than before, and as many: the first snapshot's stay.
  void change() {
    if (changes > 1) {
      std::filesystem::remove_all(fixture.at(fmt::format("source/{}", changes)));
    }
    ++changes;
    std::vector<TreeObject> objects;
    for (std::uint64_t i = 0; i < 4; ++i) {
      objects.push_back(tree::file(fmt::format("{}/{}", changes, i), 30'000, changes * 10 + i));
    }
    REQUIRE(make_tree(fixture.at("source"), objects).empty());
  }
  repo::ops::OpenRepository& parts() { return repo::ops::opened(*repository); }

  core::Status restore(repo::Observer& observer) {
    const std::string target = fixture.at(fmt::format("out {}", ++targets));
    repo::RestoreOptions options;
    options.path = fixture.at("source");
    options.target = target;
    options.workers = 2;
    CAIRN_TRY(const auto report, repo::restore(*repository, first, options, observer));
    if (report.problem_count > 0) {
      return core::fail(core::ErrorCode::io, report.problems.front().reason);
    }
    return read_file(target + "/1/0") == read_file(fixture.at("source/1/0"))
               ? core::Status()
               : core::Status(core::fail(core::ErrorCode::io, "restored wrong bytes"));
  }
  core::Status verify(repo::Observer& observer) {
    CAIRN_TRY(const auto report,
              repo::verify(*repository, {.check_integrity = true, .workers = 2}, observer));
    return report.findings.empty()
               ? core::Status()
               : core::Status(core::fail(core::ErrorCode::io, report.findings.front().message));
  }
  core::Status backup(repo::Observer& observer) {
    fixture.clock.advance(std::chrono::seconds(1));
    CAIRN_TRY(const auto report,
              repo::backup(*repository, fixture.options({fixture.at("source")}), observer));
    return report.snapshot.problem_count == 0
               ? core::Status()
               : core::Status(core::fail(core::ErrorCode::io, "the backup has problems"));
  }
  core::Status prune(repo::Observer& observer) {
    CAIRN_TRY(const auto report, repo::prune(*repository, {}, observer));
    return report.snapshots >= 2 ? core::Status()
                                 : core::Status(core::fail(core::ErrorCode::io, "lost some"));
  }
  core::Status stats(repo::Observer& observer) {
    CAIRN_TRY(const auto statistics, repo::statistics(*repository, observer));
    static_cast<void>(statistics);
    return {};
  }

  RepoFixture fixture;
  std::optional<repo::Repository> repository;
  repo::Snapshot first;
  std::vector<repo::ListedSnapshot> snapshots;
  std::uint64_t changes = 0;
  int targets = 0;
};

struct SilentVerb {
  const char* name;
  core::Status (SickWorld::*run)(repo::Observer&);
};
constexpr SilentVerb kSilentVerbs[] = {{"restore", &SickWorld::restore},
                                       {"verify", &SickWorld::verify},
                                       {"backup", &SickWorld::backup},
                                       {"prune", &SickWorld::prune},
                                       {"stats", &SickWorld::stats}};

/// More than any of these verbs makes here.
constexpr std::uint64_t kCallsMax = 150;

std::size_t times_made_anew(const RecordingObserver& observer) {
  return static_cast<std::size_t>(
      std::ranges::count_if(observer.warnings, [](const std::string& line) {
        return line.find("is damaged: it is made anew") != std::string::npos;
      }));
}

}  // namespace

TEST_CASE(
    "wherever in a verb the catalogue turns out to be damaged, it is made anew and the verb done",
    "[catalogue]") {
  SickWorld world;
  for (const SilentVerb& verb : kSilentVerbs) {
    std::uint64_t met = 0;
    for (std::uint64_t call = 1; call < kCallsMax; ++call) {
      CAPTURE(verb.name, call);
      if (std::string_view(verb.name) == "backup") {
        world.change();
      }
      REQUIRE(outcome(repo::ops::ensure_catalogue(world.parts(), world.fixture.observer)) == "ok");
      const auto sickness = sicken(world.parts(), call);
      world.fixture.observer.warnings.clear();
      const core::Status done = (world.*verb.run)(world.fixture.observer);
      INFO(message_of(done));
      REQUIRE(outcome(done) == "ok");
      CHECK(times_made_anew(world.fixture.observer) == (sickness->has_shown() ? 1 : 0));
      if (!sickness->has_shown()) {
        break;
      }
      ++met;
    }
    CAPTURE(verb.name);
    CHECK(met >= 1);
    CHECK(met < kCallsMax - 1);
  }
}

TEST_CASE("a catalogue that is damaged again when it was made anew is an error, not for ever",
          "[catalogue]") {
  SickWorld world;
  for (const SilentVerb& verb : kSilentVerbs) {
    CAPTURE(verb.name);
    if (std::string_view(verb.name) == "backup") {
      world.change();
    }
    REQUIRE(outcome(repo::ops::ensure_catalogue(world.parts(), world.fixture.observer)) == "ok");
    SickDisk disk(world.parts());
    sicken(world.parts(), 1);
    const core::Status done = (world.*verb.run)(disk);
    CHECK(outcome(done) == "corrupt");
    CHECK(message_of(done).find("a page of it is damaged") != std::string::npos);
    CHECK(disk.made == 1);
    // Nothing was lost by that: once the disk is well again, so is the verb.
    CHECK(outcome((world.*verb.run)(world.fixture.observer)) == "ok");
  }
}

TEST_CASE("what was shown cannot be taken back: the verb fails, and the next one is well",
          "[catalogue]") {
  SickWorld world;
  std::uint64_t shown = 0;
  const std::string what = GENERATE("list", "dump", "find", "diff");
  const auto run = [&]() -> core::Status {
    shown = 0;
    const auto count = [&](const auto&...) {
      ++shown;
      return core::Status();
    };
    if (what == "list") {
      return repo::list_entries(*world.repository, world.first,
                                {.path = world.fixture.at("source"), .recursive = true},
                                world.fixture.observer, count);
    }
    if (what == "dump") {
      return repo::dump_file(*world.repository, world.first, world.fixture.at("source/1/0"),
                             world.fixture.observer, count);
    }
    if (what == "find") {
      CAIRN_TRY(const auto report,
                repo::find(*world.repository, world.snapshots, {}, world.fixture.observer, count));
      static_cast<void>(report);
      return {};
    }
    const std::string source = world.fixture.at("source");
    CAIRN_TRY(const auto report,
              repo::diff(*world.repository,
                         {.before = {.snapshot = &world.first, .path = source},
                          .after = {.snapshot = &world.snapshots.back().snapshot, .path = source}},
                         world.fixture.observer, count));
    static_cast<void>(report);
    return {};
  };
  REQUIRE(outcome(run()) == "ok");
  const std::uint64_t all = shown;
  REQUIRE(all > 0);
  std::uint64_t met = 0;
  for (std::uint64_t call = 1; call < kCallsMax; ++call) {
    CAPTURE(what, call);
    REQUIRE(outcome(repo::ops::ensure_catalogue(world.parts(), world.fixture.observer)) == "ok");
    const auto sickness = sicken(world.parts(), call);
    const core::Status done = run();
    if (!sickness->has_shown()) {
      REQUIRE(outcome(done) == "ok");
      break;
    }
    ++met;
    if (done) {
      CHECK(shown == all);  // nothing twice
    } else {
      CHECK(outcome(done) == "corrupt");
      CHECK(shown > 0);
      CHECK(shown < all);
      CHECK(done.error().hint().find("try again") != std::string::npos);
    }
    REQUIRE(outcome(run()) == "ok");
    CHECK(shown == all);
  }
  CHECK(met >= 1);
  CHECK(met < kCallsMax - 1);
}

TEST_CASE("a view shows the catalogue that was made anew, and cannot make it anew itself",
          "[catalogue]") {
  using repo::ops::CatalogueView;
  using repo::ops::OpenRepository;
  STATIC_REQUIRE(std::is_convertible_v<CatalogueView, const OpenRepository&>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<CatalogueView, OpenRepository&>);
  STATIC_REQUIRE_FALSE(std::is_invocable_v<decltype(repo::ops::rebuild_catalogue),
                                           const OpenRepository&, repo::Observer&>);
  SickWorld world;
  const auto view = repo::ops::ensure_catalogue(world.parts(), world.fixture.observer);
  REQUIRE(outcome(view) == "ok");
  const repo::ChunkId node = world.first.sources.front().root;
  sicken(world.parts(), 1);
  REQUIRE(outcome(repo::ops::locate_chunk(*view, node)) == "corrupt");
  REQUIRE(outcome(repo::ops::rebuild_catalogue(world.parts(), world.fixture.observer)) == "ok");
  const auto located = repo::ops::locate_chunk(*view, node);
  REQUIRE(outcome(located) == "ok");
  CHECK(located->has_value());
}

TEST_CASE("an object of the repository that is damaged costs no catalogue", "[catalogue]") {
  SickWorld world;
  int runs = 0;
  const auto done =
      repo::ops::with_sound_catalogue(world.parts(), world.fixture.observer, [&]() -> core::Status {
        ++runs;
        CAIRN_TRY_STATUS(repo::ops::ensure_catalogue(world.parts(), world.fixture.observer));
        return core::fail(core::ErrorCode::corrupt, "some pack is damaged");
      });
  CHECK(outcome(done) == "corrupt");
  CHECK(runs == 1);
  CHECK(times_made_anew(world.fixture.observer) == 0);
}
