#include "format/register.h"

#include <gsl/assert>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kSealedLinkBytesMin = kSymmetricEnvelopeHeaderBytes + core::kAeadTagBytes;
constexpr std::size_t kSealedManifestBytesMin = kPublicEnvelopeHeaderBytes + core::kAeadTagBytes;

std::string_view fence_defect(const Link& link) noexcept {
  if (link.signer.role != Role::admin && link.signer.role != Role::maintain) {
    return "its signer's role may not write fences";
  }
  return link.chain.is_zero() && link.sequence == 0 && link.previous.is_zero() &&
                 link.previous_hash.is_zero() && link.manifest_hash.is_zero()
             ? ""
             : "a fence has fields of a snapshot";
}

std::string_view snapshot_defect(const Link& link) noexcept {
  if (link.signer.role != Role::admin && link.signer.role != Role::backup) {
    return "its signer's role may not write snapshots";
  }
  if (link.chain.is_zero() || link.manifest_hash.is_zero() || link.sequence == 0) {
    return "a snapshot has no place in a chain, or no manifest";
  }
  const bool first = link.sequence == 1;
  return link.previous.is_zero() == first && link.previous_hash.is_zero() == first
             ? ""
             : "its predecessor does not fit to its sequence number";
}

std::string_view defect_of(const Link& link) noexcept {
  switch (link.type) {
    case RegisterType::snapshot:
      return snapshot_defect(link);
    case RegisterType::fence:
      return fence_defect(link);
  }
  return "unknown type";
}

void encode_signed_part(core::Encoder& out, const Link& link) {
  Expects(defect_of(link).empty());
  out.u8(static_cast<std::uint8_t>(link.type));
  encode_id(out, link.id);
  encode_certificate(out, link.signer);
  encode_id(out, link.chain);
  out.varint(link.sequence);
  encode_id(out, link.previous);
  encode_id(out, link.previous_hash);
  encode_id(out, link.manifest_hash);
}

std::string_view defect_of(const Register& record) noexcept {
  if (record.sealed_link.size() < kSealedLinkBytesMin) {
    return "the link is shorter than an empty envelope";
  }
  return record.sealed_manifest.empty() || record.sealed_manifest.size() >= kSealedManifestBytesMin
             ? ""
             : "the manifest is shorter than an empty envelope";
}

}  // namespace

core::Bytes encode_link(const Link& link) {
  core::Encoder out;
  encode_signed_part(out, link);
  encode_id(out, link.signature);
  return std::move(out).take();
}

core::Result<Link> decode_link(core::ByteView input) {
  core::Decoder in(input, "link");
  Link link;
  link.type = static_cast<RegisterType>(in.u8());
  link.id = decode_id<SnapshotId>(in);
  link.signer = decode_certificate(in);
  link.chain = decode_id<ChainId>(in);
  link.sequence = in.varint();
  link.previous = decode_id<SnapshotId>(in);
  link.previous_hash = decode_id<core::Hash256>(in);
  link.manifest_hash = decode_id<core::Hash256>(in);
  link.signature = decode_id<core::Signature>(in);
  if (in.ok()) {
    if (const std::string_view defect = defect_of(link); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return link;
}

core::Bytes link_message(const RepositoryId& repository, const Link& link) {
  core::Encoder out = start_message("cairn link v1", repository);
  encode_signed_part(out, link);
  return std::move(out).take();
}

core::Bytes encode_register(const Register& record) {
  Expects(defect_of(record).empty());
  Expects(record.sealed_link.size() <= kSealedLinkBytesMax &&
          record.sealed_manifest.size() <= kSealedManifestBytesMax);
  core::Bytes buffer;
  buffer.reserve(record.sealed_link.size() + record.sealed_manifest.size() + 8);
  core::Encoder out(std::move(buffer));
  out.bytes(record.sealed_link);
  out.bytes(record.sealed_manifest);
  return std::move(out).take();
}

core::Result<Register> decode_register(core::ByteView payload) {
  core::Decoder in(payload, "snapshot register");
  Register record;
  record.sealed_link = core::to_bytes(in.bytes(kSealedLinkBytesMax));
  record.sealed_manifest = core::to_bytes(in.bytes(kSealedManifestBytesMax));
  if (in.ok()) {
    if (const std::string_view defect = defect_of(record); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return record;
}

}  // namespace cairn::repo::format
