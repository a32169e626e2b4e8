#include <filesystem>
#include <functional>
#include <semaphore>
#include <set>
#include <thread>
#include <utility>

#include "collecting.h"
#include "ops/collect/collector.h"

// Processes of one client share a catalogue. One of them may be slow, and put back into it what it
// read before a collector removed it.

using namespace cairn;
using namespace cairn::test;

namespace {

namespace store = repo::store;
using repo::format::ObjectKind;

/// Tells when it has read something, and when it is about to list.
class ToldBackend final : public store::Backend {
 public:
  explicit ToldBackend(std::unique_ptr<store::Backend> real) : real_(std::move(real)) {}

  std::function<void(const store::ObjectName&)> after_get = [](const store::ObjectName&) {};
  std::function<void(ObjectKind)> before_list = [](ObjectKind) {};

  core::Result<std::unique_ptr<store::ObjectWriter>> start() override { return real_->start(); }
  core::Result<core::Bytes> get(const store::ObjectName& name, std::uint64_t size_max) override {
    auto bytes = real_->get(name, size_max);
    after_get(name);
    return bytes;
  }
  core::Status get_range(const store::ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override {
    return real_->get_range(name, offset, out);
  }
  core::Result<std::optional<std::uint64_t>> size(const store::ObjectName& name) override {
    return real_->size(name);
  }
  core::Status list(ObjectKind kind, const std::function<void(const store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override {
    before_list(kind);
    return real_->list(kind, visit, foreign);
  }
  core::Status remove(const store::ObjectName& name) override { return real_->remove(name); }

 private:
  std::unique_ptr<store::Backend> real_;
};

ToldBackend& be_told(repo::Repository& repository) {
  auto told = std::make_unique<ToldBackend>(std::move(repo::ops::opened(repository).backend));
  ToldBackend& backend = *told;
  repo::ops::opened(repository).backend = std::move(told);
  return backend;
}

std::set<repo::PackId> packs_there(repo::ops::OpenRepository& parts) {
  std::set<repo::PackId> packs;
  REQUIRE(outcome(parts.backend->list(ObjectKind::pack, [&](const store::ListedObject& object) {
            packs.insert(repo::PackId::from(object.name.id.view()));
          })) == "ok");
  return packs;
}

/// The only segment that lists `pack`.
repo::IndexSegmentId segment_of(repo::ops::OpenRepository& parts, const repo::PackId& pack) {
  std::vector<repo::IndexSegmentId> found;
  std::vector<repo::IndexSegmentId> all;
  REQUIRE(outcome(parts.backend->list(ObjectKind::index, [&](const store::ListedObject& object) {
            all.push_back(repo::IndexSegmentId::from(object.name.id.view()));
          })) == "ok");
  for (const auto& id : all) {
    const auto segment = store::get_index_segment(*parts.backend, *parts.keys, id);
    REQUIRE(outcome(segment) == "ok");
    if (std::ranges::find(segment->packs, pack, &repo::format::IndexedPack::id) !=
        segment->packs.end()) {
      found.push_back(id);
    }
  }
  REQUIRE(found.size() == 1);
  return found.front();
}

/// Two snapshots of the same files, each with packs of its own.
struct EverythingTwice {
  RepoFixture fixture;

  EverythingTwice() {
    REQUIRE(make_tree(fixture.at("source"), {tree::file("kept", 300'000, 1)}).empty());
    auto first = fixture.init();
    REQUIRE(outcome(first) == "ok");
    REQUIRE(outcome(fixture.backup(*first, {fixture.at("source")})) == "ok");
    repo::ops::OpenRepository& parts = repo::ops::opened(*first);
    repo::format::Condemned condemned;
    const auto packs = packs_there(parts);
    condemned.packs.assign(packs.begin(), packs.end());
    const auto record = store::put_condemned(*parts.backend, *parts.keys, parts.environment.random,
                                             std::move(condemned));
    REQUIRE(outcome(record) == "ok");
    auto second = open("second");
    REQUIRE(outcome(fixture.backup(second, {fixture.at("source")})) == "ok");
    REQUIRE(outcome(parts.backend->remove(store::object_name(ObjectKind::condemned, *record))) ==
            "ok");
  }

  repo::Repository open(const char* cache) {
    auto repository = fixture.open("correct horse", fixture.at(cache));
    REQUIRE(outcome(repository) == "ok");
    return *std::move(repository);
  }

  /// What a collector that starts now would delete.
  std::vector<repo::PackId> what_a_collector_dooms() {
    auto repository = open("asked");
    repo::ops::OpenRepository& parts = repo::ops::opened(repository);
    repo::ops::Collector collector(parts, {.max_unused = 0}, fixture.observer);
    REQUIRE(outcome(collector.plan()) == "ok");
    REQUIRE(outcome(collector.condemn()) == "ok");
    const auto records = repo::ops::read_condemned_packs(parts);
    REQUIRE(outcome(records) == "ok");
    REQUIRE(records->size() == 1);
    REQUIRE(outcome(parts.backend->remove(
                store::object_name(ObjectKind::condemned, records->front().id))) == "ok");
    return records->front().packs;
  }
};

}  // namespace

TEST_CASE("a copy that is gone does not count because somebody puts it back into the catalogue",
          "[prune][threads]") {
  EverythingTwice world;
  auto slow = world.open("shared");
  auto ours = world.open("shared");
  repo::ops::OpenRepository& parts = repo::ops::opened(ours);
  auto others = packs_there(parts);
  for (const repo::PackId& pack : world.what_a_collector_dooms()) {
    others.erase(pack);
  }
  REQUIRE(others.size() == 2);  // one of data, one of metadata
  const auto segment = store::object_name(ObjectKind::index, segment_of(parts, *others.begin()));
  // A writer has stored something else, and is about to publish its snapshot.
  REQUIRE(make_tree(world.fixture.at("more"), {tree::file("new", 10'000, 2)}).empty());
  auto third = world.open("third");
  const auto backup = world.fixture.backup(third, {world.fixture.at("more")});
  REQUIRE(outcome(backup) == "ok");
  const auto published = world.fixture.object_file("snapshots/" + backup->id->hex());
  std::filesystem::rename(published, world.fixture.at("unpublished"));

  std::binary_semaphore has_read(0);
  std::binary_semaphore may_go_on(0);
  be_told(slow).after_get = [&](const store::ObjectName& name) {
    if (name == segment) {
      has_read.release();
      may_go_on.acquire();
    }
  };
  RecordingObserver unheard;
  std::thread slow_process([&] {
    CHECK(outcome(repo::ops::ensure_catalogue(repo::ops::opened(slow), unheard)) == "ok");
  });
  has_read.acquire();
  const auto let_it_go_on = [&] {
    may_go_on.release();
    slow_process.join();
  };

  repo::ops::Collector collector(parts, {.max_unused = 0}, world.fixture.observer);
  REQUIRE(outcome(collector.plan()) == "ok");
  // Another collector deletes the other copies: ours are not condemned yet.
  REQUIRE(outcome(parts.backend->remove(segment)) == "ok");
  for (const repo::PackId& pack : others) {
    REQUIRE(outcome(parts.backend->remove(store::object_name(ObjectKind::pack, pack))) == "ok");
  }
  REQUIRE(outcome(collector.condemn()) == "ok");
  std::filesystem::rename(world.fixture.at("unpublished"), published);
  REQUIRE(outcome(collector.await_sessions()) == "ok");

  ToldBackend& told = be_told(ours);
  SECTION("while copies are looked up") {
    // The first list brings the catalogue up to date; before the second one they are looked up.
    told.before_list = [&, lists = 0](ObjectKind kind) mutable {
      if (kind == ObjectKind::pack && ++lists == 2) {
        let_it_go_on();
      }
    };
  }
  SECTION("while new snapshots are marked") {
    told.after_get = [&](const store::ObjectName& name) {
      if (name.kind == ObjectKind::snapshot && slow_process.joinable()) {
        let_it_go_on();
      }
    };
  }
  REQUIRE(outcome(collector.spare_needed()) == "ok");
  REQUIRE_FALSE(slow_process.joinable());
  REQUIRE(outcome(collector.remove_doomed()) == "ok");
  REQUIRE(outcome(collector.withdraw_records()) == "ok");
  CHECK(collector.report().kept.packs == 4);  // the third snapshot's, too
  check_all_restore(world.fixture, 3);
}
