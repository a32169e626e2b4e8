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

/// No record of this group comes near: a bound for what a hostile storage may make us read.
constexpr std::uint64_t kTinyObjectBytesMax = 64 * 1024;
/// Fields, lengths and envelopes around the one large part of a record.
constexpr std::uint64_t kRecordOverheadBytes = 64 * 1024;

core::Error with_name(core::Error error, std::string_view action, const ObjectName& name) {
  return std::move(error).with_context(fmt::format("{} {}", action, object_path(name)));
}

tl::unexpected<core::Error> fail_corrupt(const ObjectName& name, std::string_view reason) {
  return core::fail(ErrorCode::corrupt, fmt::format("read {}: {}", object_path(name), reason));
}

core::Result<core::Bytes> fetch(Backend& backend, const ObjectName& name) {
  return backend.get(name, object_bytes_max(name.kind));
}

/// Fetches an object that is one frame, and hands its payload to `decode`.
template <class Decode>
auto get_frame(Backend& backend, const ObjectName& name, bool is_named_by_content, Decode decode)
    -> decltype(decode(core::ByteView())) {
  CAIRN_TRY(const core::Bytes object, fetch(backend, name));
  const auto frame = format::decode_frame(object, name.kind);
  if (!frame) {
    return core::fail(with_name(frame.error(), "read", name));
  }
  if (is_named_by_content && frame->digest != name.id) {
    return fail_corrupt(name, "it is another object than its name says");
  }
  auto value = decode(frame->payload);
  if (!value) {
    return core::fail(with_name(std::move(value).error(), "read", name));
  }
  return value;
}

/// As get_frame(), for an object that is written twice: `decode` gets the whole twin.
template <class Decode>
auto get_twin(Backend& backend, const ObjectName& name, Decode decode)
    -> decltype(decode(format::Twin())) {
  CAIRN_TRY(const core::Bytes object, fetch(backend, name));
  const auto twin = format::decode_twin(object, name.kind);
  if (!twin) {
    return core::fail(with_name(twin.error(), "read", name));
  }
  auto value = decode(*twin);
  if (!value) {
    return core::fail(with_name(std::move(value).error(), "read", name));
  }
  return value;
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

/// Puts one frame under the name that its own hash gives it.
core::Result<core::Hash256> put_frame_by_content(Backend& backend, ObjectKind kind,
                                                 core::ByteView payload,
                                                 std::uint64_t& written_bytes) {
  CAIRN_TRY_STATUS(check_frame_size(payload, kind));
  const core::Bytes object = format::encode_frame(kind, payload);
  const auto name = core::Hash256::from(core::ByteView(object).last(format::kFrameDigestBytes));
  CAIRN_TRY_STATUS(backend.put({.kind = kind, .id = name}, object));
  written_bytes += object.size();
  return name;
}

// --- Sealed records: padded, so that their size does not give the texts in them away ---

core::Bytes seal_padded(const KeyRing& keys, core::Random& random, Purpose purpose,
                        const core::Hash256& name, core::ByteView plaintext) {
  return seal_symmetric(keys, random, purpose, name, format::pad(plaintext));
}

template <class Decode>
auto open_padded(const KeyRing& keys, Purpose purpose, const core::Hash256& name,
                 core::ByteView envelope, Decode decode) -> decltype(decode(core::ByteView())) {
  CAIRN_TRY(const core::Bytes padded, open_symmetric(keys, purpose, name, envelope));
  CAIRN_TRY(const core::ByteView plaintext, format::unpad(padded));
  return decode(plaintext);
}

// --- Signatures ---

core::Status check_can_collect(const KeyRing& keys, std::string_view action) {
  if (!keys.can_collect()) {
    return core::fail(ErrorCode::not_permitted,
                      fmt::format("{}: a key of role {} may not take anything away", action,
                                  to_string(keys.role())),
                      "use a key of role maintain or admin");
  }
  return {};
}

core::Signature sign(const KeyRing& keys, core::ByteView message) {
  return core::sign(keys.bundle().sign_seed.view(), message);
}

core::Status check_signature(const KeyRing& keys, const format::Certificate& signer,
                             core::ByteView message, const core::Signature& signature) {
  if (!keys.is_certified(signer)) {
    return core::fail(ErrorCode::corrupt, "its signer was not certified by the repository's admin");
  }
  if (!core::verify_signature(signer.subject, message, signature)) {
    return core::fail(ErrorCode::corrupt, "its signature is wrong");
  }
  return {};
}

// --- The decision register ---

core::Hash256 hash_of(const format::Link& link) { return core::hash256(format::encode_link(link)); }

/// Signs `link` and puts it into its register. Returns the link's hash.
core::Result<core::Hash256> put_register(Backend& backend, const KeyRing& keys,
                                         core::Random& random, format::Link& link,
                                         core::Bytes sealed_manifest,
                                         std::uint64_t& written_bytes) {
  link.signature = sign(keys, format::link_message(keys.repository(), link));
  const ObjectName name = object_name(ObjectKind::snapshot, link.id);
  format::Register record;
  record.sealed_link = seal_padded(keys, random, Purpose::link, name.id, format::encode_link(link));
  record.sealed_manifest = std::move(sealed_manifest);
  const core::Bytes payload = format::encode_register(record);
  CAIRN_TRY_STATUS(check_frame_size(payload, ObjectKind::snapshot));
  const core::Bytes object = format::encode_twin(ObjectKind::snapshot, payload);
  CAIRN_TRY_STATUS(backend.put(name, object));
  written_bytes += object.size();
  return hash_of(link);
}

core::Status check_link(const KeyRing& keys, const SnapshotId& id, const format::Link& link,
                        core::ByteView sealed_manifest) {
  if (link.id != id) {
    return core::fail(ErrorCode::corrupt, "it belongs to another snapshot");
  }
  CAIRN_TRY_STATUS(check_signature(keys, link.signer, format::link_message(keys.repository(), link),
                                   link.signature));
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
  CAIRN_TRY(const core::ByteView plaintext, format::unpad(padded));
  return format::decode_snapshot(plaintext);
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
  return get_twin(backend, config_name(),
                  [](const format::Twin& twin) -> core::Result<Twinned<format::Config>> {
                    CAIRN_TRY(format::Config config, format::decode_config(twin.payload));
                    return Twinned<format::Config>{.value = config, .intact = twin.intact};
                  });
}

namespace {

core::Bytes key_slot_object(const format::KeySlot& slot) {
  return format::encode_twin(ObjectKind::key_slot, format::encode_key_slot(slot));
}

KeySlotId id_of_key_slot_object(core::ByteView object) {
  return KeySlotId::from(object.last(format::kFrameDigestBytes));
}

}  // namespace

KeySlotId key_slot_id(const format::KeySlot& slot) {
  return id_of_key_slot_object(key_slot_object(slot));
}

core::Result<KeySlotId> put_key_slot(Backend& backend, const format::KeySlot& slot) {
  const core::Bytes object = key_slot_object(slot);
  const KeySlotId id = id_of_key_slot_object(object);
  CAIRN_TRY_STATUS(backend.put(object_name(ObjectKind::key_slot, id), object));
  return id;
}

core::Result<Twinned<format::KeySlot>> get_key_slot(Backend& backend, const KeySlotId& id) {
  const ObjectName name = object_name(ObjectKind::key_slot, id);
  return get_twin(
      backend, name, [&name](const format::Twin& twin) -> core::Result<Twinned<format::KeySlot>> {
        if (twin.digest != name.id) {
          return core::fail(ErrorCode::corrupt, "it is another object than its name says");
        }
        CAIRN_TRY(format::KeySlot slot, format::decode_key_slot(twin.payload));
        return Twinned<format::KeySlot>{.value = std::move(slot), .intact = twin.intact};
      });
}

// --- Index segments ---

core::Result<IndexSegmentId> put_index_segment(Backend& backend, const KeyRing& keys,
                                               core::Random& random,
                                               const format::IndexSegment& segment,
                                               std::uint64_t& written_bytes) {
  CAIRN_TRY(const core::Bytes encoded, format::encode_index_segment(segment));
  const core::Bytes envelope =
      seal_symmetric(keys, random, Purpose::index, core::Hash256(), encoded);
  CAIRN_TRY(const core::Hash256 id,
            put_frame_by_content(backend, ObjectKind::index, envelope, written_bytes));
  return IndexSegmentId::from(id.view());
}

core::Result<format::IndexSegment> get_index_segment(Backend& backend, const KeyRing& keys,
                                                     const IndexSegmentId& id) {
  return get_frame(backend, object_name(ObjectKind::index, id), true,
                   [&keys](core::ByteView payload) -> core::Result<format::IndexSegment> {
                     CAIRN_TRY(const core::Bytes plaintext,
                               open_symmetric(keys, Purpose::index, core::Hash256(), payload));
                     return format::decode_index_segment(plaintext);
                   });
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
  const core::Bytes envelope = seal_padded(keys, random, Purpose::session, name.id, encoded);
  return backend.put(name, format::encode_frame(ObjectKind::session, envelope));
}

core::Result<format::Session> get_session(Backend& backend, const KeyRing& keys,
                                          const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::session, id);
  return get_frame(
      backend, name, false, [&](core::ByteView payload) -> core::Result<format::Session> {
        CAIRN_TRY(format::Session session,
                  open_padded(keys, Purpose::session, name.id, payload, format::decode_session));
        if (session_object_id(session.id, session.heartbeat) != id) {
          return core::fail(ErrorCode::corrupt, "it belongs to another session");
        }
        return session;
      });
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
  link.signer = *keys.bundle().certificate;
  link.manifest_hash = core::hash256(sealed_manifest);
  return put_register(backend, keys, random, link, std::move(sealed_manifest), written_bytes);
}

core::Status put_fence(Backend& backend, const KeyRing& keys, core::Random& random,
                       const SnapshotId& id) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "give up a session"));
  format::Link link;
  link.type = format::RegisterType::fence;
  link.id = id;
  link.signer = *keys.bundle().certificate;
  std::uint64_t written_bytes = 0;
  const auto put = put_register(backend, keys, random, link, {}, written_bytes);
  if (!put) {
    return core::fail(put.error());
  }
  return {};
}

core::Result<OpenedRegister> get_register(Backend& backend, const KeyRing& keys,
                                          const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::snapshot, id);
  return get_twin(backend, name, [&](const format::Twin& twin) -> core::Result<OpenedRegister> {
    CAIRN_TRY(const format::Register record, format::decode_register(twin.payload));
    OpenedRegister opened;
    opened.intact = twin.intact;
    CAIRN_TRY(opened.link,
              open_padded(keys, Purpose::link, name.id, record.sealed_link, format::decode_link));
    CAIRN_TRY_STATUS(check_link(keys, id, opened.link, record.sealed_manifest));
    opened.link_hash = hash_of(opened.link);
    if (opened.link.type == format::RegisterType::snapshot && keys.can_read_metadata()) {
      CAIRN_TRY(opened.snapshot, open_snapshot(keys, id, record.sealed_manifest));
    }
    return opened;
  });
}

// --- Tombstones and condemned records ---

core::Status put_tombstone(Backend& backend, const KeyRing& keys, core::Random& random,
                           format::Tombstone tombstone) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "forget a snapshot"));
  tombstone.signer = *keys.bundle().certificate;
  tombstone.signature = sign(keys, format::tombstone_message(keys.repository(), tombstone));
  const ObjectName name = object_name(ObjectKind::forgotten, tombstone.snapshot);
  CAIRN_TRY(const core::Bytes encoded, format::encode_tombstone(tombstone));
  const core::Bytes envelope = seal_padded(keys, random, Purpose::tombstone, name.id, encoded);
  return backend.put(name, format::encode_twin(ObjectKind::forgotten, envelope));
}

core::Result<Twinned<format::Tombstone>> get_tombstone(Backend& backend, const KeyRing& keys,
                                                       const SnapshotId& id) {
  const ObjectName name = object_name(ObjectKind::forgotten, id);
  return get_twin(
      backend, name, [&](const format::Twin& twin) -> core::Result<Twinned<format::Tombstone>> {
        CAIRN_TRY(format::Tombstone tombstone, open_padded(keys, Purpose::tombstone, name.id,
                                                           twin.payload, format::decode_tombstone));
        if (tombstone.snapshot != id) {
          return core::fail(ErrorCode::corrupt, "it belongs to another snapshot");
        }
        CAIRN_TRY_STATUS(check_signature(keys, tombstone.signer,
                                         format::tombstone_message(keys.repository(), tombstone),
                                         tombstone.signature));
        return Twinned<format::Tombstone>{.value = std::move(tombstone), .intact = twin.intact};
      });
}

core::Result<CondemnedId> put_condemned(Backend& backend, const KeyRing& keys, core::Random& random,
                                        format::Condemned condemned) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "condemn packs"));
  condemned.signer = *keys.bundle().certificate;
  condemned.signature = sign(keys, format::condemned_message(keys.repository(), condemned));
  CAIRN_TRY(const core::Bytes encoded, format::encode_condemned(condemned));
  const core::Bytes envelope =
      seal_symmetric(keys, random, Purpose::condemned, core::Hash256(), encoded);
  std::uint64_t written_bytes = 0;
  CAIRN_TRY(const core::Hash256 id,
            put_frame_by_content(backend, ObjectKind::condemned, envelope, written_bytes));
  return CondemnedId::from(id.view());
}

core::Result<format::Condemned> get_condemned(Backend& backend, const KeyRing& keys,
                                              const CondemnedId& id) {
  return get_frame(
      backend, object_name(ObjectKind::condemned, id), true,
      [&keys](core::ByteView payload) -> core::Result<format::Condemned> {
        CAIRN_TRY(const core::Bytes plaintext,
                  open_symmetric(keys, Purpose::condemned, core::Hash256(), payload));
        CAIRN_TRY(format::Condemned condemned, format::decode_condemned(plaintext));
        CAIRN_TRY_STATUS(check_signature(keys, condemned.signer,
                                         format::condemned_message(keys.repository(), condemned),
                                         condemned.signature));
        return condemned;
      });
}

// --- Marks ---

core::Result<MarkId> put_mark(Backend& backend, const KeyRing& keys, core::Random& random,
                              format::Mark mark) {
  CAIRN_TRY_STATUS(check_can_collect(keys, "mark a snapshot"));
  mark.signer = *keys.bundle().certificate;
  mark.signature = sign(keys, format::mark_message(keys.repository(), mark));
  CAIRN_TRY(const core::Bytes encoded, format::encode_mark(mark));
  const core::Bytes envelope = seal_padded(keys, random, Purpose::mark, core::Hash256(), encoded);
  std::uint64_t written_bytes = 0;
  CAIRN_TRY(const core::Hash256 id,
            put_frame_by_content(backend, ObjectKind::mark, envelope, written_bytes));
  return MarkId::from(id.view());
}

core::Result<format::Mark> get_mark(Backend& backend, const KeyRing& keys, const MarkId& id) {
  return get_frame(
      backend, object_name(ObjectKind::mark, id), true,
      [&keys](core::ByteView payload) -> core::Result<format::Mark> {
        CAIRN_TRY(format::Mark mark,
                  open_padded(keys, Purpose::mark, core::Hash256(), payload, format::decode_mark));
        CAIRN_TRY_STATUS(check_signature(
            keys, mark.signer, format::mark_message(keys.repository(), mark), mark.signature));
        return mark;
      });
}

// --- Settings ---

core::Result<SettingsId> put_settings(Backend& backend, const KeyRing& keys, core::Random& random,
                                      format::Settings settings) {
  if (keys.role() != Role::admin) {
    return core::fail(ErrorCode::not_permitted,
                      fmt::format("change the repository's settings: a key of role {} may not",
                                  to_string(keys.role())),
                      "use a key of role admin");
  }
  settings.signer = *keys.bundle().certificate;
  settings.signature = sign(keys, format::settings_message(keys.repository(), settings));
  const core::Bytes envelope = seal_padded(keys, random, Purpose::settings, core::Hash256(),
                                           format::encode_settings(settings));
  std::uint64_t written_bytes = 0;
  CAIRN_TRY(const core::Hash256 id,
            put_frame_by_content(backend, ObjectKind::settings, envelope, written_bytes));
  return SettingsId::from(id.view());
}

core::Result<format::Settings> get_settings(Backend& backend, const KeyRing& keys,
                                            const SettingsId& id) {
  return get_frame(
      backend, object_name(ObjectKind::settings, id), true,
      [&keys](core::ByteView payload) -> core::Result<format::Settings> {
        CAIRN_TRY(format::Settings settings, open_padded(keys, Purpose::settings, core::Hash256(),
                                                         payload, format::decode_settings));
        CAIRN_TRY_STATUS(check_signature(keys, settings.signer,
                                         format::settings_message(keys.repository(), settings),
                                         settings.signature));
        return settings;
      });
}

}  // namespace cairn::repo::store
