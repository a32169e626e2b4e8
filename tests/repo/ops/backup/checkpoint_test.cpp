#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "catch2.h"
#include "long_after.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

/// Longer than from one checkpoint to the next.
constexpr std::chrono::nanoseconds kCheckpointTick = std::chrono::seconds(61);
constexpr int kFiles = 2'100;  // of one folder: many pieces of its record, several batches

std::string name_of(int i) { return fmt::format("big/file {:04}", i); }

/// A folder whose record has many pieces, between two others, backed up once.
struct LargeFolder {
  LargeFolder() {
    fixture.clock.set_now(kLongAfter);
    std::vector<TreeObject> objects = {tree::file("a/one", 300, 7),
                                       tree::file("z/deep/one", 300, 8)};
    for (int i = 0; i < kFiles; ++i) {
      objects.push_back(tree::file(name_of(i), 40, static_cast<unsigned>(i) + 10));
    }
    source = fixture.at("source");
    REQUIRE(make_tree(source, objects).empty());
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
    REQUIRE(run().changes.files_new == kFiles + 2);
  }

  repo::BackupReport run(const repo::BackupOptions& options) {
    fixture.observer.details.clear();
    auto report = fixture.backup(*repository, options);
    REQUIRE(outcome(report) == "ok");
    return *report;
  }
  repo::BackupReport run() { return run(fixture.options({source})); }

  /// Every third file of the large folder, the first one among them.
  std::uint64_t change_every_third() {
    std::uint64_t changed = 0;
    for (int i = 0; i < kFiles; i += 3) {
      flip_byte(source + "/" + name_of(i), 0);
      ++changed;
    }
    return changed;
  }
  [[nodiscard]] bool was_told(std::string_view text) const {
    return std::ranges::any_of(fixture.observer.details, [text](const std::string& detail) {
      return detail.find(text) != std::string::npos;
    });
  }
  void check_equals_full_read(const repo::BackupReport& report) {
    repo::BackupOptions options = fixture.options({source});
    options.force_rehash = true;
    CHECK(run(options).snapshot.sources == report.snapshot.sources);
  }

  RepoFixture fixture;
  std::string source;
  std::optional<repo::Repository> repository;
};

}  // namespace

TEST_CASE("checkpoints in the middle of a large folder with changes cost nothing", "[checkpoint]") {
  LargeFolder test;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  const std::uint64_t changed = test.change_every_third();
  SECTION("files are changed") {}
  SECTION("and others added and removed") {
    for (int i = 1; i < kFiles; i += 30) {
      write_file(test.source + "/" + name_of(i) + " new", core::Bytes(10));
      fs::remove(test.source + "/" + name_of(i + 1));
      ++added;
      ++removed;
    }
  }
  const std::size_t segments = test.fixture.objects("index").size();
  test.fixture.clock.set_tick(kCheckpointTick);
  const auto report = test.run();
  test.fixture.clock.set_tick({});
  REQUIRE(test.fixture.objects("index").size() > segments + 2);  // one for each checkpoint
  CHECK(report.changes.files_changed == changed);
  CHECK(report.changes.files_new == added);
  CHECK(report.changes.removed == removed);
  CHECK(report.changes.files_unmodified == kFiles + 2 - changed - removed);
  CHECK_FALSE(test.was_told("again"));
  CHECK_FALSE(test.was_told("catalogue"));

  const auto after = test.run();
  CHECK(after.changes.files_unmodified == kFiles + 2 + added - removed);
  CHECK(test.fixture.observer.last.bytes_done == 0);
  test.check_equals_full_read(after);
}

TEST_CASE("what a backup did not come to stays known, wherever it was interrupted",
          "[checkpoint]") {
  LargeFolder test;
  const std::uint64_t changed = test.change_every_third();
  std::stop_source stop;
  repo::BackupOptions options = test.fixture.options({test.source});
  options.stop = stop.get_token();
  options.tell_changes = true;
  test.fixture.clock.set_tick(kCheckpointTick);
  test.fixture.observer.on_change = [&] {
    if (test.fixture.observer.changes.size() == changed / 4) {
      stop.request_stop();
    }
  };
  const auto interrupted = test.fixture.backup(*test.repository, options);
  test.fixture.observer.on_change = nullptr;
  test.fixture.clock.set_tick({});
  // It may have come to the end of the walk before the first quarter was told.
  CHECK((outcome(interrupted) == "interrupted" || outcome(interrupted) == "ok"));

  const auto report = test.run();
  CHECK(report.changes.files_new == 0);
  CHECK(report.changes.files_changed <= changed);
  CHECK(report.changes.files_changed + report.changes.files_unmodified == kFiles + 2);
  CHECK_FALSE(test.was_told("again"));
  test.check_equals_full_read(report);
}

TEST_CASE("what a time limit leaves out of the snapshot stays known", "[checkpoint]") {
  LargeFolder test;
  test.change_every_third();
  repo::BackupOptions options = test.fixture.options({test.source});
  options.time_limit_seconds = 1;
  test.fixture.clock.set_tick(std::chrono::seconds(2));
  const auto partial = test.run(options);
  test.fixture.clock.set_tick({});
  REQUIRE(partial.snapshot.partial);
  REQUIRE(partial.snapshot.sources.front().counts.files < kFiles);
  CHECK(partial.changes.removed == 0);

  const auto whole = test.run();
  CHECK_FALSE(whole.snapshot.partial);
  CHECK(whole.changes.files_new == 0);
  CHECK(whole.changes.folders_new == 0);
  CHECK(whole.changes.files_unmodified >= kFiles * 2 / 3);
  CHECK(whole.changes.files_changed + whole.changes.files_unmodified == kFiles + 2);
  test.check_equals_full_read(whole);
}

TEST_CASE("what lies below a folder that could not be listed once stays known", "[checkpoint]") {
  if (::geteuid() == 0) {
    WARN("skipped: root can list every folder");
    return;
  }
  LargeFolder test;
  const std::string folder = test.source + "/z";
  REQUIRE(::chmod(folder.c_str(), 0) == 0);
  const auto without = test.run();
  REQUIRE(::chmod(folder.c_str(), 0755) == 0);
  CHECK(without.snapshot.problem_count == 1);
  CHECK(without.changes.removed == 0);

  const auto with = test.run();
  CHECK(with.changes.files_unmodified == kFiles + 2);
  CHECK(with.changes.files_new == 0);
  test.check_equals_full_read(with);
}
