#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/core/file_system.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/restore.h"
#include "cairn/repo/verify.h"
#include "fake_clock.h"
#include "seeded_random.h"
#include "temp_folder.h"

namespace cairn::test {

/// Remembers what a verb told.
class RecordingObserver final : public repo::Observer {
 public:
  void progress(const repo::Progress& progress) override {
    last = progress;
    if (on_progress) {
      on_progress(progress);
    }
  }
  void event(const repo::Event& event) override {
    if (const auto* const begun = std::get_if<repo::VerbBegun>(&event)) {
      told.push_back("begun: " + std::string(begun->verb));
    } else if (const auto* const phase = std::get_if<repo::PhaseBegun>(&event)) {
      told.emplace_back(phase->phase);
    } else if (const auto* const finished = std::get_if<repo::VerbFinished>(&event)) {
      const bool went_well = finished->error == nullptr;
      told.push_back("finished: " + std::string(finished->verb) + ": " +
                     (went_well ? "ok" : std::string(core::to_string(finished->error->code()))));
    }
  }
  void problem(const repo::Problem& problem) override { problems.push_back(problem); }
  void change(repo::Change change, std::string_view path) override {
    const char marks[] = {'+', 'M', '-'};
    changes.push_back(std::string(1, marks[static_cast<int>(change)]) + " " + std::string(path));
    if (on_change) {
      on_change();
    }
  }
  void detail(std::string_view text) override { details.emplace_back(text); }
  void warning(std::string_view text) override { warnings.emplace_back(text); }

  repo::Progress last;
  std::function<void(const repo::Progress&)> on_progress;
  std::function<void()> on_change;
  std::vector<repo::Problem> problems;
  std::vector<std::string> told;  ///< verbs and phases, in order
  std::vector<std::string> changes;
  std::vector<std::string> details;
  std::vector<std::string> warnings;
};

/// A real repository in a temporary folder: `/repo`, `/cache`, `/source`, `/out` inside it. Time
/// stands still but for a second between backups; randomness is seeded.
class RepoFixture {
 public:
  /// `file_system` defaults to the real one. The repository is not made yet.
  explicit RepoFixture(core::FileSystem* file_system = nullptr);

  [[nodiscard]] std::string at(std::string_view name) const { return folder_ / name; }
  [[nodiscard]] repo::Environment environment(std::string cache = {});
  [[nodiscard]] static repo::Credentials passphrase(std::string_view text = "correct horse");
  /// Parameters that cost nothing: what Argon2id protects is no matter of these tests.
  [[nodiscard]] static core::KdfParameters cheap_kdf();

  [[nodiscard]] core::Result<repo::Repository> init();
  [[nodiscard]] core::Result<repo::Repository> open(std::string_view text = "correct horse",
                                                    std::string cache = {});
  [[nodiscard]] core::Result<repo::BackupReport> backup(repo::Repository& repository,
                                                        std::vector<std::string> paths);
  /// The same with more to it; see options().
  [[nodiscard]] core::Result<repo::BackupReport> backup(repo::Repository& repository,
                                                        const repo::BackupOptions& options);
  [[nodiscard]] repo::BackupOptions options(std::vector<std::string> paths) const;
  [[nodiscard]] core::Result<repo::RestoreReport> restore(repo::Repository& repository,
                                                          const repo::Snapshot& snapshot,
                                                          std::string path, std::string target);
  [[nodiscard]] core::Result<repo::VerifyReport> verify(repo::Repository& repository,
                                                        bool check_integrity = true);

  /// Files of the repository below `folder` ("packs"), as paths relative to the repository, sorted.
  [[nodiscard]] std::vector<std::string> objects(std::string_view folder) const;
  [[nodiscard]] std::string object_file(std::string_view object) const;

  RecordingObserver observer;
  FakeClock clock;
  SeededRandom random{42};
  unsigned workers = 2;
  const core::Threads* threads = &core::system_threads();
  std::size_t block_cache_bytes_max = repo::kBlockCacheBytesMax;

 private:
  TempFolder folder_;
  std::unique_ptr<core::FileSystem> own_file_system_;
  core::FileSystem* file_system_;
};

/// Whole files as bytes, for damaging objects.
[[nodiscard]] core::Bytes read_file(const std::string& path);
void write_file(const std::string& path, core::ByteView bytes);
void flip_byte(const std::string& path, std::uint64_t offset);

}  // namespace cairn::test
