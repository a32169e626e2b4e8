#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/ids.h"
#include "format/key_slot.h"

/// What is said about a snapshot after it was made. docs/FORMAT.md, "Snapshots".
namespace cairn::repo::format {

/// marks/<id>: the tags of a snapshot from now on, and whether it may be forgotten. Sealed under
/// the index key.
struct Mark {
  SnapshotId snapshot;
  std::uint64_t number = 1;  ///< from 1; the mark with the highest number of a snapshot counts
  bool pinned = false;
  std::vector<std::string> tags;  ///< sorted, unique; replace the manifest's
  core::Timestamp when;
  Certificate signer;
  core::Signature signature;  ///< over mark_message()

  friend bool operator==(const Mark&, const Mark&) = default;
};
[[nodiscard]] core::Result<core::Bytes> encode_mark(const Mark& mark);
[[nodiscard]] core::Result<Mark> decode_mark(core::ByteView input);
[[nodiscard]] core::Bytes mark_message(const RepositoryId& repository, const Mark& mark);

// --- Tags, as manifests and marks have them ---

/// What is wrong with them; empty: nothing.
[[nodiscard]] std::string_view tags_defect(const std::vector<std::string>& tags) noexcept;
void encode_tags(core::Encoder& out, const std::vector<std::string>& tags);
/// Reads them without checking tags_defect().
[[nodiscard]] std::vector<std::string> decode_tags(core::Decoder& in);

}  // namespace cairn::repo::format
