#include "cairn/repo/opened_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "collecting.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/content_cursor.h"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t kLongBytes = 24 * 1024 * 1024;
constexpr int kNames = 1'200;

std::string long_name(int number) { return fmt::format("{:04}{}", number, std::string(240, 'n')); }

/// A snapshot with a file whose list of chunks is a tree, one with holes, and a folder of many
/// leaves; opened by a client that has read nothing yet.
struct OpenedTree {
  RepoFixture fixture;
  std::optional<repo::Repository> writer;
  repo::BackupReport backup;  ///< the one that is opened
  repo::SnapshotId first;
  std::optional<repo::Repository> repository;
  std::optional<repo::OpenedSnapshot> opened;

  explicit OpenedTree(std::size_t block_cache_bytes_max = repo::kBlockCacheBytesMax) {
    std::vector<TreeObject> objects = {
        tree::file("long", kLongBytes, 1),
        tree::sparse_file("holes", 9'000'000, {{3'000'000, 300'000}, {8'000'000, 5}}, 2),
        tree::text_file("short", "content"),
        tree::text_file("empty", ""),
        tree::folder("nothing"),
        tree::symlink("link", "short")};
    for (int i = 0; i < kNames; i += 2) {
      objects.push_back(tree::text_file("many/" + long_name(i), std::to_string(i)));
    }
    REQUIRE(make_tree(fixture.at("source"), objects).empty());
    auto made = fixture.init();
    REQUIRE(message_of(made).empty());
    writer.emplace(*std::move(made));
    fixture.block_cache_bytes_max = block_cache_bytes_max;
    back_up_and_open();
    first = *backup.id;
  }

  void back_up_and_open() {
    auto report = fixture.backup(*writer, {fixture.at("source")});
    REQUIRE(message_of(report).empty());
    backup = *std::move(report);
    repository.reset();
    auto reader = fixture.open("correct horse", fixture.at("reader-cache"));
    REQUIRE(message_of(reader).empty());
    repository.emplace(*std::move(reader));
    auto open = repo::OpenedSnapshot::open(*repository, backup.snapshot, fixture.observer);
    REQUIRE(message_of(open).empty());
    opened.emplace(*std::move(open));
  }

  [[nodiscard]] std::string at(const std::string& path) const {
    return fixture.at("source/" + path);
  }
  [[nodiscard]] repo::ListedEntry look_up(const std::string& path) const {
    auto listed = opened->lookup(at(path));
    REQUIRE(message_of(listed).empty());
    return *std::move(listed);
  }
  [[nodiscard]] repo::FileReader reader(const std::string& path) const {
    auto file = opened->open_file(look_up(path));
    REQUIRE(message_of(file).empty());
    return *std::move(file);
  }
  /// What the file is when it is restored.
  [[nodiscard]] core::Bytes restored(const std::string& path) {
    const std::string target = fixture.at("out-" + path);
    REQUIRE(outcome(fixture.restore(*writer, backup.snapshot, at(path), target)) == "ok");
    return read_file(target + "/" + path);
  }
  [[nodiscard]] repo::ops::CatalogueView view() {
    return *repo::ops::catalogue_if_open(repo::ops::opened(*repository));
  }
  struct Place {
    std::string pack;
    std::uint64_t block_offset = 0;
  };
  /// Of what the long file has there.
  [[nodiscard]] Place place_of(std::uint64_t offset) {
    repo::ops::ContentCursor cursor(view(), look_up("long").entry.content);
    REQUIRE(outcome(cursor.skip(offset)) == "ok");
    const auto run = cursor.next();
    REQUIRE(outcome(run) == "ok");
    const auto found = repo::ops::locate_chunk(view(), *(*run)->chunk);
    REQUIRE(outcome(found) == "ok");
    const auto pack = view().catalogue().pack((*found)->pack);
    REQUIRE(outcome(pack) == "ok");
    return {repo::store::object_path(
                repo::store::object_name(repo::format::ObjectKind::pack, pack->id)),
            pack->blocks[(*found)->block].offset_bytes};
  }
};

/// Whether what is read at `offset` is what stands there in `whole`.
bool reads_right(const repo::FileReader& reader, const core::Bytes& whole, std::uint64_t offset,
                 std::size_t size) {
  core::Bytes out(size, std::byte{0xEE});
  const auto got = reader.read_at(offset, out);
  const std::uint64_t begin = std::min<std::uint64_t>(offset, whole.size());
  const auto expected =
      core::ByteView(whole).subspan(begin, std::min<std::uint64_t>(size, whole.size() - begin));
  return got && *got == expected.size() &&
         std::ranges::equal(core::ByteView(out).first(*got), expected);
}

core::Result<std::size_t> read_some(const repo::FileReader& reader, std::uint64_t offset) {
  core::Bytes out(100);
  return reader.read_at(offset, out);
}

std::vector<std::string> names_in(repo::FolderListing listing) {
  std::vector<std::string> names;
  while (true) {
    const auto listed = listing.next();
    if (!listed || !*listed) {
      names.push_back(listed ? "end" : listed.error().message());
      return names;
    }
    names.push_back((*listed)->entry.name);
  }
}

}  // namespace

TEST_CASE("an opened snapshot: files are read at any offset", "[opened]") {
  OpenedTree world;
  for (const char* const name : {"long", "holes", "short", "empty"}) {
    CAPTURE(name);
    const core::Bytes whole = world.restored(name);
    const repo::FileReader reader = world.reader(name);
    REQUIRE(reader.size_bytes() == whole.size());
    SeededRandom random(7);
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t offset = random.below(whole.size() + 2);
      CHECK(reads_right(reader, whole, offset, random.below(i % 10 == 0 ? 1'000'000 : 5'000)));
    }
    CHECK(reads_right(reader, whole, 0, whole.size() + 1));
    CHECK(reads_right(reader, whole, whole.size(), 1));
    CHECK(reads_right(reader, whole, UINT64_MAX, 1));
  }
}

TEST_CASE("an opened snapshot: of a long file's list only what leads to the offset is read",
          "[opened]") {
  OpenedTree world;
  const repo::Content content = world.look_up("long").entry.content;
  REQUIRE(content.tree_root.has_value());
  const repo::ops::CatalogueView view = world.view();
  repo::ops::ContentCursor plodding(view, content);
  std::uint64_t end = 0;
  std::uint64_t length = 0;
  while (end < kLongBytes / 2) {
    const auto run = plodding.next();
    REQUIRE(message_of(run).empty());
    REQUIRE(*run);
    length = (*run)->length_bytes;
    end += length;
  }
  // A cursor that skips as much stands where one does that reads everything, or before it.
  CHECK(repo::ops::ContentCursor(view, content).skip(end - 1) == end - length);
  repo::ops::ContentCursor cursor(view, content);
  CHECK(cursor.skip(end) == end);
  const auto here = cursor.next();
  const auto there = plodding.next();
  REQUIRE(outcome(here) + outcome(there) == "okok");
  CHECK(*here == *there);
  CHECK(cursor.skip(0) == 0);

  // A node that nobody has is not missed if all of it is passed over.
  repo::Content absent = content;
  absent.tree_root = repo::ChunkId();
  CHECK(repo::ops::ContentCursor(view, absent).skip(kLongBytes) == kLongBytes);
  CHECK(outcome(repo::ops::ContentCursor(view, absent).skip(kLongBytes - 1)) == "not_found");
}

TEST_CASE("an opened snapshot: folders are listed from any name on", "[opened]") {
  OpenedTree world;
  const repo::ListedEntry many = world.look_up("many");
  const auto from = [&](const std::string& name) {
    auto listing = world.opened->list(many, name);
    REQUIRE(message_of(listing).empty());
    return names_in(*std::move(listing));
  };
  std::vector<std::string> all;
  for (int i = 0; i < kNames; i += 2) {
    all.push_back(long_name(i));
  }
  all.emplace_back("end");
  REQUIRE(from("") == all);
  for (int i = 0; i < kNames; i += 17) {
    const auto first = all.begin() + (i + 1) / 2;
    CHECK(from(long_name(i)) == std::vector<std::string>(first, all.end()));
  }
  CHECK(from("~") == std::vector<std::string>{"end"});

  // Folders above the source are listed by what leads to it.
  const auto root = world.opened->lookup("/");
  REQUIRE(outcome(root) == "ok");
  CHECK_FALSE(root->is_recorded);
  const std::string first = world.at("").substr(1, world.at("").find('/', 1) - 1);
  CHECK(names_in(*world.opened->list(*root)) == std::vector<std::string>{first, "end"});
  CHECK(names_in(*world.opened->list(*root, first)) == std::vector<std::string>{first, "end"});
  CHECK(names_in(*world.opened->list(*root, first + "0")) == std::vector<std::string>{"end"});
}

TEST_CASE("an opened snapshot: of a folder only what leads to the name is read", "[opened]") {
  OpenedTree world(0);  // each node costs its block
  const repo::ListedEntry many = world.look_up("many");
  const auto& blocks = *repo::ops::opened(*world.repository).blocks;
  std::uint64_t before = 0;
  const auto first_from = [&](const std::string& name) {
    auto listing = world.opened->list(many, name);
    REQUIRE(outcome(listing) == "ok");
    before = blocks.bytes_read();
    const auto listed = listing->next();
    REQUIRE(message_of(listed).empty());
    REQUIRE(*listed);
    CHECK((*listed)->entry.name == name);
    return blocks.bytes_read() - before;
  };
  CHECK(first_from(long_name(kNames - 2)) == first_from(long_name(0)));
}

TEST_CASE("an opened snapshot: what is no folder or no file", "[opened]") {
  OpenedTree world;
  CHECK(outcome(world.opened->lookup(world.at("no such"))) == "not_found");
  CHECK(outcome(world.opened->lookup("relative")) == "invalid_argument");
  for (const char* const name : {"short", "link"}) {
    CHECK(outcome(world.opened->list(world.look_up(name))) == "invalid_argument");
  }
  for (const char* const name : {"nothing", "link"}) {
    CHECK(outcome(world.opened->open_file(world.look_up(name))) == "invalid_argument");
  }
  CHECK(outcome(world.opened->open_file(*world.opened->lookup("/"))) == "invalid_argument");
  CHECK(names_in(*world.opened->list(world.look_up("nothing"))) == std::vector<std::string>{"end"});
}

TEST_CASE("an opened snapshot is read by many threads at once, within its memory",
          "[opened][threads]") {
  const std::size_t cache_bytes_max = GENERATE(std::size_t{0}, std::size_t{9 * 1024 * 1024});
  OpenedTree world(cache_bytes_max);
  const core::Bytes whole = world.restored("long");
  const core::Bytes holes = world.restored("holes");
  const repo::FileReader shared = world.reader("long");
  const repo::store::ChunkReader& chunks = world.view().chunks();
  std::atomic<int> wrong{0};
  std::atomic<int> beyond{0};
  const auto read = [&](std::uint64_t seed) {
    SeededRandom random(seed);
    for (int i = 0; i < 8; ++i) {
      wrong += reads_right(shared, whole, random.below(whole.size()), 70'000) ? 0 : 1;
      const auto listed = world.opened->lookup(world.at("holes"));
      const auto own = listed ? world.opened->open_file(*listed) : core::fail(listed.error());
      wrong += own && reads_right(*own, holes, random.below(holes.size()), 70'000) ? 0 : 1;
      const int number = static_cast<int>(random.below(kNames / 2)) * 2;
      const auto folder = world.opened->lookup(world.at("many"));
      auto listing =
          folder ? world.opened->list(*folder, long_name(number)) : core::fail(folder.error());
      const auto first = listing ? listing->next() : core::fail(listing.error());
      wrong += first && *first && (*first)->entry.name == long_name(number) ? 0 : 1;
      beyond += chunks.cached_bytes() > cache_bytes_max ? 1 : 0;
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back(read, seed);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
  CHECK(beyond == 0);
}

TEST_CASE("an opened snapshot keeps the blocks it has just read", "[opened]") {
  for (const bool keeps : {true, false}) {
    OpenedTree world(keeps ? repo::kBlockCacheBytesMax : 0);
    const repo::FileReader reader = world.reader("long");
    REQUIRE(outcome(read_some(reader, 5'000'000)) == "ok");
    const auto& blocks = *repo::ops::opened(*world.repository).blocks;
    const std::uint64_t before = blocks.bytes_read();
    REQUIRE(outcome(read_some(reader, 5'000'000)) == "ok");
    CHECK((blocks.bytes_read() == before) == keeps);
  }
}

TEST_CASE("an opened snapshot: damage costs what lies there, and is named", "[opened]") {
  OpenedTree world;
  const core::Bytes whole = world.restored("long");
  const repo::FileReader reader = world.reader("long");
  const OpenedTree::Place place = world.place_of(kLongBytes / 2);
  flip_byte(world.fixture.object_file(place.pack), place.block_offset + 100);

  const auto read = read_some(reader, kLongBytes / 2);
  CHECK(outcome(read) == "corrupt");
  CHECK_THAT(message_of(read), Catch::Contains(place.pack));
  CHECK_THAT(message_of(read), Catch::StartsWith(world.at("long") + ": "));
  CHECK(reads_right(reader, whole, kLongBytes - 100, 100));
}

TEST_CASE("an opened snapshot: what a prune moves is found, what it removes is missed",
          "[opened]") {
  const bool is_kept = GENERATE(true, false);
  CAPTURE(is_kept);
  OpenedTree world(0);
  if (is_kept) {
    // Half of the file goes with the first snapshot, so the other half has to move.
    std::filesystem::resize_file(world.at("long"), kLongBytes / 2);
    world.back_up_and_open();
  }
  const core::Bytes whole = world.restored("long");
  const repo::FileReader reader = world.reader("long");
  REQUIRE(outcome(read_some(reader, 0)) == "ok");
  const std::string pack = world.fixture.object_file(world.place_of(kLongBytes / 4).pack);
  bury(*world.writer, world.first);
  REQUIRE(outcome(prune(world.fixture, *world.writer, {.max_unused = 0})) == "ok");
  REQUIRE_FALSE(std::filesystem::exists(pack));

  if (is_kept) {
    CHECK(reads_right(reader, whole, kLongBytes / 4, 100));
    return;
  }
  const auto read = read_some(reader, kLongBytes / 4);
  CHECK(outcome(read) == "not_found");
  CHECK_THAT(message_of(read), Catch::StartsWith(world.at("long") + ": "));
  CHECK(outcome(world.opened->lookup(world.at("many"))) == "not_found");
}
