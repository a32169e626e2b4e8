#include "ops/tree/folder_cursor.h"

#include <vector>

#include "forger.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::test;

namespace {

using Names = std::vector<std::string>;

/// Folders of several nodes, as no writer would make them.
struct ForgedFolder {
  RepoFixture fixture;
  Forger forger{fixture};

  ChunkId leaf(const Names& names) {
    format::FolderLeaf leaf;
    for (const std::string& name : names) {
      leaf.entries.push_back(Forger::file(name));
    }
    return forger.put(format::encode_folder_leaf(leaf).value());
  }
  ChunkId inner(std::uint8_t level, const std::vector<std::pair<std::string, ChunkId>>& children) {
    format::FolderInner inner{.level = level, .children = {}};
    for (const auto& [first_name, node] : children) {
      inner.children.push_back({.first_name = first_name, .node = node, .entries = 1});
    }
    return forger.put(format::encode_folder_inner(inner).value());
  }
  ops::FolderCursor cursor(const ChunkId& node) {
    return {*ops::catalogue_if_open(ops::opened(forger.repository())), node};
  }
  /// Nothing can be read before this, and nothing forged after it.
  void publish() { forger.publish(forger.put(format::encode_folder_leaf({}).value())); }
  /// Names, and what could not be read in between.
  Names read(const ChunkId& node) {
    Names names;
    auto folder = cursor(node);
    for (auto entry = folder.next(); !entry || *entry; entry = folder.next()) {
      names.push_back(entry ? (*entry)->name : outcome(entry));
    }
    return names;
  }
  std::string find(const ChunkId& node, std::string_view name) {
    auto folder = cursor(node);
    const auto found = folder.find(name);
    return !found ? outcome(found) : *found ? (*found)->name : "nothing";
  }
};

}  // namespace

TEST_CASE("a folder of many nodes: every entry, and each by its name") {
  ForgedFolder forged;
  const ChunkId left = forged.inner(1, {{"b", forged.leaf({"b", "d"})}, {"f", forged.leaf({"f"})}});
  const ChunkId right =
      forged.inner(1, {{"h", forged.leaf({"h"})}, {"j", forged.leaf({"j", "l"})}});
  const ChunkId root = forged.inner(2, {{"b", left}, {"h", right}});
  forged.publish();
  CHECK(forged.read(root) == Names{"b", "d", "f", "h", "j", "l"});
  for (const std::string name : {"b", "d", "f", "h", "j", "l"}) {
    CHECK(forged.find(root, name) == name);
  }
  for (const std::string name : {"a", "c", "e", "g", "i", "k", "m"}) {
    CHECK(forged.find(root, name) == "nothing");
  }
}

TEST_CASE("an empty folder has nothing, and no leaf of another one is empty") {
  ForgedFolder forged;
  const ChunkId empty = forged.leaf({});
  const ChunkId root = forged.inner(1, {{"a", forged.leaf({"a"})}, {"b", empty}});
  forged.publish();
  CHECK(forged.read(root) == Names{"a", "corrupt"});
  CHECK(forged.find(root, "b") == "corrupt");
  CHECK(forged.find(empty, "b") == "nothing");
}

TEST_CASE("levels that do not fall are refused: nodes cannot lead round in circles") {
  ForgedFolder forged;
  const auto level = GENERATE(as<std::uint8_t>{}, 1, 2);
  const ChunkId below = forged.inner(level, {{"a", forged.leaf({"a"})}, {"b", forged.leaf({"b"})}});
  const ChunkId root = forged.inner(1, {{"a", below}, {"c", forged.leaf({"c"})}});
  forged.publish();
  CHECK(forged.read(root) == Names{"corrupt", "c"});
  CHECK(forged.find(root, "b") == "corrupt");
  CHECK(forged.find(root, "c") == "c");
}

TEST_CASE("a node begins with the name under which its parent lists it") {
  ForgedFolder forged;
  // A reader of the whole would see "d", who looks for it by name would not.
  const ChunkId leaf_root =
      forged.inner(1, {{"a", forged.leaf({"a", "b"})}, {"e", forged.leaf({"d", "f"})}});
  const ChunkId below = forged.inner(1, {{"d", forged.leaf({"d"})}, {"f", forged.leaf({"f"})}});
  const ChunkId inner_root = forged.inner(2, {{"a", forged.leaf({"a", "b"})}, {"e", below}});
  forged.publish();
  CHECK(forged.read(leaf_root) == Names{"a", "b", "corrupt"});
  CHECK(forged.find(leaf_root, "f") == "corrupt");
  CHECK(forged.read(inner_root) == Names{"a", "b", "corrupt"});
  CHECK(forged.find(inner_root, "f") == "corrupt");
}

TEST_CASE("names ascend over the whole folder, not only in each node") {
  ForgedFolder forged;
  const ChunkId root = forged.inner(1, {{"a", forged.leaf({"a", "c"})}, {"b", forged.leaf({"b"})}});
  forged.publish();
  CHECK(forged.read(root) == Names{"a", "c", "corrupt"});
}

TEST_CASE("a node that cannot be read takes only its own names along") {
  ForgedFolder forged;
  ChunkId nowhere;
  nowhere.mutable_view()[0] = std::byte{1};
  const ChunkId root =
      forged.inner(1, {{"a", forged.leaf({"a"})}, {"c", nowhere}, {"e", forged.leaf({"e", "f"})}});
  forged.publish();
  CHECK(forged.read(root) == Names{"a", "not_found", "e", "f"});
  CHECK(forged.find(root, "d") == "not_found");
  CHECK(forged.find(root, "f") == "f");
}
