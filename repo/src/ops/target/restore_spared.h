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

/// What a restore must leave alone, although the snapshot does not have it.
namespace cairn::repo::ops {

/// What this restore itself lives on: the repository, the cache, keys. Known by device and inode,
/// so that neither links nor bind mounts nor another spelling make a difference. Const methods are
/// thread-safe.
class ProtectedObjects {
 public:
  /// The object at `path`, the folders in it and in those (another mount may show one of them
  /// alone), and the links by which `path` leads there. Nothing if there is no such object.
  void add(const std::string& path, std::string_view what);

  /// What the object is ("the repository"); empty if it is none of these.
  [[nodiscard]] std::string_view find(const struct ::stat& status) const;
  /// The same of `path` and the folders above it, as far as they exist.
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

/// What a snapshot says that it does not know: of these paths, and of all below them, nothing can
/// be said to be missing from it. Const methods are thread-safe.
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
