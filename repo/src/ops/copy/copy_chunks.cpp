#include "ops/copy/copy_chunks.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <string>
#include <tuple>
#include <utility>

#include "cairn/core/stop.h"
#include "cairn/core/workers.h"
#include "ops/writing/block_writer.h"

namespace cairn::repo::ops {

namespace {

using core::ErrorCode;
using format::BlockKind;

core::Error damaged_chunk(const ChunkId& id, std::string_view reason) {
  return {ErrorCode::corrupt,
          fmt::format("chunk {} of the repository to copy from: {}", id.hex(), reason),
          "see: cairn verify --check-integrity"};
}

}  // namespace

void TranslatedIds::add(const ChunkId& from, const ChunkId& to) {
  if (young_.size() >= kGenerationMax) {
    old_ = std::exchange(young_, {});
  }
  young_.insert_or_assign(from, to);
}

std::optional<ChunkId> TranslatedIds::find(const ChunkId& from) {
  if (const auto found = young_.find(from); found != young_.end()) {
    return found->second;
  }
  const auto found = old_.find(from);
  if (found == old_.end()) {
    return std::nullopt;
  }
  const ChunkId to = found->second;
  add(from, to);
  return to;
}

/// One thread's share: jobs of one block at a time.
class ChunkCopier::Worker {
 public:
  explicit Worker(ChunkCopier& copier) : copier_(copier), open_(*copier.store_) {}

  /// All jobs are of one block, in the order of its chunks.
  core::Status copy(std::span<Job> jobs);
  core::Status flush() { return open_.flush(); }

 private:
  [[nodiscard]] core::Result<std::vector<core::ByteView>> read(std::span<const Job> jobs);

  ChunkCopier& copier_;
  BlockWriter open_;
  store::BlockReader::Scratch scratch_;
  std::optional<store::PackSummary> pack_;  ///< the last one
  core::Bytes plain_;
};

core::Result<std::vector<core::ByteView>> ChunkCopier::Worker::read(std::span<const Job> jobs) {
  const store::ChunkLocation& location = jobs.front().location;
  const CatalogueView from = copier_.from_;
  if (!pack_ || pack_->number != location.pack) {
    CAIRN_TRY(pack_, from.catalogue().pack(location.pack));
  }
  if (location.block >= pack_->blocks.size()) {
    return core::fail(damaged_chunk(jobs.front().from, "its pack has no such block"));
  }
  CAIRN_TRY_STATUS(from.repository.blocks->read(*pack_, location.block, scratch_, plain_));
  std::vector<core::ByteView> chunks;
  for (const Job& job : jobs) {
    const std::uint64_t end = std::uint64_t{job.location.offset_bytes} + job.location.length_bytes;
    if (end > plain_.size()) {
      return core::fail(damaged_chunk(job.from, "it ends behind its block"));
    }
    chunks.push_back(
        core::ByteView(plain_).subspan(job.location.offset_bytes, job.location.length_bytes));
    copier_.bytes_read_ += job.location.length_bytes;
  }
  const auto ids = from.repository.keys->chunk_ids(BlockKind::data, chunks);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (ids[i] != jobs[i].from) {
      return core::fail(damaged_chunk(jobs[i].from, "its bytes are not what its id says"));
    }
  }
  return chunks;
}

core::Status ChunkCopier::Worker::copy(std::span<Job> jobs) {
  CAIRN_TRY(const auto chunks, read(jobs));
  const auto ids = copier_.to_.keys->chunk_ids(BlockKind::data, chunks);
  std::vector<std::uint32_t> lengths;
  for (const Job& job : jobs) {
    lengths.push_back(job.location.length_bytes);
  }
  const auto codec = pack_->blocks[jobs.front().location.block].record.codec;
  const BlockClass block_class = block_class_like(BlockKind::data, codec, lengths);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].id = ids[i];
    if (jobs[i].claimed && *jobs[i].claimed != ids[i]) {
      return core::fail(
          damaged_chunk(jobs[i].from, "an earlier copy holds something else instead"));
    }
    bool stores = jobs[i].claimed.has_value();
    if (!stores) {
      CAIRN_TRY(stores, copier_.store_->claim(ids[i]));
    }
    if (stores) {
      CAIRN_TRY_STATUS(open_.add(block_class, ids[i], chunks[i]));
    }
  }
  return {};
}

ChunkCopier::ChunkCopier(CatalogueView from, const OpenRepository& to, const Options& options)
    : from_(from), to_(to), options_(options) {}

ChunkCopier::~ChunkCopier() = default;

void ChunkCopier::begin(ChunkStore& store) {
  store_ = &store;
  // New ones: a failed attempt may have left chunks in open blocks that its own store had claimed.
  workers_.clear();
  for (unsigned i = 0; i < std::max(options_.workers, 1U); ++i) {
    workers_.push_back(std::make_unique<Worker>(*this));
  }
  next_window();
}

void ChunkCopier::want(const ContentItem& item) {
  Expects(item.chunk.has_value());
  if (window_.try_emplace(*item.chunk, Wanted{item.length_bytes, std::nullopt}).second) {
    window_bytes_ += item.length_bytes;
  }
}

bool ChunkCopier::is_full() const noexcept {
  return window_.size() >= kWindowChunks || window_bytes_ >= kWindowBytes;
}

ChunkId ChunkCopier::id_of(const ChunkId& from) const {
  const auto found = window_.find(from);
  Expects(found != window_.end() && found->second.id.has_value());
  return *found->second.id;
}

void ChunkCopier::next_window() {
  window_.clear();
  window_bytes_ = 0;
}

core::Status ChunkCopier::check_stop() const {
  if (options_.stop.stop_requested()) {
    return core::interrupted();
  }
  return store_->check();
}

core::Result<std::vector<ChunkCopier::Job>> ChunkCopier::find_jobs() {
  std::vector<Job> jobs;
  std::vector<ChunkId> asked;
  for (auto& [from, wanted] : window_) {
    if (wanted.id) {
      continue;
    }
    Job job{.from = from, .location = {}, .claimed = ids_.find(from), .id = {}};
    if (job.claimed) {
      CAIRN_TRY(const bool stores, store_->claim(*job.claimed));
      if (!stores) {
        wanted.id = job.claimed;
        continue;
      }
    }
    jobs.push_back(job);
    asked.push_back(from);
  }
  CAIRN_TRY(const auto locations, from_.catalogue().find_all(asked, from_.present_packs()));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const ChunkId& from = jobs[i].from;
    if (!locations[i]) {
      return core::fail(
          ErrorCode::not_found,
          fmt::format("chunk {}: no pack of the repository to copy from has it", from.hex()),
          "see: cairn verify");
    }
    if (locations[i]->length_bytes != window_.at(from).length_bytes) {
      return core::fail(damaged_chunk(from, "its length is not what its file says"));
    }
    jobs[i].location = *locations[i];
  }
  std::ranges::sort(jobs, {}, [](const Job& job) {
    return std::tuple(job.location.pack, job.location.block, job.location.offset_bytes);
  });
  return jobs;
}

core::Status ChunkCopier::run(std::vector<Job>& jobs) {
  std::vector<std::span<Job>> blocks;
  for (std::size_t begin = 0; begin < jobs.size();) {
    std::size_t end = begin;
    while (end < jobs.size() && jobs[end].location.pack == jobs[begin].location.pack &&
           jobs[end].location.block == jobs[begin].location.block) {
      ++end;
    }
    blocks.push_back(std::span(jobs).subspan(begin, end - begin));
    begin = end;
  }
  std::atomic<std::size_t> next{0};
  const auto count = static_cast<unsigned>(std::min(workers_.size(), blocks.size()));
  return core::run_workers(from_.repository.environment.threads, count, "copying chunks",
                           [&](unsigned worker, const auto& failed) -> core::Status {
                             for (std::size_t i = next++; i < blocks.size() && !failed;
                                  i = next++) {
                               CAIRN_TRY_STATUS(check_stop());
                               CAIRN_TRY_STATUS(workers_[worker]->copy(blocks[i]));
                             }
                             return {};
                           });
}

core::Status ChunkCopier::copy_window() {
  CAIRN_TRY_STATUS(check_stop());
  CAIRN_TRY(auto jobs, find_jobs());
  CAIRN_TRY_STATUS(run(jobs));
  for (const Job& job : jobs) {
    window_.at(job.from).id = job.id;
    ids_.add(job.from, job.id);
  }
  return {};
}

core::Status ChunkCopier::flush() {
  for (const auto& worker : workers_) {
    CAIRN_TRY_STATUS(worker->flush());
  }
  return {};
}

}  // namespace cairn::repo::ops
