#pragma once

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cairn/repo/restore.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

namespace cairn::test {

/// A repository with one snapshot of `/source`, to be restored over what stands in `/out`.
class RestoreFixture : public RepoFixture {
 public:
  void make(const std::string& folder, const std::vector<TreeObject>& objects) {
    std::filesystem::create_directories(at(folder));
    REQUIRE(make_tree(at(folder), objects) == std::vector<std::string>());
  }
  void back_up() {
    if (!repository) {
      repository = init();
      REQUIRE(outcome(repository) == "ok");
    }
    const auto report = backup(*repository, {at("source")});
    REQUIRE(outcome(report) == "ok");
    snapshot = report->snapshot;
  }
  [[nodiscard]] repo::RestoreOptions over(repo::Overwrite overwrite) {
    repo::RestoreOptions options;
    options.path = at("source");
    options.target = at("out");
    options.overwrite = overwrite;
    options.workers = workers;
    return options;
  }
  [[nodiscard]] core::Result<repo::RestoreReport> run(const repo::RestoreOptions& options) {
    return repo::restore(*repository, snapshot, options, observer);
  }
  /// Restores without problems.
  repo::RestoreReport must(const repo::RestoreOptions& options) {
    auto report = run(options);
    REQUIRE(outcome(report) == "ok");
    std::vector<std::string> problems;
    for (const repo::Problem& problem : report->problems) {
      problems.push_back(problem.path + ": " + problem.reason);
    }
    REQUIRE(problems == std::vector<std::string>());
    return *report;
  }
  [[nodiscard]] std::vector<std::string> differences(const TreeAspects& aspects = {}) const {
    return compare_trees(at("source"), at("out"), aspects);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return core::to_string(read_file(at(name)));
  }

  core::Result<repo::Repository> repository = core::fail(core::ErrorCode::io, "not made yet");
  repo::Snapshot snapshot;
};

[[nodiscard]] inline std::uint64_t count(const repo::RestoreReport& report,
                                         repo::RestoreAction action) {
  return report.changes.count(action);
}

/// Sets or clears inode flags; false if the file system, or the user, cannot.
inline bool change_flags(const std::string& path, unsigned set, unsigned clear = 0) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  unsigned flags = 0;
  bool done = file >= 0 && ::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0;
  flags = (flags | set) & ~clear;
  done = done && ::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
  ::close(file);
  return done;
}

}  // namespace cairn::test
