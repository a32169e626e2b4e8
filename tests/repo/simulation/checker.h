#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "mem_backend.h"
#include "mem_catalogue.h"
#include "ops/repository/open_repository.h"
#include "store/chunks/chunk_reader.h"

namespace cairn::test {

/// Looks on from outside: after every object that appears or goes, every chunk of every snapshot
/// that stands must lie in a pack that is there. Thread-safe.
class Checker {
 public:
  /// `keys` must outlive it.
  Checker(MemBackend& storage, const repo::store::KeyRing& keys);

  void published(const repo::store::ObjectName& name);
  void removed(const repo::store::ObjectName& name);

  /// What was found wrong, in words.
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
  /// Snapshots that stand.
  [[nodiscard]] std::vector<repo::SnapshotId> standing() const;
  [[nodiscard]] std::uint64_t fences() const noexcept { return fences_; }

 private:
  void take_pack(const repo::PackId& id);
  void take_register(const repo::SnapshotId& id);
  core::Status reach(const repo::Snapshot& snapshot, std::set<repo::ChunkId>& chunks);
  void complain(std::string text) { violations_.push_back(std::move(text)); }

  MemBackend& storage_;
  const repo::store::KeyRing& keys_;
  mutable std::mutex mutex_;
  repo::store::BlockReader blocks_;
  MemCatalogue catalogue_;
  repo::store::ChunkReader chunks_;
  std::map<repo::ChunkId, int> copies_;  ///< packs that are there and hold it
  std::map<repo::PackId, std::vector<repo::ChunkId>> packs_;
  std::map<repo::SnapshotId, std::set<repo::ChunkId>> snapshots_;
  std::set<repo::SnapshotId> forgotten_;
  std::uint64_t fences_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace cairn::test
