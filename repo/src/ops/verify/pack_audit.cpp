#include "ops/verify/pack_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <gsl/gsl>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "cairn/core/stop.h"
#include "cairn/core/workers.h"
#include "store/packs/pack_reader.h"
#include "store/packs/segment_hasher.h"

namespace cairn::repo::ops {

namespace {

using core::ErrorCode;
using format::ObjectKind;

/// A block that one thread has read and another one is to open.
struct BlockToOpen {
  std::shared_ptr<const store::PackSummary> pack;
  std::shared_ptr<const format::PackDirectory> directory;  ///< the pack's own; nullptr: unreadable
  std::uint32_t number = 0;
  core::Bytes stored;
};

/// Passes blocks to idle threads. Thread-safe.
class BlockRelay {
 public:
  /// One more thread will offer blocks.
  void enter() {
    const std::scoped_lock lock(mutex_);
    readers_ += 1;
  }
  /// Takes a block over (moved from) if somebody waits for one.
  [[nodiscard]] bool offer(BlockToOpen& block) {
    const std::scoped_lock lock(mutex_);
    if (blocks_.size() >= waiting_) {
      return false;
    }
    blocks_.push_back(std::move(block));
    changed_.notify_one();
    return true;
  }
  /// One of the readers will offer no more.
  void leave() {
    const std::scoped_lock lock(mutex_);
    readers_ -= 1;
    changed_.notify_all();
  }
  /// nullopt: there is nothing left, and nobody who could offer more.
  [[nodiscard]] std::optional<BlockToOpen> take() {
    std::unique_lock lock(mutex_);
    waiting_ += 1;
    changed_.wait(lock, [this] { return !blocks_.empty() || readers_ == 0; });
    waiting_ -= 1;
    if (blocks_.empty()) {
      return std::nullopt;
    }
    BlockToOpen block = std::move(blocks_.front());
    blocks_.pop_front();
    return block;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<BlockToOpen> blocks_;
  std::size_t waiting_ = 0;
  unsigned readers_ = 0;
};

/// One thread's share. Not thread-safe; reused from pack to pack.
class PackAudit {
 public:
  PackAudit(CatalogueView view, Findings& findings, BlockRelay& relay)
      : view_(view), findings_(findings), relay_(relay) {}

  core::Status run(store::PackNumber number);
  /// Opens a block that another thread has read.
  core::Status open(const BlockToOpen& block);
  [[nodiscard]] const PackAuditResult& result() const noexcept { return result_; }

 private:
  core::Status read_all(store::PackNumber number);
  /// Errors: not_found (the pack is gone), internal.
  core::Status audit_block(const std::shared_ptr<const store::PackSummary>& pack,
                           const std::shared_ptr<const format::PackDirectory>& directory,
                           std::uint32_t block);
  /// Checks all chunks of an opened block together.
  void audit_chunks(const store::PackSummary& pack, std::uint32_t block,
                    const format::BlockRecord& record);
  void damaged_block(const store::PackSummary& pack, std::uint32_t block, std::string message);
  void compare_segments(const store::ObjectName& name, const format::PackFooter& footer);
  /// The bytes of stored_, at `offset` in the pack, could not be read, which was reported. Their
  /// segments have no hash, and those after them must keep their position.
  void pass_over(std::uint64_t offset);
  [[nodiscard]] bool can_open(format::BlockKind kind) const;

  CatalogueView view_;
  Findings& findings_;
  BlockRelay& relay_;
  store::BlockReader::Scratch scratch_;
  store::SegmentHasher segments_;
  std::set<std::uint64_t> unread_segments_;
  core::Bytes stored_;
  core::Bytes plain_;
  PackAuditResult result_;
};

bool PackAudit::can_open(format::BlockKind kind) const {
  return kind == format::BlockKind::data ? view_.repository.keys->can_read_data()
                                         : view_.repository.keys->can_read_metadata();
}

void PackAudit::damaged_block(const store::PackSummary& pack, std::uint32_t block,
                              std::string message) {
  const auto name = store::object_name(ObjectKind::pack, pack.id);
  const auto finding = findings_.damage(name, std::move(message), std::string(kRepairPacksHelps));
  findings_.mark_block({pack.number, block}, finding);
}

core::Status PackAudit::audit_block(const std::shared_ptr<const store::PackSummary>& pack,
                                    const std::shared_ptr<const format::PackDirectory>& directory,
                                    std::uint32_t block) {
  const auto& place = pack->blocks[block];
  const auto name = store::object_name(ObjectKind::pack, pack->id);
  stored_.resize(place.record.stored_bytes);
  auto status = view_.repository.backend->get_range(name, place.offset_bytes, stored_);
  if (!status) {
    if (status.error().code() == ErrorCode::not_found) {
      return status;
    }
    const auto finding = findings_.failed_read(
        store::object_path(name),
        std::move(status).error().with_context(fmt::format("block {}", block)),
        std::string(kRepairPacksHelps));
    findings_.mark_block({pack->number, block}, finding);
    pass_over(place.offset_bytes);
    return {};
  }
  result_.bytes_read += stored_.size();
  segments_.update(stored_);
  if (!can_open(pack->kind)) {
    return {};
  }
  BlockToOpen sealed{
      .pack = pack, .directory = directory, .number = block, .stored = std::move(stored_)};
  if (relay_.offer(sealed)) {
    return {};
  }
  status = open(sealed);
  stored_ = std::move(sealed.stored);
  return status;
}

core::Status PackAudit::open(const BlockToOpen& block) {
  const auto status =
      view_.repository.blocks->open(*block.pack, block.number, block.stored, scratch_, plain_);
  if (!status) {
    if (status.error().code() == ErrorCode::internal) {
      return status;
    }
    damaged_block(*block.pack, block.number, status.error().message());
    return {};
  }
  if (block.directory != nullptr) {
    audit_chunks(*block.pack, block.number, block.directory->blocks[block.number]);
  }
  return {};
}

void PackAudit::audit_chunks(const store::PackSummary& pack, std::uint32_t block,
                             const format::BlockRecord& record) {
  const auto name = store::object_name(ObjectKind::pack, pack.id);
  const auto intact = store::intact_chunks(*view_.repository.keys, pack.kind, record, plain_);
  for (std::size_t i = 0; i < intact.size(); ++i) {
    const ChunkId& expected = record.chunks[i].id;
    if (!intact[i]) {
      const auto finding = findings_.damage(
          name, fmt::format("block {}: chunk {} is not what its id says", block, expected.hex()),
          std::string(kRepairPacksHelps));
      findings_.mark_chunk(expected, finding);
    }
    result_.chunks_opened += 1;
  }
}

core::Status PackAudit::run(store::PackNumber number) {
  auto status = read_all(number);
  if (status || status.error().code() != ErrorCode::not_found) {
    return status;
  }
  // It existed a moment ago. If a prune has deleted it, what is needed of it is elsewhere.
  result_.gone.push_back(number);
  return {};
}

core::Status PackAudit::read_all(store::PackNumber number) {
  segments_.clear();
  unread_segments_.clear();
  CAIRN_TRY(auto summary, view_.catalogue().pack(number));
  const auto pack = std::make_shared<const store::PackSummary>(std::move(summary));
  const auto name = store::object_name(ObjectKind::pack, pack->id);
  CAIRN_TRY(const auto size, view_.repository.backend->size(name));
  if (!size) {
    return core::fail(ErrorCode::not_found,
                      fmt::format("read {}: it is missing", store::object_path(name)));
  }
  auto description =
      store::read_pack_description(*view_.repository.backend, *view_.repository.keys, pack->id);
  if (!description && description.error().code() == ErrorCode::not_found) {
    return core::fail(std::move(description).error());
  }
  if (!description) {
    findings_.failed_read(
        store::object_path(name), description.error(),
        "the index holds the same directory, so all of it still restores; cairn repair "
        "packs writes it anew");
  } else if (description->directory.blocks.size() != pack->blocks.size()) {
    findings_.damage(name, "its directory and the index disagree about its blocks",
                     std::string(kRepairPacksHelps));
    description = core::fail(ErrorCode::corrupt, "directory and index disagree");
  }

  stored_.resize(format::kPackHeaderBytes);
  if (view_.repository.backend->get_range(name, 0, stored_)) {
    segments_.update(stored_);
  } else {
    pass_over(0);
  }
  std::shared_ptr<const format::PackDirectory> directory;
  if (description) {
    directory = std::make_shared<const format::PackDirectory>(std::move(description->directory));
  }
  std::uint64_t end = format::kPackHeaderBytes;
  for (std::uint32_t block = 0; block < pack->blocks.size(); ++block) {
    CAIRN_TRY_STATUS(audit_block(pack, directory, block));
    end = pack->blocks[block].offset_bytes + pack->blocks[block].record.stored_bytes;
  }
  if (!description || description->footer.covered_bytes < end) {
    return {};
  }
  stored_.resize(description->footer.covered_bytes - end);
  const auto status = view_.repository.backend->get_range(name, end, stored_);
  if (!status && status.error().code() == ErrorCode::not_found) {
    return core::fail(status.error());
  }
  if (status) {
    result_.bytes_read += stored_.size();
    segments_.update(stored_);
  } else {
    pass_over(end);
  }
  compare_segments(name, description->footer);
  return {};
}

void PackAudit::pass_over(std::uint64_t offset) {
  std::ranges::fill(stored_, std::byte{0});
  segments_.update(stored_);
  for (std::uint64_t at = offset / format::kPackSegmentBytes;
       at * format::kPackSegmentBytes < offset + stored_.size(); ++at) {
    unread_segments_.insert(at);
  }
}

void PackAudit::compare_segments(const store::ObjectName& name, const format::PackFooter& footer) {
  const auto segments = segments_.finish();
  for (std::size_t i = 0; i < footer.segments.size(); ++i) {
    if (unread_segments_.contains(i)) {
      continue;
    }
    if (i >= segments.size() || segments[i] != footer.segments[i]) {
      findings_.damage(
          name,
          fmt::format(
              "bytes {} to {} are not what its table says", i * format::kPackSegmentBytes,
              std::min<std::uint64_t>((i + 1) * format::kPackSegmentBytes, footer.covered_bytes)),
          std::string(kRepairPacksHelps));
    }
  }
}

}  // namespace

core::Result<PackAuditResult> audit_packs(CatalogueView view, std::vector<AuditedPack> packs,
                                          const PackAuditOptions& options, Findings& findings,
                                          ProgressMeter& meter) {
  // Large ones first, so that at the end no single pack keeps one thread busy for long.
  std::ranges::stable_sort(packs, std::greater(), &AuditedPack::size_bytes);
  std::uint64_t total_bytes = 0;
  for (const AuditedPack& pack : packs) {
    total_bytes += pack.size_bytes;
  }
  meter.set_pack_totals(packs.size(), total_bytes);

  const unsigned workers = core::worker_count(view.repository.environment.threads, options.workers);
  BlockRelay relay;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  PackAuditResult result;
  const auto read_packs = [&](PackAudit& audit, const std::atomic<bool>& failed) -> core::Status {
    relay.enter();
    const auto leave = gsl::finally([&relay] { relay.leave(); });
    for (std::size_t mine = next++; mine < packs.size() && !failed; mine = next++) {
      if (options.stop.stop_requested()) {
        return core::interrupted();
      }
      CAIRN_TRY_STATUS(audit.run(packs[mine].number));
      meter.add_bytes(packs[mine].size_bytes);
      meter.file_done(store::object_path(store::object_name(ObjectKind::pack, packs[mine].id)));
    }
    return {};
  };
  const auto run = [&](unsigned /*worker*/, const std::atomic<bool>& failed) -> core::Status {
    PackAudit audit(view, findings, relay);
    CAIRN_TRY_STATUS(read_packs(audit, failed));
    while (const auto block = relay.take()) {
      CAIRN_TRY_STATUS(audit.open(*block));
    }
    const std::scoped_lock lock(mutex);
    result.bytes_read += audit.result().bytes_read;
    result.chunks_opened += audit.result().chunks_opened;
    result.gone.insert(result.gone.end(), audit.result().gone.begin(), audit.result().gone.end());
    return {};
  };
  CAIRN_TRY_STATUS(
      core::run_workers(view.repository.environment.threads, workers, "checking packs", run));
  return result;
}

}  // namespace cairn::repo::ops
