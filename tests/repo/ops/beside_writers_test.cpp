#include <fmt/format.h>

#include <filesystem>
#include <functional>

#include "cairn/repo/diff.h"
#include "cairn/repo/find.h"
#include "cairn/repo/stats.h"
#include "collecting.h"
#include "hook_backend.h"

// Readers beside a backup, or a prune, that runs as a whole between any two of their calls of the
// storage.

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;

/// Two snapshots that stand and one that was forgotten: a prune copies what is needed out of packs,
/// and deletes these.
class Busy {
 public:
  Busy() {
    auto repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    const auto backup = [&](std::uint64_t seed) {
      fs::remove(fixture.at("source/changes"));
      REQUIRE(make_tree(fixture.at("source"), {tree::file("changes", 20'000, seed)}).empty());
      const auto made = fixture.backup(*repository, {fixture.at("source")});
      REQUIRE(outcome(made) == "ok");
      repo::ListedSnapshot& listed = snapshots.emplace_back();
      listed.id = *made->id;
      listed.snapshot = made->snapshot;
    };
    REQUIRE(make_tree(fixture.at("source"), {tree::file("stays", 20'000, 1)}).empty());
    backup(2);
    backup(3);
    backup(4);
    bury(*repository, snapshots[0].id);
    snapshots.erase(snapshots.begin());
    fs::copy(fixture.at("repo"), fixture.at("pristine"), fs::copy_options::recursive);
  }

  /// `read` meets `meanwhile` at its first call, at its second, and so on. Answers how often.
  std::uint64_t meet_everywhere(const std::function<void(repo::Repository&)>& read,
                                const std::function<void()>& meanwhile) {
    for (std::uint64_t at_call = 1;; ++at_call) {
      INFO("at call " << at_call);
      reset();
      bool met = false;
      auto reader = open([&](const HookBackend::Call& call) {
        if (call.number == at_call) {
          met = true;
          meanwhile();
        }
      });
      read(*reader);
      if (!met) {
        return at_call - 1;
      }
    }
  }

  void reset() {
    for (const char* const name : {"repo", "reader", "writer"}) {
      fs::remove_all(fixture.at(name));
    }
    fs::copy(fixture.at("pristine"), fixture.at("repo"), fs::copy_options::recursive);
  }

  core::Result<repo::Repository> open(HookBackend::Hook hook) {
    auto reader = fixture.open("correct horse", fixture.at("reader"));
    REQUIRE(outcome(reader) == "ok");
    repo::ops::OpenRepository& parts = repo::ops::opened(*reader);
    parts.backend = std::make_unique<HookBackend>(std::move(parts.backend), std::move(hook));
    parts.blocks = std::make_unique<repo::store::BlockReader>(*parts.backend, *parts.keys);
    return reader;
  }

  void prune_all() {
    auto writer = fixture.open("correct horse", fixture.at("writer"));
    REQUIRE(outcome(writer) == "ok");
    const auto pruned = prune(fixture, *writer, {.max_unused = 0, .workers = 1});
    REQUIRE(outcome(pruned) == "ok");
    CHECK(pruned->removed.packs > 0);
  }
  /// Also forgets what was the newest until now.
  void forget_and_prune() {
    auto writer = fixture.open("correct horse", fixture.at("writer"));
    REQUIRE(outcome(writer) == "ok");
    bury(*writer, snapshots.back().id);
    REQUIRE(outcome(prune(fixture, *writer, {.max_unused = 0, .workers = 1})) == "ok");
  }
  /// Answers the new snapshot.
  repo::ListedSnapshot back_up() {
    auto writer = fixture.open("correct horse", fixture.at("writer"));
    REQUIRE(outcome(writer) == "ok");
    fs::remove(fixture.at("source/changes"));
    REQUIRE(make_tree(fixture.at("source"), {tree::file("changes", 20'000, 5)}).empty());
    auto options = fixture.options({fixture.at("source")});
    options.workers = 1;
    const auto made = fixture.backup(*writer, options);
    REQUIRE(outcome(made) == "ok");
    repo::ListedSnapshot listed;
    listed.id = *made->id;
    listed.snapshot = made->snapshot;
    return listed;
  }

  void check_no_alarm(repo::Repository& repository, bool check_integrity) {
    const auto report = repo::verify(
        repository, {.snapshots = {}, .check_integrity = check_integrity, .workers = 1, .stop = {}},
        fixture.observer);
    REQUIRE(outcome(report) == "ok");
    for (const repo::Finding& finding : report->findings) {
      INFO(finding.object << ": " << finding.message);
      CHECK(finding.severity == repo::Finding::Severity::note);
    }
  }

  RepoFixture fixture;
  std::vector<repo::ListedSnapshot> snapshots;
};

}  // namespace

TEST_CASE("verify beside a backup sees no damage", "[verify]") {
  Busy busy;
  const bool check_integrity = GENERATE(false, true);
  const auto calls = busy.meet_everywhere(
      [&](repo::Repository& repository) { busy.check_no_alarm(repository, check_integrity); },
      [&] { busy.back_up(); });
  CHECK(calls > 20);
}

TEST_CASE("verify beside a prune sees no damage", "[verify]") {
  Busy busy;
  const bool check_integrity = GENERATE(false, true);
  const auto calls = busy.meet_everywhere(
      [&](repo::Repository& repository) { busy.check_no_alarm(repository, check_integrity); },
      [&] { busy.prune_all(); });
  CHECK(calls > 20);
}

TEST_CASE("verify beside a snapshot that is forgotten and cleared away sees no damage",
          "[verify]") {
  Busy busy;
  busy.meet_everywhere(
      [&](repo::Repository& repository) { busy.check_no_alarm(repository, false); },
      [&] { busy.forget_and_prune(); });
}

TEST_CASE("verify sees no damage in a snapshot that came and went while it looked", "[verify]") {
  Busy busy;
  for (std::uint64_t gone_at = 2;; ++gone_at) {
    INFO("forgotten and cleared away at call " << gone_at << " from the listing of snapshots on");
    busy.reset();
    std::uint64_t calls = 0;
    auto reader = busy.open([&](const HookBackend::Call& call) {
      if (calls == 0 && !(call.lists && call.kind == repo::format::ObjectKind::snapshot)) {
        return;
      }
      calls += 1;
      if (calls == 1) {
        busy.snapshots.push_back(busy.back_up());
      } else if (calls == gone_at) {
        busy.forget_and_prune();
        busy.snapshots.pop_back();
      }
    });
    busy.check_no_alarm(*reader, false);
    if (calls < gone_at) {
      CHECK(gone_at > 10);
      break;
    }
  }
}

TEST_CASE("other readers find what a prune has moved", "[verify]") {
  Busy busy;
  RepoFixture& fixture = busy.fixture;
  const repo::Snapshot& newest = busy.snapshots.back().snapshot;
  const auto list = [&](repo::Repository& repository) {
    std::uint64_t entries = 0;
    CHECK(outcome(repo::list_entries(repository, newest,
                                     {.path = fixture.at("source"), .recursive = true},
                                     fixture.observer, [&](const auto& /*listed*/) {
                                       entries += 1;
                                       return core::Status();
                                     })) == "ok");
    CHECK(entries == 2);
  };
  const auto find = [&](repo::Repository& repository) {
    const auto found =
        repo::find(repository, busy.snapshots, {.patterns = {"stays"}}, fixture.observer,
                   [](const auto&, const auto&) { return core::Status(); });
    REQUIRE(outcome(found) == "ok");
    CHECK(found->found == 2);
  };
  const auto diff = [&](repo::Repository& repository) {
    const auto compared = repo::diff(
        repository,
        {.before = {.snapshot = &busy.snapshots.front().snapshot}, .after = {.snapshot = &newest}},
        fixture.observer, [](const auto&) { return core::Status(); });
    REQUIRE(outcome(compared) == "ok");
    CHECK(compared->content_changed == 1);
  };
  const auto dump = [&](repo::Repository& repository) {
    std::uint64_t bytes = 0;
    CHECK(outcome(repo::dump_file(repository, newest, fixture.at("source/stays"), fixture.observer,
                                  [&](core::ByteView piece) {
                                    bytes += piece.size();
                                    return core::Status();
                                  })) == "ok");
    CHECK(bytes == 20'000);
  };
  const auto restore = [&](repo::Repository& repository) {
    fs::remove_all(fixture.at("out"));
    const auto restored = fixture.restore(repository, newest, "", fixture.at("out"));
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
  };
  const auto count = [&](repo::Repository& repository) {
    const auto counted = repo::statistics(repository, fixture.observer);
    REQUIRE(outcome(counted) == "ok");
    CHECK(counted->snapshots.size() == 2);
  };
  const auto would_free = [&](repo::Repository& repository) {
    CHECK(outcome(repo::would_free(repository, {.snapshots = {"latest"}}, fixture.observer)) ==
          "ok");
  };
  using Read = std::function<void(repo::Repository&)>;
  const std::vector<std::pair<std::string, Read>> reads = {{"ls", list},
                                                           {"find", find},
                                                           {"diff", diff},
                                                           {"dump", dump},
                                                           {"restore", restore},
                                                           {"stats", count},
                                                           {"would free", would_free}};
  for (const auto& [name, read] : reads) {
    INFO(name);
    CHECK(busy.meet_everywhere(read, [&] { busy.prune_all(); }) > 2);
  }
}

TEST_CASE("verify that meets a deletion each time it looks says busy, not damage", "[verify]") {
  Busy busy;
  busy.reset();
  RepoFixture& fixture = busy.fixture;
  // Something is missing for real, and what somebody deletes might be what has moved.
  for (const std::string& pack : fixture.objects("packs")) {
    fs::remove(fixture.object_file(pack));
  }
  int litter = 0;
  const auto add_litter = [&] {
    const std::string name = fmt::format("{:064x}", 0xff00 + litter++);
    const std::string folder = fixture.at("repo/packs/00");
    fs::create_directory(folder);
    write_file(folder + "/" + name, core::Bytes(10, std::byte{0}));
    return folder + "/" + name;
  };
  // Announcements are listed twice in each look: with the small objects, and once the packs are
  // known.
  std::uint64_t listings = 0;
  const auto is_within_a_look = [&listings](const HookBackend::Call& call) {
    listings += call.lists && call.kind == repo::format::ObjectKind::session ? 1U : 0U;
    return call.lists && call.kind == repo::format::ObjectKind::session && listings % 2 == 0;
  };
  std::string last = add_litter();
  SECTION("deletions go on and on") {
    auto reader = busy.open([&](const HookBackend::Call& call) {
      if (is_within_a_look(call)) {
        fs::remove(last);
        last = add_litter();
      }
    });
    CHECK(outcome(fixture.verify(*reader, false)) == "busy");
    CHECK(listings == 12);
  }
  SECTION("they end") {
    auto reader = busy.open([&](const HookBackend::Call& call) {
      if (is_within_a_look(call)) {
        fs::remove(last);
      }
    });
    const auto report = fixture.verify(*reader, false);
    REQUIRE(outcome(report) == "ok");
    CHECK(report->damaged());
    CHECK(listings == 4);
  }
}
