#include "store/packs/pack_reader.h"
#include "store/chunks/chunk_reader.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "catch2.h"
#include "pack_fixture.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using repo::ChunkId;
using repo::PackId;
using repo::Role;
using repo::format::BlockKind;
using repo::format::ObjectKind;
using repo::store::BlockReader;
using repo::store::ChunkReader;
using repo::store::object_name;
using repo::store::object_path;
using repo::store::PackSummary;
using repo::store::read_pack_description;

/// A repository in memory with one pack of two blocks, the second compressed.
struct Fixture {
  explicit Fixture(BlockKind of_kind = BlockKind::data) : kind(of_kind) {
    pack = put_pack(
        keys, memory, kind,
        {make_block(keys, kind, {100, 300}, false), make_block(keys, kind, {2000, 50}, true)});
    summary = repo::store::summary_of(pack.indexed);
  }

  /// What reading the pack by its name, and then each block, comes to: the first error, or "ok".
  std::string verdict() {
    const auto description = read_pack_description(backend, keys.admin(), pack.indexed.id);
    if (!description) {
      return outcome(description);
    }
    for (std::uint32_t block = 0; block < 2; ++block) {
      const core::Status read = reader.read(summary, block, scratch, plain);
      if (!read) {
        return outcome(read);
      }
    }
    return "ok";
  }

  BlockKind kind;
  TestKeys keys;
  MemBackend memory;
  FaultBackend backend{memory};
  MadePack pack;
  PackSummary summary;
  BlockReader reader{backend, keys.admin()};
  BlockReader::Scratch scratch;
  Bytes plain;
};

// --- Blocks ---

TEST_CASE("blocks are read back, by the roles that may") {
  const BlockKind kind = GENERATE(BlockKind::data, BlockKind::metadata);
  Fixture fixture(kind);
  for (const Role role : kAllRoles) {
    INFO(to_string(role));
    const auto& ring = fixture.keys.of(role);
    const bool may_read = kind == BlockKind::data ? ring.can_read_data() : ring.can_read_metadata();
    BlockReader reader(fixture.backend, ring);
    for (std::uint32_t block = 0; block < 2; ++block) {
      const core::Status read = reader.read(fixture.summary, block, fixture.scratch, fixture.plain);
      CHECK(outcome(read) == (may_read ? "ok" : "not_permitted"));
      CHECK((!read || fixture.plain == fixture.pack.blocks[block].plain));
    }
  }
}

TEST_CASE("the reader counts what it fetches") {
  Fixture fixture;
  CHECK(fixture.reader.bytes_read() == 0);
  REQUIRE(fixture.reader.read(fixture.summary, 0, fixture.scratch, fixture.plain));
  CHECK(fixture.reader.bytes_read() == 416);
  const Bytes object = fixture.memory.object(fixture.pack.name());
  const auto& place = fixture.summary.blocks[1];
  REQUIRE(fixture.reader.open(
      fixture.summary, 1, ByteView(object).subspan(place.offset_bytes, place.record.stored_bytes),
      fixture.scratch, fixture.plain));
  CHECK(fixture.plain == fixture.pack.blocks[1].plain);
  CHECK(fixture.reader.bytes_read() == 416);
}

TEST_CASE("a block's error names pack and block") {
  Fixture fixture;
  const std::string path = object_path(fixture.pack.name());
  const auto read = [&](std::uint32_t block) {
    return fixture.reader.read(fixture.summary, block, fixture.scratch, fixture.plain);
  };
  const auto names_both = [&](const core::Status& status, std::uint32_t block) {
    const std::string message = message_of(status);
    return message.find(path) != std::string::npos &&
           message.find("block " + std::to_string(block)) != std::string::npos;
  };
  SECTION("damaged") {
    fixture.backend.inflict(fixture.pack.name(),
                            damage::Flipped{.offset = fixture.summary.blocks[1].offset_bytes});
    CHECK(outcome(read(0)) == "ok");
    CHECK(outcome(read(1)) == "corrupt");
    CHECK(names_both(read(1), 1));
  }
  SECTION("the pack is gone") {
    fixture.backend.inflict(fixture.pack.name(), damage::Missing{});
    CHECK(outcome(read(1)) == "not_found");
    CHECK(names_both(read(1), 1));
  }
  SECTION("the pack ends before") {
    const std::uint64_t size = fixture.pack.indexed.size_bytes;
    fixture.backend.inflict(
        fixture.pack.name(),
        damage::Truncated{.bytes = size - fixture.summary.blocks[1].offset_bytes - 1});
    CHECK(outcome(read(0)) == "ok");
    CHECK(outcome(read(1)) == "corrupt");
    CHECK(names_both(read(1), 1));
  }
  SECTION("a block that the pack has not") {
    CHECK(outcome(read(2)) == "corrupt");
    CHECK(names_both(read(2), 2));
  }
}

TEST_CASE("a description that makes no sense is an error, not a crash") {
  Fixture fixture;
  PackSummary& summary = fixture.summary;
  const auto read = [&](std::uint32_t block) {
    return outcome(fixture.reader.read(summary, block, fixture.scratch, fixture.plain));
  };
  SECTION("a key that is not listed") {
    summary.blocks[0].record.key = 1;
    CHECK(read(0) == "corrupt");
  }
  SECTION("more bytes than any block has") {
    summary.blocks[0].record.stored_bytes = UINT32_MAX;
    CHECK(read(0) == "corrupt");
    summary.blocks[1].record.plain_bytes = UINT32_MAX;
    CHECK(read(1) == "corrupt");
  }
  SECTION("lengths that do not fit") {
    summary.blocks[0].record.plain_bytes -= 1;
    CHECK(read(0) == "corrupt");
    summary.blocks[1].record.plain_bytes -= 1;
    CHECK(read(1) == "corrupt");
  }
  SECTION("no room for the tag") {
    summary.blocks[1].record.stored_bytes = 3;
    CHECK(read(1) == "corrupt");
  }
  SECTION("the other codec") {
    summary.blocks[1].record.codec = repo::format::BlockCodec::raw;
    CHECK(read(1) == "corrupt");
  }
  SECTION("another place") {
    summary.blocks[0].offset_bytes += 1;
    CHECK(read(0) == "corrupt");
    summary.blocks[0].offset_bytes = UINT64_MAX;
    CHECK(read(0) == "corrupt");
  }
  SECTION("another kind") {
    summary.kind = BlockKind::metadata;
    CHECK(read(0) == "corrupt");
  }
}

TEST_CASE("a compressed block that does not expand as promised is corrupt, though it opens") {
  TestKeys keys;
  MemBackend backend;
  MadeBlock block = make_block(keys, BlockKind::data, {2000}, true);
  SECTION("not a frame") { block.payload = keys.random.bytes(block.payload.size()); }
  SECTION("a shorter plaintext") {
    core::Compressor compressor(3, 2000);
    REQUIRE(compressor.compress(ByteView(block.plain).first(1999), block.payload));
  }
  const MadePack pack = put_pack(keys, backend, BlockKind::data, {block});
  BlockReader reader(backend, keys.admin());
  BlockReader::Scratch scratch;
  Bytes plain;
  CHECK(outcome(reader.read(repo::store::summary_of(pack.indexed), 0, scratch, plain)) ==
        "corrupt");
}

TEST_CASE("keys of many packs are kept apart") {
  TestKeys keys;
  MemBackend backend;
  std::vector<MadePack> packs;
  for (int i = 0; i < 300; ++i) {  // more than the reader keeps keys
    packs.push_back(
        put_pack(keys, backend, BlockKind::data, {make_block(keys, BlockKind::data, {10}, false)}));
  }
  BlockReader reader(backend, keys.of(Role::restore));
  BlockReader::Scratch scratch;
  Bytes plain;
  for (int round = 0; round < 2; ++round) {
    for (const MadePack& pack : packs) {
      REQUIRE(reader.read(repo::store::summary_of(pack.indexed), 0, scratch, plain));
      CHECK(plain == pack.blocks[0].plain);
    }
  }
  // The same salt with another ephemeral key is another key.
  PackSummary forged = repo::store::summary_of(packs[0].indexed);
  forged.keys[0].ephemeral = packs[1].indexed.directory.keys[0].ephemeral;
  CHECK(outcome(reader.read(forged, 0, scratch, plain)) == "corrupt");
  REQUIRE(reader.read(repo::store::summary_of(packs[0].indexed), 0, scratch, plain));
}

// --- Descriptions ---

TEST_CASE("a directory longer than the first guess is read in full") {
  TestKeys keys;
  MemBackend memory;
  FaultBackend backend(memory);
  const std::vector<std::size_t> lengths(3000, 7);  // 3,000 x 33 bytes of directory
  const MadePack pack = put_pack(keys, backend, BlockKind::metadata,
                                 {make_block(keys, BlockKind::metadata, lengths, false)});
  const auto description = read_pack_description(backend, keys.admin(), pack.indexed.id);
  REQUIRE(description);
  CHECK(description->footer.directory_bytes > 64 * 1024);
  CHECK(description->directory == pack.indexed.directory);
}

TEST_CASE("a small pack's description costs one look and two reads") {
  Fixture fixture;
  const std::uint64_t before = fixture.backend.calls();
  REQUIRE(read_pack_description(fixture.backend, fixture.keys.admin(), fixture.pack.indexed.id));
  CHECK(fixture.backend.calls() - before == 3);
}

TEST_CASE("whatever byte of a pack is changed, reading it says so") {
  Fixture fixture(GENERATE(BlockKind::data, BlockKind::metadata));
  REQUIRE(fixture.verdict() == "ok");
  for (std::uint64_t i = 0; i < fixture.pack.indexed.size_bytes; ++i) {
    fixture.backend.inflict(fixture.pack.name(),
                            damage::Flipped{.offset = i, .mask = std::byte{0x08}});
    const std::string verdict = fixture.verdict();
    // Two bytes say which version of the format this is, and limits come before checks.
    if (verdict != "corrupt" && verdict != "unsupported_version" && verdict != "limit_exceeded") {
      FAIL_CHECK("byte " << i << ": " << verdict);
    }
  }
}

TEST_CASE("damage to each region of a pack is found, and named") {
  Fixture fixture;
  const auto described =
      read_pack_description(fixture.backend, fixture.keys.admin(), fixture.pack.indexed.id);
  REQUIRE(described);
  const std::uint64_t covered = described->footer.covered_bytes;
  const std::uint64_t size = fixture.pack.indexed.size_bytes;
  const auto says = [&](std::uint64_t offset, const std::string& what) {
    fixture.backend.inflict(fixture.pack.name(), damage::Flipped{.offset = offset});
    const auto description =
        read_pack_description(fixture.backend, fixture.keys.admin(), fixture.pack.indexed.id);
    INFO(message_of(description));
    CHECK(message_of(description).find(what) != std::string::npos);
    CHECK((description ||
           message_of(description).find(object_path(fixture.pack.name())) != std::string::npos));
  };
  says(0, "not an object of a Cairn repository");    // header: magic
  says(20, "open the directory");                    // header: salt
  says(covered - 1, "open the directory");           // directory
  says(covered, "another pack than its name says");  // table
  says(size - 20, "footer");                         // covered bytes
  says(size - 1, "end mark");                        // footer: end mark
  // Damage to a block does not hide the directory: the other blocks can still be read.
  fixture.backend.inflict(fixture.pack.name(),
                          damage::Flipped{.offset = repo::format::kPackHeaderBytes});
  CHECK(outcome(read_pack_description(fixture.backend, fixture.keys.admin(),
                                      fixture.pack.indexed.id)) == "ok");
}

TEST_CASE("a pack that was cut, grown, swapped or lost is noticed") {
  Fixture fixture;
  const auto name = fixture.pack.name();
  const std::uint64_t size = fixture.pack.indexed.size_bytes;
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{24}, std::uint64_t{56},
                                    std::uint64_t{200}, size - 112, size - 1, size}) {
    fixture.backend.inflict(name, damage::Truncated{.bytes = bytes});
    CHECK(fixture.verdict() == "corrupt");
  }
  for (const unsigned bytes : {1U, 24U, 1000U, 2'000'000U}) {
    fixture.backend.inflict(name, damage::Grown{.bytes = bytes});
    CHECK(fixture.verdict() == "corrupt");
  }
  const MadePack other = put_pack(fixture.keys, fixture.memory, fixture.kind,
                                  {make_block(fixture.keys, fixture.kind, {100, 300}, false),
                                   make_block(fixture.keys, fixture.kind, {2000, 50}, true)});
  fixture.backend.inflict(name, damage::Swapped{.with = other.name()});
  CHECK(fixture.verdict() == "corrupt");
  for (std::uint32_t block = 0; block < 2; ++block) {
    CHECK(outcome(fixture.reader.read(fixture.summary, block, fixture.scratch, fixture.plain)) ==
          "corrupt");
  }
  fixture.backend.inflict(name, damage::Missing{});
  CHECK(fixture.verdict() == "not_found");
  fixture.backend.heal(name);
  CHECK(fixture.verdict() == "ok");
}

TEST_CASE("a pack of another repository does not open") {
  Fixture fixture;
  TestKeys other(2);
  CHECK(outcome(read_pack_description(fixture.backend, other.admin(), fixture.pack.indexed.id)) ==
        "corrupt");
  BlockReader reader(fixture.backend, other.admin());
  CHECK(outcome(reader.read(fixture.summary, 0, fixture.scratch, fixture.plain)) == "corrupt");
}

/// A pack whose directory was written by hand, by a holder of the index key.
PackId put_forged(Fixture& fixture, const repo::format::PackDirectory& directory,
                  BlockKind header_kind) {
  auto seal = repo::store::make_pack_seal(fixture.keys.admin(), fixture.keys.random, header_kind);
  REQUIRE(seal);
  Bytes object = repo::format::encode_pack_header(seal->header);
  object.resize(object.size() + 116);
  core::Encoder plain;
  repo::format::encode_pack_directory(plain, directory);
  const Bytes sealed =
      repo::store::seal_directory(fixture.keys.admin(), seal->header, plain.view());
  core::append(object, sealed);
  repo::format::PackFooter footer;
  footer.covered_bytes = object.size();
  footer.directory_bytes = static_cast<std::uint32_t>(sealed.size());
  footer.segments.push_back(core::hash256(object));
  const Bytes encoded = repo::format::encode_pack_footer(footer);
  core::append(object, encoded);
  const PackId id = repo::format::pack_id(encoded);
  fixture.memory.set_object(object_name(ObjectKind::pack, id), object);
  return id;
}

TEST_CASE("a forged directory that does not fit its pack is refused") {
  Fixture fixture;
  repo::format::PackDirectory directory;
  directory.kind = BlockKind::data;
  directory.keys.push_back({});
  repo::format::BlockRecord block;
  block.plain_bytes = 100;
  block.stored_bytes = 116;
  block.chunks.push_back({ChunkId(), 100});
  directory.blocks.push_back(block);
  const auto verdict = [&](BlockKind header_kind) {
    return outcome(read_pack_description(fixture.backend, fixture.keys.admin(),
                                         put_forged(fixture, directory, header_kind)));
  };
  CHECK(verdict(BlockKind::data) == "ok");
  CHECK(verdict(BlockKind::metadata) == "corrupt");
  directory.blocks[0].plain_bytes = 101;
  directory.blocks[0].stored_bytes = 117;
  directory.blocks[0].chunks[0].length_bytes = 101;
  CHECK(verdict(BlockKind::data) == "corrupt");
}

// --- Chunks ---

struct ChunkFixture : Fixture {
  explicit ChunkFixture(BlockKind of_kind = BlockKind::data) : Fixture(of_kind) {
    known.add(pack.indexed);
  }

  KnownPacks known;
  ChunkReader chunks{reader, known, keys.admin()};
};

TEST_CASE("chunks are found by their id, wherever they lie") {
  const BlockKind kind = GENERATE(BlockKind::data, BlockKind::metadata);
  ChunkFixture fixture(kind);
  for (const MadeBlock& block : fixture.pack.blocks) {
    for (std::size_t i = 0; i < block.chunks.size(); ++i) {
      const auto chunk = fixture.chunks.get(block.record.chunks[i].id, kind);
      REQUIRE(chunk);
      CHECK(*chunk == block.chunks[i]);
    }
  }
  const auto unknown = fixture.keys.random_id<ChunkId>();
  CHECK(outcome(fixture.chunks.get(unknown, kind)) == "not_found");
  CHECK(message_of(fixture.chunks.get(unknown, kind)).find(unknown.hex()) != std::string::npos);
}

TEST_CASE("neighbours in a block are read once") {
  ChunkFixture fixture;
  const auto& records = fixture.pack.blocks[0].record.chunks;
  REQUIRE(fixture.chunks.get(records[0].id, BlockKind::data));
  const std::uint64_t bytes = fixture.reader.bytes_read();
  REQUIRE(fixture.chunks.get(records[1].id, BlockKind::data));
  REQUIRE(fixture.chunks.get(records[0].id, BlockKind::data));
  CHECK(fixture.reader.bytes_read() == bytes);
}

TEST_CASE("a chunk that is not what its id says is never handed out") {
  ChunkFixture fixture;
  const ChunkId id = fixture.pack.blocks[0].record.chunks[0].id;
  const std::string path = object_path(fixture.pack.name());
  const auto check_refused = [&](const std::string& code) {
    const auto chunk = fixture.chunks.get(id, BlockKind::data);
    CHECK(outcome(chunk) == code);
    CHECK(message_of(chunk).find(id.hex()) != std::string::npos);
    CHECK(message_of(chunk).find(path) != std::string::npos);
  };
  SECTION("the catalogue points to another chunk") {
    fixture.known.chunks[id].offset_bytes = 100;
    check_refused("corrupt");
  }
  SECTION("... to another length") {
    fixture.known.chunks[id].length_bytes += 1;
    check_refused("corrupt");
  }
  SECTION("... beyond the block") {
    fixture.known.chunks[id].offset_bytes = 400;
    check_refused("corrupt");
    fixture.known.chunks[id].offset_bytes = UINT32_MAX;
    fixture.known.chunks[id].length_bytes = UINT32_MAX;
    check_refused("corrupt");
  }
  SECTION("... to a block that is not there") {
    fixture.known.chunks[id].block = 9;
    check_refused("corrupt");
  }
  SECTION("data passed off as a node") {
    CHECK(outcome(fixture.chunks.get(id, BlockKind::metadata)) == "corrupt");
  }
  SECTION("a forged block under a good directory") {
    // A stolen backup client can seal whatever it likes, but not make it hash to a known id.
    MadeBlock forged = make_block(fixture.keys, BlockKind::data, {100}, false);
    forged.record.chunks[0].id = id;
    const MadePack pack = put_pack(fixture.keys, fixture.memory, BlockKind::data, {forged});
    fixture.known.add(pack.indexed);
    CHECK(outcome(fixture.chunks.get(id, BlockKind::data)) == "corrupt");
  }
  SECTION("the pack is gone") {
    fixture.backend.inflict(fixture.pack.name(), damage::Missing{});
    check_refused("not_found");
  }
  SECTION("a failed read is not remembered") {
    fixture.backend.arm({.at_call = 1});
    check_refused("io");
    CHECK(outcome(fixture.chunks.get(id, BlockKind::data)) == "ok");
  }
}

TEST_CASE("a role that may not read data gets no data") {
  ChunkFixture fixture;
  BlockReader reader(fixture.backend, fixture.keys.of(Role::audit));
  ChunkReader chunks(reader, fixture.known, fixture.keys.of(Role::audit));
  CHECK(outcome(chunks.get(fixture.pack.blocks[0].record.chunks[0].id, BlockKind::data)) ==
        "not_permitted");
}

TEST_CASE("the cache of blocks keeps its bound, and the newest") {
  TestKeys keys;
  MemBackend backend;
  KnownPacks known;
  constexpr std::size_t kBlockBytes = 3 * 1024 * 1024;  // five fit into 16 MiB
  std::vector<MadePack> packs;
  for (int i = 0; i < 8; ++i) {
    packs.push_back(put_pack(keys, backend, BlockKind::data,
                             {make_block(keys, BlockKind::data, {kBlockBytes}, true)}));
    known.add(packs.back().indexed);
  }
  BlockReader reader(backend, keys.admin());
  ChunkReader chunks(reader, known, keys.admin());
  const auto get = [&](std::size_t i) {
    REQUIRE(chunks.get(packs[i].blocks[0].record.chunks[0].id, BlockKind::data));
  };
  std::size_t most = 0;
  for (std::size_t i = 0; i < packs.size(); ++i) {
    get(i);
    most = std::max(most, chunks.cached_bytes());
  }
  CHECK(most == 5 * kBlockBytes);
  CHECK(most <= repo::kBlockCacheBytesMax);
  // 3 to 7 are there; using 3 again makes 4 the oldest.
  const std::uint64_t bytes = reader.bytes_read();
  get(3);
  CHECK(reader.bytes_read() == bytes);
  get(0);
  const std::uint64_t after_miss = reader.bytes_read();
  CHECK(after_miss > bytes);
  get(3);
  CHECK(reader.bytes_read() == after_miss);
  get(4);
  CHECK(reader.bytes_read() > after_miss);
}

TEST_CASE("a hundred lost chunks are looked for once, until a new verb begins") {
  TestKeys keys;
  MemBackend backend;
  KnownPacks known;
  BlockReader reader(backend, keys.admin());
  int refreshes = 0;
  ChunkReader chunks(reader, known, keys.admin(), {}, [&refreshes] {
    refreshes += 1;
    return core::Status();
  });
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const auto id = repo::ChunkId::from(seeded_bytes(i, repo::ChunkId::kSize));
    CHECK(outcome(chunks.get(id, BlockKind::data)) == "not_found");
  }
  CHECK(refreshes == 1);
  chunks.expect_changes();
  const auto id = repo::ChunkId::from(seeded_bytes(1, repo::ChunkId::kSize));
  CHECK(outcome(chunks.get(id, BlockKind::data)) == "not_found");
  CHECK(refreshes == 2);
}

TEST_CASE("a pack that has gone is a reason to look again, whatever was lost before") {
  TestKeys keys;
  MemBackend backend;
  KnownPacks known;
  const auto pack = put_pack(keys, backend, BlockKind::metadata,
                             {make_block(keys, BlockKind::metadata, {500}, false)});
  known.add(pack.indexed);
  const repo::ChunkId moved = pack.blocks[0].record.chunks[0].id;
  BlockReader reader(backend, keys.admin());
  int refreshes = 0;
  ChunkReader chunks(reader, known, keys.admin(), {}, [&] {
    refreshes += 1;
    return core::Status();
  });
  const auto lost = repo::ChunkId::from(seeded_bytes(1, repo::ChunkId::kSize));
  CHECK(outcome(chunks.get(lost, BlockKind::metadata)) == "not_found");
  CHECK(refreshes == 1);
  REQUIRE(outcome(backend.remove(
              repo::store::object_name(repo::format::ObjectKind::pack, pack.indexed.id))) == "ok");
  CHECK(outcome(chunks.get(moved, BlockKind::metadata)) == "not_found");
  CHECK(refreshes == 2);
}

TEST_CASE("readers in several threads see the same chunks", "[threads]") {
  TestKeys keys;
  MemBackend backend;
  KnownPacks known;
  std::vector<MadePack> packs;
  for (int i = 0; i < 20; ++i) {
    packs.push_back(put_pack(keys, backend, BlockKind::metadata,
                             {make_block(keys, BlockKind::metadata, {500, 600'000}, true),
                              make_block(keys, BlockKind::metadata, {400'000, 70}, false)}));
    known.add(packs.back().indexed);
  }
  BlockReader reader(backend, keys.admin());
  ChunkReader chunks(reader, known, keys.admin());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < packs.size(); ++i) {
        for (const MadeBlock& block : packs[(i + t * 5) % packs.size()].blocks) {
          for (std::size_t c = 0; c < block.chunks.size(); ++c) {
            const auto chunk = chunks.get(block.record.chunks[c].id, BlockKind::metadata);
            wrong += chunk && *chunk == block.chunks[c] ? 0 : 1;
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
  CHECK(chunks.cached_bytes() <= repo::kBlockCacheBytesMax);
}

}  // namespace
}  // namespace cairn::test
