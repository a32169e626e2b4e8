#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn/repo/keys.h"
#include "cairn/repo/prune.h"
#include "catch2.h"
#include "ops/repository/open_repository.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "store/objects/records.h"
#include "tree_spec.h"

/// What tests of deletion share.
namespace cairn::test {

/// Forgets a snapshot by hand: a tombstone, and nothing else.
inline void bury(repo::Repository& repository, const repo::SnapshotId& id) {
  repo::ops::OpenRepository& parts = repo::ops::opened(repository);
  const auto record = repo::store::get_register(*parts.backend, *parts.keys, id);
  REQUIRE(outcome(record) == "ok");
  repo::format::Tombstone tombstone;
  tombstone.snapshot = id;
  tombstone.link_hash = record->link_hash;
  tombstone.when = parts.environment.clock.now();
  REQUIRE(outcome(repo::store::put_tombstone(*parts.backend, *parts.keys, parts.environment.random,
                                             tombstone)) == "ok");
}

inline core::Result<repo::PruneReport> prune(RepoFixture& fixture, repo::Repository& repository,
                                             const repo::PruneOptions& options = {}) {
  return repo::prune(repository, options, fixture.observer);
}

/// Bytes of all packs.
inline std::uint64_t pack_bytes(const RepoFixture& fixture) {
  std::uint64_t bytes = 0;
  for (const std::string& object : fixture.objects("packs")) {
    bytes += read_file(fixture.object_file(object)).size();
  }
  return bytes;
}

/// Every snapshot that is listed verifies and restores, for a client that has seen nothing yet.
inline void check_all_restore(RepoFixture& fixture, std::size_t count) {
  const std::string checked = fixture.at("checked");
  std::filesystem::remove_all(checked);
  std::filesystem::create_directory(checked);
  auto repository = fixture.open("correct horse", checked + "/cache");
  REQUIRE(outcome(repository) == "ok");
  const auto verified = fixture.verify(*repository);
  REQUIRE(outcome(verified) == "ok");
  for (const repo::Finding& finding : verified->findings) {
    INFO(finding.object << ": " << finding.message);
    CHECK(finding.severity == repo::Finding::Severity::note);
  }
  const auto snapshots = repo::list_snapshots(*repository, fixture.observer);
  REQUIRE(outcome(snapshots) == "ok");
  CHECK(snapshots->size() == count);
  for (const repo::ListedSnapshot& listed : *snapshots) {
    const std::string target = checked + "/" + listed.id.short_hex();
    const auto restored = fixture.restore(*repository, listed.snapshot, "", target);
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
  }
}

}  // namespace cairn::test
