#include "format/sealed.h"

#include <fmt/format.h>

#include <gsl/assert>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kPadHeaderBytes = 4;
constexpr std::uint64_t kPlaintextBytesMax = UINT32_MAX - kPaddingBytes;

std::size_t padded_size(std::size_t plain_bytes) noexcept {
  return (plain_bytes + kPadHeaderBytes + kPaddingBytes - 1) / kPaddingBytes * kPaddingBytes;
}

/// The rest of the input: a ciphertext of at least a tag.
core::ByteView decode_ciphertext(core::Decoder& in) {
  if (in.ok() && in.left() < core::kAeadTagBytes) {
    in.fail_corrupt("the ciphertext is shorter than its tag");
  }
  return in.raw(in.left());
}

}  // namespace

core::Bytes encode_symmetric_envelope(const SymmetricEnvelope& envelope) {
  Expects(envelope.ciphertext.size() >= core::kAeadTagBytes);
  core::Bytes buffer;
  buffer.reserve(kSymmetricEnvelopeHeaderBytes + envelope.ciphertext.size());
  core::Encoder out(std::move(buffer));
  out.u32(envelope.epoch);
  encode_id(out, envelope.salt);
  out.raw(envelope.ciphertext);
  return std::move(out).take();
}

core::Result<SymmetricEnvelope> decode_symmetric_envelope(core::ByteView input) {
  core::Decoder in(input, "symmetric envelope");
  SymmetricEnvelope envelope;
  envelope.epoch = in.u32();
  envelope.salt = decode_id<Salt>(in);
  envelope.ciphertext = decode_ciphertext(in);
  CAIRN_TRY_STATUS(in.finish());
  return envelope;
}

core::Bytes encode_public_envelope(const PublicEnvelope& envelope) {
  Expects(envelope.ciphertext.size() >= core::kAeadTagBytes);
  core::Bytes buffer;
  buffer.reserve(kPublicEnvelopeHeaderBytes + envelope.ciphertext.size());
  core::Encoder out(std::move(buffer));
  out.u32(envelope.epoch);
  encode_id(out, envelope.salt);
  encode_id(out, envelope.ephemeral);
  encode_id(out, envelope.commitment);
  out.raw(envelope.ciphertext);
  return std::move(out).take();
}

core::Result<PublicEnvelope> decode_public_envelope(core::ByteView input) {
  core::Decoder in(input, "public envelope");
  PublicEnvelope envelope;
  envelope.epoch = in.u32();
  envelope.salt = decode_id<Salt>(in);
  envelope.ephemeral = decode_id<core::BoxPublicKey>(in);
  envelope.commitment = decode_id<Commitment>(in);
  envelope.ciphertext = decode_ciphertext(in);
  CAIRN_TRY_STATUS(in.finish());
  return envelope;
}

core::Bytes pad(core::ByteView plaintext) {
  Expects(plaintext.size() <= kPlaintextBytesMax);
  core::Bytes buffer;
  buffer.reserve(padded_size(plaintext.size()));
  core::Encoder out(std::move(buffer));
  out.u32(static_cast<std::uint32_t>(plaintext.size()));
  out.raw(plaintext);
  core::Bytes padded = std::move(out).take();
  padded.resize(padded_size(plaintext.size()), std::byte{0});
  return padded;
}

core::Result<core::ByteView> unpad(core::ByteView padded) {
  core::Decoder in(padded, "padding");
  const std::uint32_t size = in.u32();
  const core::ByteView plaintext = in.raw(size);
  if (in.ok() && padded.size() != padded_size(size)) {
    in.fail_corrupt(fmt::format("{} bytes are padded to {}", size, padded.size()));
  }
  in.expect_zeros(in.left());
  CAIRN_TRY_STATUS(in.finish());
  return plaintext;
}

}  // namespace cairn::repo::format
