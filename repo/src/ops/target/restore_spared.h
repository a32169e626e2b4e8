#pragma once

#include <sys/stat.h>

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"

/// What a restore must not touch, although the snapshot does not have it.
namespace cairn::repo::ops {

/// What this restore itself needs: the repository, the cache, keys. Recognised by device and inode,
/// so that links, bind mounts and other spellings make no difference. Const methods are
/// thread-safe.
class ProtectedObjects {
 public:
  /// Adds the object at `path`, the folders in it and in those (another mount may show only one of
  /// them), and the links by which `path` leads there. Does nothing if there is no such object.
  void add(const std::string& path, std::string_view what);

  /// What the object is ("the repository"); empty if it is not protected.
  [[nodiscard]] std::string_view find(const struct ::stat& status) const;
  /// The same for `path` and the folders above it, as far as they exist.
  [[nodiscard]] std::string_view find_above(const std::string& path) const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };
  void add_folders(const std::string& path, const std::string& what, unsigned depth);

  std::map<Identity, std::string> objects_;
};

/// What a snapshot does not know: nothing at or below these paths counts as missing from it. Const
/// methods are thread-safe.
class UnreadPaths {
 public:
  UnreadPaths() = default;
  explicit UnreadPaths(const Snapshot& snapshot);

  [[nodiscard]] bool contains(std::string_view path) const;

 private:
  std::set<std::string, std::less<>> paths_;
};

/// Refuses to delete what a snapshot does not have if it does not even know what it lacks.
[[nodiscard]] core::Status check_knows_what_it_lacks(const Snapshot& snapshot);

}  // namespace cairn::repo::ops
