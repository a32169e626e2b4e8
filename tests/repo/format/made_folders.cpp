// Folder nodes and roots.

#include "made_vectors.h"

namespace cairn::test {
namespace {

constexpr std::uint8_t kFile = 0;
constexpr std::uint8_t kFolder = 1;
constexpr std::uint8_t kSymlink = 2;
constexpr std::uint8_t kCharDevice = 3;
constexpr std::uint8_t kFifo = 5;
constexpr std::uint8_t kSocket = 6;

constexpr std::uint8_t kHasXattrs = 1;
constexpr std::uint8_t kHasInodeFlags = 2;
constexpr std::uint8_t kChanged = 4;
constexpr std::uint8_t kLostBytes = 16;
constexpr std::uint8_t kHardLink = 8;

core::Bytes no_content() { return joined(varint(0), u8(0), varint(0)); }
core::Bytes two_items() {
  return joined(varint(105), u8(0), varint(2), varint(100 << 1), run(0x50), varint(5 << 1 | 1));
}

/// An entry in a leaf. `optional` holds what the flags announce.
Pieces entry_pieces(std::string_view name, std::uint8_t type, const core::Bytes& body) {
  Pieces pieces;
  pieces.add("name", text(name))
      .add("type", u8(type))
      .add("flags", u8(0))
      .add("mode", u16(0644))
      .add("owner", varint(0))
      .add("mtime", timestamp(1'767'225'600, 123))
      .add("optional", {})
      .add("body", body);
  return pieces;
}

Pieces file_entry() { return entry_pieces("file", kFile, two_items()); }

core::Bytes owner(std::uint32_t uid, std::string_view user) {
  return joined(varint(uid), varint(uid), text(user), text("group"));
}

Pieces leaf(std::uint64_t count, const core::Bytes& entries) {
  Pieces pieces;
  pieces.add("type", u8(1))
      .add("owner count", varint(1))
      .add("owners", owner(1000, "user"))
      .add("count", varint(count))
      .add("entries", entries);
  return pieces;
}
Pieces leaf(const Pieces& entry) { return leaf(1, entry.join()); }

core::Bytes with_flags(std::string_view name, std::uint8_t flags, const core::Bytes& optional) {
  return entry_pieces(name, kFile, no_content())
      .with("flags", u8(flags))
      .with("optional", optional)
      .join();
}

core::Bytes xattr(std::string_view name, std::string_view value) {
  return joined(text(name), text(value));
}

/// One of every type, in the order of their names, and all optional fields.
core::Bytes all_entries() {
  return joined(
      entry_pieces("block", kCharDevice + 1, joined(varint(8), varint(1))).join(),
      entry_pieces("char", kCharDevice, joined(varint(UINT32_MAX), varint(0))).join(),
      entry_pieces("fifo", kFifo, {}).join(), file_entry().join(),
      entry_pieces("folder", kFolder, joined(run(0x70), varint(12), varint(3456)))
          .with("mode", u16(07777))
          .join(),
      with_flags("full", 15,
                 joined(varint(2), xattr("security.capability", std::string_view("\1\0\0\2", 4)),
                        xattr("user.a", ""), u8(0xff), text("folder/x"))),
      entry_pieces("long", kFile, joined(varint(1ULL << 40), u8(1), run(0x71))).join(),
      entry_pieces("old", kFile, no_content()).with("mtime", timestamp(-1, 999'999'999)).join(),
      entry_pieces("socket", kSocket, {}).join(),
      entry_pieces("symlink", kSymlink, text("../\xff/target")).with("mode", u16(0777)).join());
}

Pieces link_of(std::uint8_t type, const core::Bytes& body, std::string_view target) {
  return leaf(
      entry_pieces("link", type, body).with("flags", u8(kHardLink)).with("optional", text(target)));
}

Pieces xattrs(std::uint64_t count, const core::Bytes& bytes) {
  return leaf(1, with_flags("x", kHasXattrs, joined(varint(count), bytes)));
}

void add_name_rules(VectorList& list) {
  const auto named = [](std::string_view name) {
    return leaf(entry_pieces(name, kFile, no_content()));
  };
  list.ok("name of a byte that is no text", named("\xff"))
      .ok("name of three dots", named("..."))
      .corrupt("no name", "may not stand in a folder", named(""))
      .corrupt("name .", "may not stand in a folder", named("."))
      .corrupt("name ..", "may not stand in a folder", named(".."))
      .corrupt("name with a slash", "may not stand in a folder", named("a/b"))
      .corrupt("name with a zero byte", "may not stand in a folder",
               named(std::string_view("a\0b", 3)))
      .limit("name above the limit", "above the limit", leaf(1, joined(varint(1025), zeros(1025))))
      .corrupt(
          "names that descend", "names are not in order",
          leaf(2, joined(entry_pieces("b", kFifo, {}).join(), entry_pieces("a", kFifo, {}).join())))
      .corrupt(
          "a name twice", "names are not in order",
          leaf(2, joined(entry_pieces("a", kFifo, {}).join(), entry_pieces("a", kFifo, {}).join())))
      .corrupt("names sorted as signed bytes", "names are not in order",
               leaf(2, joined(entry_pieces("\x80", kFifo, {}).join(),
                              entry_pieces("a", kFifo, {}).join())));
}

void add_owner_rules(VectorList& list) {
  const core::Bytes first = entry_pieces("a", kFifo, {}).join();
  const auto by_owner = [](std::string_view name, std::uint64_t number) {
    return entry_pieces(name, kFifo, {}).with("owner", varint(number)).join();
  };
  const auto owners = [](const core::Bytes& table, const core::Bytes& entries) {
    return leaf(2, entries).with("owner count", varint(2)).with("owners", table);
  };
  const core::Bytes two = joined(owner(1, "one"), owner(2, "two"));
  list.ok("two owners", owners(two, joined(by_owner("a", 0), by_owner("b", 1))))
      .ok("same number, other name", owners(joined(owner(1, "one"), owner(1, "uno")),
                                            joined(by_owner("a", 0), by_owner("b", 1))))
      .corrupt("an owner that is not listed", "order of their use", leaf(1, by_owner("a", 1)))
      .corrupt("owners not in the order of their use", "order of their use",
               owners(two, joined(by_owner("a", 1), by_owner("b", 0))))
      .corrupt("an owner that is not used", "not used",
               owners(two, joined(by_owner("a", 0), by_owner("b", 0))))
      .corrupt("an owner of nobody", "not used", leaf(0, {}))
      .corrupt("an owner twice", "listed twice",
               owners(joined(owner(1, "one"), owner(1, "one")),
                      joined(by_owner("a", 0), by_owner("b", 1))))
      .limit("uid above 32 bits", "above the limit",
             leaf(1, first).with("owners", joined(varint(1ULL << 32), zeros(10))))
      .limit("gid above 32 bits", "above the limit",
             leaf(1, first).with("owners", joined(varint(0), varint(1ULL << 32), zeros(10))))
      .limit("user above the limit", "above the limit",
             leaf(1, first).with("owners", joined(varint(0), varint(0), varint(257), zeros(300))))
      .limit("group above the limit", "above the limit",
             leaf(1, first).with("owners",
                                 joined(varint(0), varint(0), text(""), varint(257), zeros(300))))
      .limit("owners above the limit", "above the limit",
             leaf(1, first).with("owner count", varint(4097)));
}

void add_optional_field_rules(VectorList& list) {
  list.corrupt("reserved flag", "reserved flags", leaf(1, with_flags("x", 32, {})))
      .corrupt("flagged xattrs missing", "attributes are missing", xattrs(0, {}))
      .corrupt("flagged inode flags missing", "inode flags are missing",
               leaf(1, with_flags("x", kHasInodeFlags, u8(0))))
      .corrupt("xattrs that descend", "not in order",
               xattrs(2, joined(xattr("user.b", ""), xattr("user.a", ""))))
      .corrupt("an xattr twice", "not in order",
               xattrs(2, joined(xattr("user.a", "1"), xattr("user.a", "2"))))
      .corrupt("xattr without a name", "name of an extended attribute", xattrs(1, xattr("", "v")))
      .corrupt("xattr with a zero byte in its name", "name of an extended attribute",
               xattrs(1, xattr(std::string_view("a\0", 2), "v")))
      .limit("xattrs above the limit", "above the limit", xattrs(4097, {}))
      .limit("xattr name above the limit", "above the limit",
             xattrs(1, joined(varint(257), zeros(257))))
      .limit("xattr value above the limit", "above the limit",
             xattrs(1, joined(text("user.a"), varint(65537), zeros(10))))
      .corrupt("changed fifo", "only files",
               leaf(entry_pieces("x", kFifo, {}).with("flags", u8(kChanged))))
      .ok("hard link of a fifo", link_of(kFifo, {}, "a"))
      .corrupt("hard link of a folder", "cannot be this hard link",
               link_of(kFolder, joined(run(0x70), varint(0), varint(0)), "a"))
      .corrupt("hard link to nothing", "cannot be this hard link", link_of(kFifo, {}, ""))
      .corrupt("hard link to an absolute path", "cannot be this hard link",
               link_of(kFifo, {}, "/a"))
      .corrupt("hard link upwards", "cannot be this hard link", link_of(kFifo, {}, "a/../b"))
      .corrupt("hard link with a slash at the end", "cannot be this hard link",
               link_of(kFifo, {}, "a/"))
      .limit("hard link above the limit", "above the limit",
             leaf(1, with_flags("x", kHardLink, joined(varint(65537), zeros(10)))));
}

void add_body_rules(VectorList& list) {
  const auto file = [](const core::Bytes& content) {
    return leaf(entry_pieces("file", kFile, content));
  };
  const auto folder = [](std::uint64_t entries, std::uint64_t bytes) {
    return leaf(entry_pieces("folder", kFolder, joined(run(0x70), varint(entries), varint(bytes))));
  };
  core::Bytes nine_items;
  for (std::uint8_t i = 0; i < 9; ++i) {
    core::append(nine_items, joined(varint(1 << 1), run(i)));
  }
  list.corrupt("unknown type", "unknown type", leaf(entry_pieces("x", 7, {})))
      .corrupt("mode above 07777", "07777", leaf(file_entry().with("mode", u16(010000))))
      .limit("a second of nanoseconds", "above the limit",
             leaf(file_entry().with("mtime", timestamp(0, 1'000'000'000))))
      .corrupt("content that does not add up", "do not add up",
               file(joined(varint(6), u8(0), varint(1), varint(5 << 1), run(0x50))))
      .corrupt("content in an unknown form", "unknown form",
               file(joined(varint(6), u8(2), run(0x50))))
      .corrupt("an empty tree", "size of a content tree", file(joined(varint(0), u8(1), run(0x50))))
      .limit("file above the limit", "above the limit",
             file(joined(varint(1ULL << 63), u8(1), run(0x50))))
      .limit("too many items in place", "above the limit",
             file(joined(varint(9), u8(0), varint(9), nine_items)))
      .corrupt("two holes in a row", "two holes",
               file(joined(varint(2), u8(0), varint(2), varint(3), varint(3))))
      .corrupt("an empty item", "is empty",
               file(joined(varint(0), u8(0), varint(1), varint(0), run(0x50))))
      .corrupt("an empty folder with bytes", "empty folder", folder(0, 1))
      .ok("a folder with empty files", folder(1, 0))
      .corrupt("symlink to nothing", "target", leaf(entry_pieces("x", kSymlink, text(""))))
      .corrupt("symlink with a zero byte", "target",
               leaf(entry_pieces("x", kSymlink, text(std::string_view("a\0", 2)))))
      .limit("symlink above the limit", "above the limit",
             leaf(entry_pieces("x", kSymlink, joined(varint(4097), zeros(4097)))))
      .limit("major number above 32 bits", "above the limit",
             leaf(entry_pieces("x", kCharDevice, joined(varint(1ULL << 32), varint(0)))))
      .limit("minor number above 32 bits", "above the limit",
             leaf(entry_pieces("x", kCharDevice, joined(varint(0), varint(1ULL << 32)))));
}

core::Bytes child(std::string_view first_name, std::uint8_t node, std::uint64_t entries) {
  return joined(text(first_name), run(node), varint(entries));
}

/// A root has its owner in place of the number.
Pieces root_pieces() {
  Pieces pieces;
  pieces.add("node type", u8(5))
      .add("owner", owner(0, "root"))
      .add("name", text(""))
      .add("type", u8(kFolder))
      .add("flags", u8(0))
      .add("mode", u16(0755))
      .add("mtime", timestamp(1'767'225'600, 123))
      .add("optional", {})
      .add("body", joined(run(0x70), varint(12), varint(3456)));
  return pieces;
}

}  // namespace

std::vector<Vector> folder_leaf_vectors() {
  const Pieces good = leaf(10, all_entries());
  VectorList list("folder_leaf");
  list.ok("one of every type", good)
      .ok("an empty folder", leaf(0, {}).with("owner count", varint(0)).without("owners"))
      .corrupt("another type of node", "type is 2, not 1", good.with("type", u8(2)))
      .limit("entries above the limit", "above the limit", good.with("count", varint(4097)))
      .corrupt("more entries than bytes", "cannot fit", good.with("count", varint(1000)))
      .corrupt("number in two bytes", "needless bytes", good.with("count", needless_varint(10)));
  add_name_rules(list);
  add_owner_rules(list);
  add_optional_field_rules(list);
  add_body_rules(list);
  list.cut_and_grown("folder leaf", good.join());
  return std::move(list).take();
}

std::vector<Vector> folder_inner_vectors() {
  Pieces good;
  good.add("type", u8(2))
      .add("level", u8(1))
      .add("count", varint(2))
      .add("children", joined(child("a", 0x10, 128), child("b", 0x20, 1)));
  const auto children = [&good](const core::Bytes& first, const core::Bytes& second) {
    return good.with("children", joined(first, second));
  };
  VectorList list("folder_inner");
  list.ok("two children", good)
      .ok("highest level", good.with("level", u8(16)))
      .corrupt("another type", "type is 1, not 2", good.with("type", u8(1)))
      .corrupt("level 0", "level", good.with("level", u8(0)))
      .corrupt("level 17", "level", good.with("level", u8(17)))
      .corrupt("no children", "less than two", good.with("count", varint(0)).without("children"))
      .corrupt("one child", "less than two",
               good.with("count", varint(1)).with("children", child("a", 0x10, 5)))
      .corrupt("children that descend", "children are not in order",
               children(child("b", 0x10, 1), child("a", 0x20, 1)))
      .corrupt("a first name twice", "children are not in order",
               children(child("a", 0x10, 1), child("a", 0x20, 1)))
      .corrupt("first name with a slash", "may not stand in a folder",
               children(child("a", 0x10, 1), child("b/c", 0x20, 1)))
      .corrupt("no first name", "may not stand in a folder",
               children(child("", 0x10, 1), child("bb", 0x20, 1)))
      .limit("first name above the limit", "above the limit",
             good.with("children", joined(varint(1025), zeros(1025))))
      .corrupt("an empty child", "child is empty",
               children(child("a", 0x10, 1), child("b", 0x20, 0)))
      .corrupt("more entries than can be counted", "too many entries",
               children(child("a", 0x10, UINT64_MAX), child("b", 0x20, 1)))
      .limit("children above the limit", "above the limit", good.with("count", varint(4097)))
      .corrupt("more children than bytes", "cannot fit", good.with("count", varint(1000)))
      .cut_and_grown("folder inner node", good.join());
  return std::move(list).take();
}

std::vector<Vector> root_vectors() {
  const Pieces good = root_pieces();
  VectorList list("root");
  list.ok("folder", good)
      .ok("file", good.with("type", u8(kFile)).with("body", two_items()))
      .ok("changed file with attributes",
          good.with("type", u8(kFile))
              .with("flags", u8(kHasXattrs | kHasInodeFlags | kChanged))
              .with("optional", joined(varint(1), xattr("user.a", "1"), u8(4)))
              .with("body", no_content()))
      .ok("file with lost bytes",
          good.with("type", u8(kFile)).with("flags", u8(kLostBytes)).with("body", two_items()))
      .corrupt("another type of node", "type is 1, not 5", good.with("node type", u8(1)))
      .corrupt("with a name", "no name", good.with("name", text("a")))
      .corrupt("unknown type", "unknown type", good.with("type", u8(7)))
      .corrupt("mode above 07777", "07777", good.with("mode", u16(010000)))
      .corrupt("hard link", "cannot be this hard link",
               good.with("type", u8(kFile))
                   .with("flags", u8(kHardLink))
                   .with("optional", text("a"))
                   .with("body", no_content()))
      .corrupt("changed folder", "only files", good.with("flags", u8(kChanged)))
      .corrupt("folder with lost bytes", "only files", good.with("flags", u8(kLostBytes)))
      .limit("user above the limit", "above the limit",
             good.with("owner", joined(varint(0), varint(0), varint(257), zeros(300))))
      .cut_and_grown("root node", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
