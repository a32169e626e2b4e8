#pragma once

#include <string>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/codec.h"
#include "cairn/core/result.h"
#include "cairn/repo/entry.h"

/// Nodes: pieces of folders and of long content lists. Each encodes to one metadata chunk; its
/// first byte is its type. docs/FORMAT.md, "Nodes".
namespace cairn::repo::format {

enum class NodeType : std::uint8_t {
  folder_leaf = 1,
  folder_inner = 2,
  list_leaf = 3,
  list_inner = 4,
  root = 5,
};

inline constexpr std::size_t kNodeBytesMax = 8 * 1024 * 1024;

// --- Folders: an ordered map from name to entry
// ---------------------------------------------------

/// Entries sorted by name, strictly ascending as bytes. Zero entries only for an empty folder.
struct FolderLeaf {
  std::vector<Entry> entries;

  friend bool operator==(const FolderLeaf&, const FolderLeaf&) = default;
};

struct FolderChild {
  std::string first_name;  ///< smallest name below
  ChunkId node;
  std::uint64_t entries = 0;  ///< entries of the folder itself below this child

  friend bool operator==(const FolderChild&, const FolderChild&) = default;
};

/// At least two children, ascending; `level` is 1 above leaves.
struct FolderInner {
  std::uint8_t level = 1;
  std::vector<FolderChild> children;

  friend bool operator==(const FolderInner&, const FolderInner&) = default;
};

// --- Content lists: the runs of a long file
// -------------------------------------------------------

struct ListLeaf {
  std::vector<ContentItem> items;  ///< at least one; no two holes in a row

  friend bool operator==(const ListLeaf&, const ListLeaf&) = default;
};

struct ListChild {
  ChunkId node;
  std::uint64_t length_bytes = 0;  ///< file bytes below, at least 1

  friend bool operator==(const ListChild&, const ListChild&) = default;
};

struct ListInner {
  std::uint8_t level = 1;
  std::vector<ListChild> children;  ///< at least two

  friend bool operator==(const ListInner&, const ListInner&) = default;
};

inline constexpr std::size_t kNodeItemsMax = 4096;  ///< entries, children or items of one node

// Errors: internal, for values that decoders would refuse.
[[nodiscard]] core::Result<core::Bytes> encode_folder_leaf(const FolderLeaf& leaf);
[[nodiscard]] core::Result<core::Bytes> encode_folder_inner(const FolderInner& inner);
[[nodiscard]] core::Result<core::Bytes> encode_list_leaf(const ListLeaf& leaf);
[[nodiscard]] core::Result<core::Bytes> encode_list_inner(const ListInner& inner);
/// A source's own entry, nameless: its chunk id is the source's root id.
[[nodiscard]] core::Result<core::Bytes> encode_root(const Entry& entry);

/// The type in the first byte; corrupt if it is unknown.
[[nodiscard]] core::Result<NodeType> node_type(core::ByteView node);

[[nodiscard]] core::Result<FolderLeaf> decode_folder_leaf(core::ByteView node);
[[nodiscard]] core::Result<FolderInner> decode_folder_inner(core::ByteView node);
[[nodiscard]] core::Result<ListLeaf> decode_list_leaf(core::ByteView node);
[[nodiscard]] core::Result<ListInner> decode_list_inner(core::ByteView node);
[[nodiscard]] core::Result<Entry> decode_root(core::ByteView node);

/// An upper bound of the bytes that an entry takes in a leaf: the builder adds these up.
[[nodiscard]] std::size_t entry_size_bound(const Entry& entry) noexcept;

/// The check that encoders and decoders share: fields of a type only where they belong, limits,
/// sorted xattrs, contents that add up. Empty if all is well, else the reason.
[[nodiscard]] std::string entry_defect(const Entry& entry, bool is_root);

}  // namespace cairn::repo::format
