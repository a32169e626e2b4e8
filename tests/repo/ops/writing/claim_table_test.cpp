#include "ops/writing/claim_table.h"

#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "catch2.h"
#include "forwarding_catalogue.h"
#include "ops/repository/local_catalogue.h"
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

/// Answers nobody before so many have asked.
class MeetingCatalogue final : public ForwardingCatalogue {
 public:
  MeetingCatalogue(std::unique_ptr<Catalogue> real, int askers)
      : ForwardingCatalogue(std::move(real)), all_ask_(askers) {}

  using Catalogue::find;
  [[nodiscard]] core::Result<std::optional<repo::store::ChunkLocation>> find(
      const ChunkId& id, const repo::store::PackFilter& usable) const override {
    auto found = real_->find(id, usable);
    all_ask_.arrive_and_wait();
    return found;
  }

 private:
  mutable std::latch all_ask_;
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
  constexpr int kThreads = 4;
  Claims parts;
  ops::install_catalogue(parts.opened(), std::make_unique<MeetingCatalogue>(
                                             std::move(parts.opened().local->catalogue), kThreads));
  ops::ClaimTable claims(parts.view(), {});
  const ChunkId id = parts.some_id();
  std::atomic<int> claimed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] { claimed += claims.claim(id).value() ? 1 : 0; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(claimed == 1);
}

}  // namespace cairn::test
