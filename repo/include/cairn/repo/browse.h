#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/opened_snapshot.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"
#include "cairn/repo/snapshots.h"

/// Listing snapshots and reading what they hold.
namespace cairn::repo {

/// "SNAP" or "SNAP:/path": what the user names on the command line.
struct SnapshotPath {
  std::string snapshot;
  std::string path;  ///< absolute, or empty for everything
};
[[nodiscard]] SnapshotPath parse_snapshot_path(std::string_view text);

struct ListOptions {
  std::string path;  ///< absolute raw bytes; empty: each source itself, and its children
  bool recursive = false;
};

/// Visits what is at the path in the snapshot: a folder's children by name (depth first if
/// recursive), or the object itself if it is no folder. Of folders above the sources only the names
/// are known. Errors: not_found (names the nearest thing that exists), corrupt, not_permitted; or
/// what `visit` returns.
core::Status list_entries(Repository& repository, const Snapshot& snapshot,
                          const ListOptions& options, Observer& observer,
                          const std::function<core::Status(const ListedEntry&)>& visit);

/// Writes the bytes of one file to `write`, piece by piece in order; holes are written as zeros.
/// Every piece has been authenticated and re-hashed. Errors: not_found, invalid_argument (not a
/// file), corrupt, not_permitted; or what `write` returns.
core::Status dump_file(Repository& repository, const Snapshot& snapshot, std::string_view path,
                       Observer& observer,
                       const std::function<core::Status(core::ByteView)>& write);

/// Writes a tar archive (POSIX pax) of the object at the path to `write`. A folder is archived as
/// "./" with its contents as "./a/b", anything else as that one object. The archive has modes,
/// owners, mtimes to the nanosecond, extended attributes (SCHILY.xattr), access control lists
/// (SCHILY.acl), links and devices. Further names of an object are links to its first name in the
/// archive. Holes are left out (GNU.sparse 1.0), sockets too, with a warning. Errors: not_found,
/// corrupt, not_permitted; or what `write` returns. After an error the archive lacks its end.
core::Status dump_tar(Repository& repository, const Snapshot& snapshot, std::string_view path,
                      Observer& observer, const std::function<core::Status(core::ByteView)>& write);

}  // namespace cairn::repo
