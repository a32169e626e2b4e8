#include "ops/writing/block_writer.h"

#include <deque>
#include <optional>
#include <utility>

#include "catch2.h"
#include "ops/repository/write_view.h"
#include "ops/writing/block_buffers.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn::test {
namespace {

namespace ops = repo::ops;
using ops::BlockClass;
using repo::ChunkId;

/// Takes over as many blocks as it is told to.
class Others final : public ops::IdleWriters {
 public:
  explicit Others(std::size_t blocks_max) : blocks_max_(blocks_max) {}
  [[nodiscard]] bool take_over(ops::OpenBlock& block) override {
    if (taken.size() >= blocks_max_) {
      return false;
    }
    taken.push_back(std::move(block));
    return true;
  }
  std::deque<ops::OpenBlock> taken;

 private:
  std::size_t blocks_max_;
};

/// A store, and chunks of random bytes for it, each as large as a block that follows one that could
/// not be compressed.
class Writing {
 public:
  Writing() : repository_(*fixture_.init()), meter_(fixture_.observer, fixture_.clock) {
    REQUIRE(ops::ensure_catalogue(opened(), fixture_.observer));
    store.emplace(view(), ops::ChunkStoreOptions(), meter_);
  }
  core::Status add(ops::BlockWriter& writer) {
    const core::Bytes chunk =
        fixture_.random.bytes(ops::block_target_bytes(BlockClass::compressed));
    const ChunkId id = opened().keys->data_chunk_id(chunk);
    REQUIRE(*store->claim(id));
    return writer.add(BlockClass::general, id, chunk);
  }
  ops::OpenRepository& opened() { return ops::opened(repository_); }
  ops::WriteView view() { return {*ops::catalogue_if_open(opened()), usable_packs_}; }

 private:
  RepoFixture fixture_;
  repo::Repository repository_;
  ops::UsablePacks usable_packs_;
  ops::ProgressMeter meter_;

 public:
  std::optional<ops::ChunkStore> store;
};

}  // namespace

TEST_CASE("a full block is written by whoever has nothing to do, else by who filled it") {
  Writing parts;
  Others others(1);
  ops::BlockWriter writer(*parts.store, &others);
  ops::BlockWriter other(*parts.store);
  const auto stored = [&] { return parts.store->totals().data.chunks; };

  for (int i = 0; i < 8; ++i) {  // 8 MiB
    REQUIRE(outcome(parts.add(writer)) == "ok");
  }
  REQUIRE(others.taken.size() == 1);
  CHECK(others.taken.front().chunks.size() == 8);
  REQUIRE(outcome(other.write_given(std::move(others.taken.front()))) == "ok");
  REQUIRE(outcome(parts.store->publish_all()) == "ok");
  CHECK(stored() == 8);

  for (int i = 0; i < 8; ++i) {
    REQUIRE(outcome(parts.add(writer)) == "ok");
  }
  REQUIRE(outcome(parts.store->publish_all()) == "ok");
  CHECK(stored() == 16);  // nobody was idle

  REQUIRE(outcome(parts.add(writer)) == "ok");
  REQUIRE(outcome(parts.store->publish_all()) == "ok");
  CHECK(stored() == 17);  // a small one, since the one before could not be compressed
  REQUIRE(outcome(parts.store->publish_all()) == "ok");
}

TEST_CASE("who gives a block away goes on with what the last one taken over left") {
  Writing parts;
  Others others(3);
  ops::BlockWriter writer(*parts.store, &others);
  ops::BlockWriter other(*parts.store);
  for (int i = 0; i < 8; ++i) {
    REQUIRE(outcome(parts.add(writer)) == "ok");
  }
  const std::byte* const memory = others.taken.front().plain.data();
  REQUIRE(outcome(other.write_given(std::move(others.taken.front()))) == "ok");
  // The second one was begun before the first was written, the third one thereafter.
  for (int i = 0; i < 8 + 1; ++i) {
    REQUIRE(outcome(parts.add(writer)) == "ok");
  }
  REQUIRE(others.taken.size() == 3);
  CHECK(others.taken.back().plain.data() == memory);
  CHECK(others.taken.back().chunks.size() == 1);  // it is known that the first was incompressible
  REQUIRE(outcome(parts.store->publish_all()) == "ok");
}

TEST_CASE("memory of blocks is kept for the next ones, up to a bound") {
  ops::BlockBuffers buffers;
  CHECK(buffers.take_sealed().capacity() == 0);
  core::Bytes half(ops::BlockBuffers::kSealedBytes / 2);
  const std::byte* const memory = half.data();
  buffers.give_back(std::move(half));
  buffers.give_back(core::Bytes(ops::BlockBuffers::kSealedBytes));  // too much
  CHECK(buffers.take_sealed().data() == memory);
  CHECK(buffers.take_sealed().capacity() == 0);
  buffers.give_back(core::Bytes(ops::BlockBuffers::kSealedBytes));
  CHECK(buffers.take_sealed().size() == ops::BlockBuffers::kSealedBytes);

  ops::OpenBlock block;
  block.plain.reserve(1000);
  block.follows_raw = true;
  const std::byte* const plain = block.plain.data();
  buffers.give_back(std::move(block));
  const ops::OpenBlock taken = buffers.take_open(BlockClass::pages);
  CHECK(taken.plain.data() == plain);
  CHECK(taken.follows_raw);
  CHECK(taken.block_class == BlockClass::pages);
  CHECK(buffers.take_open(BlockClass::pages).plain.capacity() == 0);
}

}  // namespace cairn::test
