#include "store/packs/block_sealer.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "catch2.h"
#include "pack_fixture.h"

namespace cairn::test {
namespace {

using core::Bytes;
using repo::Role;
using repo::format::BlockKind;
using repo::store::BlockReader;
using repo::store::BlockSealer;
using repo::store::PackWriter;
using repo::store::SealedBlock;

TEST_CASE("a sealer takes a new key after a pack's worth of bytes, and a number but once") {
  TestKeys keys;
  BlockSealer sealer(keys.of(Role::backup), keys.random, BlockKind::data);
  const MadeBlock block = make_block(keys, BlockKind::data, {7'000'000}, false);
  std::vector<SealedBlock> sealed;
  for (int i = 0; i < 11; ++i) {
    sealed.push_back(sealed_block(sealer, block));
  }
  // 7 MB each: the fifth one goes beyond 32 MiB, and the key with it.
  static_assert(BlockSealer::kKeyBytes == 32 * 1024 * 1024);
  for (std::size_t i = 1; i < sealed.size(); ++i) {
    CAPTURE(i);
    CHECK((sealed[i].key == sealed[i - 1].key) == (i % 5 != 0));
  }
  std::vector<std::uint32_t> numbers;
  std::ranges::transform(sealed, std::back_inserter(numbers),
                         [](const SealedBlock& each) { return each.record.key_block; });
  CHECK(numbers == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0});
  // Neither key nor number is the same: so neither is the ciphertext of the same bytes.
  std::set<Bytes> contents;
  for (const SealedBlock& each : sealed) {
    contents.insert(each.bytes);
  }
  CHECK(contents.size() == sealed.size());
}

TEST_CASE("the memory that a sealer is given may hold anything") {
  TestKeys keys;
  SeededRandom same_one(5);
  SeededRandom same_two(5);
  BlockSealer one(keys.admin(), same_one, BlockKind::metadata);
  BlockSealer two(keys.admin(), same_two, BlockKind::metadata);
  const MadeBlock block = make_block(keys, BlockKind::metadata, {300}, false);
  const auto fresh = one.seal(block.record, block.payload);
  const auto reused = two.seal(block.record, block.payload, keys.random.bytes(5000));
  REQUIRE(fresh);
  REQUIRE(reused);
  CHECK(fresh->bytes.size() == 300 + core::kAeadTagBytes);
  CHECK(fresh->bytes == reused->bytes);
}

TEST_CASE("blocks of several sealers lie in one pack, in any order, and are read from it") {
  TestKeys keys;
  MemBackend backend;
  // Whoever backs up has public keys only.
  const auto& writing = keys.of(Role::backup);
  BlockSealer one(writing, keys.random, BlockKind::data);
  BlockSealer two(writing, keys.random, BlockKind::data);
  repo::store::SegmentHasher segments;
  auto writer = PackWriter::open(backend, writing, keys.random, BlockKind::data, segments);
  REQUIRE(writer);
  std::vector<MadeBlock> blocks;
  for (const bool is_first : {true, false, false, true, false, true}) {
    blocks.push_back(make_block(keys, BlockKind::data, {900, 100 + blocks.size()}, is_first));
    REQUIRE(append_sealed(**writer, sealed_block(is_first ? one : two, blocks.back())));
  }
  const auto pack = (*writer)->publish();
  REQUIRE(pack);
  CHECK(pack->directory.keys.size() == 2);
  BlockReader reader(backend, keys.of(Role::restore));
  BlockReader::Scratch scratch;
  for (std::uint32_t i = 0; i < blocks.size(); ++i) {
    CAPTURE(i);
    Bytes plain;
    REQUIRE(reader.read(repo::store::summary_of(*pack), i, scratch, plain));
    CHECK(plain == blocks[i].plain);
  }
}

}  // namespace
}  // namespace cairn::test
