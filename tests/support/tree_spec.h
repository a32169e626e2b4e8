#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/repo/entry.h"

/// Trees of real files for tests: said what is in them, made, and compared with one another.
/// Paths are relative to the tree, raw bytes, and together with it shorter than PATH_MAX.
namespace cairn::test {

/// A run of seeded bytes in a file that has holes around it.
struct DataRun {
  std::uint64_t offset = 0;
  std::uint64_t length_bytes = 0;
};

/// One object of a tree. Make it with the functions of `tree`, then chain with_...().
struct TreeObject {
  repo::EntryType type = repo::EntryType::file;
  std::string path;
  std::string content;           ///< text_file()
  std::uint64_t seed = 0;        ///< file(), sparse_file()
  std::uint64_t size_bytes = 0;  ///< file(), sparse_file()
  std::vector<DataRun> runs;     ///< sparse_file(): everything else is a hole
  std::string target;            ///< symlink(): its target; hard_link(): path in the tree
  bool is_hard_link = false;
  repo::DeviceNumber device;
  std::optional<unsigned> mode;                                  ///< else 0644, folders 0755
  std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;  ///< uid, gid: needs root
  std::optional<core::Timestamp> mtime;
  std::vector<repo::Xattr> xattrs;

  [[nodiscard]] TreeObject with_mode(unsigned bits) const;
  [[nodiscard]] TreeObject with_owner(std::uint32_t uid, std::uint32_t gid) const;
  [[nodiscard]] TreeObject with_mtime(core::Timestamp time) const;
  [[nodiscard]] TreeObject with_xattr(std::string name, std::string value) const;
};

namespace tree {

[[nodiscard]] TreeObject folder(std::string path);
/// `size_bytes` seeded bytes: equal for equal seeds.
[[nodiscard]] TreeObject file(std::string path, std::uint64_t size_bytes, std::uint64_t seed = 1);
[[nodiscard]] TreeObject text_file(std::string path, std::string content);
[[nodiscard]] TreeObject sparse_file(std::string path, std::uint64_t size_bytes,
                                     std::vector<DataRun> runs, std::uint64_t seed = 1);
[[nodiscard]] TreeObject symlink(std::string path, std::string target);
/// A further name of `first`, which stands before it in the list.
[[nodiscard]] TreeObject hard_link(std::string path, std::string first);
[[nodiscard]] TreeObject fifo(std::string path);
[[nodiscard]] TreeObject socket(std::string path);
/// Needs root (CAP_MKNOD).
[[nodiscard]] TreeObject char_device(std::string path, repo::DeviceNumber number);
[[nodiscard]] TreeObject block_device(std::string path, repo::DeviceNumber number);

}  // namespace tree

/// Makes the objects below the existing folder `root`, folders above them as needed, and sets the
/// attributes of folders after their contents. Answers what could not be made, and why.
[[nodiscard]] std::vector<std::string> make_tree(const std::string& root,
                                                 const std::vector<TreeObject>& objects);

/// What compare_trees() looks at, besides names, types, content, link targets and device numbers.
struct TreeAspects {
  bool modes = true;
  bool owners = true;
  bool mtimes = true;        ///< to the nanosecond, of links too
  bool xattrs = true;        ///< ACLs are among them
  bool hard_links = true;    ///< which names share an object
  bool holes = false;        ///< the same runs of data
  bool inode_flags = false;  ///< those of repo::InodeFlag
};

/// The differences, one a line, "path: what". The two roots themselves are compared too, as "."
[[nodiscard]] std::vector<std::string> compare_trees(const std::string& a, const std::string& b,
                                                     const TreeAspects& aspects = {});

}  // namespace cairn::test
