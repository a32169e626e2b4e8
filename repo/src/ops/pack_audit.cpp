#include "ops/pack_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace cairn::repo::ops {

std::vector<bool> intact_chunks(const store::KeyRing& keys, format::BlockKind kind,
                                const format::BlockRecord& record, core::ByteView plain) {
  std::vector<core::ByteView> chunks;
  for (const format::ChunkRecord& chunk : record.chunks) {
    if (chunk.length_bytes > plain.size()) {
      break;
    }
    chunks.push_back(plain.first(chunk.length_bytes));
    plain = plain.subspan(chunk.length_bytes);
  }
  const auto ids = keys.chunk_ids(kind, chunks);
  std::vector<bool> intact(record.chunks.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    intact[i] = ids[i] == record.chunks[i].id;
  }
  return intact;
}

bool PackAudit::can_open(format::BlockKind kind) const {
  return kind == format::BlockKind::data ? state_.keys->can_read_data()
                                         : state_.keys->can_read_metadata();
}

void PackAudit::damaged_block(const store::PackSummary& pack, std::uint32_t block,
                              std::string message) {
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  const auto finding = findings_.damage(name, std::move(message), std::string(kRepairPacksHelps));
  findings_.mark_block({pack.number, block}, finding);
}

core::Status PackAudit::audit_block(const store::PackSummary& pack, std::uint32_t block,
                                    const format::BlockRecord* record) {
  const auto& place = pack.blocks[block];
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  stored_.resize(place.record.stored_bytes);
  auto status = state_.backend->get_range(name, place.offset_bytes, stored_);
  if (!status) {
    if (status.error().code() == core::ErrorCode::not_found) {
      return status;
    }
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
  const auto intact = intact_chunks(*state_.keys, pack.kind, record, plain_);
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

core::Result<PackAuditResult> PackAudit::run(store::PackNumber number) {
  auto result = read_all(number);
  if (result || result.error().code() != core::ErrorCode::not_found) {
    return result;
  }
  // It was there a moment ago. What is needed of it lies elsewhere, if a prune has deleted it.
  findings_.add(
      Finding::Severity::note, "packs",
      result.error().message() + ": it went while it was checked, as when a prune is at work");
  return result_;
}

core::Result<PackAuditResult> PackAudit::read_all(store::PackNumber number) {
  result_ = {};
  segments_.clear();
  CAIRN_TRY(const store::PackSummary pack, state_.catalogue->pack(number));
  const auto name = store::object_name(format::ObjectKind::pack, pack.id);
  CAIRN_TRY(const auto size, state_.backend->size(name));
  if (!size) {
    return result_;  // reported as missing with the index
  }
  auto description = store::read_pack_description(*state_.backend, *state_.keys, pack.id);
  if (!description && description.error().code() == core::ErrorCode::not_found) {
    return core::fail(std::move(description).error());
  }
  if (!description) {
    findings_.damage(
        name, description.error().message(),
        "the index holds the same directory, so all of it still restores; cairn repair "
        "packs writes it anew");
  } else if (description->directory.blocks.size() != pack.blocks.size()) {
    findings_.damage(name, "its directory and the index disagree about its blocks",
                     std::string(kRepairPacksHelps));
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
  const auto status = state_.backend->get_range(name, end, stored_);
  if (!status && status.error().code() == core::ErrorCode::not_found) {
    return core::fail(status.error());
  }
  if (status) {
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
                                              description->footer.covered_bytes)),
          std::string(kRepairPacksHelps));
    }
  }
  return result_;
}

}  // namespace cairn::repo::ops
