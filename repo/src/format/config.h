#pragma once

#include "cairn/chunker/policy.h"
#include "cairn/core/crypto.h"
#include "cairn/repo/ids.h"
#include "format/frame.h"

namespace cairn::repo::format {

/// The one plaintext record: what a client must know before it has a key. Written once, by init.
/// Every key bundle holds a copy, so a forged or damaged config is noticed and can be replaced.
struct Config {
  RepositoryId repository_id;
  std::uint64_t features = 0;  ///< kKnownFeatures; any other bit: unsupported_version
  std::uint8_t crypto_suite = 1;
  core::SignPublicKey admin_key;  ///< root of all certificates
  chunker::Policy chunking;

  friend bool operator==(const Config&, const Config&) = default;
};
inline constexpr std::uint64_t kKnownFeatures = 0;
inline constexpr std::size_t kConfigBytesMax = 4096;

[[nodiscard]] core::Bytes encode_config(const Config& config);
/// `payload` of the config's frame.
[[nodiscard]] core::Result<Config> decode_config(core::ByteView payload);

}  // namespace cairn::repo::format
