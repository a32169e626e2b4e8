#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>

#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

/// Files that are replaced and written while a backup reads them. A file is looked at by the walk;
/// then a worker asks the clock, and opens the file: what a test does when the clock is asked falls
/// into the gap between the two.
using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

/// Calls somebody each time a thread of the backup's own asks it, which are the workers. It is far
/// away from the times of all files.
class TellingClock final : public core::Clock {
 public:
  core::Timestamp now() override {
    if (on_asked && std::this_thread::get_id() != test_thread_) {
      on_asked();
    }
    return real_.now();
  }
  std::uint64_t monotonic_ns() override { return real_.monotonic_ns(); }
  std::uint64_t thread_waits() override { return 0; }
  void pause(std::uint64_t nanoseconds) override { real_.pause(nanoseconds); }
  int utc_offset_minutes(core::Timestamp when) override { return real_.utc_offset_minutes(when); }
  void advance(std::chrono::nanoseconds by) { real_.advance(by); }
  void set_now(core::Timestamp when) { real_.set_now(when); }

  std::function<void()> on_asked;

 private:
  FakeClock real_{{4'102'444'800, 0}};
  std::thread::id test_thread_ = std::this_thread::get_id();
};

/// A source that changes as a test says each time a file is about to be opened.
struct LiveSource {
  explicit LiveSource(const std::vector<TreeObject>& objects) {
    fs::create_directories(source);
    REQUIRE(make_tree(source, objects).empty());
    repo::InitOptions options;
    options.location = fixture.at("repo");
    options.credentials = RepoFixture::passphrase();
    options.kdf = RepoFixture::cheap_kdf();
    auto made = repo::Repository::init(environment(), options);
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
  }

  repo::Environment environment() {
    const repo::Environment plain = fixture.environment();
    return {.file_system = plain.file_system,
            .clock = clock,
            .random = plain.random,
            .host = plain.host,
            .user = plain.user,
            .process = plain.process,
            .cache_folder = plain.cache_folder};
  }

  /// A backup by one worker. `on_open` is called before each file is opened.
  repo::BackupReport backup(std::function<void()> on_open) {
    fixture.observer.problems.clear();
    repo::BackupOptions options = fixture.options({source});
    options.workers = 1;
    clock.on_asked = std::move(on_open);
    auto report = repo::backup(*repository, options, fixture.observer);
    clock.on_asked = nullptr;
    clock.advance(std::chrono::seconds(1));
    REQUIRE(outcome(report) == "ok");
    return *report;
  }

  [[nodiscard]] std::string at(std::string_view name) const {
    return fmt::format("{}/{}", source, name);
  }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }
  /// As careful programs write their state.
  void replace(std::string_view name, std::string_view text) const {
    const std::string beside = at(name) + ".tmp";
    std::ofstream(beside, std::ios::binary) << text;
    fs::rename(beside, at(name));
  }
  [[nodiscard]] Lines problems() const {
    Lines lines;
    for (const repo::Problem& problem : fixture.observer.problems) {
      lines.push_back(fmt::format("{} {}", repo::to_string(problem.kind),
                                  problem.path.substr(source.size() + 1)));
    }
    return lines;
  }
  /// Restores the snapshot and answers the folder.
  std::string restored(const repo::BackupReport& report) {
    const std::string target = fixture.at("out");
    fs::remove_all(target);
    REQUIRE(outcome(fixture.restore(*repository, report.snapshot, source, target)) == "ok");
    return target;
  }
  /// What differs between the source as it is now and the restored snapshot. The source's own time
  /// has moved since it was recorded.
  Lines differences(const repo::BackupReport& report) {
    Lines lines = compare_trees(source, restored(report), {});
    std::erase_if(lines, [](const std::string& line) { return line.starts_with(".: mtime"); });
    return lines;
  }
  std::string text_of(const repo::BackupReport& report, std::string_view name) {
    return core::to_string(read_file(fmt::format("{}/{}", restored(report), name)));
  }

  RepoFixture fixture;
  TellingClock clock;
  std::string source = fixture.at("source");
  std::optional<repo::Repository> repository;
};

}  // namespace

TEST_CASE("a file that is replaced by rename all the time is in every snapshot, whole") {
  LiveSource live({tree::text_file("a", "a"), tree::text_file("state", "0")});
  int version = 0;
  for (int i = 0; i < 5; ++i) {
    const auto report = live.backup([&] { live.replace("state", fmt::format("v{}", ++version)); });
    CHECK(live.problems() == Lines{});
    CHECK(live.text_of(report, "state").starts_with("v"));
    CHECK(report.snapshot.sources.front().counts.files == 2);
  }
  // What was there when the cache was written is not taken for what is there now.
  const auto last = live.backup(nullptr);
  CHECK(live.text_of(last, "state") == fmt::format("v{}", version));
}

TEST_CASE("of a file that took another's place all is recorded anew") {
  LiveSource live({tree::text_file("state", "old").with_mode(0644)});
  const auto report = live.backup([&] {
    live.replace("state", "longer than before");
    fs::permissions(live.at("state"), fs::perms(0600));
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a file that is removed and made again is taken as it is now") {
  LiveSource live({tree::text_file("state", "old")});
  const auto report = live.backup([&] {
    fs::remove(live.at("state"));
    live.write("state", "new");
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.text_of(report, "state") == "new");
}

TEST_CASE("a link or a FIFO that takes a file's name is recorded as what it is") {
  LiveSource live({tree::text_file("state", "old")});
  std::function<void()> exchange;
  SECTION("a link") {
    exchange = [&] {
      fs::remove(live.at("state"));
      fs::create_symlink("elsewhere", live.at("state"));
    };
  }
  SECTION("a FIFO") {
    exchange = [&] {
      fs::remove(live.at("state"));
      REQUIRE(::mkfifo(live.at("state").c_str(), 0600) == 0);
    };
  }
  const auto report = live.backup(exchange);
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a folder that takes a file's name is named as a problem; a file that is gone vanished") {
  LiveSource live({tree::text_file("gone", "1"), tree::text_file("other", "2")});
  static_cast<void>(live.backup([&] { fs::remove(live.at("gone")); }));
  CHECK(live.problems() == Lines{"vanished gone"});
  static_cast<void>(live.backup([&] {
    fs::remove(live.at("other"));
    fs::create_directory(live.at("other"));
  }));
  CHECK(live.problems() == Lines{"unreadable other"});
}

TEST_CASE("further names of a file are read if its first name went to another file") {
  LiveSource live({tree::text_file("a", "linked"), tree::hard_link("b", "a"),
                   tree::hard_link("c", "a"), tree::text_file("d", "d")});
  bool done = false;
  const auto report = live.backup([&] {
    if (!std::exchange(done, true)) {
      live.replace("a", "another file");
    }
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("further names of a file are read if its first name is gone") {
  LiveSource live(
      {tree::text_file("a", "linked"), tree::hard_link("b", "a"), tree::hard_link("c", "a")});
  bool done = false;
  const auto report = live.backup([&] {
    if (!std::exchange(done, true)) {
      fs::remove(live.at("a"));
    }
  });
  CHECK(live.problems() == Lines{"vanished a"});
  CHECK(live.differences(report) == Lines{});
}

TEST_CASE("a file that changed just before it was opened is read twice") {
  LiveSource live({tree::text_file("state", "1")});
  struct ::stat status {};
  REQUIRE(::stat(live.at("state").c_str(), &status) == 0);
  // Its next change may lie in the same tick as the last one and leave its times as they are.
  const auto report = live.backup([&] {
    live.clock.set_now({status.st_ctim.tv_sec, static_cast<std::uint32_t>(status.st_ctim.tv_nsec)});
  });
  CHECK(live.problems() == Lines{});
  CHECK(live.text_of(report, "state") == "1");
  CHECK(live.fixture.observer.last.bytes_done == 2);
}

TEST_CASE("what says that it is empty is read to its real end") {
  LiveSource live({tree::text_file("a", "")});
  live.source = "/proc/version";
  const auto report = live.backup(nullptr);
  CHECK(live.fixture.observer.problems.empty());
  const auto expected = read_file("/proc/version");
  CHECK_FALSE(expected.empty());
  CHECK(report.snapshot.sources.front().counts.bytes == expected.size());
}
