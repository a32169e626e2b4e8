#pragma once

#include <optional>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "format/config.h"
#include "format/index.h"
#include "format/mark.h"
#include "format/register.h"
#include "format/session.h"
#include "format/settings.h"
#include "store/backend/backend.h"
#include "store/objects/key_ring.h"
#include "store/objects/seal.h"

/// Small objects as values: fetched, checked, opened and decoded in one step; encoded, sealed and
/// put in one step. Errors name the object. Thread-safe.
///
/// Errors of get_...: not_found, corrupt (damaged, forged, or not what its name says),
/// unsupported_version, limit_exceeded (larger than any such object), io. Errors of put_...:
/// already_exists, limit_exceeded (the value is too large for one object), not_permitted (the role
/// may not sign it), no_space, io.
namespace cairn::repo::store {

/// Larger than every object but a pack.
inline constexpr std::uint64_t kSmallObjectBytesMax = 2 * (format::kFramePayloadBytesMax + 64);
/// The largest object of a kind that the get_... functions fetch.
[[nodiscard]] std::uint64_t object_bytes_max(format::ObjectKind kind) noexcept;

/// A value read from an object that is written twice.
template <class T>
struct Twinned {
  T value;
  bool intact = true;  ///< false: one of the two copies is damaged
};

core::Status put_config(Backend& backend, const format::Config& config);
[[nodiscard]] core::Result<Twinned<format::Config>> get_config(Backend& backend);

/// The id of a slot: equal bytes have equal ids.
[[nodiscard]] KeySlotId key_slot_id(const format::KeySlot& slot);
[[nodiscard]] core::Result<KeySlotId> put_key_slot(Backend& backend, const format::KeySlot& slot);
[[nodiscard]] core::Result<Twinned<format::KeySlot>> get_key_slot(Backend& backend,
                                                                  const KeySlotId& id);

/// `written_bytes` grows by the object's size.
[[nodiscard]] core::Result<IndexSegmentId> put_index_segment(Backend& backend, const KeyRing& keys,
                                                             core::Random& random,
                                                             const format::IndexSegment& segment,
                                                             std::uint64_t& written_bytes);
[[nodiscard]] core::Result<format::IndexSegment> get_index_segment(Backend& backend,
                                                                   const KeyRing& keys,
                                                                   const IndexSegmentId& id);

/// A session is announced under its own id. Objects never change, so every later heartbeat is an
/// object of its own, with a name that follows from the session's id and the heartbeat's number.
[[nodiscard]] SnapshotId session_object_id(const SnapshotId& session, std::uint64_t heartbeat);
core::Status put_session(Backend& backend, const KeyRing& keys, core::Random& random,
                         const format::Session& session);
/// `id` is the object's, as listed; the id in the value is the session's.
[[nodiscard]] core::Result<format::Session> get_session(Backend& backend, const KeyRing& keys,
                                                        const SnapshotId& id);

/// A register, opened as far as the keys allow.
struct OpenedRegister {
  format::Link link;
  core::Hash256 link_hash;           ///< of its encoding: what the next link refers to
  std::optional<Snapshot> snapshot;  ///< nullopt: a fence, or no metadata key
  bool intact = true;
};
/// Signs and seals. `link` gets type, signer, manifest_hash and signature; already_exists if the
/// register is taken. Requires keys.can_write(). Returns the link's hash.
[[nodiscard]] core::Result<core::Hash256> put_snapshot(Backend& backend, const KeyRing& keys,
                                                       core::Random& random, format::Link link,
                                                       const Snapshot& snapshot,
                                                       std::uint64_t& written_bytes);
/// Gives a session up: it can no longer become a snapshot. already_exists if it has one, or a
/// fence. not_permitted unless keys.can_collect().
core::Status put_fence(Backend& backend, const KeyRing& keys, core::Random& random,
                       const SnapshotId& id);
/// Opens and checks everything: frame, name, certificate, signature, manifest hash.
[[nodiscard]] core::Result<OpenedRegister> get_register(Backend& backend, const KeyRing& keys,
                                                        const SnapshotId& id);

/// Signs and seals: `tombstone` gets signer and signature. not_permitted unless keys.can_collect().
core::Status put_tombstone(Backend& backend, const KeyRing& keys, core::Random& random,
                           format::Tombstone tombstone);
[[nodiscard]] core::Result<Twinned<format::Tombstone>> get_tombstone(Backend& backend,
                                                                     const KeyRing& keys,
                                                                     const SnapshotId& id);

/// Signs and seals, as put_tombstone().
[[nodiscard]] core::Result<CondemnedId> put_condemned(Backend& backend, const KeyRing& keys,
                                                      core::Random& random,
                                                      format::Condemned condemned);
[[nodiscard]] core::Result<format::Condemned> get_condemned(Backend& backend, const KeyRing& keys,
                                                            const CondemnedId& id);

/// Signs and seals, as put_tombstone().
[[nodiscard]] core::Result<MarkId> put_mark(Backend& backend, const KeyRing& keys,
                                            core::Random& random, format::Mark mark);
[[nodiscard]] core::Result<format::Mark> get_mark(Backend& backend, const KeyRing& keys,
                                                  const MarkId& id);

/// Signs and seals: `settings` gets signer and signature. not_permitted unless the role is admin.
[[nodiscard]] core::Result<SettingsId> put_settings(Backend& backend, const KeyRing& keys,
                                                    core::Random& random,
                                                    format::Settings settings);
[[nodiscard]] core::Result<format::Settings> get_settings(Backend& backend, const KeyRing& keys,
                                                          const SettingsId& id);

}  // namespace cairn::repo::store
