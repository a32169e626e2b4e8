#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/repo/ids.h"

/// What a snapshot records about one file system object. Plain values; names are bytes.
namespace cairn::repo {

enum class EntryType : std::uint8_t {
  file = 0,
  folder = 1,
  symlink = 2,
  char_device = 3,
  block_device = 4,
  fifo = 5,
  socket = 6,
};
[[nodiscard]] std::string_view to_string(EntryType type) noexcept;

/// A restore goes by the numbers; the names are recorded so that it can map them on another
/// machine.
struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;   ///< empty if the number has no name
  std::string group;  ///< empty if the number has no name

  friend auto operator<=>(const Owner&, const Owner&) = default;
  friend bool operator==(const Owner&, const Owner&) = default;
};

/// One extended attribute: user.*, security.capability, system.posix_acl_access, ...
struct Xattr {
  std::string name;
  std::string value;

  friend auto operator<=>(const Xattr&, const Xattr&) = default;
  friend bool operator==(const Xattr&, const Xattr&) = default;
};

/// A run of a file: one chunk, or a hole (no id) that reads as zeros and takes no space.
struct ContentItem {
  std::uint64_t length_bytes = 0;  ///< at least 1
  std::optional<ChunkId> chunk;    ///< nullopt: hole

  friend bool operator==(const ContentItem&, const ContentItem&) = default;
};

/// The bytes of a file: up to kInlineItemsMax items in place, or the root of a list tree.
struct Content {
  std::uint64_t size_bytes = 0;
  std::vector<ContentItem> items;    ///< empty if `tree_root` is set or the file is empty
  std::optional<ChunkId> tree_root;  ///< node of the list tree

  friend bool operator==(const Content&, const Content&) = default;
};

/// What is below a folder.
struct FolderContent {
  ChunkId node;                     ///< root of the folder's tree of nodes
  std::uint64_t entries_below = 0;  ///< all objects below, at any depth, without the folder itself
  std::uint64_t bytes_below = 0;    ///< sum of the sizes of all files below

  friend bool operator==(const FolderContent&, const FolderContent&) = default;
};

struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  friend bool operator==(const DeviceNumber&, const DeviceNumber&) = default;
};

/// Inode flags of FS_IOC_GETFLAGS that are recorded; all others concern only the file system.
enum class InodeFlag : std::uint8_t {
  append_only = 0,
  immutable = 1,
  no_dump = 2,
  no_copy_on_write = 3,
  no_atime = 4,
  synchronous = 5,
  project_inherit = 6,
  compressed = 7,
};
inline constexpr unsigned kInodeFlagCount = 8;

struct Entry {
  std::string name;  ///< bytes without '/' and NUL; empty only in a root entry
  EntryType type = EntryType::file;
  std::uint16_t mode = 0;  ///< permission bits with setuid, setgid, sticky: 07777
  Owner owner;
  core::Timestamp mtime;
  std::vector<Xattr> xattrs;     ///< sorted by name
  std::uint8_t inode_flags = 0;  ///< bit n is InodeFlag n
  /// Files only: the bytes could not be read consistently; they changed while being read.
  bool changed_while_read = false;
  /// Files only: some of the recorded bytes are lost for good, and a repair has put holes of the
  /// same lengths in their places.
  bool has_lost_bytes = false;

  Content content;          ///< files
  FolderContent folder;     ///< folders
  std::string link_target;  ///< symlinks: raw bytes
  DeviceNumber device;      ///< devices
  /// Set for a further name of an object: the path of its first name in walk order, relative to the
  /// source's root. The content is recorded here too.
  std::optional<std::string> hard_link_to;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// Limits of format version 1. Encoders and decoders check the same ones.
inline constexpr std::size_t kNameBytesMax = 1024;
inline constexpr std::size_t kOwnerNameBytesMax = 256;
inline constexpr std::size_t kXattrNameBytesMax = 256;
inline constexpr std::size_t kXattrValueBytesMax = 64 * 1024;
inline constexpr std::size_t kXattrCountMax = 4096;
inline constexpr std::size_t kXattrBytesMax = 2 * 1024 * 1024;  ///< all of one entry together
inline constexpr std::size_t kLinkTargetBytesMax = 4096;
inline constexpr std::size_t kPathBytesMax = 64 * 1024;
inline constexpr std::size_t kInlineItemsMax = 8;
inline constexpr std::uint64_t kFileSizeMax = (std::uint64_t{1} << 63) - 1;
inline constexpr unsigned kTreeDepthMax = 16;  ///< levels of one folder's or file's tree
inline constexpr unsigned kFolderDepthMax =
    4 * 1024;  ///< folders in folders: twice what PATH_MAX can name

/// True if a folder may hold a name: not empty, no '/', no NUL, not "." or "..", not too long.
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;

}  // namespace cairn::repo
