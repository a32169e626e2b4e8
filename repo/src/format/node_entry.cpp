#include "format/node_entry.h"

#include "format/content.h"
#include "format/fields.h"
#include "format/node.h"

namespace cairn::repo::format {
namespace {

constexpr std::uint8_t kHasXattrs = 1;
constexpr std::uint8_t kHasInodeFlags = 2;
constexpr std::uint8_t kChangedWhileRead = 4;
constexpr std::uint8_t kIsHardLink = 8;
constexpr std::uint8_t kHasLostBytes = 16;
constexpr std::uint8_t kKnownFlags =
    kHasXattrs | kHasInodeFlags | kChangedWhileRead | kIsHardLink | kHasLostBytes;

constexpr std::uint16_t kModeMask = 07777;

std::uint8_t flags_of(const Entry& entry) noexcept {
  unsigned flags = 0;
  flags |= entry.xattrs.empty() ? 0U : kHasXattrs;
  flags |= entry.inode_flags == 0 ? 0U : kHasInodeFlags;
  flags |= entry.changed_while_read ? kChangedWhileRead : 0U;
  flags |= entry.hard_link_to.has_value() ? kIsHardLink : 0U;
  flags |= entry.has_lost_bytes ? kHasLostBytes : 0U;
  return static_cast<std::uint8_t>(flags);
}

std::uint8_t decode_inode_flags(core::Decoder& in) {
  const std::uint8_t flags = in.u8();
  if (in.ok() && flags == 0) {
    in.fail_corrupt("flagged inode flags are missing");
  }
  return flags;
}

void encode_body(core::Encoder& out, const Entry& entry) {
  switch (entry.type) {
    case EntryType::file:
      encode_content(out, entry.content);
      return;
    case EntryType::folder:
      encode_id(out, entry.folder.node);
      out.varint(entry.folder.entries_below);
      out.varint(entry.folder.bytes_below);
      return;
    case EntryType::symlink:
      out.bytes(entry.link_target);
      return;
    case EntryType::char_device:
    case EntryType::block_device:
      out.varint(entry.device.major);
      out.varint(entry.device.minor);
      return;
    case EntryType::fifo:
    case EntryType::socket:
      return;
  }
}

void decode_body(core::Decoder& in, Entry& entry) {
  switch (entry.type) {
    case EntryType::file:
      entry.content = decode_content(in);
      return;
    case EntryType::folder:
      entry.folder.node = decode_id<ChunkId>(in);
      entry.folder.entries_below = in.varint();
      entry.folder.bytes_below = in.varint();
      return;
    case EntryType::symlink:
      entry.link_target = in.text(kLinkTargetBytesMax);
      return;
    case EntryType::char_device:
    case EntryType::block_device:
      entry.device.major = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
      entry.device.minor = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
      return;
    case EntryType::fifo:
    case EntryType::socket:
      return;
  }
  in.fail_corrupt("unknown type of entry");
}

bool has_nul(std::string_view text) noexcept { return text.find('\0') != std::string_view::npos; }

/// Valid names, joined by single slashes; none at the ends.
bool is_relative_path(std::string_view path) noexcept {
  if (path.size() > kPathBytesMax) {
    return false;
  }
  while (true) {
    const std::size_t slash = path.find('/');
    if (!is_valid_name(path.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    path.remove_prefix(slash + 1);
  }
}

bool is_device(EntryType type) noexcept {
  return type == EntryType::char_device || type == EntryType::block_device;
}

std::string_view foreign_fields_defect(const Entry& entry) noexcept {
  const EntryType type = entry.type;
  if (type != EntryType::file &&
      (entry.changed_while_read || entry.has_lost_bytes || entry.content != Content())) {
    return "only files have contents";
  }
  if (type != EntryType::folder && entry.folder != FolderContent()) {
    return "only folders have entries";
  }
  if (type != EntryType::symlink && !entry.link_target.empty()) {
    return "only symlinks have targets";
  }
  return is_device(type) || entry.device == DeviceNumber() ? "" : "only devices have numbers";
}

std::string_view type_defect(const Entry& entry) noexcept {
  switch (entry.type) {
    case EntryType::file:
      return content_defect(entry.content);
    case EntryType::folder:
      return entry.folder.entries_below == 0 && entry.folder.bytes_below != 0
                 ? "an empty folder holds bytes"
                 : "";
    case EntryType::symlink:
      return entry.link_target.empty() || entry.link_target.size() > kLinkTargetBytesMax ||
                     has_nul(entry.link_target)
                 ? "the symlink's target is not one"
                 : "";
    case EntryType::char_device:
    case EntryType::block_device:
    case EntryType::fifo:
    case EntryType::socket:
      return {};
  }
  return "unknown type of entry";
}

std::string_view defect_of(const Entry& entry, bool is_root) noexcept {
  if (is_root ? !entry.name.empty() : !is_valid_name(entry.name)) {
    return is_root ? "a root has no name" : "its name may not stand in a folder";
  }
  if ((entry.mode & ~kModeMask) != 0) {
    return "its mode has bits beyond 07777";
  }
  if (entry.owner.user.size() > kOwnerNameBytesMax ||
      entry.owner.group.size() > kOwnerNameBytesMax) {
    return "the name of its owner is too long";
  }
  if (!is_valid(entry.mtime)) {
    return "its time has too many nanoseconds";
  }
  if (const std::string_view defect = xattrs_defect(entry.xattrs); !defect.empty()) {
    return defect;
  }
  if (entry.hard_link_to.has_value() &&
      (is_root || entry.type == EntryType::folder || !is_relative_path(*entry.hard_link_to))) {
    return "it cannot be this hard link";
  }
  if (const std::string_view defect = foreign_fields_defect(entry); !defect.empty()) {
    return defect;
  }
  return type_defect(entry);
}

}  // namespace

void encode_xattrs(core::Encoder& out, const std::vector<Xattr>& xattrs) {
  out.varint(xattrs.size());
  for (const Xattr& xattr : xattrs) {
    out.bytes(xattr.name);
    out.bytes(xattr.value);
  }
}

std::vector<Xattr> decode_xattrs(core::Decoder& in, std::size_t count_min) {
  const std::size_t count = in.count(kXattrCountMax, 2);
  if (in.ok() && count < count_min) {
    in.fail_corrupt("flagged extended attributes are missing");
  }
  std::vector<Xattr> xattrs;
  xattrs.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    Xattr& xattr = xattrs.emplace_back();
    xattr.name = in.text(kXattrNameBytesMax);
    xattr.value = in.text(kXattrValueBytesMax);
  }
  return xattrs;
}

std::string_view xattrs_defect(const std::vector<Xattr>& xattrs) noexcept {
  if (xattrs.size() > kXattrCountMax) {
    return "it has too many extended attributes";
  }
  std::size_t sum = 0;
  const Xattr* previous = nullptr;
  for (const Xattr& xattr : xattrs) {
    if (xattr.name.empty() || xattr.name.size() > kXattrNameBytesMax || has_nul(xattr.name)) {
      return "the name of an extended attribute is not one";
    }
    if (xattr.value.size() > kXattrValueBytesMax) {
      return "an extended attribute is too long";
    }
    if (previous != nullptr && previous->name >= xattr.name) {
      return "its extended attributes are not in order";
    }
    sum += xattr.name.size() + xattr.value.size();
    previous = &xattr;
  }
  return sum <= kXattrBytesMax ? "" : "its extended attributes are too long together";
}

void encode_owner(core::Encoder& out, const Owner& owner) {
  out.varint(owner.uid);
  out.varint(owner.gid);
  out.bytes(owner.user);
  out.bytes(owner.group);
}

Owner decode_owner(core::Decoder& in) {
  Owner owner;
  owner.uid = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  owner.gid = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  owner.user = in.text(kOwnerNameBytesMax);
  owner.group = in.text(kOwnerNameBytesMax);
  return owner;
}

void encode_entry_head(core::Encoder& out, const Entry& entry) {
  out.bytes(entry.name);
  out.u8(static_cast<std::uint8_t>(entry.type));
  out.u8(flags_of(entry));
  out.u16(entry.mode);
}

EntryHead decode_entry_head(core::Decoder& in, Entry& entry) {
  entry.name = in.text(kNameBytesMax);
  entry.type = static_cast<EntryType>(in.u8());
  EntryHead head;
  head.flags = in.u8();
  if ((head.flags & ~kKnownFlags) != 0) {
    in.fail_corrupt("reserved flags are not zero");
  }
  entry.mode = in.u16();
  return head;
}

void encode_entry_tail(core::Encoder& out, const Entry& entry) {
  encode_timestamp(out, entry.mtime);
  if (!entry.xattrs.empty()) {
    encode_xattrs(out, entry.xattrs);
  }
  if (entry.inode_flags != 0) {
    out.u8(entry.inode_flags);
  }
  if (entry.hard_link_to.has_value()) {
    out.bytes(*entry.hard_link_to);
  }
  encode_body(out, entry);
}

void decode_entry_tail(core::Decoder& in, EntryHead head, Entry& entry) {
  entry.mtime = decode_timestamp(in);
  if ((head.flags & kHasXattrs) != 0) {
    entry.xattrs = decode_xattrs(in, 1);
  }
  if ((head.flags & kHasInodeFlags) != 0) {
    entry.inode_flags = decode_inode_flags(in);
  }
  entry.changed_while_read = (head.flags & kChangedWhileRead) != 0;
  entry.has_lost_bytes = (head.flags & kHasLostBytes) != 0;
  if ((head.flags & kIsHardLink) != 0) {
    entry.hard_link_to = in.text(kPathBytesMax);
  }
  decode_body(in, entry);
}

// Part of the format, since nodes are split by it: docs/FORMAT.md, "Where nodes end".
std::size_t entry_size_bound(const Entry& entry) noexcept {
  constexpr std::size_t kFixedPart = 128;
  constexpr std::size_t kPerXattr = 16;
  constexpr std::size_t kPerItem = 48;
  // Lengths and numbers at their longest: head, time, an owner that no other entry shares, and the
  // longest body without its variable part (a folder's).
  static_assert(2 + 1 + 1 + 2 + 2 + 15 + 2 + 1 + 3 + (5 + 5 + 2 + 2) + (32 + 10 + 10) <=
                kFixedPart);
  static_assert(2 + 3 <= kPerXattr && kContentItemBytesMax <= kPerItem);
  std::size_t size = kFixedPart + entry.name.size() + entry.owner.user.size() +
                     entry.owner.group.size() + entry.link_target.size() +
                     entry.content.items.size() * kPerItem;
  for (const Xattr& xattr : entry.xattrs) {
    size += kPerXattr + xattr.name.size() + xattr.value.size();
  }
  return entry.hard_link_to.has_value() ? size + entry.hard_link_to->size() : size;
}

std::string entry_defect(const Entry& entry, bool is_root) {
  return std::string(defect_of(entry, is_root));
}

}  // namespace cairn::repo::format
