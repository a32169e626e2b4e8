#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <gsl/assert>
#include <thread>

#include "catch2.h"
#include "outcome.h"
#include "source_walked.h"
#include "temp_folder.h"
#include "tree_spec.h"

/// The tree changes while it is walked. Names are listed when their folder is entered, and looked
/// at one by one later: what a test does between two steps falls into that gap.
namespace cairn::repo::ops {
namespace {

namespace tree = test::tree;
using Lines = std::vector<std::string>;

/// A walk that has entered the source and seen nothing else.
class EnteredWalk {
 public:
  explicit EnteredWalk(const std::vector<test::TreeObject>& objects) : problems_(source()) {
    Ensures(test::make_tree(source(), objects).empty());
    auto walk = SourceWalk::open(source(), problems_);
    Ensures(walk.has_value());
    walk_ = *std::move(walk);
    Ensures(walk_until(*walk_, source(), "+.").has_value());
  }

  [[nodiscard]] std::string path(std::string_view name) const { return temp_ / name; }
  void remove(std::string_view name) const { std::filesystem::remove_all(path(name)); }
  void add(const test::TreeObject& object) const {
    Ensures(test::make_tree(source(), {object}).empty());
  }
  void walk_to(const std::string& step) { Ensures(walk_until(*walk_, source(), step).has_value()); }
  Walked rest() { return walk_rest(*walk_, source(), problems_); }

 private:
  [[nodiscard]] const std::string& source() const { return temp_.path(); }

  test::TempFolder temp_;
  ProblemLines problems_;
  std::unique_ptr<SourceWalk> walk_;
};

TEST_CASE("an object that vanished after it was listed is reported") {
  EnteredWalk walk({tree::text_file("a", ""), tree::text_file("b", ""), tree::folder("c"),
                    tree::text_file("d", "")});
  walk.remove("b");
  walk.remove("c");
  const Walked walked = walk.rest();
  CHECK(walked.steps == Lines{"a", "d", "-"});
  CHECK(walked.problems ==
        Lines{"vanished b: no such file or directory", "vanished c: no such file or directory"});
}

TEST_CASE("a folder that vanished with all it held is left without children") {
  EnteredWalk walk(
      {tree::text_file("a/1", ""), tree::text_file("a/2", ""), tree::text_file("z", "")});
  walk.walk_to("+a");
  walk.remove("a");
  const Walked walked = walk.rest();
  CHECK(walked.steps == Lines{"-", "z", "-"});
  CHECK(walked.problems == Lines{"vanished a/1: no such file or directory",
                                 "vanished a/2: no such file or directory"});
}

TEST_CASE("what appears after its folder was listed is not seen") {
  EnteredWalk walk({tree::text_file("a", "")});
  walk.add(tree::text_file("b", ""));
  CHECK(walk.rest().steps == Lines{"a", "-"});
}

TEST_CASE("a folder that became a link after it was listed is recorded as the link") {
  const test::TempFolder elsewhere;
  REQUIRE(test::make_tree(elsewhere.path(), {tree::text_file("secret", "")}) == Lines{});
  EnteredWalk walk({tree::text_file("a/in", "")});
  walk.remove("a");
  walk.add(tree::symlink("a", elsewhere.path()));
  const Walked walked = walk.rest();
  CHECK(walked.steps == Lines{"a", "-"});
  CHECK(walked.items.front().entry.link_target == elsewhere.path());
  CHECK(walked.problems == Lines{});
}

TEST_CASE("an object of another type is recorded as what it is when the walk comes to it") {
  EnteredWalk walk({tree::text_file("file", ""), tree::folder("folder"), tree::fifo("queue")});
  walk.remove("file");
  walk.add(tree::text_file("file/now a folder", ""));
  walk.remove("folder");
  walk.add(tree::fifo("folder"));
  walk.remove("queue");
  walk.add(tree::file("queue", 17));
  const Walked walked = walk.rest();
  CHECK(walked.steps == Lines{"+file", "file/now a folder", "-", "folder", "queue", "-"});
  CHECK(walked.items.back().size_bytes == 17);
  CHECK(walked.problems == Lines{});
}

TEST_CASE("children stay with the folder that was entered, wherever it moves") {
  const test::TempFolder elsewhere;
  EnteredWalk walk({tree::file("a/in", 5)});
  walk.walk_to("+a");
  REQUIRE(::rename(walk.path("a").c_str(), (elsewhere / "moved").c_str()) == 0);
  walk.add(tree::file("a/in", 7));
  const Walked walked = walk.rest();
  CHECK(walked.steps == Lines{"a/in", "-", "-"});
  CHECK(walked.items.front().size_bytes == 5);
}

TEST_CASE("no exchange of a folder and a link leads a walk out of the source", "[threads]") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("source/a/inside", ""),
                                        tree::text_file("outside/secret", ""),
                                        tree::symlink("link", temp / "outside")}) == Lines{});
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    const std::string folder = temp / "source/a";
    const std::string link = temp / "link";
    while (!done) {
      static_cast<void>(
          ::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE));
    }
  });
  Lines seen_outside;
  for (int i = 0; i < 2000; ++i) {
    for (const WalkItem& item : walk_all(temp / "source").items) {
      if (item.entry.name == "secret") {
        seen_outside.push_back(item.path);
      }
    }
  }
  done = true;
  attacker.join();
  CHECK(seen_outside == Lines{});
}

}  // namespace
}  // namespace cairn::repo::ops
