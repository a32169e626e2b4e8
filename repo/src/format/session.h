#pragma once

#include <string>
#include <vector>

#include "cairn/core/process_identity.h"
#include "cairn/repo/ids.h"
#include "format/key_slot.h"

/// Records of the collection protocol. Each is sealed under the index key.
namespace cairn::repo::format {

/// sessions/<sid>: a writer announces itself before it reads or writes anything else.
struct Session {
  SnapshotId id;
  std::string host;
  std::string user;
  core::ProcessIdentity process;  ///< zeros: nobody can tell whether it is alive
  core::Timestamp start;
  std::string program_version;
  std::uint64_t heartbeat = 0;  ///< counts up; 0 in the announcement itself

  friend bool operator==(const Session&, const Session&) = default;
};
[[nodiscard]] core::Result<core::Bytes> encode_session(const Session& session);
[[nodiscard]] core::Result<Session> decode_session(core::ByteView input);

/// forgotten/<sid>: a snapshot was forgotten on purpose, by whom.
struct Tombstone {
  SnapshotId snapshot;
  core::Hash256 link_hash;  ///< of the forgotten snapshot's link
  Certificate signer;
  core::Timestamp when;
  std::string reason;
  core::Signature signature;  ///< over tombstone_message()

  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};
[[nodiscard]] core::Result<core::Bytes> encode_tombstone(const Tombstone& tombstone);
[[nodiscard]] core::Result<Tombstone> decode_tombstone(core::ByteView input);
[[nodiscard]] core::Bytes tombstone_message(const RepositoryId& repository,
                                            const Tombstone& tombstone);

/// condemned/<id>: packs that a collector intends to delete; no writer may rely on them.
struct Condemned {
  SnapshotId collector;  ///< the collector's own session
  core::Timestamp when;
  Certificate signer;
  std::vector<PackId> packs;  ///< sorted, at least one
  core::Signature signature;  ///< over condemned_message()

  friend bool operator==(const Condemned&, const Condemned&) = default;
};
inline constexpr std::size_t kCondemnedPacksMax = 1024 * 1024;
[[nodiscard]] core::Result<core::Bytes> encode_condemned(const Condemned& condemned);
[[nodiscard]] core::Result<Condemned> decode_condemned(core::ByteView input);
[[nodiscard]] core::Bytes condemned_message(const RepositoryId& repository,
                                            const Condemned& condemned);

}  // namespace cairn::repo::format
