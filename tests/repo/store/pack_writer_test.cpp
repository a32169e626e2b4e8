#include "store/packs/pack_writer.h"

#include <vector>

#include "catch2.h"
#include "pack_fixture.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using repo::PackId;
using repo::Role;
using repo::format::BlockKind;
using repo::format::BlockRecord;
using repo::format::IndexedPack;
using repo::format::kPackSegmentBytes;
using repo::store::BlockReader;
using repo::store::BlockSealer;
using repo::store::PackWriter;
using repo::store::read_pack_description;

TEST_CASE("a pack describes itself as its writer did") {
  TestKeys keys;
  MemBackend backend;
  const BlockKind kind = GENERATE(BlockKind::data, BlockKind::metadata);
  const MadePack pack = put_pack(
      keys, backend, kind,
      {make_block(keys, kind, {100, 5000, 1}, false), make_block(keys, kind, {9000}, true)});
  CHECK(backend.size(pack.name())->value() == pack.indexed.size_bytes);
  // Every role holds the key of directories: names, lengths and places are no contents.
  for (const Role role : kAllRoles) {
    const auto description = read_pack_description(backend, keys.of(role), pack.indexed.id);
    REQUIRE(description);
    CHECK(description->directory == pack.indexed.directory);
    CHECK(description->size_bytes == pack.indexed.size_bytes);
    CHECK(description->header.kind == kind);
  }
  CHECK(pack.indexed.directory.blocks[0].codec == repo::format::BlockCodec::raw);
  CHECK(pack.indexed.directory.blocks[1].codec == repo::format::BlockCodec::zstd);
  CHECK(pack.indexed.directory.blocks[1].stored_bytes < 1000);
}

TEST_CASE("anyone can check a pack's bytes against its name, without a key") {
  TestKeys keys;
  MemBackend backend;
  // The covered bytes end before, at and after the end of a segment.
  const std::size_t around = GENERATE(as<std::size_t>(), 0, 1, 500, 1000, 2000);
  std::vector<MadeBlock> blocks;
  blocks.push_back(make_block(keys, BlockKind::data, {kPackSegmentBytes - around}, false));
  blocks.push_back(make_block(keys, BlockKind::data, {2 * kPackSegmentBytes}, false));
  const MadePack pack = put_pack(keys, backend, BlockKind::data, std::move(blocks));
  const Bytes object = backend.object(pack.name());

  const auto footer_bytes =
      repo::format::pack_footer_size(ByteView(object).last(24), object.size());
  REQUIRE(footer_bytes);
  const ByteView footer = ByteView(object).last(*footer_bytes);
  CHECK(repo::format::pack_id(footer) == pack.indexed.id);
  const auto table = repo::format::decode_pack_footer(footer, object.size());
  REQUIRE(table);
  CHECK(table->covered_bytes + *footer_bytes == object.size());
  CHECK(table->segments.size() >= 3);
  ByteView rest = ByteView(object).first(object.size() - *footer_bytes);
  for (const core::Hash256& segment : table->segments) {
    const std::size_t size = std::min<std::size_t>(rest.size(), kPackSegmentBytes);
    CHECK(core::hash256(rest.first(size)) == segment);
    rest = rest.subspan(size);
  }
  CHECK(rest.empty());
}

TEST_CASE("packs that end exactly with a segment are no special case") {
  TestKeys keys;
  MemBackend backend;
  // One block of one chunk: 112 bytes of header, the tag, and a directory whose size is known.
  const MadePack probe = put_pack(keys, backend, BlockKind::data,
                                  {make_block(keys, BlockKind::data, {500'000}, false)});
  const auto described = read_pack_description(backend, keys.admin(), probe.indexed.id);
  REQUIRE(described);
  const std::size_t overhead = described->footer.covered_bytes - 500'000;
  for (const std::size_t off : {std::size_t{0}, std::size_t{1}}) {
    const MadePack pack =
        put_pack(keys, backend, BlockKind::data,
                 {make_block(keys, BlockKind::data, {kPackSegmentBytes - overhead + off}, false)});
    const auto description = read_pack_description(backend, keys.admin(), pack.indexed.id);
    REQUIRE(description);
    CHECK(description->footer.covered_bytes == kPackSegmentBytes + off);
    CHECK(description->footer.segments.size() == 1 + off);
  }
}

TEST_CASE("a writer that only writes knows its size and whether it is empty") {
  TestKeys keys;
  MemBackend backend;
  repo::store::SegmentHasher segments;
  auto writer =
      PackWriter::open(backend, keys.of(Role::backup), keys.random, BlockKind::data, segments);
  REQUIRE(writer);
  CHECK((*writer)->empty());
  CHECK((*writer)->size_bytes() == repo::format::kPackHeaderBytes);
  BlockSealer sealer(keys.of(Role::backup), keys.random, BlockKind::data);
  const MadeBlock block = make_block(keys, BlockKind::data, {1000}, false);
  REQUIRE(append_sealed(**writer, sealed_block(sealer, block)));
  CHECK_FALSE((*writer)->empty());
  CHECK((*writer)->size_bytes() == repo::format::kPackHeaderBytes + 1000 + 16);
  CHECK(backend.names().empty());
  writer->reset();
  CHECK(backend.names().empty());
}

TEST_CASE("whatever call fails, the writer answers the same error for ever after") {
  TestKeys keys;
  BlockSealer sealer(keys.admin(), keys.random, BlockKind::data);
  const auto block = sealed_block(sealer, make_block(keys, BlockKind::data, {1000, 1000}, false));
  const auto other = sealed_block(sealer, make_block(keys, BlockKind::data, {500}, false));
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1;; ++call) {
    MemBackend memory;
    FaultBackend backend(memory);
    backend.arm({.at_call = call, .code = core::ErrorCode::no_space});
    repo::store::SegmentHasher segments;
    auto writer = PackWriter::open(backend, keys.admin(), keys.random, BlockKind::data, segments);
    if (!writer) {
      CHECK(outcome(writer) == "no_space");
      ++failures;
      continue;
    }
    const core::Status first = append_sealed(**writer, block);
    const core::Status second = append_sealed(**writer, other);
    const auto published = (*writer)->publish();
    if (!backend.failure_hit()) {
      CHECK(published);
      break;
    }
    ++failures;
    CHECK((first || outcome(second) == "no_space"));
    CHECK(outcome(published) == "no_space");
    CHECK(outcome(append_sealed(**writer, block)) == "no_space");
    CHECK(outcome((*writer)->publish()) == "no_space");
    CHECK(memory.names().empty());
  }
  CHECK(failures == 7);  // start, header, 2 blocks, directory, footer, publish
}

TEST_CASE("a block can be moved to another pack without being opened") {
  TestKeys keys;
  MemBackend backend;
  const MadePack one = put_pack(keys, backend, BlockKind::data,
                                {make_block(keys, BlockKind::data, {100, 200}, false),
                                 make_block(keys, BlockKind::data, {3000}, true)});
  const MadePack two =
      put_pack(keys, backend, BlockKind::data, {make_block(keys, BlockKind::data, {400}, false)});

  // The role that repacks can read neither of them.
  repo::store::SegmentHasher segments;
  auto writer =
      PackWriter::open(backend, keys.of(Role::maintain), keys.random, BlockKind::data, segments);
  REQUIRE(writer);
  struct Move {
    const MadePack& pack;
    std::uint32_t block;
  };
  const std::vector<Move> moves = {{one, 1}, {two, 0}, {one, 0}};
  for (const Move& move : moves) {
    const auto summary = repo::store::summary_of(move.pack.indexed);
    const BlockRecord& record = move.pack.indexed.directory.blocks[move.block];
    Bytes sealed(record.stored_bytes);
    REQUIRE(backend.get_range(move.pack.name(), summary.blocks[move.block].offset_bytes, sealed));
    REQUIRE((*writer)->append(record, summary.keys[record.key], sealed));
  }
  const auto moved = (*writer)->publish();
  REQUIRE(moved);
  CHECK(moved->directory.keys.size() == 2);  // one of each old pack
  CHECK(moved->directory.blocks[0].key == moved->directory.blocks[2].key);
  const auto description = read_pack_description(backend, keys.of(Role::maintain), moved->id);
  REQUIRE(description);
  CHECK(description->directory == moved->directory);

  BlockReader reader(backend, keys.of(Role::restore));
  BlockReader::Scratch scratch;
  Bytes plain;
  for (std::uint32_t i = 0; i < moves.size(); ++i) {
    REQUIRE(reader.read(repo::store::summary_of(*moved), i, scratch, plain));
    CHECK(plain == moves[i].pack.blocks[moves[i].block].plain);
  }
}

TEST_CASE("moved blocks and new ones share a pack") {
  TestKeys keys;
  MemBackend backend;
  const MadePack old = put_pack(keys, backend, BlockKind::metadata,
                                {make_block(keys, BlockKind::metadata, {100}, false)});
  const MadeBlock fresh = make_block(keys, BlockKind::metadata, {50}, false);
  repo::store::SegmentHasher segments;
  auto writer = PackWriter::open(backend, keys.admin(), keys.random, BlockKind::metadata, segments);
  REQUIRE(writer);
  Bytes sealed(116);
  REQUIRE(backend.get_range(old.name(), repo::format::kPackHeaderBytes, sealed));
  REQUIRE(
      (*writer)->append(old.indexed.directory.blocks[0], old.indexed.directory.keys[0], sealed));
  BlockSealer sealer(keys.admin(), keys.random, BlockKind::metadata);
  REQUIRE(append_sealed(**writer, sealed_block(sealer, fresh)));
  const auto pack = (*writer)->publish();
  REQUIRE(pack);
  CHECK(pack->directory.blocks[0].key == 0);
  CHECK(pack->directory.blocks[1].key == 1);
  BlockReader reader(backend, keys.admin());
  BlockReader::Scratch scratch;
  Bytes plain;
  REQUIRE(reader.read(repo::store::summary_of(*pack), 0, scratch, plain));
  CHECK(plain == old.blocks[0].plain);
  REQUIRE(reader.read(repo::store::summary_of(*pack), 1, scratch, plain));
  CHECK(plain == fresh.plain);
}

TEST_CASE("a pack of tiny chunks is full before its directory is too large to be read") {
  TestKeys keys;
  MemBackend backend;
  repo::store::SegmentHasher segments;
  auto writer = PackWriter::open(backend, keys.admin(), keys.random, BlockKind::data, segments);
  REQUIRE(writer);
  constexpr std::size_t kChunks = 100'000;
  BlockRecord record;
  record.plain_bytes = kChunks;
  record.chunks.assign(kChunks, {keys.random_id<repo::ChunkId>(), 1});
  const Bytes payload(kChunks, std::byte{7});
  BlockSealer sealer(keys.admin(), keys.random, BlockKind::data);
  std::size_t blocks = 0;
  while ((*writer)->has_room_for(record)) {
    const auto sealed = sealer.seal(record, payload);
    REQUIRE(sealed);
    REQUIRE(append_sealed(**writer, *sealed));
    ++blocks;
  }
  CHECK(blocks == repo::format::kPackChunksMax / kChunks);
  const auto pack = (*writer)->publish();
  REQUIRE(pack);
  CHECK(outcome(read_pack_description(backend, keys.admin(), pack->id)) == "ok");
}

TEST_CASE("two packs of the same content have nothing in common that can be seen") {
  TestKeys keys;
  MemBackend backend;
  const MadeBlock block = make_block(keys, BlockKind::data, {1000}, false);
  const MadePack one = put_pack(keys, backend, BlockKind::data, {block});
  const MadePack two = put_pack(keys, backend, BlockKind::data, {block});
  CHECK(one.indexed.id != two.indexed.id);
  const Bytes a = backend.object(one.name());
  const Bytes b = backend.object(two.name());
  REQUIRE(a.size() == b.size());
  std::size_t equal_bytes = 0;
  for (std::size_t i = repo::format::kPackHeaderBytes; i < a.size() - 24; ++i) {
    equal_bytes += a[i] == b[i] ? 1U : 0U;
  }
  CHECK(equal_bytes < a.size() / 64);  // 1/256 by chance
}

}  // namespace
}  // namespace cairn::test
