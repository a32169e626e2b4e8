#include "ops/snapshots/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cairn/core/codec.h"
#include "cairn/core/file_lock.h"
#include "ops/progress/after_commit.h"
#include "ops/repository/damage.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

constexpr std::string_view kHeadNote = "chain/head";
// Written before a snapshot is put: a process that is killed between the put and the note of the
// new head leaves this behind, and the next one checks whether the snapshot exists.
constexpr std::string_view kIntentNote = "chain/intent";
// Prefixes of the ids of registers that were read: none of them is a link of this chain with a
// number that is still to be given. Any other register has to be read before a number is given.
constexpr std::string_view kSeenNote = "chain/seen";
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

using IdPrefix = std::uint64_t;

IdPrefix prefix_of(const SnapshotId& id) {
  core::Decoder in(id.view(), "snapshot id");
  return in.u64();
}

core::Result<std::vector<IdPrefix>> seen_registers(CatalogueView view) {
  CAIRN_TRY(const auto note, view.catalogue().note(kSeenNote));
  std::vector<IdPrefix> seen(note ? note->size() / sizeof(IdPrefix) : 0);
  core::Decoder in(note ? core::ByteView(*note) : core::ByteView(), "registers seen");
  std::ranges::generate(seen, [&in] { return in.u64(); });
  std::ranges::sort(seen);
  return seen;
}

core::Status note_seen(CatalogueView view, const std::vector<IdPrefix>& seen) {
  core::Encoder out;
  for (const IdPrefix prefix : seen) {
    out.u64(prefix);
  }
  return view.catalogue().put_note(kSeenNote, out.view());
}

core::Status note_head(CatalogueView view, const ChainHead& head) {
  CAIRN_TRY_STATUS(view.catalogue().put_note(kHeadNote, encode_head(head)));
  return view.catalogue().remove_note(kIntentNote);
}

/// Adopts a snapshot that an earlier process published but did not live to note.
core::Result<std::optional<ChainHead>> settled_head(CatalogueView view) {
  CAIRN_TRY(auto head, chain_head(view));
  CAIRN_TRY(const auto intent, view.catalogue().note(kIntentNote));
  if (!intent || intent->size() != SnapshotId::kSize) {
    return head;
  }
  const auto id = SnapshotId::from(*intent);
  auto record = store::get_register(*view.repository.backend, *view.repository.keys, id);
  if (!record && !is_lost(record.error().code())) {
    // If it were taken for missing, the next snapshot would get its number.
    return core::fail(std::move(record).error());
  }
  if (!record || record->link.type != format::RegisterType::snapshot) {
    return head;  // it was never published, or is gone since
  }
  const ChainHead adopted{record->link.chain, record->link.sequence, id, record->link_hash};
  CAIRN_TRY_STATUS(note_head(view, adopted));
  return std::optional<ChainHead>(adopted);
}

}  // namespace

core::Result<std::optional<ChainHead>> chain_head(CatalogueView view) {
  CAIRN_TRY(const auto note, view.catalogue().note(kHeadNote));
  if (!note) {
    return std::optional<ChainHead>();
  }
  CAIRN_TRY(const ChainHead head, decode_head(*note));
  return std::optional<ChainHead>(head);
}

namespace {

/// What the repository says about the place that the next link would take.
struct SeenRegisters {
  std::vector<IdPrefix> seen;  ///< registers that exist and were read, now or earlier
  bool has_last = false;       ///< the chain's end exists
  bool was_continued = false;  ///< a link of this chain comes after its end
};

core::Result<SeenRegisters> look_at_registers(CatalogueView view, const ChainHead& head) {
  CAIRN_TRY(const auto ids,
            store::list_ids<SnapshotId>(*view.repository.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(const auto seen, seen_registers(view));
  SeenRegisters registers;
  for (const SnapshotId& id : ids) {
    registers.has_last = registers.has_last || id == head.last;
    if (!std::ranges::binary_search(seen, prefix_of(id)) && id != head.last) {
      const auto record = store::get_register(*view.repository.backend, *view.repository.keys, id);
      if (!record) {
        continue;  // not readable, so nothing is known; the next backup asks again
      }
      registers.was_continued = registers.was_continued || (record->link.chain == head.chain &&
                                                            record->link.sequence > head.sequence);
    }
    registers.seen.push_back(prefix_of(id));
  }
  return registers;
}

/// The end of the chain that the next snapshot continues: none if it has to begin a new one.
core::Result<std::optional<ChainHead>> end_to_continue(CatalogueView view,
                                                       std::vector<IdPrefix>& seen,
                                                       Observer& observer) {
  CAIRN_TRY(auto head, settled_head(view));
  if (!head) {
    // Nobody can have a link of a chain whose id is still to be drawn.
    CAIRN_TRY(const auto ids,
              store::list_ids<SnapshotId>(*view.repository.backend, format::ObjectKind::snapshot));
    std::ranges::transform(ids, std::back_inserter(seen), prefix_of);
    return head;
  }
  CAIRN_TRY(SeenRegisters registers, look_at_registers(view, *head));
  seen = std::move(registers.seen);
  if (registers.was_continued) {
    observer.detail(fmt::format(
        "this client's chain went on after snapshot {}, which its cache holds for the last: the "
        "cache was set back, or another machine has a copy of it; a new chain begins",
        head->last.short_hex()));
    return std::nullopt;
  }
  if (!registers.has_last) {
    const auto tombstone = store::object_name(format::ObjectKind::forgotten, head->last);
    CAIRN_TRY(const auto forgotten, view.repository.backend->size(tombstone));
    if (!forgotten) {
      observer.warning(fmt::format(
          "snapshot {}, the last that this client made here, is gone without having been "
          "forgotten: the storage was set back or exchanged, or somebody removed it. Told once; a "
          "new chain begins",
          head->last.short_hex()));
      return std::nullopt;
    }
  }
  return head;
}

/// After the storage has returned an error: true if the snapshot exists all the same.
bool came_to_be(const OpenRepository& repository, const format::Link& link,
                core::Hash256& link_hash) {
  const auto record = store::get_register(*repository.backend, *repository.keys, link.id);
  // Nobody else knows an id that was drawn for this run, or can sign a place in this chain.
  if (!record || record->link.type != format::RegisterType::snapshot ||
      record->link.chain != link.chain || record->link.sequence != link.sequence) {
    return false;
  }
  link_hash = record->link_hash;
  return true;
}

}  // namespace

core::Status publish_snapshot(CatalogueView view, const SnapshotId& id, const Snapshot& snapshot,
                              std::uint64_t& written_bytes, Observer& observer) {
  CAIRN_TRY(const auto lock,
            core::FileLock::acquire(view.catalogue_folder() + "/chain.lock", kLockWaitMs));
  std::vector<IdPrefix> seen;
  CAIRN_TRY(const auto previous, end_to_continue(view, seen, observer));

  format::Link link;
  link.id = id;
  link.signer = *view.repository.keys->bundle().certificate;
  ChainHead head;
  if (previous) {
    head = *previous;
    link.previous = head.last;
    link.previous_hash = head.last_hash;
  } else {
    view.repository.environment.random.fill(head.chain.mutable_view());
  }
  head.sequence += 1;
  link.chain = head.chain;
  link.sequence = head.sequence;

  CAIRN_TRY_STATUS(view.catalogue().put_note(kIntentNote, id.view()));
  AfterCommit after(observer, fmt::format("snapshot {} is stored", id.short_hex()));
  auto put = store::put_snapshot(*view.repository.backend, *view.repository.keys,
                                 view.repository.environment.random, link, snapshot, written_bytes);
  if (put) {
    head.last_hash = *put;
  } else if (!came_to_be(view, link, head.last_hash)) {
    return core::fail(std::move(put).error());
  } else {
    after(put);
  }
  head.last = id;
  if (after(note_head(view, head))) {
    seen.push_back(prefix_of(id));
    after(note_seen(view, seen));
  }
  return {};
}

core::Status acknowledge_lost_snapshots(const OpenRepository& repository, bool dry_run,
                                        Observer& observer) {
  CAIRN_TRY(const auto ids,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::snapshot));
  CAIRN_TRY(const auto forgotten,
            store::list_ids<SnapshotId>(*repository.backend, format::ObjectKind::forgotten));
  std::set<SnapshotId> explained(ids.begin(), ids.end());
  explained.insert(forgotten.begin(), forgotten.end());
  std::map<SnapshotId, core::Hash256> lost;  // with the hashes of their links
  for (const SnapshotId& id : ids) {
    const auto record = store::get_register(*repository.backend, *repository.keys, id);
    if (record && record->link.sequence > 1 && !explained.contains(record->link.previous)) {
      lost.emplace(record->link.previous, record->link.previous_hash);
    }
  }
  if (const auto view = catalogue_if_open(repository)) {
    CAIRN_TRY(const auto head, chain_head(*view));
    if (head && !explained.contains(head->last)) {
      lost.emplace(head->last, head->last_hash);
    }
  }
  for (const auto& [id, link_hash] : lost) {
    if (!dry_run) {
      format::Tombstone tombstone;
      tombstone.snapshot = id;
      tombstone.link_hash = link_hash;
      tombstone.when = repository.environment.clock.now();
      tombstone.reason = "it was lost";
      const auto put = store::put_tombstone(*repository.backend, *repository.keys,
                                            repository.environment.random, std::move(tombstone));
      if (!put && put.error().code() != core::ErrorCode::already_exists) {
        return core::fail(put.error());
      }
    }
    observer.warning(fmt::format("snapshot {} is gone without having been forgotten: {} it {} lost",
                                 id.short_hex(), dry_run ? "would note that" : "noted that",
                                 dry_run ? "is" : "was"));
  }
  return {};
}

}  // namespace cairn::repo::ops
