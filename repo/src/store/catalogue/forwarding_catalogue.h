#pragma once

#include <memory>
#include <utility>

#include "store/catalogue/catalogue.h"

namespace cairn::repo::store {

/// Passes every call on to another catalogue. Subclasses override the calls that they change.
class ForwardingCatalogue : public Catalogue {
 public:
  explicit ForwardingCatalogue(std::unique_ptr<Catalogue> real) : real_(std::move(real)) {}

  [[nodiscard]] bool started_empty() const override { return real_->started_empty(); }
  [[nodiscard]] std::string discarded_because() const override {
    return real_->discarded_because();
  }
  [[nodiscard]] bool is_read_only() const override { return real_->is_read_only(); }
  [[nodiscard]] bool saw_damage() const noexcept override { return real_->saw_damage(); }

  [[nodiscard]] core::Result<std::vector<IndexSegmentId>> segments() const override {
    return real_->segments();
  }
  core::Status ingest(const IndexSegmentId& id, const format::IndexSegment& segment) override {
    return real_->ingest(id, segment);
  }
  core::Status retain(std::span<const IndexSegmentId> listed) override {
    return real_->retain(listed);
  }

  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] core::Result<std::optional<ChunkLocation>> find(
      const ChunkId& id, const PackFilter& usable) const override {
    return real_->find(id, usable);
  }
  [[nodiscard]] core::Result<std::vector<std::optional<ChunkLocation>>> find_all(
      std::span<const ChunkId> ids, const PackFilter& usable) const override {
    return real_->find_all(ids, usable);
  }
  [[nodiscard]] core::Result<PackSummary> pack(PackNumber number) const override {
    return real_->pack(number);
  }
  [[nodiscard]] core::Result<std::optional<PackNumber>> find_pack(const PackId& id) const override {
    return real_->find_pack(id);
  }
  [[nodiscard]] core::Result<PackNumber> next_pack() const override { return real_->next_pack(); }
  core::Status for_each_pack(
      const std::function<core::Status(PackNumber, const PackId&, std::uint64_t size_bytes,
                                       format::BlockKind)>& visit) const override {
    return real_->for_each_pack(visit);
  }

  [[nodiscard]] core::Result<std::unordered_map<PackNumber, std::uint64_t>> chunks_by_pack()
      const override {
    return real_->chunks_by_pack();
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView key) const override {
    return real_->stat_record(key);
  }
  core::Status change_stat_records(std::span<const StatChange> changes) override {
    return real_->change_stat_records(changes);
  }
  [[nodiscard]] core::Result<std::uint64_t> dead_packs() const override {
    return real_->dead_packs();
  }

  core::Status put_note(std::string_view name, core::ByteView value) override {
    return real_->put_note(name, value);
  }
  core::Status remove_note(std::string_view name) override { return real_->remove_note(name); }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> note(
      std::string_view name) const override {
    return real_->note(name);
  }
  [[nodiscard]] core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view prefix) const override {
    return real_->notes(prefix);
  }

  [[nodiscard]] core::Result<CatalogueStatistics> statistics() const override {
    return real_->statistics();
  }

 protected:
  std::unique_ptr<Catalogue> real_;
};

}  // namespace cairn::repo::store
