#pragma once

#include <memory>
#include <utility>

#include "store/catalogue/catalogue.h"

namespace cairn::test {

/// Passes every call on to another catalogue. Subclasses override the calls that they change.
class ForwardingCatalogue : public repo::store::Catalogue {
 public:
  explicit ForwardingCatalogue(std::unique_ptr<repo::store::Catalogue> real)
      : real_(std::move(real)) {}

  [[nodiscard]] bool started_empty() const override { return real_->started_empty(); }
  [[nodiscard]] std::string discarded_because() const override {
    return real_->discarded_because();
  }
  [[nodiscard]] bool is_read_only() const override { return real_->is_read_only(); }
  [[nodiscard]] bool saw_damage() const noexcept override { return real_->saw_damage(); }

  [[nodiscard]] core::Result<std::vector<repo::IndexSegmentId>> segments() const override {
    return real_->segments();
  }
  core::Status ingest(const repo::IndexSegmentId& id,
                      const repo::format::IndexSegment& segment) override {
    return real_->ingest(id, segment);
  }
  core::Status retain(std::span<const repo::IndexSegmentId> listed) override {
    return real_->retain(listed);
  }

  using repo::store::Catalogue::find;
  using repo::store::Catalogue::find_all;
  [[nodiscard]] core::Result<std::optional<repo::store::ChunkLocation>> find(
      const repo::ChunkId& id, const repo::store::PackFilter& usable) const override {
    return real_->find(id, usable);
  }
  [[nodiscard]] core::Result<std::vector<std::optional<repo::store::ChunkLocation>>> find_all(
      std::span<const repo::ChunkId> ids, const repo::store::PackFilter& usable) const override {
    return real_->find_all(ids, usable);
  }
  [[nodiscard]] core::Result<repo::store::PackSummary> pack(
      repo::store::PackNumber number) const override {
    return real_->pack(number);
  }
  [[nodiscard]] core::Result<std::optional<repo::store::PackNumber>> find_pack(
      const repo::PackId& id) const override {
    return real_->find_pack(id);
  }
  [[nodiscard]] core::Result<repo::store::PackNumber> next_pack() const override {
    return real_->next_pack();
  }
  core::Status for_each_pack(
      const std::function<core::Status(repo::store::PackNumber, const repo::PackId&,
                                       std::uint64_t size_bytes, repo::format::BlockKind)>& visit)
      const override {
    return real_->for_each_pack(visit);
  }

  [[nodiscard]] core::Result<std::unordered_map<repo::store::PackNumber, std::uint64_t>>
  chunks_by_pack() const override {
    return real_->chunks_by_pack();
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView key) const override {
    return real_->stat_record(key);
  }
  core::Status change_stat_records(std::span<const repo::store::StatChange> changes) override {
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

  [[nodiscard]] core::Result<repo::store::CatalogueStatistics> statistics() const override {
    return real_->statistics();
  }

 protected:
  std::unique_ptr<repo::store::Catalogue> real_;
};

}  // namespace cairn::test
