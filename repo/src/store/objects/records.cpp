#include "store/objects/records.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <string_view>

#include "cairn/core/codec.h"
#include "format/fields.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using format::ObjectKind;

/// No record of this group comes near this bound on what a hostile storage can make us read.
constexpr std::uint64_t kTinyObjectBytesMax = 64 * 1024;
/// Fields, lengths and envelopes around the one large part of a record.
constexpr std::uint64_t kRecordOverheadBytes = 64 * 1024;

/// The id of an object of these kinds is the hash of its (first) frame; for the others it is chosen
/// before the content.
bool is_named_by_content(ObjectKind kind) noexcept {
  return kind == ObjectKind::key_slot || kind == ObjectKind::index ||
         kind == ObjectKind::condemned || kind == ObjectKind::mark || kind == ObjectKind::settings;
}

template <class Id>
Id id_by_content(core::ByteView object) {
  return Id::from(object.last(format::kFrameDigestBytes));
}

using Unwrap = core::Result<format::Frame> (&)(core::ByteView, ObjectKind);

/// Fetches an object, takes its payload out of the frame (decode_frame(), or decode_twin() for
/// those that are written twice), and passes it to `decode`.
template <class Decode>
auto get_object(Backend& backend, const ObjectName& name, Unwrap unwrap, Decode decode)
    -> core::Result<Twinned<typename decltype(decode(core::ByteView()))::value_type>> {
  const auto context = [&name] { return fmt::format("read {}", object_path(name)); };
  CAIRN_TRY(const core::Bytes object, backend.get(name, object_bytes_max(name.kind)));
  CAIRN_TRY_CONTEXT(const format::Frame frame, context(), unwrap(object, name.kind));
  if (is_named_by_content(name.kind) && frame.digest != name.id) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{}: it is another object than its name says", context()));
  }
  CAIRN_TRY_CONTEXT(auto value, context(), decode(frame.payload));
  return Twinned<decltype(value)>{.value = std::move(value), .intact = frame.intact};
}

core::Status check_frame_size(core::ByteView payload, ObjectKind kind) {
  if (payload.size() > format::kFramePayloadBytesMax) {
    return core::fail(
        ErrorCode::limit_exceeded,
        fmt::format("write a {}: {} bytes are too many for one object (at most {})",
                    format::to_string(kind), payload.size(), format::kFramePayloadBytesMax));
  }
  return {};
}

/// Puts one frame under the name that follows from its hash.
template <class Id>
core::Result<Id> put_frame_by_content(Backend& backend, ObjectKind kind, core::ByteView payload,
                                      std::uint64_t& written_bytes) {
  CAIRN_TRY_STATUS(check_frame_size(payload, kind));
  const core::Bytes object = format::encode_frame(kind, payload);
  const Id id = id_by_content<Id>(object);
  CAIRN_TRY_STATUS(backend.put(object_name(kind, id), object));
  written_bytes += object.size();
  return id;
}

template <class Decode>
auto open_padded(core::ByteView padded, Decode decode) -> decltype(decode(core::ByteView())) {
  CAIRN_TRY(const core::ByteView plaintext, format::unpad(padded));
  return decode(plaintext);
}

// --- Signed records ---

template <auto encode, class T>
core::Result<core::Bytes> never_fails(const T& record) {
  return encode(record);
}

/// What distinguishes one kind of signed records from the others.
template <class T>
struct SignedKind {
  ObjectKind kind;
  Purpose purpose;
  bool is_padded;  ///< so that its size does not reveal the length of its texts
  core::Bytes (*message)(const RepositoryId&, const T&);
  core::Result<core::Bytes> (*encode)(const T&);
  core::Result<T> (*decode)(core::ByteView);
};
constexpr SignedKind<format::Link> kLinks = {ObjectKind::snapshot,
                                             Purpose::link,
                                             true,
                                             format::link_message,
                                             never_fails<format::encode_link>,
                                             format::decode_link};
constexpr SignedKind<format::Tombstone> kTombstones = {
    ObjectKind::forgotten,     Purpose::tombstone,       true,
    format::tombstone_message, format::encode_tombstone, format::decode_tombstone};
constexpr SignedKind<format::Condemned> kCondemned = {
    ObjectKind::condemned,     Purpose::condemned,       false,
    format::condemned_message, format::encode_condemned, format::decode_condemned};
constexpr SignedKind<format::Mark> kMarks = {
    ObjectKind::mark,     Purpose::mark,       true,
    format::mark_message, format::encode_mark, format::decode_mark};
constexpr SignedKind<format::Settings> kSettings = {ObjectKind::settings,
                                                    Purpose::settings,
                                                    true,
                                                    format::settings_message,
                                                    never_fails<format::encode_settings>,
                                                    format::decode_settings};

core::Status check_can_collect(const KeyRing& keys, std::string_view action) {
  if (!keys.can_collect()) {
    return core::fail(ErrorCode::not_permitted,
                      fmt::format("{}: a key of role {} may not take anything away", action,
                                  to_string(keys.role())),
                      "use a key of role maintain or admin");
  }
  return {};
}

/// Signs and seals `record`. `name`: the object's id if it is chosen before the content, else zero.
template <class T>
core::Result<core::Bytes> seal_signed(const SignedKind<T>& kind, const KeyRing& keys,
                                      core::Random& random, const core::Hash256& name, T& record) {
  record.signer = *keys.bundle().certificate;
  record.signature =
      core::sign(keys.bundle().sign_seed.view(), kind.message(keys.repository(), record));
  CAIRN_TRY(core::Bytes plaintext, kind.encode(record));
  if (kind.is_padded) {
    plaintext = format::pad(plaintext);
  }
  return seal_symmetric(keys, random, kind.purpose, name, plaintext);
}

/// Opens what seal_signed() made, and checks its signer.
template <class T>
core::Result<T> open_signed(const SignedKind<T>& kind, const KeyRing& keys,
                            const core::Hash256& name, core::ByteView envelope) {
  CAIRN_TRY(const core::Bytes plaintext, open_symmetric(keys, kind.purpose, name, envelope));
  CAIRN_TRY(T record,
            kind.is_padded ? open_padded(plaintext, kind.decode) : kind.decode(plaintext));
  if (!keys.is_certified(record.signer)) {
    return core::fail(ErrorCode::corrupt, "its signer was not certified by the repository's admin");
  }
  if (!core::verify_signature(record.signer.subject, kind.message(keys.repository(), record),
                              record.signature)) {
    return core::fail(ErrorCode::corrupt, "its signature is wrong");
  }
  return record;
}

/// For the kinds that are named by their content.
template <class Id, class T>
core::Result<Id> put_signed(const SignedKind<T>& kind, Backend& backend, const KeyRing& keys,
                            core::Random& random, T& record) {
  CAIRN_TRY(const core::Bytes envelope, seal_signed(kind, keys, random, core::Hash256(), record));
  std::uint64_t written_bytes = 0;
  return put_frame_by_content<Id>(backend, kind.kind, envelope, written_bytes);
}

template <class Id, class T>
core::Result<T> get_signed(const SignedKind<T>& kind, Backend& backend, const KeyRing& keys,
                           const Id& id) {
  CAIRN_TRY(auto got, get_object(backend, object_name(kind.kind, id), format::decode_frame,
                                 [&](core::ByteView envelope) {
                                   return open_signed(kind, keys, core::Hash256(), envelope);
                                 }));
  return std::move(got.value);
}

// --- The decision register ---

core::Hash256 hash_of(const format::Link& link) { return core::hash256(format::encode_link(link)); }

/// Signs `link` and puts it into its register. Returns the link's hash.
core::Result<core::Hash256> put_register(Backend& backend, const KeyRing& keys,
                                         core::Random& random, format::Link& link,
                                         core::Bytes sealed_manifest,
                                         std::uint64_t& written_bytes) {
  const ObjectName name = object_name(ObjectKind::snapshot, link.id);
  format::Register record;
  CAIRN_TRY(record.sealed_link, seal_signed(kLinks, keys, random, name.id, link));
  record.sealed_manifest = std::move(sealed_manifest);
  const core::Bytes payload = format::encode_register(record);
  CAIRN_TRY_STATUS(check_frame_size(payload, ObjectKind::snapshot));
  const core::Bytes object = format::encode_twin(ObjectKind::snapshot, payload);
  CAIRN_TRY_STATUS(backend.put(name, object));
  written_bytes += object.size();
  return hash_of(link);
}

core::Status check_link(const SnapshotId& id, const format::Link& link,
                        core::ByteView sealed_manifest) {
  if (link.id != id) {
    return core::fail(ErrorCode::corrupt, "it belongs to another snapshot");
  }
  const bool is_fence = link.type == format::RegisterType::fence;
  if (is_fence != sealed_manifest.empty() ||
      (!is_fence && core::hash256(sealed_manifest) != link.manifest_hash)) {
    return core::fail(ErrorCode::corrupt, "its manifest is not the one that was signed");
  }
  return {};
}

core::Result<Snapshot> open_snapshot(const KeyRing& keys, const SnapshotId& id,
                                     core::ByteView sealed_manifest) {
  CAIRN_TRY(const core::Bytes padded, open_manifest(keys, id, sealed_manifest));
  return open_padded(padded, format::decode_snapshot);
}

}  // namespace

std::uint64_t object_bytes_max(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::config:
    case ObjectKind::session:
    case ObjectKind::forgotten:
    case ObjectKind::settings:
      return kTinyObjectBytesMax;
    case ObjectKind::key_slot:
      return 2 * (format::kSealedLabelBytesMax + format::kKeyBundleBytesMax + kRecordOverheadBytes);
    case ObjectKind::snapshot:
      return 2 *
             (format::kSealedLinkBytesMax + format::kSealedManifestBytesMax + kRecordOverheadBytes);
    case ObjectKind::mark:
      return kTagsMax * kTextBytesMax + kRecordOverheadBytes;
    case ObjectKind::condemned:
      return format::kCondemnedPacksMax * PackId::kSize + kRecordOverheadBytes;
    case ObjectKind::index:
      return format::kFramePayloadBytesMax + format::kFrameOverheadBytes;
    case ObjectKind::pack:
      return format::kPackBytesMax;
  }
  return kSmallObjectBytesMax;
}

// --- Config and key slots ---

core::Status put_config(Backend& backend, const format::Config& config) {
  return backend.put(config_name(),
                     format::encode_twin(ObjectKind::config, format::encode_config(config)));
}

core::Result<Twinned<format::Config>> get_config(Backend& backend) {
  return get_object(backend, config_name(), format::decode_twin, format::decode_config);
}

namespace {

core::Bytes key_slot_object(const format::KeySlot& slot) {
  return format::encode_twin(ObjectKind::key_slot, format::encode_key_slot(slot));
}

}  // namespace

KeySlotId key_slot_id(const format::KeySlot& slot) {
  return id_by_content<KeySlotId>(key_slot_object(slot));
}

core::Result<KeySlotId> put_key_slot(Backend& backend, const format::KeySlot& slot) {
  const core::Bytes object = key_slot_object(slot);
  const auto id = id_by_content<KeySlotId>(object);
  CAIRN_TRY_STATUS(backend.put(object_name(ObjectKind::key_slot, id), object));
  return id;
}

core::Result<Twinned<format::KeySlot>> get_key_slot(Backend& backend, const KeySlotId& id) {
  return get_object(backend, object_name(ObjectKind::key_slot, id), format::decode_twin,
                    format::decode_key_slot);
}

// --- Index segments ---

core::Result<IndexSegmentId> put_index_segment(Backend& backend, const KeyRing& keys,
                                               core::Random& random,
                                               const format::IndexSegment& segment,
                                               std::uint64_t& written_bytes) {
  CAIRN_TRY(const core::Bytes encoded, format::encode_index_segment(segment));
  const core::Bytes envelope =
      seal_symmetric(keys, random, Purpose::index, core::Hash256(), encoded);
  return put_frame_by_content<IndexSegmentId>(backend, ObjectKind::index, envelope, written_bytes);
}

core::Result<format::IndexSegment> get_index_segment(Backend& backend, const KeyRing& keys,
                                                     const IndexSegmentId& id) {
  const auto open = [&keys](core::ByteView envelope) -> core::Result<format::IndexSegment> {
    CAIRN_TRY(const core::Bytes plaintext,
              open_symmetric(keys, Purpose::index, core::Hash256(), envelope));
    return format::decode_index_segment(plaintext);
  };
  CAIRN_TRY(auto got,
            get_object(backend, object_name(ObjectKind::index, id), format::decode_frame, open));
  return std::move(got.value);
}

// --- Sessions ---

SnapshotId session_object_id(const SnapshotId& session, std::uint64_t heartbeat) {
  if (heartbeat == 0) {
    return session;
  }
  core::Encoder name;
  name.raw(core::as_view("cairn heartbeat v1"));
  format::encode_id(name, session);
  name.u64(heartbeat);
  return SnapshotId::from(core::hash256(name.view()).view());
}

core::Status put_session(Backend& backend, const KeyRing& keys, core::Random& random,
                         const format::Session& session) {
  const ObjectName name =
      object_name(ObjectKind::session, session_object_id(session.id, session.heartbeat));
  CAIRN_TRY(const core::Bytes encoded, format::encode_session(session));
  const core::Bytes envelope =
      seal_symmetric(keys, random, Purpose::session, name.id, format::pad(encoded));
  return backend.put(name, format::encode_frame(ObjectKind::session, envelope));
}

core::Result<format::Session> get_session(Backend& backend, const KeyRing& keys,
                                          const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::session, id);
  const auto open = [&](core::ByteView envelope) -> core::Result<format::Session> {
    CAIRN_TRY(const core::Bytes padded, open_symmetric(keys, Purpose::session, name.id, envelope));
    CAIRN_TRY(format::Session session, open_padded(padded, format::decode_session));
    if (session_object_id(session.id, session.heartbeat) != id) {
      return core::fail(ErrorCode::corrupt, "it belongs to another session");
    }
    return session;
  };
  CAIRN_TRY(auto got, get_object(backend, name, format::decode_frame, open));
  return std::move(got.value);
}

// --- Snapshots and fences ---

core::Result<core::Hash256> put_snapshot(Backend& backend, const KeyRing& keys,
                                         core::Random& random, format::Link link,
                                         const Snapshot& snapshot, std::uint64_t& written_bytes) {
  Expects(keys.can_write());
  CAIRN_TRY(const core::Bytes manifest, format::encode_snapshot(snapshot));
  if (manifest.size() > format::kManifestBytesMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("write a snapshot: its description takes {} bytes, at most {} "
                                  "fit into a snapshot",
                                  manifest.size(), format::kManifestBytesMax),
                      "back up fewer or shorter paths at a time");
  }
  CAIRN_TRY(core::Bytes sealed_manifest,
            seal_manifest(keys, random, link.id, format::pad(manifest)));
  link.type = format::RegisterType::snapshot;
  link.manifest_hash = core::hash256(sealed_manifest);
  return put_register(backend, keys, random, link, std::move(sealed_manifest), written_bytes);
}

core::Status put_fence(Backend& backend, const KeyRing& keys, core::Random& random,
                       const SnapshotId& id) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "give up a session"));
  format::Link link;
  link.type = format::RegisterType::fence;
  link.id = id;
  std::uint64_t written_bytes = 0;
  CAIRN_TRY_STATUS(put_register(backend, keys, random, link, {}, written_bytes));
  return {};
}

core::Result<OpenedRegister> get_register(Backend& backend, const KeyRing& keys,
                                          const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::snapshot, id);
  const auto open = [&](core::ByteView payload) -> core::Result<OpenedRegister> {
    CAIRN_TRY(const format::Register record, format::decode_register(payload));
    OpenedRegister opened;
    CAIRN_TRY(opened.link, open_signed(kLinks, keys, name.id, record.sealed_link));
    CAIRN_TRY_STATUS(check_link(id, opened.link, record.sealed_manifest));
    opened.link_hash = hash_of(opened.link);
    if (opened.link.type == format::RegisterType::snapshot && keys.can_read_metadata()) {
      CAIRN_TRY(opened.snapshot, open_snapshot(keys, id, record.sealed_manifest));
    }
    return opened;
  };
  CAIRN_TRY(auto got, get_object(backend, name, format::decode_twin, open));
  got.value.intact = got.intact;
  return std::move(got.value);
}

// --- What is said about snapshots and packs ---

core::Status put_tombstone(Backend& backend, const KeyRing& keys, core::Random& random,
                           format::Tombstone tombstone) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "forget a snapshot"));
  const ObjectName name = object_name(ObjectKind::forgotten, tombstone.snapshot);
  CAIRN_TRY(const core::Bytes envelope, seal_signed(kTombstones, keys, random, name.id, tombstone));
  return backend.put(name, format::encode_twin(ObjectKind::forgotten, envelope));
}

core::Result<Twinned<format::Tombstone>> get_tombstone(Backend& backend, const KeyRing& keys,
                                                       const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::forgotten, id);
  const auto open = [&](core::ByteView envelope) -> core::Result<format::Tombstone> {
    CAIRN_TRY(format::Tombstone tombstone, open_signed(kTombstones, keys, name.id, envelope));
    if (tombstone.snapshot != id) {
      return core::fail(ErrorCode::corrupt, "it belongs to another snapshot");
    }
    return tombstone;
  };
  return get_object(backend, name, format::decode_twin, open);
}

core::Result<CondemnedId> put_condemned(Backend& backend, const KeyRing& keys, core::Random& random,
                                        format::Condemned condemned) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "condemn packs"));
  return put_signed<CondemnedId>(kCondemned, backend, keys, random, condemned);
}

core::Result<format::Condemned> get_condemned(Backend& backend, const KeyRing& keys,
                                              const CondemnedId& id) {
  return get_signed(kCondemned, backend, keys, id);
}

core::Result<MarkId> put_mark(Backend& backend, const KeyRing& keys, core::Random& random,
                              format::Mark mark) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "mark a snapshot"));
  return put_signed<MarkId>(kMarks, backend, keys, random, mark);
}

core::Result<format::Mark> get_mark(Backend& backend, const KeyRing& keys, const MarkId& id) {
  return get_signed(kMarks, backend, keys, id);
}

core::Result<SettingsId> put_settings(Backend& backend, const KeyRing& keys, core::Random& random,
                                      format::Settings settings) {
  if (keys.role() != Role::admin) {
    return core::fail(ErrorCode::not_permitted,
                      fmt::format("change the repository's settings: a key of role {} may not",
                                  to_string(keys.role())),
                      "use a key of role admin");
  }
  return put_signed<SettingsId>(kSettings, backend, keys, random, settings);
}

core::Result<format::Settings> get_settings(Backend& backend, const KeyRing& keys,
                                            const SettingsId& id) {
  return get_signed(kSettings, backend, keys, id);
}

}  // namespace cairn::repo::store
