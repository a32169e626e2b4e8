#pragma once

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

namespace cairn::test {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

/// Calls somebody each time a thread of the backup's own asks it, which are the workers: for the
/// time, before a file is opened, and for how long something took. It is far away from the times of
/// all files.
class TellingClock final : public core::Clock {
 public:
  core::Timestamp now() override {
    if (on_asked && std::this_thread::get_id() != test_thread_) {
      on_asked();
    }
    return real_.now();
  }
  std::uint64_t monotonic_ns() override {
    if (on_measured && std::this_thread::get_id() != test_thread_) {
      on_measured();
    }
    return real_.monotonic_ns();
  }
  std::uint64_t thread_waits() override { return 0; }
  void pause(std::uint64_t nanoseconds) override { real_.pause(nanoseconds); }
  int utc_offset_minutes(core::Timestamp when) override { return real_.utc_offset_minutes(when); }
  void advance(std::chrono::nanoseconds by) { real_.advance(by); }
  void set_now(core::Timestamp when) { real_.set_now(when); }

  std::function<void()> on_asked;
  std::function<void()> on_measured;

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

  /// A backup by one worker. `on_open` is called before each file is opened, `on_step` before and
  /// after each step of reading it.
  repo::BackupReport backup(std::function<void()> on_open, std::function<void()> on_step = {}) {
    fixture.observer.problems.clear();
    repo::BackupOptions options = fixture.options({source});
    options.workers = 1;
    options.measure_stages = static_cast<bool>(on_step);
    clock.on_asked = std::move(on_open);
    clock.on_measured = std::move(on_step);
    auto report = repo::backup(*repository, options, fixture.observer);
    clock.on_asked = nullptr;
    clock.on_measured = nullptr;
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
  void append(std::string_view name, std::string_view text) const {
    std::ofstream(at(name), std::ios::binary | std::ios::app) << text;
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

}  // namespace cairn::test
