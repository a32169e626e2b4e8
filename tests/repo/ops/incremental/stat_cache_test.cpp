#include "ops/incremental/stat_cache.h"

#include "cairn/core/codec.h"
#include "catch2.h"
#include "format/node.h"
#include "ops/incremental/record_cursor.h"
#include "ops/writing/writing_session.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;
using namespace cairn::repo;
using namespace cairn::repo::ops;

namespace {

Entry text_entry(std::string name) {
  Entry entry;
  entry.name = std::move(name);
  entry.mode = 0644;
  return entry;
}

/// A repository with an open catalogue.
struct CacheFixture {
  CacheFixture() {
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
    const auto view = ensure_catalogue(opened(*repository), fixture.observer);
    REQUIRE(outcome(view) == "ok");
    usable.freeze(view->first_unseen_pack(), {});  // as a session does
  }
  [[nodiscard]] CatalogueView view() { return *catalogue_if_open(opened(*repository)); }
  [[nodiscard]] std::unique_ptr<StatCache> open(StatCache::Options options = {}) {
    return open({view(), usable}, options);
  }
  [[nodiscard]] static std::unique_ptr<StatCache> open(WriteView with,
                                                       StatCache::Options options = {}) {
    auto cache = StatCache::open(with, options);
    REQUIRE(outcome(cache) == "ok");
    return std::move(*cache);
  }

  RepoFixture fixture;
  std::optional<Repository> repository;
  UsablePacks usable;
};

/// A folder of files with these names; stamps are 1, 2, 3...
void record(StatCache& cache, const std::string& path, const std::vector<std::string>& names,
            std::size_t names_per_piece = 2) {
  const auto before = cache.recall(folder_key(path), std::nullopt);
  REQUIRE(outcome(before) == "ok");
  FolderRecord made = cache.start_record(*before != nullptr ? &(*before)->record : nullptr);
  format::FolderLeaf leaf;
  const auto put_piece = [&] {
    REQUIRE(
        outcome(cache.put_piece(folder_key(path), made, format::encode_folder_leaf(leaf).value(),
                                leaf.entries.size())) == "ok");
    leaf.entries.clear();
  };
  for (const std::string& name : names) {
    made.stamps.push_back(made.stamps.size() + 1);
    leaf.entries.push_back(text_entry(name));
    if (leaf.entries.size() == names_per_piece) {
      put_piece();
    }
  }
  if (!leaf.entries.empty()) {
    put_piece();
  }
  made.content = FolderContent{.node = ChunkId(), .entries_below = names.size(), .bytes_below = 0};
  REQUIRE(outcome(cache.put(folder_key(path), made)) == "ok");
}

std::shared_ptr<const RecalledFolder> recall(const StatCache& cache, const std::string& path) {
  const auto folder = cache.recall(folder_key(path), std::nullopt);
  REQUIRE(outcome(folder) == "ok");
  return *folder;
}

}  // namespace

TEST_CASE("a record of the stat cache is read as it was written") {
  FolderRecord folder;
  folder.stamps = {5, kNoStamp, UINT64_MAX};
  folder.subfolders = {{0, "a", ChunkId()}, {2, "c\xff", ChunkId()}};
  folder.pieces = {{.serial = 9, .slot = 1, .number = 0, .skipped = 0, .count = 1},
                   {.serial = 8, .slot = 0, .number = 3, .skipped = 5, .count = 2}};
  folder.own = {.files = 1, .folders = 2, .symlinks = 0, .others = 0, .bytes = 77};
  folder.serial = 9;
  folder.slot = 1;
  folder.interval = 10;
  folder.dead_packs = 11;
  SECTION("of a whole folder") {
    folder.content = FolderContent{.node = ChunkId(), .entries_below = 3, .bytes_below = 77};
  }
  SECTION("of the beginning of one") {}
  const core::Bytes encoded = encode_folder_record(folder);
  const auto decoded = decode_folder_record(encoded);
  REQUIRE(outcome(decoded) == "ok");
  CHECK(*decoded == folder);
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    CHECK_FALSE(decode_folder_record(core::ByteView(encoded).first(size)).has_value());
  }
}

TEST_CASE("a record that contradicts itself is refused") {
  FolderRecord folder;
  folder.stamps = {1, 2};
  folder.pieces = {{.serial = 1, .slot = 0, .number = 0, .skipped = 0, .count = 2}};
  SECTION("more children than its pieces hold") { folder.pieces.front().count = 1; }
  SECTION("a subfolder that is no child") { folder.subfolders = {{2, "x", ChunkId()}}; }
  SECTION("subfolders out of order") {
    folder.subfolders = {{1, "x", ChunkId()}, {0, "y", ChunkId()}};
  }
  CHECK(outcome(decode_folder_record(encode_folder_record(folder))) == "corrupt");
}

TEST_CASE("a record is trusted once its interval is settled") {
  CacheFixture fixture;
  const auto writer = fixture.open();
  record(*writer, "/f", {"a", "b", "c"});
  REQUIRE(outcome(writer->flush()) == "ok");
  {
    const auto reader = fixture.open();
    REQUIRE(recall(*reader, "/f") != nullptr);
    CHECK_FALSE(recall(*reader, "/f")->trusted);
    // Somebody who was there before it was settled sees that too.
    REQUIRE(outcome(writer->settle()) == "ok");
    CHECK(recall(*reader, "/f")->trusted);
  }
  CHECK(recall(*fixture.open(), "/other") == nullptr);
}

TEST_CASE("what another process has settled since this session looked is not trusted") {
  CacheFixture world;
  const std::string source = world.fixture.at("source");
  REQUIRE(make_tree(source, {tree::file("a", 1000, 1)}).empty());
  auto session = WritingSession::begin(opened(*world.repository), {}, world.fixture.observer);
  REQUIRE(outcome(session) == "ok");
  const auto opened_before = world.open((*session)->view());

  // Its packs were not there when this session asked which ones are.
  auto other = world.fixture.open();
  REQUIRE(outcome(other) == "ok");
  REQUIRE(outcome(world.fixture.backup(*other, {source})) == "ok");
  CHECK_FALSE(recall(*opened_before, source)->trusted);

  session->reset();
  session = WritingSession::begin(opened(*world.repository), {}, world.fixture.observer);
  REQUIRE(outcome(session) == "ok");
  CHECK(recall(*world.open((*session)->view()), source)->trusted);
}

TEST_CASE("an unsettled record is trusted if somebody who is names its node") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  record(*cache, "/f", {"a"});
  REQUIRE(outcome(cache->flush()) == "ok");
  const auto vouched = cache->recall(folder_key("/f"), ChunkId());
  REQUIRE(outcome(vouched) == "ok");
  CHECK((*vouched)->trusted);
  const auto other = cache->recall(folder_key("/f"), ChunkId::from(core::hash256({}).view()));
  REQUIRE(outcome(other) == "ok");
  CHECK_FALSE((*other)->trusted);
  SECTION("but not while a pack is missing or condemned") {
    fixture.usable.freeze(store::PackNumber{2}, {store::PackNumber{1}});
    const auto avoided = cache->recall(folder_key("/f"), ChunkId());
    REQUIRE(outcome(avoided) == "ok");
    CHECK_FALSE((*avoided)->trusted);
  }
}

TEST_CASE("a cursor finds what is the same, what is known and what is gone") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  record(*cache, "/f", {"b", "d", "f", "h", "j"});
  REQUIRE(outcome(cache->settle()) == "ok");
  std::vector<std::string> removed;
  RecordCursor cursor(*cache, recall(*cache, "/f"),
                      [&](std::string_view name) { removed.emplace_back(name); });
  const auto look_up = [&](std::string_view name, Stamp stamp) {
    const auto match = cursor.look_up(name, stamp);
    REQUIRE(outcome(match) == "ok");
    return (match->index ? "known " : "new ") + std::string(match->same ? "same " : "") +
           (match->index ? std::to_string(*match->index) : "");
  };
  CHECK(look_up("a", 100) == "new ");
  CHECK(look_up("b", 1) == "known same 0");
  CHECK(look_up("f", 3) == "known same 2");
  CHECK(look_up("g", 99) == "new ");
  CHECK(look_up("h", kNoStamp) == "known 3");
  CHECK(removed == std::vector<std::string>{"d"});
  CHECK(outcome(cursor.finish()) == "ok");
  CHECK(removed == std::vector<std::string>{"d", "j"});
  const auto entry = cursor.entry(4);
  REQUIRE(outcome(entry) == "ok");
  CHECK((*entry)->name == "j");
}

TEST_CASE("a shorter record leaves none of the longer one's pieces behind") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  record(*cache, "/f", {"a", "b", "c", "d", "e"});
  REQUIRE(outcome(cache->settle()) == "ok");
  const auto old = recall(*cache, "/f");
  record(*cache, "/f", {"a"});
  REQUIRE(outcome(cache->settle()) == "ok");
  CHECK(outcome(cache->piece(*recall(*cache, "/f"), 0)) == "ok");
  // Of the old record nothing can be read any more, not even the piece that there is again.
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(outcome(cache->piece(*old, i)) == "changed");
  }
}

TEST_CASE("a record of which a piece is damaged is dropped, and only that one", "[checkpoint]") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  record(*cache, "/f", {"a", "b", "c"});
  record(*cache, "/g", {"a"});
  REQUIRE(outcome(cache->settle()) == "ok");
  store::Catalogue& catalogue = fixture.view().catalogue();
  core::Bytes piece = core::to_bytes(folder_key("/f").view());
  piece.resize(piece.size() + 5, std::byte{0});  // slot 0, piece 0
  const auto value = catalogue.stat_record(piece);
  REQUIRE(outcome(value) == "ok");
  REQUIRE(value->has_value());
  core::Bytes damaged = **value;
  SECTION("another recording's") { damaged.front() ^= std::byte{1}; }
  SECTION("too short") { damaged.resize(damaged.size() / 2); }
  const std::vector<store::StatChange> change = {{piece, damaged}};
  REQUIRE(outcome(catalogue.change_stat_records(change)) == "ok");

  CHECK(outcome(cache->piece(*recall(*cache, "/f"), 1)) == "ok");
  CHECK(outcome(cache->piece(*recall(*cache, "/f"), 0)) == "changed");
  REQUIRE(recall(*cache, "/f") != nullptr);
  REQUIRE(outcome(cache->drop_unreadable()) == "ok");
  CHECK(recall(*cache, "/f") == nullptr);
  CHECK(outcome(catalogue.stat_record(piece)) == "ok");
  CHECK_FALSE(catalogue.stat_record(piece)->has_value());
  CHECK(outcome(cache->piece(*recall(*cache, "/g"), 0)) == "ok");
}

TEST_CASE("a damaged record is no record", "[checkpoint]") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  record(*cache, "/f", {"a"});
  REQUIRE(outcome(cache->settle()) == "ok");
  const std::vector<store::StatChange> change = {
      {core::to_bytes(folder_key("/f").view()), core::Bytes(7)}};
  REQUIRE(outcome(fixture.view().catalogue().change_stat_records(change)) == "ok");
  CHECK(recall(*cache, "/f") == nullptr);
  CHECK(outcome(cache->forget("/f")) == "ok");
}

TEST_CASE("a recording that was killed leaves nothing behind the next one", "[checkpoint]") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  const auto piece_is_there = [&](unsigned slot, unsigned number) {
    core::Encoder key(core::to_bytes(folder_key("/f").view()));
    key.u8(static_cast<std::uint8_t>(slot));
    key.u32(number);
    const auto value = fixture.view().catalogue().stat_record(key.view());
    REQUIRE(outcome(value) == "ok");
    return value->has_value();
  };
  record(*cache, "/f", {"a", "b", "c", "d"});
  const auto first = recall(*cache, "/f");
  REQUIRE(first == nullptr);  // not written yet
  REQUIRE(outcome(cache->settle()) == "ok");
  // Three pieces, and no record of them.
  const auto before = recall(*cache, "/f");
  FolderRecord killed = cache->start_record(&before->record);
  format::FolderLeaf leaf;
  leaf.entries = {text_entry("a")};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(outcome(cache->put_piece(folder_key("/f"), killed,
                                     format::encode_folder_leaf(leaf).value(), 1)) == "ok");
  }
  REQUIRE(outcome(cache->settle()) == "ok");
  CHECK(outcome(cache->piece(*before, 1)) == "ok");  // the old one is whole
  REQUIRE(piece_is_there(1, 2));
  record(*cache, "/f", {"a", "b"});
  REQUIRE(outcome(cache->settle()) == "ok");
  CHECK(outcome(cache->piece(*recall(*cache, "/f"), 0)) == "ok");
  CHECK_FALSE(piece_is_there(0, 0));
  CHECK_FALSE(piece_is_there(0, 1));
  CHECK_FALSE(piece_is_there(1, 1));
  CHECK_FALSE(piece_is_there(1, 2));
}

TEST_CASE("a folder is forgotten with all below it") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  FolderRecord above = cache->start_record();
  above.stamps = {1};
  above.subfolders = {{0, "b", ChunkId()}};
  format::FolderLeaf leaf;
  leaf.entries = {text_entry("b")};
  REQUIRE(outcome(cache->put_piece(folder_key("/a"), above,
                                   format::encode_folder_leaf(leaf).value(), 1)) == "ok");
  REQUIRE(outcome(cache->put(folder_key("/a"), above)) == "ok");
  record(*cache, "/a/b", {"x"});
  record(*cache, "/a2", {"x"});
  REQUIRE(outcome(cache->settle()) == "ok");
  REQUIRE(recall(*cache, "/a/b") != nullptr);
  REQUIRE(outcome(cache->forget("/a")) == "ok");
  REQUIRE(outcome(cache->settle()) == "ok");
  CHECK(recall(*cache, "/a") == nullptr);
  CHECK(recall(*cache, "/a/b") == nullptr);
  CHECK(recall(*cache, "/a2") != nullptr);
}

TEST_CASE("an anchor holds as long as its snapshot stands") {
  CacheFixture fixture;
  const auto cache = fixture.open();
  const auto anchor = [&] {
    const auto node = cache->anchor("/f");
    REQUIRE(outcome(node) == "ok");
    return node->has_value();
  };
  CHECK_FALSE(anchor());
  const SnapshotId id = SnapshotId::from(core::hash256({}).view());
  REQUIRE(outcome(cache->set_anchor("/f", id, ChunkId())) == "ok");
  CHECK_FALSE(anchor());  // there is no such snapshot
  store::Backend& backend = *opened(*fixture.repository).backend;
  const core::Bytes any(10);
  REQUIRE(outcome(backend.put(store::object_name(format::ObjectKind::snapshot, id), any)) == "ok");
  CHECK(anchor());
  REQUIRE(outcome(backend.put(store::object_name(format::ObjectKind::forgotten, id), any)) == "ok");
  CHECK_FALSE(anchor());
}

TEST_CASE("a cache that records nothing leaves the catalogue alone") {
  CacheFixture fixture;
  const auto cache = fixture.open({.record = false});
  record(*cache, "/f", {"a"});
  REQUIRE(outcome(cache->forget("/f")) == "ok");
  REQUIRE(outcome(cache->set_anchor("/f", SnapshotId(), ChunkId())) == "ok");
  REQUIRE(outcome(cache->settle()) == "ok");
  CHECK(recall(*fixture.open(), "/f") == nullptr);
  CHECK(fixture.view().catalogue().notes("stat/")->empty());
}
