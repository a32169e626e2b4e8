#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "ops/snapshots/chain.h"
#include "ops/verify/verify_steps.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

using format::ObjectKind;
using store::ObjectName;

constexpr std::string_view kOneCopyDamaged =
    "one of its two copies is damaged; the other one is intact and in use";

core::Result<std::vector<core::Hash256>> list_ids(VerifyWork& work, ObjectKind kind) {
  const auto foreign = [&work, kind](std::string_view name) {
    work.findings.add(
        Finding::Severity::note, std::string(name),
        fmt::format("this name is not that of a {}; it is left alone", to_string(kind)));
  };
  return store::list_ids<core::Hash256>(*work.view.repository.backend, kind, foreign);
}

/// Reports what is wrong with an object, if anything.
template <class T>
core::Result<bool> is_fine(VerifyWork& work, const ObjectName& name, const core::Result<T>& read,
                           bool intact, std::string advice) {
  work.report.objects_checked += 1;
  if (!read) {
    const auto code = read.error().code();
    if (code == core::ErrorCode::not_found) {
      return false;  // removed by another process between listing and reading
    }
    if (code == core::ErrorCode::not_permitted) {
      return core::fail(read.error());
    }
    work.findings.failed_read(store::object_path(name), read.error(), std::move(advice));
    return false;
  }
  if (!intact) {
    work.findings.damage(name, std::string(kOneCopyDamaged), std::string(kRepairObjectsHelps));
  }
  return true;
}

core::Status check_config(VerifyWork& work) {
  const auto config = store::get_config(*work.view.repository.backend);
  if (!config && config.error().code() == core::ErrorCode::not_found) {
    work.findings.damage(store::config_name(), "it is missing; the key slots hold a copy",
                         std::string(kRepairObjectsHelps));
    return {};
  }
  CAIRN_TRY(const bool fine,
            is_fine(work, store::config_name(), config, !config || config->intact,
                    fmt::format("the key slots hold a copy: {}", kRepairObjectsHelps)));
  if (fine && config->value != work.view.repository.config) {
    work.findings.damage(store::config_name(), "it is not the one that the key slots vouch for",
                         std::string(kRepairObjectsHelps));
  }
  return {};
}

core::Status check_key_slots(VerifyWork& work) {
  CAIRN_TRY(const auto ids, list_ids(work, ObjectKind::key_slot));
  for (const auto& id : ids) {
    const auto slot =
        store::get_key_slot(*work.view.repository.backend, KeySlotId::from(id.view()));
    const ObjectName name{ObjectKind::key_slot, id};
    CAIRN_TRY(const bool fine,
              is_fine(work, name, slot, !slot || slot->intact,
                      fmt::format("if cairn repair objects cannot mend it, whoever holds this key "
                                  "needs a new one: cairn key add; then take this one off with: "
                                  "cairn key remove {}",
                                  id.hex())));
    if (fine && slot->value.repository_id != work.view.repository.config.repository_id) {
      work.findings.damage(name, "it belongs to another repository",
                           fmt::format("take it off with: cairn key remove {}", id.hex()));
    }
  }
  return {};
}

core::Status check_protocol_records(VerifyWork& work) {
  CAIRN_TRY(const auto sessions, list_ids(work, ObjectKind::session));
  for (const auto& id : sessions) {
    const auto session = store::get_session(
        *work.view.repository.backend, *work.view.repository.keys, SnapshotId::from(id.view()));
    CAIRN_TRY_STATUS(is_fine(work, {ObjectKind::session, id}, session, true,
                             fmt::format("it announces a backup, nothing refers to it: nothing "
                                         "is lost. {}",
                                         kRepairObjectsHelps)));
  }
  CAIRN_TRY(const auto condemned, list_ids(work, ObjectKind::condemned));
  for (const auto& id : condemned) {
    const auto record = store::get_condemned(
        *work.view.repository.backend, *work.view.repository.keys, CondemnedId::from(id.view()));
    CAIRN_TRY_STATUS(is_fine(work, {ObjectKind::condemned, id}, record, true,
                             "it tells which packs a prune was about to delete. Once no prune runs "
                             "on any machine, remove it by hand, then run: cairn verify"));
  }
  return {};
}

core::Status check_marks(VerifyWork& work) {
  CAIRN_TRY(const auto ids, list_ids(work, ObjectKind::mark));
  for (const auto& id : ids) {
    const auto mark = store::get_mark(*work.view.repository.backend, *work.view.repository.keys,
                                      MarkId::from(id.view()));
    CAIRN_TRY_STATUS(is_fine(work, {ObjectKind::mark, id}, mark, true,
                             "some snapshot has lost its changed tags, or its pin: set them again "
                             "with cairn tag and cairn snapshots pin; cairn repair objects removes "
                             "this object"));
  }
  return {};
}

core::Status check_settings(VerifyWork& work) {
  CAIRN_TRY(const auto ids, list_ids(work, ObjectKind::settings));
  for (const auto& id : ids) {
    const auto settings = store::get_settings(
        *work.view.repository.backend, *work.view.repository.keys, SettingsId::from(id.view()));
    CAIRN_TRY_STATUS(is_fine(work, {ObjectKind::settings, id}, settings, true,
                             "these settings do not count: look at those that do with cairn "
                             "config, set what is wanted; cairn repair objects removes this "
                             "object"));
  }
  return {};
}

/// Hashes of the forgotten snapshots' links, according to tombstones.
using Forgotten = std::map<SnapshotId, core::Hash256>;

core::Result<Forgotten> check_tombstones(VerifyWork& work) {
  Forgotten forgotten;
  CAIRN_TRY(const auto ids, list_ids(work, ObjectKind::forgotten));
  for (const auto& id : ids) {
    const auto snapshot = SnapshotId::from(id.view());
    const auto tombstone =
        store::get_tombstone(*work.view.repository.backend, *work.view.repository.keys, snapshot);
    CAIRN_TRY(const bool fine,
              is_fine(work, {ObjectKind::forgotten, id}, tombstone, !tombstone || tombstone->intact,
                      fmt::format("it does not count. cairn repair objects "
                                  "removes it; to forget the snapshot again: "
                                  "cairn forget {}",
                                  snapshot.hex())));
    if (fine) {
      forgotten.emplace(snapshot, tombstone->value.link_hash);
    }
  }
  return forgotten;
}

struct Registers {
  std::map<SnapshotId, store::OpenedRegister> readable;
  std::set<SnapshotId> damaged;
  Forgotten forgotten;

  [[nodiscard]] bool explains(const SnapshotId& id) const {
    return readable.contains(id) || damaged.contains(id) || forgotten.contains(id);
  }
};

ObjectName snapshot_name(const SnapshotId& id) {
  return store::object_name(ObjectKind::snapshot, id);
}

core::Status check_registers(VerifyWork& work, const std::vector<core::Hash256>& ids,
                             Registers& registers) {
  for (const auto& id : ids) {
    const auto snapshot = SnapshotId::from(id.view());
    auto record =
        store::get_register(*work.view.repository.backend, *work.view.repository.keys, snapshot);
    if (!record && record.error().code() == core::ErrorCode::corrupt &&
        registers.forgotten.contains(snapshot)) {
      work.report.objects_checked += 1;
      work.findings.add(Finding::Severity::note, store::object_path(snapshot_name(snapshot)),
                        "it is damaged, and was forgotten");
      continue;
    }
    CAIRN_TRY(const bool fine,
              is_fine(work, {ObjectKind::snapshot, id}, record, !record || record->intact,
                      fmt::format("this snapshot cannot be restored; others are not touched by "
                                  "it. cairn repair objects removes stray copies; to end it "
                                  "otherwise: cairn forget {}",
                                  snapshot.hex())));
    if (fine) {
      registers.readable.emplace(snapshot, std::move(*record));
    } else {
      const auto finding_exists = !record && record.error().code() != core::ErrorCode::not_found;
      if (finding_exists) {
        registers.damaged.insert(snapshot);
      }
    }
  }
  return {};
}

/// True unless the tombstone of the link's predecessor was written for another link. If the
/// snapshot could not be read when it was forgotten, the tombstone has no hash.
bool is_ended_by_tombstone(const Registers& registers, const format::Link& link) {
  const auto found = registers.forgotten.find(link.previous);
  return found == registers.forgotten.end() || found->second == link.previous_hash ||
         found->second == core::Hash256();
}

std::string lost_snapshot_advice(const SnapshotId& id) {
  return fmt::format(
      "somebody removed it from the storage, or set the storage back: bring it back from a copy of "
      "the repository; to do without it: cairn repair snapshots, which notes that it was lost, or "
      "cairn forget {}",
      id.hex());
}

/// A snapshot that was not listed may have been published since, or forgotten and removed.
core::Result<bool> has_appeared(VerifyWork& work, const SnapshotId& id) {
  for (const ObjectKind kind : {ObjectKind::snapshot, ObjectKind::forgotten}) {
    CAIRN_TRY(const auto size, work.view.repository.backend->size(store::object_name(kind, id)));
    if (size) {
      return true;
    }
  }
  return false;
}

/// Checks what a link says about the one before it.
core::Status check_previous(VerifyWork& work, const Registers& registers,
                            const format::Link& link) {
  if (link.sequence == 1) {
    return {};
  }
  const auto previous = registers.readable.find(link.previous);
  if (previous != registers.readable.end()) {
    if (previous->second.link_hash != link.previous_hash ||
        previous->second.link.sequence + 1 != link.sequence) {
      work.findings.damage(snapshot_name(link.id),
                           fmt::format("its record of the snapshot before it ({}) does not agree "
                                       "with that snapshot",
                                       link.previous.short_hex()));
    }
  } else if (!registers.explains(link.previous)) {
    CAIRN_TRY(const bool appeared, has_appeared(work, link.previous));
    if (!appeared) {
      work.findings.damage(snapshot_name(link.previous),
                           fmt::format("it is gone without having been forgotten: snapshot {} "
                                       "of the same client refers to it",
                                       link.id.short_hex()),
                           lost_snapshot_advice(link.previous));
    }
  } else if (!is_ended_by_tombstone(registers, link)) {
    work.findings.damage(
        store::object_name(ObjectKind::forgotten, link.previous),
        fmt::format("it was written for another snapshot than the one that snapshot {} of the "
                    "same client refers to",
                    link.id.short_hex()));
  }
  return {};
}

/// Checks one chain: it must be numbered without a gap, each link with the hash of the one before.
/// Two links with one number are no damage: both were signed by somebody who may, and both
/// snapshots can be restored. Two clients make them that use copies of one cache at the same
/// moment.
core::Status check_chain(
    VerifyWork& work, const Registers& registers,
    const std::map<std::uint64_t, std::vector<const store::OpenedRegister*>>& chain) {
  for (const auto& [sequence, links] : chain) {
    for (std::size_t i = 1; i < links.size(); ++i) {
      work.findings.add(
          Finding::Severity::note, store::object_path(snapshot_name(links[i]->link.id)),
          fmt::format("it has the same number ({}) in its client's chain as snapshot {}: the "
                      "history was forked",
                      sequence, links.front()->link.id.short_hex()),
          "a client's cache folder was copied or set back; both snapshots are good");
    }
    for (const store::OpenedRegister* const record : links) {
      CAIRN_TRY_STATUS(check_previous(work, registers, record->link));
    }
  }
  return {};
}

core::Status check_chains(VerifyWork& work, const Registers& registers) {
  std::map<ChainId, std::map<std::uint64_t, std::vector<const store::OpenedRegister*>>> chains;
  for (const auto& [id, record] : registers.readable) {
    if (record.link.type == format::RegisterType::snapshot) {
      chains[record.link.chain][record.link.sequence].push_back(&record);
    }
  }
  for (const auto& [id, chain] : chains) {
    CAIRN_TRY_STATUS(check_chain(work, registers, chain));
  }
  // Nobody but this client, which remembers its own, can miss what came after the newest link.
  CAIRN_TRY(const auto head, chain_head(work.view));
  if (!head || registers.explains(head->last)) {
    return {};
  }
  CAIRN_TRY(const bool appeared, has_appeared(work, head->last));
  if (!appeared) {
    work.findings.damage(snapshot_name(head->last),
                         "it is gone without having been forgotten: this client made it last",
                         lost_snapshot_advice(head->last));
  }
  return {};
}

core::Result<std::vector<CheckedSnapshot>> select(VerifyWork& work, Registers& registers) {
  std::vector<CheckedSnapshot> selected;
  const auto& wanted = work.options.snapshots;
  for (const SnapshotId& id : wanted) {
    if (!registers.explains(id)) {
      return core::fail(core::ErrorCode::not_found,
                        fmt::format("there is no snapshot {}", id.hex()));
    }
  }
  for (auto& [id, record] : registers.readable) {
    const bool is_wanted = wanted.empty() || std::ranges::find(wanted, id) != wanted.end();
    const bool is_forgotten = registers.forgotten.contains(id);
    if (is_forgotten && !wanted.empty() && is_wanted) {
      return core::fail(core::ErrorCode::not_found,
                        fmt::format("snapshot {} was forgotten", id.hex()));
    }
    if (is_wanted && record.snapshot && !is_forgotten) {
      selected.push_back({id, std::move(*record.snapshot)});
    }
  }
  std::ranges::sort(selected, {}, [](const CheckedSnapshot& s) { return s.snapshot.start; });
  return selected;
}

}  // namespace

core::Result<std::vector<CheckedSnapshot>> verify_objects(VerifyWork& work) {
  CAIRN_TRY_STATUS(check_config(work));
  CAIRN_TRY_STATUS(check_key_slots(work));
  CAIRN_TRY_STATUS(check_protocol_records(work));
  CAIRN_TRY_STATUS(check_marks(work));
  CAIRN_TRY_STATUS(check_settings(work));
  // A tombstone exists before its register is removed.
  CAIRN_TRY(const auto ids, list_ids(work, ObjectKind::snapshot));
  Registers registers;
  CAIRN_TRY(registers.forgotten, check_tombstones(work));
  CAIRN_TRY_STATUS(check_registers(work, ids, registers));
  CAIRN_TRY_STATUS(check_chains(work, registers));
  return select(work, registers);
}

}  // namespace cairn::repo::ops
