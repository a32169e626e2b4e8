#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "ops/findings.h"
#include "ops/state.h"
#include "store/pack_reader.h"
#include "store/segment_hasher.h"

namespace cairn::repo::ops {

/// Of each chunk of an expanded block: whether it is what its id says. What lies beyond the end of
/// `plain` is not.
[[nodiscard]] std::vector<bool> intact_chunks(const store::KeyRing& keys, format::BlockKind kind,
                                              const format::BlockRecord& record,
                                              core::ByteView plain);

/// What reading one pack from front to back found to be good.
struct PackAuditResult {
  std::uint64_t bytes_read = 0;
  std::uint64_t chunks_opened = 0;
};

/// Reads one pack front to back: its name against its table, its table against its bytes, and,
/// where the role has the key, each block opened, expanded and each chunk re-hashed. What is wrong
/// goes to the findings, with the blocks and chunks that it costs.
///
/// Not thread-safe: one per worker, reused from pack to pack. Memory: one block, stored and
/// expanded, 100 bytes for each of its chunks, and that of SegmentHasher.
class PackAudit {
 public:
  PackAudit(State& state, Findings& findings) : state_(state), findings_(findings) {}

  /// Errors only for what ends the check: io of the catalogue, interrupted.
  [[nodiscard]] core::Result<PackAuditResult> run(store::PackNumber number);

 private:
  [[nodiscard]] core::Result<PackAuditResult> read_all(store::PackNumber number);
  /// Errors: not_found (the pack is gone), internal.
  core::Status audit_block(const store::PackSummary& pack, std::uint32_t block,
                           const format::BlockRecord* record);
  /// All chunks of a block that has been opened, together.
  void audit_chunks(const store::PackSummary& pack, std::uint32_t block,
                    const format::BlockRecord& record);
  void damaged_block(const store::PackSummary& pack, std::uint32_t block, std::string message);
  [[nodiscard]] bool can_open(format::BlockKind kind) const;

  State& state_;
  Findings& findings_;
  store::BlockReader::Scratch scratch_;
  store::SegmentHasher segments_;
  core::Bytes stored_;
  core::Bytes plain_;
  PackAuditResult result_;
};

}  // namespace cairn::repo::ops
