#pragma once

#include "cairn/core/crypto.h"
#include "cairn/core/result.h"

/// Envelopes of encrypted records: what comes before the ciphertext. The keys are up to the store
/// (store/objects/seal.h).
namespace cairn::repo::format {

struct SaltTag;
struct CommitmentTag;
using Salt = core::Id<SaltTag>;
using Commitment = core::Id<CommitmentTag>;

/// Sealed under a symmetric key that all roles hold: u32 epoch | salt | ciphertext.
struct SymmetricEnvelope {
  std::uint32_t epoch = 0;
  Salt salt;
  core::ByteView ciphertext;  ///< view into the input; includes the tag
};
inline constexpr std::size_t kSymmetricEnvelopeHeaderBytes = 4 + 32;

[[nodiscard]] core::Bytes encode_symmetric_envelope(const SymmetricEnvelope& envelope);
[[nodiscard]] core::Result<SymmetricEnvelope> decode_symmetric_envelope(core::ByteView input);

/// Sealed to a role's public key: u32 epoch | salt | ephemeral key | commitment | ciphertext.
struct PublicEnvelope {
  std::uint32_t epoch = 0;
  Salt salt;
  core::BoxPublicKey ephemeral;
  Commitment commitment;
  core::ByteView ciphertext;
};
inline constexpr std::size_t kPublicEnvelopeHeaderBytes = 4 + 3 * 32;

[[nodiscard]] core::Bytes encode_public_envelope(const PublicEnvelope& envelope);
[[nodiscard]] core::Result<PublicEnvelope> decode_public_envelope(core::ByteView input);

/// Hides the exact length of small records: u32 length | bytes | zeros up to a multiple of 256.
inline constexpr std::size_t kPaddingBytes = 256;
[[nodiscard]] core::Bytes pad(core::ByteView plaintext);
[[nodiscard]] core::Result<core::ByteView> unpad(core::ByteView padded);

}  // namespace cairn::repo::format
