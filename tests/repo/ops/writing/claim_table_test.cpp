#include "ops/writing/claim_table.h"

#include <atomic>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "catch2.h"
#include "ops/repository/write_view.h"
#include "repo_fixture.h"

namespace cairn::test {
namespace {

namespace ops = repo::ops;
using repo::ChunkId;

class Claims {
 public:
  Claims() : repository_(*fixture_.init()) {
    REQUIRE(ops::ensure_catalogue(opened(), fixture_.observer));
  }
  ops::OpenRepository& opened() { return ops::opened(repository_); }
  ops::WriteView view() { return {*ops::catalogue_if_open(opened()), usable_packs_}; }
  ChunkId some_id() {
    ChunkId id;
    fixture_.random.fill(id.mutable_view());
    return id;
  }

 private:
  RepoFixture fixture_;
  repo::Repository repository_;
  ops::UsablePacks usable_packs_;
};

repo::format::IndexSegment segment_of(const ChunkId& id) {
  repo::format::IndexSegment segment;
  segment.packs.emplace_back().directory.blocks.emplace_back().chunks.push_back({id, 1});
  return segment;
}

}  // namespace

TEST_CASE("a chunk is claimed once, until it is listed") {
  Claims parts;
  ops::ClaimTable claims(parts.view(), {});
  const ChunkId id = parts.some_id();
  const ChunkId other = parts.some_id();
  CHECK(*claims.claim(id));
  CHECK_FALSE(*claims.claim(id));
  CHECK(*claims.claim(other));
  claims.release(segment_of(id));  // the catalogue, which would say so, was not told of it
  CHECK(*claims.claim(id));
  CHECK_FALSE(*claims.claim(other));
}

TEST_CASE("only what is wanted can be claimed") {
  Claims parts;
  const std::set<ChunkId> wanted{parts.some_id()};
  ops::ClaimTable claims(parts.view(), {.only = &wanted});
  CHECK_FALSE(*claims.claim(parts.some_id()));
  CHECK(*claims.claim(*wanted.begin()));
}

TEST_CASE("of several threads that come with the same chunk one stores it", "[threads]") {
  Claims parts;
  ops::ClaimTable claims(parts.view(), {});
  std::vector<ChunkId> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back(parts.some_id());
  }
  std::atomic<int> claimed = 0;
  constexpr int kThreads = 4;
  std::latch all_there(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_there.arrive_and_wait();
      for (const ChunkId& id : ids) {
        claimed += claims.claim(id).value() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(claimed == 1000);
}

}  // namespace cairn::test
