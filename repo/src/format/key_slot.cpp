#include "format/key_slot.h"

#include <gsl/assert>

#include "cairn/repo/snapshot.h"
#include "format/fields.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kSealedLabelBytesMin = kSymmetricEnvelopeHeaderBytes + core::kAeadTagBytes;
constexpr std::size_t kSealedBundleBytesMax = kKeyBundleBytesMax + core::kAeadTagBytes;

bool is_known(SlotType type) noexcept {
  switch (type) {
    case SlotType::key_file:
    case SlotType::passphrase:
      return true;
  }
  return false;
}

bool within_bounds(const core::KdfParameters& kdf) noexcept {
  return kdf.passes >= 1 && kdf.passes <= core::kKdfPassesMax &&
         kdf.memory_kib >= core::kKdfMemoryKibMin && kdf.memory_kib <= core::kKdfMemoryKibMax;
}

bool is_zero(const core::KdfParameters& kdf) noexcept {
  return kdf.passes == 0 && kdf.memory_kib == 0;
}

std::string_view defect_of(const KeySlot& slot) noexcept {
  if (!is_known(slot.type)) {
    return "unknown type";
  }
  if (slot.type == SlotType::key_file && !is_zero(slot.kdf)) {
    return "a key file is not stretched";
  }
  if (slot.sealed_label.size() < kSealedLabelBytesMin) {
    return "the label is shorter than an empty envelope";
  }
  if (slot.sealed_bundle.size() <= core::kAeadTagBytes) {
    return "the key bundle is shorter than its tag";
  }
  return {};
}

void check_encodable(const KeySlot& slot) {
  Expects(slot.type != SlotType::passphrase || within_bounds(slot.kdf));
  Expects(slot.sealed_label.size() <= kSealedLabelBytesMax);
}

}  // namespace

core::Result<core::Bytes> encode_slot_label(const SlotLabel& label) {
  Expects(format::is_known(label.role));
  const bool fits = label.name.size() <= kTextBytesMax && label.host.size() <= kTextBytesMax &&
                    label.user.size() <= kTextBytesMax;
  CAIRN_TRY_STATUS(check_encodable("a key slot label", fits ? "" : "a text is too long"));
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(label.role));
  out.bytes(label.name);
  out.bytes(label.host);
  out.bytes(label.user);
  encode_timestamp(out, label.created);
  return std::move(out).take();
}

core::Result<SlotLabel> decode_slot_label(core::ByteView input) {
  core::Decoder in(input, "key slot label");
  SlotLabel label;
  label.role = decode_role(in);
  label.name = in.text(kTextBytesMax);
  label.host = in.text(kTextBytesMax);
  label.user = in.text(kTextBytesMax);
  label.created = decode_timestamp(in);
  CAIRN_TRY_STATUS(in.finish());
  return label;
}

core::Bytes encode_key_slot_header(const KeySlot& slot) {
  check_encodable(slot);
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(slot.type));
  encode_id(out, slot.repository_id);
  out.u32(slot.kdf.passes);
  out.u32(slot.kdf.memory_kib);
  encode_id(out, slot.salt);
  encode_id(out, slot.commitment);
  out.bytes(slot.sealed_label);
  return std::move(out).take();
}

core::Bytes encode_key_slot(const KeySlot& slot) {
  Expects(defect_of(slot).empty());
  Expects(slot.sealed_bundle.size() <= kSealedBundleBytesMax);
  core::Encoder out(encode_key_slot_header(slot));
  out.bytes(slot.sealed_bundle);
  return std::move(out).take();
}

core::Result<KeySlot> decode_key_slot(core::ByteView payload) {
  core::Decoder in(payload, "key slot");
  KeySlot slot;
  slot.type = static_cast<SlotType>(in.u8());
  slot.repository_id = decode_id<RepositoryId>(in);
  slot.kdf.passes = in.u32();
  slot.kdf.memory_kib = in.u32();
  if (in.ok() && slot.type == SlotType::passphrase && !within_bounds(slot.kdf)) {
    in.fail_limit("its stretching parameters are out of bounds");
  }
  slot.salt = decode_id<Salt>(in);
  slot.commitment = decode_id<Commitment>(in);
  slot.sealed_label = core::to_bytes(in.bytes(kSealedLabelBytesMax));
  slot.sealed_bundle = core::to_bytes(in.bytes(kSealedBundleBytesMax));
  if (in.ok()) {
    if (const std::string_view defect = defect_of(slot); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return slot;
}

}  // namespace cairn::repo::format
