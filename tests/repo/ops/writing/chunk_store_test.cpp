#include "ops/writing/chunk_store.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "catch2.h"
#include "ops/repository/catalogue_view.h"
#include "ops/writing/block_writer.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "store/backend/backend.h"
#include "store/packs/pack_reader.h"

namespace cairn::test {
namespace {

namespace ops = repo::ops;
using repo::ChunkId;
using repo::format::BlockKind;
using repo::format::ObjectKind;
using repo::store::Backend;
using repo::store::ObjectName;
using repo::store::ObjectWriter;

/// A repository whose first pack makes no progress until a second one has begun, or has come to its
/// end: as with a disk that takes its time.
class SlowFirstPack final : public Backend {
 public:
  explicit SlowFirstPack(std::unique_ptr<Backend> real) : real_(std::move(real)) {}

  enum class Second : std::uint8_t { begins, ends, fails, nobody };
  /// What of the second pack lets the first go on; nobody: it does not wait.
  void wait_for(Second second) {
    second_ = second;
    goes_on_ = second == Second::nobody;
  }
  void go_on() {
    const std::scoped_lock lock(mutex_);
    goes_on_ = true;
    changed_.notify_all();
  }

  core::Result<std::unique_ptr<ObjectWriter>> start() override {
    CAIRN_TRY(auto writer, real_->start());
    const std::scoped_lock lock(mutex_);
    const unsigned number = ++started_;
    if (number == 2 && second_ != Second::ends) {
      goes_on_ = true;
      changed_.notify_all();
    }
    if (number == 2 && second_ == Second::fails) {
      return core::fail(core::ErrorCode::no_space, "write the second pack: no space");
    }
    return std::make_unique<Writer>(*this, std::move(writer), number);
  }
  core::Result<core::Bytes> get(const ObjectName& name, std::uint64_t size_max) override {
    return real_->get(name, size_max);
  }
  core::Status get_range(const ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override {
    return real_->get_range(name, offset, out);
  }
  core::Result<std::optional<std::uint64_t>> size(const ObjectName& name) override {
    return real_->size(name);
  }
  core::Status list(ObjectKind kind,
                    const std::function<void(const repo::store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override {
    return real_->list(kind, visit, foreign);
  }
  core::Status remove(const ObjectName& name) override { return real_->remove(name); }

 private:
  class Writer final : public ObjectWriter {
   public:
    Writer(SlowFirstPack& owner, std::unique_ptr<ObjectWriter> real, unsigned number)
        : owner_(owner), real_(std::move(real)), number_(number) {}
    core::Status append(core::ByteView data) override {
      if (number_ == 1) {
        std::unique_lock lock(owner_.mutex_);
        owner_.changed_.wait(lock, [this] { return owner_.goes_on_; });
      }
      return real_->append(data);
    }
    core::Status publish(const ObjectName& name) override {
      const auto status = real_->publish(name);
      if (number_ == 2) {
        const std::scoped_lock lock(owner_.mutex_);
        owner_.goes_on_ = true;
        owner_.changed_.notify_all();
      }
      return status;
    }

   private:
    SlowFirstPack& owner_;
    std::unique_ptr<ObjectWriter> real_;
    unsigned number_;
  };

  std::unique_ptr<Backend> real_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned started_ = 0;
  bool goes_on_ = false;
  Second second_ = Second::ends;
};

/// A store over such a repository, and chunks of random bytes for it.
class Slow {
 public:
  Slow() : repository_(*fixture_.init()), meter_(fixture_.observer, fixture_.clock) {
    REQUIRE(ops::ensure_catalogue(parts(), fixture_.observer));
    auto slow = std::make_unique<SlowFirstPack>(std::move(parts().backend));
    backend = slow.get();
    parts().backend = std::move(slow);
  }

  void begin(const ops::StorageLimit& limit = {}) {
    store_.emplace(ops::WriteView{view(), usable_packs_}, ops::ChunkStoreOptions{.limit = limit},
                   meter_);
    writer_.emplace(*store_);
  }
  /// Blocks of 1 MiB that cannot be compressed.
  core::Status put_blocks(std::size_t count) {
    const std::size_t first = chunks_.size();
    while (chunks_.size() < first + count * kChunksOfBlock) {
      const core::Bytes chunk = fixture_.random.bytes(kChunkBytes);
      chunks_.push_back(parts().keys->data_chunk_id(chunk));
      CAIRN_TRY(const bool is_new, store_->claim(chunks_.back()));
      REQUIRE(is_new);
      CAIRN_TRY_STATUS(writer_->add(ops::BlockClass::compressed, chunks_.back(), chunk));
      added += 1;
    }
    return {};
  }
  /// How many of the chunks are not there as they were given.
  std::size_t count_lost() {
    std::size_t lost = 0;
    for (const ChunkId& id : chunks_) {
      const auto chunk = view().chunks().get(id, BlockKind::data);
      lost += chunk && parts().keys->data_chunk_id(*chunk) == id ? 0U : 1U;
    }
    return lost;
  }

  ops::ChunkStore& store() { return *store_; }
  ops::CatalogueView view() { return *ops::catalogue_if_open(parts()); }
  ops::OpenRepository& parts() { return ops::opened(repository_); }
  [[nodiscard]] std::size_t chunks() const { return chunks_.size(); }

  static constexpr std::size_t kChunksOfBlock = 8;

  SlowFirstPack* backend = nullptr;
  std::atomic<std::size_t> added = 0;  ///< chunks

 private:
  static constexpr std::size_t kChunkBytes = 128 * 1024;

  RepoFixture fixture_;
  repo::Repository repository_;
  ops::UsablePacks usable_packs_;
  ops::ProgressMeter meter_;
  std::optional<ops::ChunkStore> store_;
  std::optional<ops::BlockWriter> writer_;
  std::vector<ChunkId> chunks_;
};

}  // namespace

TEST_CASE("what one thread cannot write in time goes into a pack beside", "[threads]") {
  Slow slow;
  // One block is stuck and five wait behind it; 32 fill the pack beside. It may also be that it is
  // not full when all ends.
  const auto [second, blocks] = GENERATE(table<SlowFirstPack::Second, std::size_t>(
      {{SlowFirstPack::Second::ends, 44}, {SlowFirstPack::Second::begins, 8}}));
  slow.backend->wait_for(second);
  slow.begin();
  REQUIRE(outcome(slow.put_blocks(blocks)) == "ok");
  SECTION("at the end") { REQUIRE(outcome(slow.store().publish_all()) == "ok"); }
  SECTION("at a checkpoint, with more to come") {
    REQUIRE(outcome(slow.store().publish_all()) == "ok");
    CHECK(slow.count_lost() == 0);
    REQUIRE(outcome(slow.put_blocks(2)) == "ok");
    REQUIRE(outcome(slow.store().publish_all()) == "ok");
  }
  CHECK(slow.count_lost() == 0);
  const auto totals = slow.store().totals();
  CHECK(totals.data_packs >= 2);
  CHECK(totals.data.chunks == slow.chunks());
}

TEST_CASE("a pack beside that cannot be written ends the store", "[threads]") {
  Slow slow;
  slow.backend->wait_for(SlowFirstPack::Second::fails);
  slow.begin();
  CHECK(outcome(slow.put_blocks(44)) == "no_space");
  CHECK(outcome(slow.put_blocks(1)) == "no_space");
  CHECK(outcome(slow.store().publish_all()) == "no_space");
}

TEST_CASE("little data makes one pack") {
  Slow slow;
  slow.backend->wait_for(SlowFirstPack::Second::nobody);
  slow.begin();
  REQUIRE(outcome(slow.put_blocks(4)) == "ok");
  REQUIRE(outcome(slow.store().publish_all()) == "ok");
  CHECK(slow.count_lost() == 0);
  CHECK(slow.store().totals().data_packs == 1);
}

TEST_CASE("under a size limit all data makes one pack, however slow the disk is", "[threads]") {
  Slow slow;
  slow.backend->wait_for(SlowFirstPack::Second::ends);
  slow.begin({.max_bytes = std::uint64_t{1} << 30});
  core::Status put;
  std::thread putting([&] { put = slow.put_blocks(24); });
  // One block is stuck, five wait behind it, and the next one has to wait, too. Nothing tells when
  // it does; if it went into a pack beside, it soon would have.
  constexpr std::size_t kUntilFull = 7 * Slow::kChunksOfBlock - 1;
  constexpr int kLooks = 1'000'000;
  for (int i = 0; i < kLooks && slow.added <= kUntilFull; i += slow.added == kUntilFull ? 1 : 0) {
    std::this_thread::yield();
  }
  slow.backend->go_on();
  putting.join();
  REQUIRE(outcome(put) == "ok");
  REQUIRE(outcome(slow.store().publish_all()) == "ok");
  CHECK(slow.count_lost() == 0);
  CHECK(slow.store().totals().data_packs == 1);
}

}  // namespace cairn::test
