#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <gsl/assert>

#include "catch2.h"
#include "child_process.h"
#include "deep_tree.h"
#include "fake_clock.h"
#include "source_walked.h"
#include "temp_folder.h"
#include "tree_spec.h"

namespace cairn::repo::ops {
namespace {

using Lines = std::vector<std::string>;
using test::DeepTree;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// For good: call it in a child process.
void leave_free_descriptors(std::size_t count) {
  // A new descriptor takes the lowest free number, and only such below the limit.
  const int next = ::open("/", O_PATH | O_CLOEXEC);
  const auto limit_number = static_cast<::rlim_t>(next) + count;
  ::close(next);
  const ::rlimit limit{limit_number, limit_number};
  Ensures(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/// Walks once while there are plenty of descriptors. The undefined-behaviour sanitizer opens a pipe
/// to look at a type that it meets for the first time: those of a walk, of the threads that look
/// ahead for it, and of the messages of one that fails.
void meet_types_of_a_walk(const std::string& source) {
  test::FakeClock clock;
  static_cast<void>(walk_all(source, looking_ahead(clock, 4)));
  static_cast<void>(core::errno_error(EMFILE, fmt::format("{}/{}", source, std::string(600, 'x'))));
}

/// What a walk of a DeepTree counts; items are let go at once.
struct DeepWalk {
  std::size_t entered = 0;
  std::size_t left = 0;
  std::size_t files = 0;
  std::size_t longest_path = 0;
  std::size_t descriptors_max = 0;
  Lines problems;
  std::string error;
};

DeepWalk walk_deep(const std::string& source) {
  DeepWalk deep;
  ProblemLines problems(source);
  const auto walk = SourceWalk::open(source, problems);
  REQUIRE(walk.has_value());
  while (true) {
    const auto step = (*walk)->next();
    if (!step.has_value()) {
      deep.error = step.error().message();
      break;
    }
    if (!step->has_value()) {
      break;
    }
    const auto* const object = std::get_if<MetObject>(&**step);
    const WalkItem* const item = item_of(**step);
    deep.entered += std::holds_alternative<EnteredFolder>(**step) ? 1U : 0U;
    deep.left += std::holds_alternative<LeftFolder>(**step) ? 1U : 0U;
    deep.files += object != nullptr && object->item.entry.name == "z" ? 1U : 0U;
    deep.longest_path = std::max(deep.longest_path, item != nullptr ? item->path.size() : 0);
    if ((deep.entered + deep.left) % 64 == 0) {
      deep.descriptors_max = std::max(deep.descriptors_max, open_descriptors());
    }
  }
  deep.problems = problems.lines();
  return deep;
}

TEST_CASE("folders nested deeper than any path can say are walked with few descriptors") {
  constexpr unsigned kLevels = 3000;
  const DeepTree tree(std::string(200, 'd'), kLevels);
  const std::size_t descriptors_before = open_descriptors();
  const DeepWalk deep = walk_deep(tree.path());
  CHECK(deep.error.empty());
  CHECK(deep.problems == Lines{});
  CHECK(deep.entered == kLevels + 1);
  CHECK(deep.left == kLevels + 1);
  CHECK(deep.files == kLevels);
  CHECK(deep.longest_path == tree.path().size() + kLevels * 201);
  CHECK(deep.descriptors_max > descriptors_before);
  CHECK(deep.descriptors_max <= descriptors_before + 80);
  CHECK(open_descriptors() == descriptors_before);
}

TEST_CASE("a walk that finds no free descriptor gives up those of the folders above") {
  const DeepTree tree("d", 200);
  const std::string answer = test::run_in_child([&]() -> std::string {
    meet_types_of_a_walk(tree.path());
    leave_free_descriptors(8);
    const Walked walked = walk_all(tree.path());
    return fmt::format("{} items, {} problems, {}", walked.items.size(), walked.problems.size(),
                       walked.error);
  });
  CHECK(answer == "401 items, 0 problems, ");
}

TEST_CASE("a look-ahead gives its descriptors to the walk that finds none") {
  const DeepTree tree("d", 200);
  for (const std::size_t free : {8U, 12U, 20U, 40U}) {
    const std::string answer = test::run_in_child([&]() -> std::string {
      meet_types_of_a_walk(tree.path());
      test::FakeClock clock;
      // Before the limit falls: the threads believe that there are plenty.
      ProblemLines problems(tree.path());
      const auto walk = SourceWalk::open(tree.path(), problems, looking_ahead(clock, 4));
      if (!walk.has_value()) {
        return "cannot begin";
      }
      leave_free_descriptors(free);
      const Walked walked = walk_rest(**walk, tree.path(), problems);
      return fmt::format("{} items, {} problems, {}", walked.items.size(), walked.problems.size(),
                         walked.error);
    });
    CHECK(answer == "401 items, 0 problems, ");
  }
}

TEST_CASE("a walk without any free descriptor ends with an error, not with missing files") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(),
                          {test::tree::folder("a/b"), test::tree::text_file("c", "")}) == Lines{});
  const std::string answer = test::run_in_child([&]() -> std::string {
    meet_types_of_a_walk(temp.path());
    ProblemLines problems(temp.path());
    const auto walk = SourceWalk::open(temp.path(), problems);
    if (!walk.has_value()) {
      return "cannot begin";
    }
    leave_free_descriptors(0);
    // The source's own item gives back the folder that the source is in: enough for "a".
    const Walked walked = walk_rest(**walk, temp.path(), problems);
    return fmt::format("{} items, {} problems, {}", walked.items.size(), walked.problems.size(),
                       walked.error);
  });
  CHECK(answer == fmt::format("2 items, 0 problems, read {}: Too many open files", temp / "a/b"));
}

TEST_CASE("folders nested deeper than the format knows are left out and reported") {
  const DeepTree tree("d", kFolderDepthMax + 3);
  const DeepWalk deep = walk_deep(tree.path());
  CHECK(deep.error.empty());
  CHECK(deep.entered == kFolderDepthMax);
  CHECK(deep.left == kFolderDepthMax);
  CHECK(deep.files == kFolderDepthMax);
  REQUIRE(deep.problems.size() == 1);
  CHECK(deep.problems.front().ends_with("/d: more than 4096 folders in folders"));
}

// The walk keeps the lowest folders open. Those above are found again through "..", which leads
// astray if somebody moves a folder meanwhile.
class MovedFolders {
 public:
  static constexpr unsigned kLevels = 100;

  MovedFolders() : tree_("d", kLevels), problems_(tree_.path()) {
    auto walk = SourceWalk::open(tree_.path(), problems_);
    Ensures(walk.has_value());
    walk_ = *std::move(walk);
    Ensures(walk_until(*walk_, tree_.path(), "+" + path_of(kLevels).substr(1)).has_value());
  }

  /// The folder `level` levels below the source: "/d/d".
  static std::string path_of(unsigned level) {
    std::string path;
    for (unsigned i = 0; i < level; ++i) {
      path += "/d";
    }
    return path;
  }
  void move(const std::string& from, const std::string& to) const {
    Ensures(::rename((tree_.path() + from).c_str(), (tree_.path() + to).c_str()) == 0);
  }
  Walked rest() { return walk_rest(*walk_, tree_.path(), problems_); }

 private:
  DeepTree tree_;
  ProblemLines problems_;
  std::unique_ptr<SourceWalk> walk_;
};

std::size_t count_of_files(const Walked& walked) {
  return static_cast<std::size_t>(
      std::count_if(walked.items.begin(), walked.items.end(),
                    [](const WalkItem& item) { return item.entry.type != EntryType::folder; }));
}

TEST_CASE("a walk finds its way back from a folder that was moved") {
  MovedFolders folders;
  folders.move(MovedFolders::path_of(20), "/moved");
  const Walked walked = folders.rest();
  folders.move("/moved", MovedFolders::path_of(20));
  CHECK(walked.error.empty());
  CHECK(walked.problems == Lines{});
  CHECK(count_of_files(walked) == MovedFolders::kLevels);
  CHECK(std::count(walked.steps.begin(), walked.steps.end(), "-") == MovedFolders::kLevels + 1);
}

TEST_CASE("what cannot be found again because folders were moved is reported") {
  MovedFolders folders;
  folders.move(MovedFolders::path_of(20), "/moved 20");
  folders.move(MovedFolders::path_of(10), "/moved 10");
  const Walked walked = folders.rest();
  folders.move("/moved 10", MovedFolders::path_of(10));
  folders.move("/moved 20", MovedFolders::path_of(20));
  CHECK(walked.error.empty());
  // From level 20 the way up leads to the source; from there the way down ends at level 9.
  REQUIRE(walked.problems.size() == 10);
  CHECK(walked.problems.front() == "unreadable " + MovedFolders::path_of(19).substr(1) +
                                       ": moved away while it was read; the rest is left out");
  CHECK(walked.problems.back().starts_with("unreadable " + MovedFolders::path_of(10).substr(1) +
                                           ":"));
  CHECK(count_of_files(walked) == MovedFolders::kLevels - 10);
  CHECK(std::count(walked.steps.begin(), walked.steps.end(), "-") == MovedFolders::kLevels + 1);
}

}  // namespace
}  // namespace cairn::repo::ops
