#pragma once

#include <optional>

#include "cairn/repo/ids.h"
#include "cairn/repo/snapshot.h"
#include "format/key_slot.h"

/// The decision register: snapshots/<sid> holds a snapshot or a fence, whichever came first.
namespace cairn::repo::format {

enum class RegisterType : std::uint8_t {
  snapshot = 1,
  fence = 2,  ///< a collector gave the session up: it must start again
};

/// The part every role can read: who wrote what, in which order. Sealed under the index key.
struct Link {
  RegisterType type = RegisterType::snapshot;
  SnapshotId id;
  Certificate signer;
  ChainId chain;                ///< shared by all snapshots of one client; zero in a fence
  std::uint64_t sequence = 0;   ///< 1, 2, 3 ... in the chain; 0 in a fence
  SnapshotId previous;          ///< zero for the first
  core::Hash256 previous_hash;  ///< of the previous link's encoding; zero for the first
  core::Hash256 manifest_hash;  ///< of the sealed manifest; zero in a fence
  core::Signature signature;    ///< over link_message()

  friend bool operator==(const Link&, const Link&) = default;
};
[[nodiscard]] core::Bytes encode_link(const Link& link);
[[nodiscard]] core::Result<Link> decode_link(core::ByteView input);
/// What the signer signs: a label, the repository's id, and every field but the signature.
[[nodiscard]] core::Bytes link_message(const RepositoryId& repository, const Link& link);

/// Payload of the register's twin frame.
struct Register {
  core::Bytes sealed_link;      ///< symmetric envelope
  core::Bytes sealed_manifest;  ///< public envelope to the metadata key; empty in a fence

  friend bool operator==(const Register&, const Register&) = default;
};
inline constexpr std::size_t kSealedLinkBytesMax = 4096;
inline constexpr std::size_t kSealedManifestBytesMax = 32 * 1024 * 1024;

[[nodiscard]] core::Bytes encode_register(const Register& record);
[[nodiscard]] core::Result<Register> decode_register(core::ByteView payload);

/// Leaves space for the envelope and the padding.
inline constexpr std::size_t kManifestBytesMax = kSealedManifestBytesMax - 1024;

/// The manifest's plaintext. A snapshot with very many long paths can exceed kManifestBytesMax,
/// which the caller must check. Errors: internal (one of its fields exceeds a limit).
[[nodiscard]] core::Result<core::Bytes> encode_snapshot(const Snapshot& snapshot);
[[nodiscard]] core::Result<Snapshot> decode_snapshot(core::ByteView input);

}  // namespace cairn::repo::format
