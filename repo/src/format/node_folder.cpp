#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "format/fields.h"
#include "format/node.h"
#include "format/node_entry.h"

namespace cairn::repo::format {
namespace {

constexpr std::size_t kFolderChildBytesMin = 2 + ChunkId::kSize + 1;
static_assert(kNodeItemsMax * (2 + kNameBytesMax + ChunkId::kSize + 10) + 8 <= kNodeBytesMax,
              "any inner node fits");

// --- Owners: each is once in a leaf, and entries refer to it by number ------------------------

struct OrderOfOwners {
  bool operator()(const Owner* a, const Owner* b) const { return *a < *b; }
};

/// Numbers owners in the order of their first use. Holds pointers into the entries.
class OwnerTable {
 public:
  /// The same answer for the same owner; entries of one owner usually follow each other.
  std::uint32_t number_of(const Owner& owner) {
    if (!owners_.empty() && *owners_[last_] == owner) {
      return last_;
    }
    const auto [found, inserted] =
        numbers_.try_emplace(&owner, static_cast<std::uint32_t>(owners_.size()));
    if (inserted) {
      owners_.push_back(&owner);
    }
    last_ = found->second;
    return last_;
  }
  [[nodiscard]] const std::vector<const Owner*>& owners() const noexcept { return owners_; }

 private:
  std::vector<const Owner*> owners_;
  std::map<const Owner*, std::uint32_t, OrderOfOwners> numbers_;
  std::uint32_t last_ = 0;
};

std::vector<Owner> decode_owners(core::Decoder& in) {
  const std::size_t count = in.count(kNodeItemsMax, kOwnerBytesMin);
  std::vector<Owner> owners;
  owners.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    owners.push_back(decode_owner(in));
  }
  std::vector<const Owner*> sorted;
  sorted.reserve(owners.size());
  for (const Owner& owner : owners) {
    sorted.push_back(&owner);
  }
  std::sort(sorted.begin(), sorted.end(), OrderOfOwners());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(),
                                        [](const Owner* a, const Owner* b) { return *a == *b; });
  if (twice != sorted.end()) {
    in.fail_corrupt("an owner is listed twice");
  }
  return owners;
}

// --- Leaves
// ---------------------------------------------------------------------------------------

constexpr std::string_view kTooManyEntries = "it has too many entries";
constexpr std::string_view kNodeTooLong = "it is too long";

std::string leaf_defect(const FolderLeaf& leaf) {
  if (leaf.entries.size() > kNodeItemsMax) {
    return std::string(kTooManyEntries);
  }
  const Entry* previous = nullptr;
  std::size_t number = 0;
  for (const Entry& entry : leaf.entries) {
    if (const std::string defect = entry_defect(entry, false); !defect.empty()) {
      return fmt::format("entry {}: {}", number, defect);
    }
    if (previous != nullptr && previous->name >= entry.name) {
      return fmt::format("entry {}: the names are not in order", number);
    }
    previous = &entry;
    ++number;
  }
  return {};
}

/// `owners_used`: how many of the owners were referred to so far; first uses must come in order.
void decode_owner_number(core::Decoder& in, const std::vector<Owner>& owners,
                         std::size_t& owners_used, Entry& entry) {
  const std::uint64_t number = in.varint(kNodeItemsMax);
  if (!in.ok()) {
    return;
  }
  if (number >= owners.size() || number > owners_used) {
    in.fail_corrupt("the owners are not listed in the order of their use");
    return;
  }
  owners_used = std::max<std::size_t>(owners_used, number + 1);
  entry.owner = owners[number];
}

// --- Inner nodes
// ----------------------------------------------------------------------------------

std::string_view inner_defect(const FolderInner& inner) noexcept {
  if (inner.children.size() > kNodeItemsMax) {
    return kTooManyEntries;
  }
  if (inner.level < 1 || inner.level > kTreeDepthMax) {
    return "its level is out of bounds";
  }
  if (inner.children.size() < 2) {
    return "it has less than two children";
  }
  const FolderChild* previous = nullptr;
  std::uint64_t sum = 0;
  for (const FolderChild& child : inner.children) {
    if (!is_valid_name(child.first_name)) {
      return "the first name of a child may not stand in a folder";
    }
    if (previous != nullptr && previous->first_name >= child.first_name) {
      return "its children are not in order";
    }
    if (child.entries == 0) {
      return "a child is empty";
    }
    if (child.entries > UINT64_MAX - sum) {
      return "its children have too many entries";
    }
    sum += child.entries;
    previous = &child;
  }
  return {};
}

}  // namespace

core::Result<core::Bytes> encode_folder_leaf(const FolderLeaf& leaf) {
  CAIRN_TRY_STATUS(check_encodable("a folder leaf", leaf_defect(leaf)));
  OwnerTable table;
  std::vector<std::uint32_t> numbers;
  numbers.reserve(leaf.entries.size());
  std::size_t size_bound = 16;
  for (const Entry& entry : leaf.entries) {
    numbers.push_back(table.number_of(entry.owner));
    size_bound += entry_size_bound(entry);
  }
  core::Bytes buffer;
  buffer.reserve(std::min(size_bound, kNodeBytesMax));
  core::Encoder out(std::move(buffer));
  out.u8(static_cast<std::uint8_t>(NodeType::folder_leaf));
  out.varint(table.owners().size());
  for (const Owner* owner : table.owners()) {
    encode_owner(out, *owner);
  }
  out.varint(leaf.entries.size());
  for (std::size_t i = 0; i < leaf.entries.size(); ++i) {
    encode_entry_head(out, leaf.entries[i]);
    out.varint(numbers[i]);
    encode_entry_tail(out, leaf.entries[i]);
  }
  CAIRN_TRY_STATUS(
      check_encodable("a folder leaf", out.size() > kNodeBytesMax ? kNodeTooLong : ""));
  return std::move(out).take();
}

core::Result<FolderLeaf> decode_folder_leaf(core::ByteView node) {
  core::Decoder in(node, "folder leaf");
  if (node.size() > kNodeBytesMax) {
    in.fail_limit("it is too long");
  }
  in.expect_u8(static_cast<std::uint8_t>(NodeType::folder_leaf), "the node's type");
  const std::vector<Owner> owners = decode_owners(in);
  const std::size_t count = in.count(kNodeItemsMax, kEntryBytesMin);
  FolderLeaf leaf;
  leaf.entries.reserve(count);
  std::size_t owners_used = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    Entry& entry = leaf.entries.emplace_back();
    const EntryHead head = decode_entry_head(in, entry);
    decode_owner_number(in, owners, owners_used, entry);
    decode_entry_tail(in, head, entry);
  }
  if (in.ok() && owners_used != owners.size()) {
    in.fail_corrupt("an owner is listed but not used");
  }
  if (in.ok()) {
    if (const std::string defect = leaf_defect(leaf); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return leaf;
}

core::Result<core::Bytes> encode_folder_inner(const FolderInner& inner) {
  CAIRN_TRY_STATUS(check_encodable("a folder inner node", inner_defect(inner)));
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(NodeType::folder_inner));
  out.u8(inner.level);
  out.varint(inner.children.size());
  for (const FolderChild& child : inner.children) {
    out.bytes(child.first_name);
    encode_id(out, child.node);
    out.varint(child.entries);
  }
  return std::move(out).take();
}

core::Result<FolderInner> decode_folder_inner(core::ByteView node) {
  core::Decoder in(node, "folder inner node");
  if (node.size() > kNodeBytesMax) {
    in.fail_limit("it is too long");
  }
  in.expect_u8(static_cast<std::uint8_t>(NodeType::folder_inner), "the node's type");
  FolderInner inner;
  inner.level = in.u8();
  const std::size_t count = in.count(kNodeItemsMax, kFolderChildBytesMin);
  inner.children.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    FolderChild& child = inner.children.emplace_back();
    child.first_name = in.text(kNameBytesMax);
    child.node = decode_id<ChunkId>(in);
    child.entries = in.varint();
  }
  if (in.ok()) {
    if (const std::string_view defect = inner_defect(inner); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return inner;
}

// --- Roots
// ----------------------------------------------------------------------------------------

core::Result<core::Bytes> encode_root(const Entry& entry) {
  CAIRN_TRY_STATUS(check_encodable("a root node", entry_defect(entry, true)));
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(NodeType::root));
  encode_owner(out, entry.owner);
  encode_entry_head(out, entry);
  encode_entry_tail(out, entry);
  CAIRN_TRY_STATUS(check_encodable("a root node", out.size() > kNodeBytesMax ? kNodeTooLong : ""));
  return std::move(out).take();
}

core::Result<Entry> decode_root(core::ByteView node) {
  core::Decoder in(node, "root node");
  if (node.size() > kNodeBytesMax) {
    in.fail_limit("it is too long");
  }
  in.expect_u8(static_cast<std::uint8_t>(NodeType::root), "the node's type");
  Entry entry;
  entry.owner = decode_owner(in);
  const EntryHead head = decode_entry_head(in, entry);
  decode_entry_tail(in, head, entry);
  if (in.ok()) {
    if (const std::string defect = entry_defect(entry, true); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return entry;
}

core::Result<NodeType> node_type(core::ByteView node) {
  core::Decoder in(node, "node");
  const auto type = static_cast<NodeType>(in.u8());
  CAIRN_TRY_STATUS(in.check());
  switch (type) {
    case NodeType::folder_leaf:
    case NodeType::folder_inner:
    case NodeType::list_leaf:
    case NodeType::list_inner:
    case NodeType::root:
      return type;
  }
  return core::fail(core::ErrorCode::corrupt,
                    fmt::format("node: unknown type {}", static_cast<unsigned>(type)));
}

}  // namespace cairn::repo::format
