#pragma once

#include <cstdint>
#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/id.h"
#include "cairn/core/random.h"
#include "cairn/core/result.h"
#include "cairn/core/secret.h"

/// The cryptographic mechanisms, thin over libsodium and OpenSSL: no policy, no record formats.
/// All functions are thread-safe and keep no state. init_crypto() must have returned success once.
namespace cairn::core {

/// Starts the libraries (idempotent). Fails with internal if one of them cannot start.
Status init_crypto();

// --- Keyed and plain hashing: BLAKE2b-256 (RFC 7693) -------------------------------------------

struct HashTag;
using Hash256 = Id<HashTag>;

/// Plain BLAKE2b-256: object names, ciphertext segments.
[[nodiscard]] Hash256 hash256(ByteView data);
/// BLAKE2b-256 keyed with 32 bytes.
[[nodiscard]] Hash256 keyed_hash256(ByteView key, ByteView data);

/// Streaming BLAKE2b-256, keyed if `key` is not empty. Not thread-safe; copyable mid-stream.
class Hasher {
 public:
  explicit Hasher(ByteView key = {});
  void update(ByteView data);
  /// Call once.
  [[nodiscard]] Hash256 finish();

 private:
  alignas(64) std::byte state_[384];
};

/// A key for one purpose from a 32-byte key: BLAKE2b-256 keyed with `key` over `label` (ASCII,
/// unique per purpose, listed in docs/FORMAT.md), a zero byte and `context`.
[[nodiscard]] SecretBytes derive_key(ByteView key, std::string_view label, ByteView context = {});

// --- Authenticated encryption: ChaCha20-Poly1305-IETF (RFC 8439) --------------------------------

inline constexpr std::size_t kAeadTagBytes = 16;

/// out.size() == plaintext.size() + kAeadTagBytes. `nonce_number` is the 96-bit nonce as a
/// little-endian counter: a key never sees the same number twice, since each key belongs to one
/// object or one writing thread and numbers its blocks. `out` may begin where `plaintext` does.
void aead_seal(ByteView key, std::uint64_t nonce_number, ByteView associated_data,
               ByteView plaintext, MutableByteView out);
/// out.size() == sealed.size() - kAeadTagBytes. False if it was not sealed with this key, number
/// and associated data; `out` then holds zeros. `out` may begin where `sealed` does.
[[nodiscard]] bool aead_open(ByteView key, std::uint64_t nonce_number, ByteView associated_data,
                             ByteView sealed, MutableByteView out);

// --- Public keys: X25519 (RFC 7748) for sealing, Ed25519 (RFC 8032) for signing ------------------

struct BoxPublicTag;
struct SignPublicTag;
struct SignatureTag;
using BoxPublicKey = Id<BoxPublicTag>;
using SignPublicKey = Id<SignPublicTag>;
using Signature = Id<SignatureTag, 64>;

struct BoxKeyPair {
  BoxPublicKey public_key;
  SecretBytes secret_key;  ///< 32 bytes
};
struct SignKeyPair {
  SignPublicKey public_key;
  SecretBytes seed;  ///< 32 bytes; the signing key is expanded from it when used
};

[[nodiscard]] BoxKeyPair make_box_key_pair(Random& random);
[[nodiscard]] BoxPublicKey box_public_key(ByteView secret_key);
[[nodiscard]] SignKeyPair make_sign_key_pair(Random& random);
[[nodiscard]] SignPublicKey sign_public_key(ByteView seed);

/// The shared secret of X25519, 32 bytes, to be hashed before use. Fails with corrupt if the
/// public key is one of the few points that force a known secret.
[[nodiscard]] Result<SecretBytes> box_shared_secret(ByteView secret_key, const BoxPublicKey& other);

[[nodiscard]] Signature sign(ByteView seed, ByteView message);
[[nodiscard]] bool verify_signature(const SignPublicKey& key, ByteView message,
                                    const Signature& signature);

// --- Passphrases: Argon2id (RFC 9106)
// -------------------------------------------------------------

struct KdfParameters {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 64 * 1024;

  friend bool operator==(const KdfParameters&, const KdfParameters&) = default;
};
/// Bounds on stored parameters, so that a hostile key slot cannot take all memory or run for hours.
inline constexpr std::uint32_t kKdfPassesMax = 32;
inline constexpr std::uint32_t kKdfMemoryKibMin = 8;
inline constexpr std::uint32_t kKdfMemoryKibMax = 4 * 1024 * 1024;
inline constexpr std::size_t kKdfSaltBytes = 16;

/// 32 bytes from a passphrase; parallelism is 1. Fails with limit_exceeded if the parameters are
/// out of bounds, io if there is not enough memory.
[[nodiscard]] Result<SecretBytes> derive_from_passphrase(ByteView passphrase, ByteView salt,
                                                         const KdfParameters& parameters);

/// SipHash-2-4 of `data` under a 16-byte key: decides where nodes are split; it is no protection.
[[nodiscard]] std::uint64_t short_hash(ByteView key16, ByteView data);

}  // namespace cairn::core
