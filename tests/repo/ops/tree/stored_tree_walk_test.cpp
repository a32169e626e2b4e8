#include "ops/tree/stored_tree_walk.h"

#include <vector>

#include "forger.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::test;

namespace {

using Names = std::vector<std::string>;

struct ForgedTree {
  RepoFixture fixture;
  Forger forger{fixture};

  ChunkId folder(std::vector<Entry> entries) {
    return forger.put(format::encode_folder_leaf({std::move(entries)}).value());
  }
  /// No node can be read before this.
  ops::CatalogueView publish(const ChunkId& node) {
    forger.publish(node);
    return *ops::catalogue_if_open(ops::opened(forger.repository()));
  }
};

/// The whole walk: paths as they come, "<path" where a folder is left, "path: error" where one is
/// met. Folders called "pruned" are not entered.
template <class Walk>
Names walked(Walk& walk) {
  Names met;
  while (!walk.has_ended()) {
    auto entry = walk.next();
    if (!entry) {
      met.push_back(walk.path() + ": " + outcome(entry));
      if (entry.error().code() == core::ErrorCode::interrupted) {
        return met;
      }
      continue;
    }
    if (!*entry) {
      met.push_back("<" + walk.path());
      walk.leave();
      continue;
    }
    met.push_back(walk.path_of((*entry)->name));
    if ((*entry)->type == EntryType::folder && (*entry)->name != "pruned") {
      REQUIRE(walk.enter((*entry)->folder.node, met.back()));
    }
  }
  return met;
}

}  // namespace

TEST_CASE("a stored tree is walked depth first, and what is not entered is not read") {
  ForgedTree tree;
  ChunkId nowhere;
  nowhere.mutable_view()[0] = std::byte{1};
  const ChunkId below = tree.folder({Forger::file("one"), Forger::file("two")});
  const ChunkId root =
      tree.folder({Forger::folder("a", below), Forger::file("b"), Forger::folder("pruned", nowhere),
                   Forger::folder("z", tree.folder({}))});
  const auto view = tree.publish(root);
  SECTION("paths go by that of the folder where it begins") {
    ops::StoredTreeWalk<> walk(view);
    REQUIRE(walk.enter(root, "/evil"));
    CHECK(walked(walk) == Names{"/evil/a", "/evil/a/one", "/evil/a/two", "</evil/a", "/evil/b",
                                "/evil/pruned", "/evil/z", "</evil/z", "</evil"});
  }
  SECTION("the root of all paths has one slash, and what is relative none") {
    ops::StoredTreeWalk<> walk(view);
    REQUIRE(walk.enter(below, "/"));
    CHECK(walked(walk) == Names{"/one", "/two", "</"});
    REQUIRE(walk.enter(below, ""));
    CHECK(walked(walk) == Names{"one", "two", "<"});
  }
  SECTION("each folder on the path has its level") {
    ops::StoredTreeWalk<int> walk(view);
    REQUIRE(walk.enter(root, "/evil", 1));
    REQUIRE(walk.enter(below, "/evil/a", 2));
    CHECK(walk.depth() == 2);
    CHECK(walk.level() == 2);
    CHECK(walk.level(0) == 1);
    CHECK(walk.path(0) == "/evil");
    CHECK(walk.node() == below);
    walk.leave();
    CHECK(walk.level() == 1);
    CHECK(walk.node() == root);
    walk.clear();
    CHECK(walk.has_ended());
  }
}

TEST_CASE("a node of a stored tree that cannot be read costs the walk what is in it") {
  ForgedTree tree;
  ChunkId nowhere;
  nowhere.mutable_view()[0] = std::byte{1};
  format::FolderInner inner{.level = 1, .children = {}};
  for (const auto& [name, node] :
       {std::pair("a", tree.folder({Forger::file("a")})), std::pair("c", nowhere),
        std::pair("e", tree.folder({Forger::file("e")}))}) {
    inner.children.push_back({.first_name = name, .node = node, .entries = 1});
  }
  const ChunkId torn = tree.forger.put(format::encode_folder_inner(inner).value());
  const ChunkId root = tree.folder({Forger::folder("gone", nowhere), Forger::folder("torn", torn)});
  ops::StoredTreeWalk<> walk(tree.publish(root));
  REQUIRE(walk.enter(root, "/evil"));
  CHECK(walked(walk) == Names{"/evil/gone", "/evil/gone: not_found", "</evil/gone", "/evil/torn",
                              "/evil/torn/a", "/evil/torn: not_found", "/evil/torn/e",
                              "</evil/torn", "</evil"});
}

TEST_CASE("a stored tree is walked to the depth that a folder may have, and on behind it") {
  ForgedTree tree;
  const ChunkId deepest = tree.folder({});
  const ChunkId root = tree.folder({Forger::folder("a", deepest), Forger::file("b")});
  ops::StoredTreeWalk<> walk(tree.publish(root));
  for (unsigned i = 0; i < kFolderDepthMax; ++i) {
    REQUIRE(walk.check_depth());
    REQUIRE(walk.enter(root, ""));
  }
  CHECK(outcome(walk.check_depth()) == "limit_exceeded");
  REQUIRE(walk.next().value()->name == "a");
  CHECK(outcome(walk.enter(deepest, "a")) == "limit_exceeded");
  CHECK(walk.depth() == kFolderDepthMax);
  CHECK(walk.next().value()->name == "b");
}

TEST_CASE("a walk over a stored tree stops when it is asked to, wherever it is") {
  ForgedTree tree;
  const ChunkId below = tree.folder({Forger::file("one"), Forger::file("two")});
  const ChunkId root = tree.folder({Forger::folder("a", below)});
  std::stop_source stop;
  ops::StoredTreeWalk<> walk(tree.publish(root), stop.get_token());
  REQUIRE(walk.enter(root, "/evil"));
  REQUIRE(walk.next().value()->name == "a");
  REQUIRE(walk.enter(below, "/evil/a"));
  REQUIRE(walk.next().value()->name == "one");
  stop.request_stop();
  CHECK(walked(walk) == Names{"/evil/a: interrupted"});
}
