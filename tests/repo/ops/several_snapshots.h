#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "cairn/repo/find.h"
#include "cairn/repo/keys.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

namespace cairn::test {

/// A repository with snapshots of one small folder, an hour apart from 2026-01-01T13:00:00Z on.
struct SeveralSnapshots {
  explicit SeveralSnapshots(int count, core::FileSystem* file_system = nullptr)
      : fixture(file_system), repository(fixture.init()) {
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(make_tree(fixture.at("source"), {tree::file("f", 1'000, 1)}).empty());
    for (int i = 0; i < count; ++i) {
      backup();
    }
  }

  /// One more, an hour later.
  void backup(std::vector<std::string> tags = {},
              repo::SnapshotType type = repo::SnapshotType::manual) {
    fixture.clock.advance(std::chrono::hours(1));
    repo::BackupOptions options = fixture.options({fixture.at("source")});
    options.tags = std::move(tags);
    options.type = type;
    const auto report = repo::backup(*repository, options, fixture.observer);
    REQUIRE(outcome(report) == "ok");
    ids.push_back(*report->id);
  }

  /// The full id of the n-th snapshot that was made.
  [[nodiscard]] std::string name(std::size_t n) const { return ids.at(n).hex(); }

  [[nodiscard]] std::vector<repo::ListedSnapshot> listed() {
    auto list = repo::list_snapshots(*repository, fixture.observer);
    REQUIRE(outcome(list) == "ok");
    return *std::move(list);
  }
  /// Which of those that were made are listed: "012".
  [[nodiscard]] std::string standing() {
    std::string digits;
    for (const repo::ListedSnapshot& snapshot : listed()) {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        digits += ids[i] == snapshot.id ? std::to_string(i) : "";
      }
    }
    return digits;
  }

  void add_key(repo::Role role) {
    repo::AddKeyOptions options;
    options.role = role;
    options.credentials = RepoFixture::passphrase(to_string(role));
    options.kdf = RepoFixture::cheap_kdf();
    REQUIRE(outcome(repo::add_key(*repository, options)) == "ok");
  }
  /// With the key that add_key() made.
  [[nodiscard]] core::Result<repo::Repository> open_as(repo::Role role) {
    return fixture.open(to_string(role), fixture.at("own cache"));
  }

  /// Damage that verify finds in a client that has no catalogue yet: "snapshots/12 message".
  [[nodiscard]] std::vector<std::string> damage() {
    auto fresh = fixture.open("correct horse", fixture.at("fresh cache"));
    REQUIRE(outcome(fresh) == "ok");
    std::vector<std::string> lines;
    for (repo::Repository* const client : {&*repository, &*fresh}) {
      const auto report = fixture.verify(*client);
      REQUIRE(outcome(report) == "ok");
      for (const repo::Finding& finding : report->findings) {
        if (finding.severity == repo::Finding::Severity::damage) {
          lines.push_back(finding.object + " " + finding.message);
        }
      }
    }
    return lines;
  }

  RepoFixture fixture;
  core::Result<repo::Repository> repository;
  std::vector<repo::SnapshotId> ids;
};

}  // namespace cairn::test
