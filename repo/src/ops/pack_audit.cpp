#include "ops/pack_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace cairn::repo::ops {

bool PackAudit::can_open(format::BlockKind kind) const {
  return kind == format::BlockKind::data ? state_.keys->can_read_data()
                                         : state_.keys->can_read_metadata();
}

void PackAudit::damaged_block(const store::PackSummary& pack, std::uint32_t block,
                              std::string message) {
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  const auto finding = findings_.damage(name, std::move(message),
                                        "the rest of the pack is intact and still restores");
  findings_.mark_block({pack.number, block}, finding);
}

core::Status PackAudit::audit_block(const store::PackSummary& pack, std::uint32_t block,
                                    const format::BlockRecord* record) {
  const auto& place = pack.blocks[block];
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  stored_.resize(place.record.stored_bytes);
  auto status = state_.backend->get_range(name, place.offset_bytes, stored_);
  if (!status) {
    damaged_block(pack, block, fmt::format("block {}: {}", block, status.error().message()));
    return {};
  }
  result_.bytes_read += stored_.size();
  segments_.update(stored_);
  if (!can_open(pack.kind)) {
    return {};
  }
  status = state_.blocks->open(pack, block, stored_, scratch_, plain_);
  if (!status) {
    if (status.error().code() == core::ErrorCode::internal) {
      return status;
    }
    damaged_block(pack, block, status.error().message());
    return {};
  }
  if (record != nullptr) {
    audit_chunks(pack, block, *record);
  }
  return {};
}

void PackAudit::audit_chunks(const store::PackSummary& pack, std::uint32_t block,
                             const format::BlockRecord& record) {
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  std::vector<core::ByteView> chunks;
  core::ByteView rest = plain_;
  for (const format::ChunkRecord& chunk : record.chunks) {
    if (chunk.length_bytes > rest.size()) {
      break;
    }
    chunks.push_back(rest.first(chunk.length_bytes));
    rest = rest.subspan(chunk.length_bytes);
  }
  const auto ids = state_.keys->chunk_ids(pack.kind, chunks);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const ChunkId& expected = record.chunks[i].id;
    if (ids[i] != expected) {
      const auto finding = findings_.damage(
          name, fmt::format("block {}: chunk {} is not what its id says", block, expected.hex()));
      findings_.mark_chunk(expected, finding);
    }
    result_.chunks_opened += 1;
  }
  if (chunks.size() < record.chunks.size()) {
    damaged_block(pack, block, fmt::format("block {}: it is shorter than its chunks", block));
  }
}

core::Result<PackAuditResult> PackAudit::run(store::PackNumber number) {
  result_ = {};
  segments_.clear();
  CAIRN_TRY(const store::PackSummary pack, state_.catalogue->pack(number));
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  CAIRN_TRY(const auto size, state_.backend->size(name));
  if (!size) {
    return result_;  // reported as missing with the index
  }
  auto description = store::read_pack_description(*state_.backend, *state_.keys, pack.id);
  if (!description) {
    findings_.damage(name, description.error().message(),
                     "the index holds the same directory: blocks that open still restore");
  } else if (description->directory.blocks.size() != pack.blocks.size()) {
    findings_.damage(name, "its directory and the index disagree about its blocks");
    description = core::fail(core::ErrorCode::corrupt, "directory and index disagree");
  }

  stored_.resize(std::min<std::uint64_t>(*size, format::kPackHeaderBytes));
  if (auto status = state_.backend->get_range(name, 0, stored_); status) {
    segments_.update(stored_);
  }
  std::uint64_t end = format::kPackHeaderBytes;
  for (std::uint32_t block = 0; block < pack.blocks.size(); ++block) {
    const auto* record = description ? &description->directory.blocks[block] : nullptr;
    CAIRN_TRY_STATUS(audit_block(pack, block, record));
    end = pack.blocks[block].offset_bytes + pack.blocks[block].record.stored_bytes;
  }
  if (!description || description->footer.covered_bytes < end) {
    return result_;
  }
  stored_.resize(description->footer.covered_bytes - end);
  if (auto status = state_.backend->get_range(name, end, stored_); status) {
    result_.bytes_read += stored_.size();
    segments_.update(stored_);
  }
  const auto segments = segments_.finish();
  const auto& expected = description->footer.segments;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i >= segments.size() || segments[i] != expected[i]) {
      findings_.damage(
          name,
          fmt::format("bytes {} to {} are not what its table says", i * format::kPackSegmentBytes,
                      std::min<std::uint64_t>((i + 1) * format::kPackSegmentBytes,
                                              description->footer.covered_bytes)));
    }
  }
  return result_;
}

}  // namespace cairn::repo::ops
