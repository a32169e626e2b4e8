#include <fmt/format.h>
#include <sodium.h>

#include <gsl/assert>

#include "cairn/core/crypto.h"

namespace cairn::core {

static_assert(kKdfSaltBytes == crypto_pwhash_argon2id_SALTBYTES);
static_assert(kKdfMemoryKibMin * 1024 >= crypto_pwhash_argon2id_MEMLIMIT_MIN);

Result<SecretBytes> derive_from_passphrase(ByteView passphrase, ByteView salt,
                                           const KdfParameters& parameters) {
  Expects(salt.size() == kKdfSaltBytes);
  if (parameters.passes < 1 || parameters.passes > kKdfPassesMax) {
    return fail(ErrorCode::limit_exceeded, fmt::format("derive a key: {} passes, allowed 1 to {}",
                                                       parameters.passes, kKdfPassesMax));
  }
  if (parameters.memory_kib < kKdfMemoryKibMin || parameters.memory_kib > kKdfMemoryKibMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("derive a key: {} KiB of memory, allowed {} to {}",
                            parameters.memory_kib, kKdfMemoryKibMin, kKdfMemoryKibMax));
  }
  constexpr std::size_t kDerivedBytes = 32;
  SecretBytes derived(kDerivedBytes);
  const std::size_t memory_bytes = std::size_t{parameters.memory_kib} * 1024;
  // An empty span may hold a null pointer, which libsodium would pass on to memcpy.
  const char empty = '\0';
  const char* const text =
      passphrase.empty() ? &empty
                         : static_cast<const char*>(static_cast<const void*>(passphrase.data()));
  if (crypto_pwhash_argon2id(u8_data(derived.mutable_view()), kDerivedBytes, text,
                             passphrase.size(), u8_data(salt), parameters.passes, memory_bytes,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return fail(ErrorCode::io,
                fmt::format("derive a key: cannot get {} MiB of memory",
                            (parameters.memory_kib + 1023) / 1024),
                "free some memory, or use a key made with smaller parameters");
  }
  return derived;
}

}  // namespace cairn::core
