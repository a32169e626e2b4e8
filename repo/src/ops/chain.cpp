#include "ops/chain.h"

#include <gsl/gsl>

#include "cairn/core/codec.h"
#include "cairn/core/file_lock.h"
#include "ops/damage.h"
#include "store/records.h"

namespace cairn::repo::ops {

namespace {

constexpr std::string_view kHeadNote = "chain/head";
// Written before a snapshot is put: a process that is killed between the put and the note of the
// new head leaves this behind, and the next one looks whether the snapshot came to be.
constexpr std::string_view kIntentNote = "chain/intent";
constexpr unsigned kLockWaitMs = 60'000;

core::Bytes encode_head(const ChainHead& head) {
  core::Encoder out;
  out.raw(head.chain.view());
  out.u64(head.sequence);
  out.raw(head.last.view());
  out.raw(head.last_hash.view());
  return std::move(out).take();
}

core::Result<ChainHead> decode_head(core::ByteView note) {
  core::Decoder in(note, "chain head");
  const auto chain = in.raw(ChainId::kSize);
  ChainHead head;
  head.sequence = in.u64();
  const auto last = in.raw(SnapshotId::kSize);
  const auto last_hash = in.raw(core::Hash256::kSize);
  CAIRN_TRY_STATUS(in.finish());
  head.chain = ChainId::from(chain);
  head.last = SnapshotId::from(last);
  head.last_hash = core::Hash256::from(last_hash);
  return head;
}

core::Status note_head(State& state, const ChainHead& head) {
  CAIRN_TRY_STATUS(state.catalogue->put_note(kHeadNote, encode_head(head)));
  return state.catalogue->remove_note(kIntentNote);
}

/// Adopts a snapshot that an earlier process published without living to note it.
core::Result<std::optional<ChainHead>> settled_head(State& state) {
  CAIRN_TRY(auto head, chain_head(state));
  CAIRN_TRY(const auto intent, state.catalogue->note(kIntentNote));
  if (!intent || intent->size() != SnapshotId::kSize) {
    return head;
  }
  const auto id = SnapshotId::from(*intent);
  auto record = store::get_register(*state.backend, *state.keys, id);
  if (!record && !is_lost(record.error().code())) {
    // Were it taken for one that never came to be, the next snapshot would have its number.
    return core::fail(std::move(record).error());
  }
  if (!record || record->link.type != format::RegisterType::snapshot) {
    return head;  // it never came to be, or is gone since
  }
  const ChainHead adopted{record->link.chain, record->link.sequence, id, record->link_hash};
  CAIRN_TRY_STATUS(note_head(state, adopted));
  return std::optional<ChainHead>(adopted);
}

}  // namespace

core::Result<std::optional<ChainHead>> chain_head(const State& state) {
  CAIRN_TRY(const auto note, state.catalogue->note(kHeadNote));
  if (!note) {
    return std::optional<ChainHead>();
  }
  CAIRN_TRY(const ChainHead head, decode_head(*note));
  return std::optional<ChainHead>(head);
}

core::Status publish_snapshot(State& state, const SnapshotId& id, const Snapshot& snapshot,
                              std::uint64_t& written_bytes) {
  Expects(state.catalogue != nullptr);
  CAIRN_TRY(const auto lock,
            core::FileLock::acquire(state.catalogue_folder + "/chain.lock", kLockWaitMs));
  CAIRN_TRY(const auto previous, settled_head(state));

  format::Link link;
  link.id = id;
  link.signer = *state.keys->bundle().certificate;
  ChainHead head;
  if (previous) {
    head = *previous;
    link.previous = head.last;
    link.previous_hash = head.last_hash;
  } else {
    state.environment.random.fill(head.chain.mutable_view());
  }
  head.sequence += 1;
  link.chain = head.chain;
  link.sequence = head.sequence;

  CAIRN_TRY_STATUS(state.catalogue->put_note(kIntentNote, id.view()));
  CAIRN_TRY(head.last_hash,
            store::put_snapshot(*state.backend, *state.keys, state.environment.random, link,
                                snapshot, written_bytes));
  head.last = id;
  return note_head(state, head);
}

}  // namespace cairn::repo::ops
