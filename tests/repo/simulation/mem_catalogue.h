#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/catalogue/catalogue.h"

namespace cairn::test {

/// What a catalogue holds, in maps: the contract of store::Catalogue at a hundredth of its cost.
/// Thread-safe.
class MemTables {
 public:
  struct Pack {
    repo::store::PackSummary summary;
    std::vector<std::pair<repo::ChunkId, repo::store::ChunkLocation>> chunks;
    int segments = 0;  ///< that list it
  };
  mutable std::mutex mutex;
  std::map<repo::store::PackNumber, Pack> packs;
  std::map<repo::PackId, repo::store::PackNumber> numbers;
  std::multimap<repo::ChunkId, repo::store::ChunkLocation> chunks;
  std::map<repo::IndexSegmentId, std::vector<repo::store::PackNumber>> segments;
  std::uint32_t next_pack = 1;
  std::uint64_t dead_packs = 0;
};

/// A client's own memory, across its restarts.
using MemNotes = std::map<std::string, core::Bytes, std::less<>>;

/// A client's view of its tables. Clients may share these, as processes share a catalogue, but not
/// their notes: processes take turns with those by a lock of the file system.
class MemCatalogue final : public repo::store::Catalogue {
 public:
  MemCatalogue(std::shared_ptr<MemTables> tables, std::shared_ptr<MemNotes> notes)
      : tables_(std::move(tables)), notes_(std::move(notes)) {}

  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] bool started_empty() const override { return false; }
  [[nodiscard]] core::Result<std::vector<repo::IndexSegmentId>> segments() const override;
  core::Status ingest(const repo::IndexSegmentId& id,
                      const repo::format::IndexSegment& segment) override;
  core::Status retain(std::span<const repo::IndexSegmentId> listed) override;
  [[nodiscard]] core::Result<std::optional<repo::store::ChunkLocation>> find(
      const repo::ChunkId& id, const repo::store::PackFilter& usable) const override;
  [[nodiscard]] core::Result<std::vector<std::optional<repo::store::ChunkLocation>>> find_all(
      std::span<const repo::ChunkId> ids, const repo::store::PackFilter& usable) const override;
  [[nodiscard]] core::Result<repo::store::PackSummary> pack(
      repo::store::PackNumber number) const override;
  [[nodiscard]] core::Result<std::optional<repo::store::PackNumber>> find_pack(
      const repo::PackId& id) const override;
  [[nodiscard]] core::Result<repo::store::PackNumber> next_pack() const override;
  core::Status for_each_pack(
      const std::function<core::Status(repo::store::PackNumber, const repo::PackId&, std::uint64_t,
                                       repo::format::BlockKind)>& visit) const override;
  [[nodiscard]] core::Result<std::unordered_map<repo::store::PackNumber, std::uint64_t>>
  chunks_by_pack() const override {
    return std::unordered_map<repo::store::PackNumber, std::uint64_t>();  // nobody counts here
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView /*key*/) const override {
    return std::optional<core::Bytes>();  // streams have no records
  }
  core::Status change_stat_records(std::span<const repo::store::StatChange> /*changes*/) override {
    return {};
  }
  [[nodiscard]] core::Result<std::uint64_t> dead_packs() const override;
  core::Status put_note(std::string_view name, core::ByteView value) override;
  core::Status remove_note(std::string_view name) override;
  [[nodiscard]] core::Result<std::optional<core::Bytes>> note(std::string_view name) const override;
  [[nodiscard]] core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view prefix) const override;
  [[nodiscard]] core::Result<repo::store::CatalogueStatistics> statistics() const override {
    return repo::store::CatalogueStatistics();
  }

 private:
  void release(repo::store::PackNumber number);

  std::shared_ptr<MemTables> tables_;
  std::shared_ptr<MemNotes> notes_;
};

}  // namespace cairn::test
