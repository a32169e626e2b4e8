#include "ops/tree/node_builder.h"

#include <array>
#include <map>
#include <set>

#include "cairn/core/crypto.h"
#include "catch2.h"
#include "format/node.h"
#include "seeded_random.h"

using namespace cairn;
using namespace cairn::repo;

namespace {

class CollectedNodes final : public ops::NodeSink {
 public:
  core::Result<ChunkId> put_node(core::ByteView encoded) override {
    const auto id = ChunkId::from(core::hash256(encoded).view());
    nodes[id] = core::to_bytes(encoded);
    return id;
  }
  std::map<ChunkId, core::Bytes> nodes;
};

constexpr std::array<std::byte, 16> kSplitKey{std::byte{1}, std::byte{2}};

Entry file(std::string name, std::int64_t mtime = 0) {
  Entry entry;
  entry.name = std::move(name);
  entry.mtime.seconds = mtime;
  return entry;
}

FolderContent build(ops::NodeSink& sink, const std::map<std::string, Entry>& entries) {
  ops::FolderBuilder builder(sink, kSplitKey);
  for (const auto& [name, entry] : entries) {
    REQUIRE(builder.add(entry));
  }
  auto content = builder.finish();
  REQUIRE(content);
  return *content;
}

std::map<std::string, Entry> many(std::size_t count) {
  test::SeededRandom random(7);
  std::map<std::string, Entry> entries;
  while (entries.size() < count) {
    std::string name = "n" + std::to_string(random.next());
    entries.emplace(name, file(name));
  }
  return entries;
}

ContentItem data(std::uint64_t number) {
  core::Encoder out;
  out.u64(number);
  return {.length_bytes = 100, .chunk = ChunkId::from(core::hash256(out.view()).view())};
}

/// Levels fall, inner nodes have at least two children: checked by decoding every node.
void check_nodes(const CollectedNodes& nodes) {
  for (const auto& [id, node] : nodes.nodes) {
    const auto type = format::node_type(node);
    REQUIRE(type);
    if (*type == format::NodeType::folder_inner) {
      CHECK(format::decode_folder_inner(node));
    } else if (*type == format::NodeType::folder_leaf) {
      CHECK(format::decode_folder_leaf(node));
    } else if (*type == format::NodeType::list_inner) {
      CHECK(format::decode_list_inner(node));
    } else {
      CHECK(format::decode_list_leaf(node));
    }
  }
}

}  // namespace

TEST_CASE("an empty folder is one empty leaf") {
  CollectedNodes nodes;
  const auto content = build(nodes, {});
  REQUIRE(nodes.nodes.size() == 1);
  CHECK(format::decode_folder_leaf(nodes.nodes.at(content.node))->entries.empty());
  CHECK(content.entries_below == 0);
}

TEST_CASE("sums go up: entries and bytes at any depth") {
  CollectedNodes nodes;
  Entry inner = file("folder");
  inner.type = EntryType::folder;
  inner.folder = {.node = ChunkId(), .entries_below = 10, .bytes_below = 1000};
  Entry sized = file("sized");
  sized.content = {.size_bytes = 100, .items = {data(1)}, .tree_root = std::nullopt};
  const auto content = build(nodes, {{"folder", inner}, {"sized", sized}});
  CHECK(content.entries_below == 12);
  CHECK(content.bytes_below == 1100);
}

TEST_CASE("one changed entry in a large folder changes its leaf and the path above") {
  CollectedNodes before;
  auto entries = many(50'000);
  const auto first = build(before, entries);
  check_nodes(before);
  CHECK(before.nodes.size() > 200);

  CollectedNodes after;
  std::next(entries.begin(), 25'000)->second.mtime.seconds = 99;
  const auto second = build(after, entries);
  CHECK(first.node != second.node);
  std::size_t fresh = 0;
  for (const auto& [id, node] : after.nodes) {
    fresh += before.nodes.contains(id) ? 0U : 1U;
  }
  CHECK(fresh <= 4);

  SECTION("and an inserted one no more") {
    CollectedNodes inserted;
    entries.emplace("n5", file("n5"));
    build(inserted, entries);
    std::size_t inserted_fresh = 0;
    for (const auto& [id, node] : inserted.nodes) {
      inserted_fresh += after.nodes.contains(id) ? 0U : 1U;
    }
    CHECK(inserted_fresh <= 5);
  }
}

TEST_CASE("a leaf never grows beyond its limits") {
  CollectedNodes nodes;
  std::map<std::string, Entry> entries;
  for (int i = 0; i < 300; ++i) {
    Entry entry = file("e" + std::to_string(1000 + i));
    entry.xattrs = {{"user.big", std::string(60'000, 'x')}};
    entries.emplace(entry.name, entry);
  }
  build(nodes, entries);
  check_nodes(nodes);
  for (const auto& [id, node] : nodes.nodes) {
    CHECK(node.size() < 512 * 1024);
  }
}

TEST_CASE("up to eight items stay inline, more become a tree") {
  for (const std::size_t count : {0U, 1U, 8U, 9U, 40U, 5000U}) {
    CollectedNodes nodes;
    ops::ContentBuilder builder(nodes);
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(builder.add(data(i)));
    }
    const auto content = builder.finish();
    REQUIRE(content);
    CHECK(content->size_bytes == count * 100);
    CHECK(content->tree_root.has_value() == (count > kInlineItemsMax));
    CHECK(content->items.size() == (count > kInlineItemsMax ? 0 : count));
    check_nodes(nodes);
  }
}

TEST_CASE("holes that touch are one hole, also where a leaf could end") {
  CollectedNodes nodes;
  ops::ContentBuilder builder(nodes);
  REQUIRE(builder.add({.length_bytes = 5, .chunk = std::nullopt}));
  REQUIRE(builder.add({.length_bytes = 7, .chunk = std::nullopt}));
  REQUIRE(builder.add(data(1)));
  const auto content = builder.finish();
  REQUIRE(content->items.size() == 2);
  CHECK(content->items[0].length_bytes == 12);

  CollectedNodes many_nodes;
  ops::ContentBuilder alternating(many_nodes);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    REQUIRE(alternating.add(data(i)));
    REQUIRE(alternating.add({.length_bytes = 1, .chunk = std::nullopt}));
    REQUIRE(alternating.add({.length_bytes = 1, .chunk = std::nullopt}));
  }
  REQUIRE(alternating.finish());
  check_nodes(many_nodes);
}

TEST_CASE("a changed chunk in a long file changes one leaf and the path above") {
  const auto build_list = [](CollectedNodes& nodes, std::uint64_t changed) {
    ops::ContentBuilder builder(nodes);
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      REQUIRE(builder.add(data(i == changed ? 1'000'000 : i)));
    }
    REQUIRE(builder.finish());
  };
  CollectedNodes before;
  build_list(before, 200'000);
  CollectedNodes after;
  build_list(after, 50'000);
  std::size_t fresh_bytes = 0;
  for (const auto& [id, node] : after.nodes) {
    fresh_bytes += before.nodes.contains(id) ? 0 : node.size();
  }
  CHECK(fresh_bytes < 16 * 1024);
}
