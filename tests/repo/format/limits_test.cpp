// Limits that need more bytes than a vector should have, and sizes that others rely on.

#include "catch2.h"
#include "format/config.h"
#include "format/frame.h"
#include "format/index.h"
#include "format/key_slot.h"
#include "format/mark.h"
#include "format/node.h"
#include "format/pack.h"
#include "format/register.h"
#include "format/session.h"
#include "outcome.h"
#include "pieces.h"
#include "random_records.h"
#include "seeded_random.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::repo::format;

namespace {

Entry file_entry() {
  Entry entry;
  entry.name = "file";
  return entry;
}

}  // namespace

TEST_CASE("limits: a record above its size is refused before it is read") {
  CHECK(test::outcome(decode_config(test::zeros(kConfigBytesMax + 1))) == "limit_exceeded");
  CHECK(test::outcome(decode_key_bundle(test::zeros(kKeyBundleBytesMax + 1))) == "limit_exceeded");
  const core::Bytes long_node = test::zeros(kNodeBytesMax + 1);
  CHECK(test::outcome(decode_folder_leaf(long_node)) == "limit_exceeded");
  CHECK(test::outcome(decode_folder_inner(long_node)) == "limit_exceeded");
  CHECK(test::outcome(decode_list_leaf(long_node)) == "limit_exceeded");
  CHECK(test::outcome(decode_list_inner(long_node)) == "limit_exceeded");
  CHECK(test::outcome(decode_root(long_node)) == "limit_exceeded");
  CHECK(test::outcome(decode_pack_directory(test::zeros(kPackDirectoryBytesMax + 1))) ==
        "limit_exceeded");
  CHECK(test::outcome(decode_index_segment(test::zeros(kFramePayloadBytesMax + 1))) ==
        "limit_exceeded");
  CHECK(test::outcome(decode_snapshot(test::zeros(kManifestBytesMax + 1))) == "limit_exceeded");
}

TEST_CASE("limits: extended attributes of one entry together") {
  Entry entry = file_entry();
  const std::string value(kXattrValueBytesMax, 'v');
  for (char c = 'A'; c < 'A' + 31; ++c) {
    entry.xattrs.push_back({.name = std::string("user.") + c, .value = value});
  }
  CHECK(entry_defect(entry, false).empty());
  const auto decoded = decode_folder_leaf(encode_folder_leaf({{entry}}).value());
  REQUIRE(test::outcome(decoded) == "ok");
  CHECK(decoded->entries.front() == entry);
  entry.xattrs.push_back({.name = "user.z", .value = value});
  CHECK(entry_defect(entry, false) == "its extended attributes are too long together");
}

TEST_CASE("limits: blocks that together are larger than a pack") {
  test::Pieces directory;
  const std::size_t blocks = 65;
  directory.add("kind and key",
                test::joined(test::u8(1), test::varint(1), test::u32(1), test::run(0x10),
                             test::run(0x30), test::varint(blocks)));
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto chunk = test::joined(test::run(0xa0), test::varint(8 * 1024 * 1024));
    directory.add(
        "block",
        test::joined(test::varint(kBlockStoredBytesMax), test::varint(kBlockPlainBytesMax),
                     test::u8(0), test::varint(0), test::varint(i), test::varint(2), chunk, chunk));
  }
  const auto decoded = decode_pack_directory(directory.join());
  CHECK(test::outcome(decoded) == "corrupt");
  CHECK(test::message_of(decoded).find("too large") != std::string::npos);
}

TEST_CASE("limits: the size bound of an entry is one") {
  test::SeededRandom random(7);
  for (int i = 0; i < 2000; ++i) {
    Entry entry = test::random_entry(random);
    entry.mtime = {INT64_MIN, 999'999'999};
    entry.owner.uid = UINT32_MAX;
    entry.owner.gid = UINT32_MAX;
    // A leaf of one entry: type, two counts of one byte, the owner, the entry.
    REQUIRE(encode_folder_leaf({{entry}}).value().size() <= entry_size_bound(entry) + 3);
  }
}

TEST_CASE("limits: entries that cannot be written are told from those that can") {
  Entry entry = file_entry();
  CHECK(entry_defect(entry, false).empty());
  CHECK(entry_defect(entry, true) == "a root has no name");
  entry.name.clear();
  CHECK(entry_defect(entry, true).empty());
  CHECK_FALSE(entry_defect(entry, false).empty());

  entry = file_entry();
  entry.folder.entries_below = 1;
  CHECK(entry_defect(entry, false) == "only folders have entries");
  entry = file_entry();
  entry.link_target = "x";
  CHECK(entry_defect(entry, false) == "only symlinks have targets");
  entry = file_entry();
  entry.device.minor = 1;
  CHECK(entry_defect(entry, false) == "only devices have numbers");
  entry = file_entry();
  entry.type = EntryType::socket;
  entry.content.size_bytes = 1;
  CHECK(entry_defect(entry, false) == "only files have contents");
  entry = file_entry();
  entry.content.size_bytes = 1;
  entry.content.items = {{.length_bytes = 1, .chunk = std::nullopt}};
  entry.content.tree_root = ChunkId();
  CHECK(entry_defect(entry, false) == "the content has both items and a tree");
  entry = file_entry();
  entry.owner.group.assign(kOwnerNameBytesMax + 1, 'g');
  CHECK(entry_defect(entry, false) == "the name of its owner is too long");
}

// What the world decides must not end the process: texts of the environment, paths of a source.
TEST_CASE("limits: encoders answer with an error where decoders would refuse") {
  const std::string text(kTextBytesMax + 1, 't');
  const std::string path = "/" + std::string(kPathBytesMax, 'p');
  test::SeededRandom random(23);
  const auto refuses = [&](const auto& value, auto encode) {
    const auto encoded = encode(value);
    CHECK(test::outcome(encoded) == "internal");
    CHECK(test::message_of(encoded).starts_with("encode a"));
  };

  Snapshot snapshot = test::random_snapshot(random);
  snapshot.problem_count = 1;
  snapshot.problems = {{ProblemKind::unreadable, path, "reason"}};
  refuses(snapshot, encode_snapshot);
  snapshot.problems = {{ProblemKind::unreadable, "/p", text}};
  refuses(snapshot, encode_snapshot);
  snapshot.problems = {{ProblemKind::unreadable, "/p", "reason"}};
  CHECK(test::outcome(encode_snapshot(snapshot)) == "ok");
  for (std::string Snapshot::*field :
       {&Snapshot::host, &Snapshot::user, &Snapshot::set, &Snapshot::program_version}) {
    Snapshot changed = snapshot;
    changed.*field = text;
    refuses(changed, encode_snapshot);
  }
  Snapshot many = snapshot;
  many.sources.assign(kSourcesMax + 1, snapshot.sources.front());
  refuses(many, encode_snapshot);
  Snapshot long_source = snapshot;
  long_source.sources.resize(1);
  long_source.sources.front().path = path;
  refuses(long_source, encode_snapshot);

  Session session = test::random_session(random);
  session.user = text;
  refuses(session, encode_session);
  Tombstone tombstone = test::random_tombstone(random);
  tombstone.reason = text;
  refuses(tombstone, encode_tombstone);
  Condemned condemned = test::random_condemned(random);
  condemned.packs.clear();
  refuses(condemned, encode_condemned);
  Mark mark = test::random_mark(random);
  mark.tags = {text};
  refuses(mark, encode_mark);
  SlotLabel label = test::random_slot_label(random);
  label.host = text;
  refuses(label, encode_slot_label);
  IndexSegment segment = test::random_index_segment(random);
  segment.packs.assign(2, IndexedPack());
  refuses(segment, encode_index_segment);

  Entry entry = file_entry();
  entry.hard_link_to = path.substr(1) + "x";
  refuses(FolderLeaf{{entry}}, encode_folder_leaf);
  refuses(FolderLeaf{std::vector<Entry>(kNodeItemsMax + 1, file_entry())}, encode_folder_leaf);
  entry = file_entry();
  refuses(entry, encode_root);
  entry.name.clear();
  entry.type = EntryType::symlink;
  refuses(entry, encode_root);
  refuses(FolderInner{1, std::vector<FolderChild>(kNodeItemsMax + 1)}, encode_folder_inner);
  refuses(ListLeaf{std::vector<ContentItem>(kNodeItemsMax + 1)}, encode_list_leaf);
  refuses(ListInner{1, {}}, encode_list_inner);
}

TEST_CASE("limits: names that may stand in a folder") {
  CHECK(is_valid_name("a"));
  CHECK(is_valid_name("..."));
  CHECK(is_valid_name(std::string(kNameBytesMax, 'x')));
  CHECK_FALSE(is_valid_name(std::string(kNameBytesMax + 1, 'x')));
  CHECK_FALSE(is_valid_name(""));
  CHECK_FALSE(is_valid_name("."));
  CHECK_FALSE(is_valid_name(".."));
  CHECK_FALSE(is_valid_name("a/"));
  CHECK_FALSE(is_valid_name(std::string_view("\0", 1)));
}

TEST_CASE("limits: the type of a node is known from its first byte") {
  for (unsigned type = 0; type < 256; ++type) {
    const auto found = node_type(test::u8(type));
    CHECK(found.has_value() == (type >= 1 && type <= 5));
  }
  CHECK(test::outcome(node_type({})) == "corrupt");
}

TEST_CASE("limits: roles have names, and only those") {
  for (const Role role : {Role::admin, Role::backup, Role::restore, Role::maintain, Role::audit}) {
    CHECK(role_from_string(to_string(role)) == role);
  }
  CHECK_FALSE(role_from_string("root").has_value());
  CHECK_FALSE(role_from_string("").has_value());
}
