#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "ops/posix/inode_id.h"

/// What the system knows about one object: the calls that reading a source and writing a target
/// share.
namespace cairn::repo::ops {

/// The unit of stx_blocks and st_blocks, on every file system.
inline constexpr std::uint64_t kStatBlockBytes = 512;

/// openat() with O_CLOEXEC, O_NOFOLLOW and, if permitted, O_NOATIME. Returns -1 for an error
/// (errno).
[[nodiscard]] int open_without_traces(int folder, const char* name, int flags);

/// The same for a folder that is to be listed.
[[nodiscard]] int open_folder(int parent, const char* name);
/// The same if it is the expected folder; otherwise -1 and ESTALE.
[[nodiscard]] int open_folder_if(int parent, const char* name, InodeId wanted);

using Statx = struct ::statx;
/// Both return 0 or an errno. stat_at() neither follows a link nor triggers an automount.
[[nodiscard]] int stat_at(int folder, const char* name, Statx& out);
[[nodiscard]] int stat_open(int descriptor, Statx& out);
/// The same for a path, following all links.
[[nodiscard]] int stat_followed(const char* path, Statx& out);

[[nodiscard]] core::Timestamp to_timestamp(const ::statx_timestamp& time) noexcept;
[[nodiscard]] InodeId inode_id(const Statx& status) noexcept;
/// nullopt: the file system has none.
[[nodiscard]] std::optional<core::Timestamp> birth_time(const Statx& status) noexcept;
/// nullopt: a type that the format does not know.
[[nodiscard]] std::optional<EntryType> entry_type(const Statx& status) noexcept;

/// The system's words for errno, in lower case: "permission denied".
[[nodiscard]] std::string reason_of(int error_number);
/// True if the system has run out of something, which is not the fault of this object.
[[nodiscard]] bool is_shortage(int error_number) noexcept;
/// Where the problems of one object's metadata go.
struct MetadataProblems {
  const std::string& path;
  std::vector<Problem>& problems;
  void add(std::string reason) const;
};

/// Fills entry.xattrs from an open object: sorted, within the limits of the format.
void read_xattrs(int descriptor, Entry& entry, const MetadataProblems& problems);
/// The same for an object that cannot be opened without side effects: links, devices, FIFOs.
void read_xattrs_at(int folder, const std::string& name, Entry& entry,
                    const MetadataProblems& problems);
/// Fills entry.inode_flags; a file system without them has none.
void read_inode_flags(int descriptor, Entry& entry, const MetadataProblems& problems);

}  // namespace cairn::repo::ops
