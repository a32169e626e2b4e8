// The first vector of each record, written down as a value: what every byte of it means. A round
// trip alone would not notice two fields that change places in encoder and decoder.

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
#include "format/settings.h"
#include "made_vectors.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::repo::format;
using test::run;
using test::run_id;

namespace {

constexpr core::Timestamp kNewYear{1'767'225'600, 1};

core::Bytes golden(std::string_view record) { return test::read_vectors(record).front().bytes; }

template <class T>
void check_same(const T& value, const core::Result<T>& decoded,
                const core::Result<core::Bytes>& encoded, std::string_view record) {
  REQUIRE(encoded.has_value());
  CHECK(core::to_hex(*encoded) == core::to_hex(golden(record)));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == value);
}

Certificate certificate(Role role) {
  return {.subject = run_id<core::SignPublicKey>(0x40),
          .role = role,
          .issued = {1'767'225'600, 5},
          .signature = run_id<core::Signature>(0x60)};
}

core::SecretBytes secret(std::uint8_t first) { return core::SecretBytes::copy_of(run(first)); }

Entry entry(std::string name, EntryType type) {
  Entry value;
  value.name = std::move(name);
  value.type = type;
  value.mode = 0644;
  value.owner = {.uid = 1000, .gid = 1000, .user = "user", .group = "group"};
  value.mtime = {1'767'225'600, 123};
  return value;
}

PackDirectory one_raw_block() {
  BlockRecord block;
  block.stored_bytes = 116;
  block.plain_bytes = 100;
  block.chunks.push_back({.id = run_id<ChunkId>(0xa0), .length_bytes = 100});
  PackDirectory directory;
  directory.kind = BlockKind::data;
  directory.keys.push_back(
      {.epoch = 1, .salt = run_id<Salt>(0x10), .ephemeral = run_id<core::BoxPublicKey>(0x30)});
  directory.blocks.push_back(block);
  return directory;
}

/// The entries of the folder leaf that has one of every type.
std::vector<Entry> one_of_every_type() {
  Entry block = entry("block", EntryType::block_device);
  block.device = {.major = 8, .minor = 1};
  Entry character = entry("char", EntryType::char_device);
  character.device = {.major = UINT32_MAX, .minor = 0};
  Entry file = entry("file", EntryType::file);
  file.content.size_bytes = 105;
  file.content.items = {{.length_bytes = 100, .chunk = run_id<ChunkId>(0x50)},
                        {.length_bytes = 5, .chunk = std::nullopt}};
  Entry folder = entry("folder", EntryType::folder);
  folder.mode = 07777;
  folder.folder = {.node = run_id<ChunkId>(0x70), .entries_below = 12, .bytes_below = 3456};
  Entry full = entry("full", EntryType::file);
  full.xattrs = {{.name = "security.capability", .value = std::string("\1\0\0\2", 4)},
                 {.name = "user.a", .value = ""}};
  full.inode_flags = 0xff;
  full.changed_while_read = true;
  full.hard_link_to = "folder/x";
  Entry tree = entry("long", EntryType::file);
  tree.content.size_bytes = 1ULL << 40;
  tree.content.tree_root = run_id<ChunkId>(0x71);
  Entry old = entry("old", EntryType::file);
  old.mtime = {-1, 999'999'999};
  Entry symlink = entry("symlink", EntryType::symlink);
  symlink.mode = 0777;
  symlink.link_target = "../\xff/target";
  return {block, character, entry("fifo", EntryType::fifo),     file,   folder, full,
          tree,  old,       entry("socket", EntryType::socket), symlink};
}

Snapshot two_sources() {
  Snapshot snapshot;
  snapshot.start = kNewYear;
  snapshot.end = {1'767'225'700, 999'999'999};
  snapshot.utc_offset_minutes = -330;
  snapshot.host = "host";
  snapshot.user = "user";
  snapshot.program_version = "0.1.0";
  snapshot.set = "home";
  snapshot.type = SnapshotType::hourly;
  snapshot.tags = {"a", "b"};
  snapshot.description = "before the upgrade";
  Source home;
  home.path = "/home";
  home.root = run_id<ChunkId>(0x10);
  home.counts = {.files = 1, .folders = 2, .symlinks = 3, .others = 4, .bytes = 5};
  Source srv;
  srv.path = "/srv";
  srv.root = run_id<ChunkId>(0x11);
  srv.counts = {.files = 1000, .folders = 200, .symlinks = 30, .others = 4, .bytes = 123'456'789};
  srv.birth_times.size_bytes = 66'000;
  srv.birth_times.items = {{.length_bytes = 65536, .chunk = run_id<ChunkId>(0x30)},
                           {.length_bytes = 464, .chunk = run_id<ChunkId>(0x40)}};
  snapshot.sources = {home, srv};
  snapshot.added_data = {.chunks = 1, .plain_bytes = 2, .stored_bytes = 3};
  snapshot.added_metadata = {.chunks = 4, .plain_bytes = 5, .stored_bytes = 6};
  snapshot.problem_count = 2;
  snapshot.problems = {
      {.kind = ProblemKind::unreadable, .path = "/home/x", .reason = "permission denied"},
      {.kind = ProblemKind::incomplete_metadata, .path = "/home/x", .reason = "permission denied"}};
  return snapshot;
}

}  // namespace

TEST_CASE("golden values: config") {
  Config config;
  config.repository_id = run_id<RepositoryId>(0x00);
  config.admin_key = run_id<core::SignPublicKey>(0x20);
  const auto gear = [](std::uint32_t size_min, std::uint32_t size_avg, std::uint32_t size_max) {
    return chunker::CutParameters{.kernel = chunker::Kernel::gear,
                                  .size_min = size_min,
                                  .size_avg = size_avg,
                                  .size_max = size_max};
  };
  const auto fixed = [](std::uint32_t size) {
    return chunker::CutParameters{
        .kernel = chunker::Kernel::fixed, .size_min = size, .size_avg = size, .size_max = size};
  };
  config.chunking.classes = {gear(4096, 16384, 262144), fixed(8192), fixed(65536),
                             gear(65536, 262144, 1048576)};
  check_same(config, decode_config(golden("config")), encode_config(config), "config");
}

TEST_CASE("golden values: keys") {
  SECTION("certificate") {
    core::Encoder out;
    encode_certificate(out, certificate(Role::backup));
    CHECK(core::to_hex(out.view()) == core::to_hex(golden("certificate")));
  }
  SECTION("slot") {
    KeySlot slot;
    slot.type = SlotType::passphrase;
    slot.repository_id = run_id<RepositoryId>(0x00);
    slot.kdf = {.passes = 3, .memory_kib = 262144};
    slot.salt = run_id<Salt>(0x20);
    slot.commitment = run_id<Commitment>(0x40);
    slot.sealed_label = run(0x60, 60);
    slot.sealed_bundle = run(0x80, 20);
    check_same(slot, decode_key_slot(golden("key_slot")), encode_key_slot(slot), "key_slot");
    const core::Bytes header = encode_key_slot_header(slot);
    CHECK(core::equal(header, core::ByteView(golden("key_slot")).first(header.size())));
    CHECK(header.size() + 1 + 20 == golden("key_slot").size());
  }
  SECTION("label") {
    const SlotLabel label{.role = Role::backup,
                          .name = "laptop",
                          .host = "host",
                          .user = "user",
                          .created = {1'767'225'600, 7}};
    check_same(label, decode_slot_label(golden("slot_label")), encode_slot_label(label),
               "slot_label");
  }
  SECTION("bundle of the admin") {
    KeyBundle bundle;
    bundle.role = Role::admin;
    bundle.config_payload = test::raw("the config");
    bundle.id_key = secret(0x10);
    bundle.chunker_key = secret(0x20);
    bundle.sign_seed = secret(0x30);
    bundle.admin_seed = secret(0x38);
    bundle.certificate = certificate(Role::admin);
    EpochKeys epoch;
    epoch.epoch = 1;
    epoch.index_key = secret(0x90);
    epoch.metadata_public = run_id<core::BoxPublicKey>(0xa0);
    epoch.data_public = run_id<core::BoxPublicKey>(0xb0);
    epoch.metadata_secret = secret(0xc0);
    epoch.data_secret = secret(0xd0);
    bundle.epochs.push_back(std::move(epoch));
    CHECK(core::to_hex(encode_key_bundle(bundle).view()) == core::to_hex(golden("key_bundle")));
  }
}

TEST_CASE("golden values: packs") {
  SECTION("header") {
    const PackHeader header{.kind = BlockKind::data,
                            .epoch = 1,
                            .salt = run_id<Salt>(0x10),
                            .ephemeral = run_id<core::BoxPublicKey>(0x30),
                            .commitment = run_id<Commitment>(0x50)};
    check_same(header, decode_pack_header(golden("pack_header")), encode_pack_header(header),
               "pack_header");
  }
  SECTION("directory") {
    core::Encoder out;
    encode_pack_directory(out, one_raw_block());
    check_same(one_raw_block(), decode_pack_directory(golden("pack_directory")),
               core::to_bytes(out.view()), "pack_directory");
  }
  SECTION("footer") {
    PackFooter footer;
    footer.covered_bytes = 1024 * 1024 + 1;
    footer.directory_bytes = 1000;
    footer.segments = {run_id<core::Hash256>(0x20), run_id<core::Hash256>(0x40)};
    // The vector begins with the size of the pack.
    const core::Bytes tail = core::to_bytes(core::ByteView(golden("pack_footer")).subspan(8));
    const core::Bytes encoded = encode_pack_footer(footer);
    CHECK(core::to_hex(encoded) == core::to_hex(tail));
    CHECK(pack_id(encoded).view().size() == 32);
    CHECK(core::equal(pack_id(encoded).view(), core::hash256(tail).view()));
    const std::uint64_t pack_bytes = footer.covered_bytes + tail.size();
    const auto size =
        pack_footer_size(core::ByteView(tail).last(kPackFooterFixedBytes), pack_bytes);
    REQUIRE(size.has_value());
    CHECK(*size == tail.size());
    const auto decoded = decode_pack_footer(tail, pack_bytes);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == footer);
  }
  SECTION("index segment") {
    IndexSegment segment;
    segment.replaces = {run_id<IndexSegmentId>(0x10), run_id<IndexSegmentId>(0x11)};
    segment.packs.push_back({.id = run_id<PackId>(0x70),
                             .size_bytes = 112 + 116 + 200 + 32 + 24,
                             .directory = one_raw_block()});
    check_same(segment, decode_index_segment(golden("index_segment")),
               encode_index_segment(segment), "index_segment");
  }
}

TEST_CASE("golden values: the register") {
  SECTION("link") {
    Link link;
    link.type = RegisterType::snapshot;
    link.id = run_id<SnapshotId>(0x01);
    link.signer = certificate(Role::backup);
    link.chain = run_id<ChainId>(0x21);
    link.sequence = 1;
    link.manifest_hash = run_id<core::Hash256>(0x41);
    link.signature = run_id<core::Signature>(0x80);
    check_same(link, decode_link(golden("link")), encode_link(link), "link");
  }
  SECTION("register") {
    const Register record{.sealed_link = run(0x10, 60), .sealed_manifest = run(0x60, 120)};
    check_same(record, decode_register(golden("register")), encode_register(record), "register");
  }
  SECTION("manifest") {
    const Snapshot snapshot = two_sources();
    check_same(snapshot, decode_snapshot(golden("snapshot")), encode_snapshot(snapshot),
               "snapshot");
  }
  SECTION("mark") {
    const Mark mark{.snapshot = run_id<SnapshotId>(0x01),
                    .number = 2,
                    .pinned = true,
                    .tags = {"a", "bb"},
                    .when = kNewYear,
                    .signer = certificate(Role::maintain),
                    .signature = run_id<core::Signature>(0x80)};
    check_same(mark, decode_mark(golden("mark")), encode_mark(mark), "mark");
  }
}

TEST_CASE("golden values: settings") {
  const Settings settings{.number = 2,
                          .max_repo_bytes = 500'000'000'000,
                          .when = kNewYear,
                          .signer = certificate(Role::admin),
                          .signature = run_id<core::Signature>(0x80)};
  check_same(settings, decode_settings(golden("settings")), encode_settings(settings), "settings");
}

TEST_CASE("golden values: records of the collection protocol") {
  SECTION("session") {
    const Session session{
        .id = run_id<SnapshotId>(0x01),
        .host = "host",
        .user = "user",
        .process = {.place = run_id<core::Hash256>(0x41), .number = 4711, .start = 81'234},
        .start = kNewYear,
        .program_version = "0.1.0",
        .heartbeat = 0};
    check_same(session, decode_session(golden("session")), encode_session(session), "session");
  }
  SECTION("tombstone") {
    const Tombstone tombstone{.snapshot = run_id<SnapshotId>(0x01),
                              .link_hash = run_id<core::Hash256>(0x21),
                              .signer = certificate(Role::maintain),
                              .when = kNewYear,
                              .reason = "keep-daily 7",
                              .signature = run_id<core::Signature>(0x80)};
    check_same(tombstone, decode_tombstone(golden("tombstone")), encode_tombstone(tombstone),
               "tombstone");
  }
  SECTION("condemned") {
    const Condemned condemned{.collector = run_id<SnapshotId>(0x01),
                              .when = kNewYear,
                              .signer = certificate(Role::maintain),
                              .packs = {run_id<PackId>(0x30), run_id<PackId>(0x31)},
                              .signature = run_id<core::Signature>(0x80)};
    check_same(condemned, decode_condemned(golden("condemned")), encode_condemned(condemned),
               "condemned");
  }
}

TEST_CASE("golden values: nodes") {
  SECTION("folder leaf") {
    const FolderLeaf leaf{one_of_every_type()};
    check_same(leaf, decode_folder_leaf(golden("folder_leaf")), encode_folder_leaf(leaf),
               "folder_leaf");
  }
  SECTION("folder inner node") {
    FolderInner inner;
    inner.children = {{.first_name = "a", .node = run_id<ChunkId>(0x10), .entries = 128},
                      {.first_name = "b", .node = run_id<ChunkId>(0x20), .entries = 1}};
    check_same(inner, decode_folder_inner(golden("folder_inner")), encode_folder_inner(inner),
               "folder_inner");
  }
  SECTION("list leaf") {
    ListLeaf leaf;
    leaf.items = {{.length_bytes = 100, .chunk = run_id<ChunkId>(0x10)},
                  {.length_bytes = 1 << 20, .chunk = std::nullopt},
                  {.length_bytes = 8 * 1024 * 1024, .chunk = run_id<ChunkId>(0x20)}};
    check_same(leaf, decode_list_leaf(golden("list_leaf")), encode_list_leaf(leaf), "list_leaf");
  }
  SECTION("list inner node") {
    ListInner inner;
    inner.children = {{.node = run_id<ChunkId>(0x10), .length_bytes = 1'000'000},
                      {.node = run_id<ChunkId>(0x20), .length_bytes = 1}};
    check_same(inner, decode_list_inner(golden("list_inner")), encode_list_inner(inner),
               "list_inner");
  }
  SECTION("root") {
    Entry root = entry("", EntryType::folder);
    root.mode = 0755;
    root.owner = {.uid = 0, .gid = 0, .user = "root", .group = "group"};
    root.folder = {.node = run_id<ChunkId>(0x70), .entries_below = 12, .bytes_below = 3456};
    check_same(root, decode_root(golden("root")), encode_root(root), "root");
  }
}

TEST_CASE("golden values: what is signed") {
  const auto repository = run_id<RepositoryId>(0x00);
  const auto message = [](std::string_view label, core::ByteView signed_part) {
    return core::to_hex(
        test::joined(test::raw(label), test::u8(0), run(0x00), core::to_bytes(signed_part)));
  };
  // All signatures stand at the end, and cover all that stands before.
  const auto without_signature = [](const core::Bytes& record) {
    return core::to_bytes(core::ByteView(record).first(record.size() - 64));
  };
  CHECK(core::to_hex(certificate_message(repository, certificate(Role::backup))) ==
        message("cairn certificate v1", without_signature(golden("certificate"))));
  CHECK(core::to_hex(link_message(repository, *decode_link(golden("link")))) ==
        message("cairn link v1", without_signature(golden("link"))));
  CHECK(core::to_hex(tombstone_message(repository, *decode_tombstone(golden("tombstone")))) ==
        message("cairn tombstone v1", without_signature(golden("tombstone"))));
  CHECK(core::to_hex(condemned_message(repository, *decode_condemned(golden("condemned")))) ==
        message("cairn condemned v1", without_signature(golden("condemned"))));
  CHECK(core::to_hex(mark_message(repository, *decode_mark(golden("mark")))) ==
        message("cairn mark v1", without_signature(golden("mark"))));
  CHECK(core::to_hex(settings_message(repository, *decode_settings(golden("settings")))) ==
        message("cairn settings v1", without_signature(golden("settings"))));
}

TEST_CASE("golden values: associated data of a block") {
  const PackDirectory directory = one_raw_block();
  BlockRecord block = directory.blocks.front();
  block.key_block = 0x01020304;
  block.codec = BlockCodec::zstd;
  const core::Bytes expected =
      test::joined(test::raw("cairn block v1"), run(0x00), test::u8(2), test::u32(1), run(0x10),
                   run(0x30), test::u32(0x01020304), test::u8(1), test::u32(100), test::u32(116));
  CHECK(core::to_hex(block_associated_data(run_id<RepositoryId>(0x00), BlockKind::metadata,
                                           directory.keys.front(), block)) ==
        core::to_hex(expected));
}

TEST_CASE("golden values: the example of docs/FORMAT.md has the lengths it says") {
  const auto chunk = [](std::uint8_t id, std::uint32_t length_bytes) {
    return ChunkRecord{.id = run_id<ChunkId>(id), .length_bytes = length_bytes};
  };
  PackDirectory directory = one_raw_block();
  BlockRecord& compressed = directory.blocks.front();
  compressed.stored_bytes = 12'000;
  compressed.plain_bytes = 30'000;
  compressed.codec = BlockCodec::zstd;
  compressed.chunks = {chunk(1, 16'384), chunk(2, 4'000), chunk(3, 9'616)};
  BlockRecord raw;
  raw.stored_bytes = 5'016;
  raw.plain_bytes = 5'000;
  raw.key_block = 1;
  raw.chunks = {chunk(4, 5'000)};
  directory.blocks.push_back(raw);
  core::Encoder out;
  encode_pack_directory(out, directory);
  CHECK(out.size() == 225);

  PackFooter footer;
  footer.directory_bytes = static_cast<std::uint32_t>(out.size() + core::kAeadTagBytes);
  footer.covered_bytes = kPackHeaderBytes + 12'000 + 5'016 + footer.directory_bytes;
  footer.segments.resize(1);
  CHECK(footer.directory_bytes == 241);
  CHECK(footer.covered_bytes == 17'369);
  const core::Bytes encoded = encode_pack_footer(footer);
  CHECK(footer.covered_bytes + encoded.size() == 17'425);
  CHECK(decode_pack_footer(encoded, 17'425).has_value());
}
