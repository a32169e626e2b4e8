#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "store/catalogue/catalogue.h"

namespace cairn::repo::store {

/// Remembers whether the catalogue itself was ever found damaged: `corrupt` alone only says that
/// something was, perhaps an object of the repository.
class WatchedCatalogue final : public Catalogue {
 public:
  explicit WatchedCatalogue(std::unique_ptr<Catalogue> real) : real_(std::move(real)) {}

  [[nodiscard]] bool started_empty() const override { return real_->started_empty(); }
  [[nodiscard]] std::string discarded_because() const override {
    return real_->discarded_because();
  }
  [[nodiscard]] bool saw_damage() const noexcept override { return saw_damage_; }
  [[nodiscard]] bool is_read_only() const override { return real_->is_read_only(); }

  [[nodiscard]] core::Result<std::vector<IndexSegmentId>> segments() const override {
    return watch(real_->segments());
  }
  core::Status ingest(const IndexSegmentId& id, const format::IndexSegment& segment) override {
    return watch(real_->ingest(id, segment));
  }
  core::Status retain(std::span<const IndexSegmentId> listed) override {
    return watch(real_->retain(listed));
  }
  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] core::Result<std::optional<ChunkLocation>> find(
      const ChunkId& id, const PackFilter& usable) const override {
    return watch(real_->find(id, usable));
  }
  [[nodiscard]] core::Result<std::vector<std::optional<ChunkLocation>>> find_all(
      std::span<const ChunkId> ids, const PackFilter& usable) const override {
    return watch(real_->find_all(ids, usable));
  }
  [[nodiscard]] core::Result<PackSummary> pack(PackNumber number) const override {
    return watch(real_->pack(number));
  }
  [[nodiscard]] core::Result<std::optional<PackNumber>> find_pack(const PackId& id) const override {
    return watch(real_->find_pack(id));
  }
  [[nodiscard]] core::Result<PackNumber> next_pack() const override {
    return watch(real_->next_pack());
  }
  core::Status for_each_pack(
      const std::function<core::Status(PackNumber, const PackId&, std::uint64_t size_bytes,
                                       format::BlockKind)>& visit) const override {
    bool visitor_failed = false;
    core::Status status = real_->for_each_pack(
        [&](PackNumber number, const PackId& id, std::uint64_t size, format::BlockKind kind) {
          core::Status visited = visit(number, id, size, kind);
          visitor_failed = !visited;
          return visited;
        });
    return visitor_failed ? status : watch(std::move(status));
  }
  [[nodiscard]] core::Result<std::unordered_map<PackNumber, std::uint64_t>> chunks_by_pack()
      const override {
    return watch(real_->chunks_by_pack());
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView key) const override {
    return watch(real_->stat_record(key));
  }
  core::Status change_stat_records(std::span<const StatChange> changes) override {
    return watch(real_->change_stat_records(changes));
  }
  [[nodiscard]] core::Result<std::uint64_t> dead_packs() const override {
    return watch(real_->dead_packs());
  }
  core::Status put_note(std::string_view name, core::ByteView value) override {
    return watch(real_->put_note(name, value));
  }
  core::Status remove_note(std::string_view name) override {
    return watch(real_->remove_note(name));
  }
  [[nodiscard]] core::Result<std::optional<core::Bytes>> note(
      std::string_view name) const override {
    return watch(real_->note(name));
  }
  [[nodiscard]] core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view prefix) const override {
    return watch(real_->notes(prefix));
  }
  [[nodiscard]] core::Result<CatalogueStatistics> statistics() const override {
    return watch(real_->statistics());
  }

 private:
  template <class Outcome>
  [[nodiscard]] Outcome watch(Outcome outcome) const {
    if (!outcome && outcome.error().code() == core::ErrorCode::corrupt) {
      saw_damage_ = true;
    }
    return outcome;
  }

  std::unique_ptr<Catalogue> real_;
  mutable std::atomic<bool> saw_damage_ = false;
};

}  // namespace cairn::repo::store
