#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/core/crypto.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/ids.h"

/// A snapshot as a value: what its signed, sealed manifest says.
namespace cairn::repo {

/// Why a snapshot was made; each type may have a retention policy of its own.
enum class SnapshotType : std::uint8_t {
  manual = 0,
  hourly = 1,
  daily = 2,
  weekly = 3,
  monthly = 4,
  restore_point = 5,
};
[[nodiscard]] std::string_view to_string(SnapshotType type) noexcept;

/// Something that could not be recorded as it was.
enum class ProblemKind : std::uint8_t {
  unreadable = 0,           ///< not in the snapshot at all
  changed_while_read = 1,   ///< in the snapshot, flagged
  incomplete_metadata = 2,  ///< in the snapshot without some attribute
  vanished = 3,             ///< was listed, then gone
  changed_unnoticed = 4,    ///< in the snapshot; bytes differ from last time, with equal stamps
  lost = 5,                 ///< was in a snapshot that a repair replaced by this one
};
[[nodiscard]] std::string_view to_string(ProblemKind kind) noexcept;

struct Problem {
  ProblemKind kind = ProblemKind::unreadable;
  std::string path;    ///< absolute, raw bytes
  std::string reason;  ///< "permission denied"

  friend bool operator==(const Problem&, const Problem&) = default;
};

struct TreeCounts {
  std::uint64_t files = 0;
  std::uint64_t folders = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t others = 0;  ///< devices, FIFOs, sockets
  std::uint64_t bytes = 0;   ///< sum of file sizes; every name of a hard link counts

  TreeCounts& operator+=(const TreeCounts& other) noexcept;
  friend bool operator==(const TreeCounts&, const TreeCounts&) = default;
};

/// One path that was backed up.
struct Source {
  std::string path;  ///< absolute, raw bytes, no trailing '/'  ("/" itself excepted)
  ChunkId root;      ///< node of the source's own entry: equal for equal trees anywhere
  TreeCounts counts;
  /// Birth times of all objects in walk order (docs/FORMAT.md), kept outside the tree so that a
  /// copy of a tree has the same root. Empty if the file system has none.
  Content birth_times;

  friend bool operator==(const Source&, const Source&) = default;
};

/// What this snapshot added to the repository.
struct AddedBytes {
  std::uint64_t chunks = 0;
  std::uint64_t plain_bytes = 0;   ///< unique bytes not known before
  std::uint64_t stored_bytes = 0;  ///< what they take after compression and encryption

  friend bool operator==(const AddedBytes&, const AddedBytes&) = default;
};

/// What a backup, or a rewrite, was told to leave out of its sources. It does not count as lost,
/// and no restore deletes it.
struct LeftOut {
  std::vector<std::string> patterns;  ///< in their order; a leading '!' includes again
  bool exclude_caches = false;
  std::vector<std::string> exclude_if_present;
  std::optional<std::uint64_t> exclude_larger_than_bytes;
  bool exclude_nodump = false;
  bool one_file_system = false;
  /// False: there were more patterns or names than can be recorded, so none of them are.
  bool is_whole = true;

  friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

/// A folder above a source: what is needed to make it again.
struct FolderAbove {
  std::string path;  ///< absolute; never "/"
  std::uint16_t mode = 0;
  Owner owner;
  core::Timestamp mtime;
  std::vector<Xattr> xattrs;  ///< sorted by name

  friend bool operator==(const FolderAbove&, const FolderAbove&) = default;
};

struct Snapshot {
  core::Timestamp start;
  core::Timestamp end;
  std::int32_t utc_offset_minutes = 0;  ///< the client's time zone at the start
  std::string host;
  std::string user;
  std::string program_version;
  std::string set;  ///< --name
  SnapshotType type = SnapshotType::manual;
  std::vector<std::string> tags;  ///< sorted, unique
  std::string description;
  std::vector<Source> sources;  ///< sorted by path
  AddedBytes added_data;
  AddedBytes added_metadata;
  bool partial = false;             ///< ended early on request; what is there can be restored
  std::uint64_t problem_count = 0;  ///< all; `problems` holds the first kProblemsMax
  std::vector<Problem> problems;
  std::vector<FolderAbove> folders_above;  ///< of all sources, sorted by path; as many as fit
  std::vector<LeftOut> left_out;           ///< each applies by itself

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// The sum over all its sources.
[[nodiscard]] TreeCounts counts_of(const Snapshot& snapshot) noexcept;

inline constexpr std::size_t kTextBytesMax = 1024;  ///< host, user, set, tag, version
inline constexpr std::size_t kDescriptionBytesMax = 64 * 1024;
inline constexpr std::size_t kTagsMax = 256;
inline constexpr std::size_t kSourcesMax = 65536;
inline constexpr std::size_t kProblemsMax = 1000;
inline constexpr std::size_t kFoldersAboveMax = 4096;
inline constexpr std::size_t kLeftOutMax = 64;
inline constexpr std::size_t kLeftOutPatternsMax = 16384;  ///< of one LeftOut; names too

}  // namespace cairn::repo
