#include "ops/source/folder_lookahead.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "catch2.h"
#include "child_process.h"
#include "fake_clock.h"
#include "ops/posix/object_metadata.h"
#include "seeded_random.h"
#include "source_walked.h"
#include "temp_folder.h"
#include "tree_spec.h"

namespace cairn::repo::ops {
namespace {

namespace tree = test::tree;
using Lines = std::vector<std::string>;

/// Every call takes as long as the test says, and is a wait or not. Each thread has its own time:
/// what others call does not lengthen its waits.
class SlowClock final : public core::Clock {
 public:
  void pause(std::uint64_t /*nanoseconds*/) override {}
  core::Timestamp now() override { return {}; }
  std::uint64_t monotonic_ns() override {
    thread_local std::uint64_t now_ns = 1;
    return now_ns += step_ns;
  }
  std::uint64_t thread_waits() override {
    thread_local std::uint64_t waits = 0;
    return is_waiting ? ++waits : waits;
  }
  int utc_offset_minutes(core::Timestamp /*when*/) override { return 0; }
  std::atomic<std::uint64_t> step_ns = 0;
  std::atomic<bool> is_waiting = true;
};

constexpr std::uint64_t kFastNs = 1'000;
constexpr std::uint64_t kSlowNs = 60'000;

/// Objects of all kinds, with names of all kinds, at seeded places.
std::vector<test::TreeObject> random_objects(std::uint64_t seed, std::size_t count) {
  test::SeededRandom random(seed);
  Lines folders = {""};
  std::vector<test::TreeObject> objects;
  for (std::size_t i = 0; i < count; ++i) {
    // Mostly where something was made not long ago: that makes deep trees.
    const std::size_t among =
        random.below(3) == 0 ? folders.size() : std::min(folders.size(), std::size_t{4});
    const std::string& folder = folders[folders.size() - 1 - random.below(among)];
    const std::string odd = random.below(8) == 0 ? "\xff\n \xc3" : "";
    const std::string path = fmt::format("{}{}{}", folder, odd, i);
    switch (random.below(8)) {
      case 0:
      case 1:
        objects.push_back(tree::folder(path).with_mode(random.below(16) == 0 ? 0U : 0755U));
        folders.push_back(path + "/");
        break;
      case 2:
        objects.push_back(tree::symlink(path, random.below(2) == 0 ? "/" : ".."));
        break;
      case 3:
        objects.push_back(tree::fifo(path));
        break;
      default:
        objects.push_back(tree::file(path, random.below(100), i));
    }
  }
  return objects;
}

std::string described(const WalkItem& item) {
  return fmt::format("{} {} {} {} {}.{} {}:{} {} {} {} {}", static_cast<int>(item.entry.type),
                     item.path, item.file_name, item.size_bytes, item.ctime.seconds,
                     item.ctime.nanoseconds, item.inode.device, item.inode.inode, item.link_count,
                     item.stamp, item.is_known(),
                     item.birth_time ? item.birth_time->nanoseconds : 0);
}

/// The first difference; empty if there is none.
std::string difference(const Walked& a, const Walked& b) {
  if (a.steps != b.steps || a.problems != b.problems || a.error != b.error) {
    return "steps, problems or error";
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (described(a.items[i]) != described(b.items[i]) || a.items[i].entry != b.items[i].entry) {
      return described(a.items[i]) + " / " + described(b.items[i]);
    }
  }
  return {};
}

WalkOptions measuring(core::Clock& clock, unsigned threads) {
  WalkOptions options = looking_ahead(clock, threads);
  options.lookahead_at_once = false;
  return options;
}

TEST_CASE("a walk tells the same with a look-ahead as without", "[threads]") {
  test::FakeClock clock;
  Choice choice;
  REQUIRE(choice.filter.add_exclude("*7/").has_value());
  choice.exclude_if_present = {"13", "113", "213"};
  choice.one_file_system = true;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const test::TempFolder temp;
    REQUIRE(test::make_tree(temp.path(), random_objects(seed, 150 * seed)) == Lines{});
    for (const Choice* const chosen :
         {static_cast<const Choice*>(nullptr), &std::as_const(choice)}) {
      const Walked alone = walk_all(temp.path(), looking_ahead(clock, 0, chosen));
      CHECK((chosen != nullptr || alone.items.size() > 20));
      for (const unsigned threads : {1U, 2U, 4U}) {
        INFO("seed " << seed << ", " << threads << " threads");
        CHECK(difference(alone, walk_all(temp.path(), looking_ahead(clock, threads, chosen))) ==
              "");
      }
    }
  }
}

TEST_CASE("a walk of huge folders tells the same with a look-ahead as without") {
  const test::TempFolder temp;
  std::vector<test::TreeObject> objects;
  for (int i = 0; i < 5000; ++i) {
    objects.push_back(i % 100 == 7 ? tree::text_file(fmt::format("huge/{}/in/deep", i), "")
                                   : tree::fifo(fmt::format("huge/{}", i)));
    if (i % 10 == 0) {
      objects.push_back(tree::folder(fmt::format("wide/{}/{}", i, i)));
    }
  }
  REQUIRE(test::make_tree(temp.path(), objects) == Lines{});
  test::FakeClock clock;
  const Walked alone = walk_all(temp.path());
  CHECK(difference(alone, walk_all(temp.path(), looking_ahead(clock, 3))) == "");
}

TEST_CASE("what an ordinary user cannot read is reported once, by the walk") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(),
                          {tree::text_file("a/b", ""), tree::text_file("closed/in", ""),
                           tree::text_file("no search/in", ""), tree::text_file("z/y", "")}) ==
          Lines{});
  REQUIRE(::chmod((temp / "closed").c_str(), 0) == 0);
  REQUIRE(::chmod((temp / "no search").c_str(), 0444) == 0);
  REQUIRE(::chmod(temp.path().c_str(), 0755) == 0);
  const std::string answer = test::run_as_ordinary_user([&]() -> std::string {
    test::FakeClock clock;
    const Walked alone = walk_all(temp.path());
    const std::string different = difference(alone, walk_all(temp.path(), looking_ahead(clock, 2)));
    return different.empty() ? fmt::format("{} problems", alone.problems.size()) : different;
  });
  CHECK(answer == "2 problems");
}

TEST_CASE("a tree that changes under a walk and its look-ahead harms neither", "[threads]") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), random_objects(11, 300)) == Lines{});
  REQUIRE(test::make_tree(temp.path(), {tree::text_file("x/a/b/c", ""),
                                        tree::text_file("y/a/b/d", ""), tree::symlink("z", "/")}) ==
          Lines{});
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    const std::string x = temp / "x";
    const std::string y = temp / "y";
    const std::string z = temp / "z";
    while (!done) {
      static_cast<void>(::renameat2(AT_FDCWD, x.c_str(), AT_FDCWD, y.c_str(), RENAME_EXCHANGE));
      static_cast<void>(::renameat2(AT_FDCWD, x.c_str(), AT_FDCWD, z.c_str(), RENAME_EXCHANGE));
    }
  });
  test::FakeClock clock;
  Lines errors;
  for (int i = 0; i < 100; ++i) {
    const Walked walked = walk_all(temp.path(), looking_ahead(clock, 3));
    if (!walked.error.empty() || walked.steps.size() < 100) {
      errors.push_back(walked.error);
    }
  }
  done = true;
  attacker.join();
  CHECK(errors == Lines{});
}

TEST_CASE("a walk that is given up in the middle ends its look-ahead", "[threads]") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), random_objects(5, 400)) == Lines{});
  test::FakeClock clock;
  for (int steps = 0; steps < 60; ++steps) {
    ProblemLines problems(temp.path());
    const auto walk = SourceWalk::open(temp.path(), problems, looking_ahead(clock, 4));
    REQUIRE(walk.has_value());
    for (int i = 0; i < steps; ++i) {
      REQUIRE((*walk)->next().has_value());
    }
    if (steps % 2 == 0) {
      (*walk)->end_early();
      const Walked rest = walk_rest(**walk, temp.path(), problems);
      CHECK(rest.error.empty());
    }
  }
}

TEST_CASE("nothing looks ahead of a walk that hardly waits") {
  SlowClock clock;
  FolderLookahead lookahead(measuring(clock, 1));
  for (unsigned i = 0; i < 10 * FolderLookahead::kWalkWindow; ++i) {
    // Now and then another process has had the processor.
    const bool is_wait =
        i % (2 * FolderLookahead::kWalkWindow / FolderLookahead::kWaitsToStart) == 0;
    clock.step_ns = is_wait ? kSlowNs : kFastNs;
    lookahead.note(lookahead.watch());
  }
  CHECK_FALSE(lookahead.is_running());
  CHECK_FALSE(lookahead.end());
}

TEST_CASE("nothing looks ahead of a walk that others keep from running") {
  SlowClock clock;
  clock.step_ns = 100 * kSlowNs;
  clock.is_waiting = false;
  FolderLookahead lookahead(measuring(clock, 1));
  for (unsigned i = 0; i < 2 * FolderLookahead::kWalkWindow; ++i) {
    lookahead.note(lookahead.watch());
  }
  CHECK_FALSE(lookahead.is_running());
  CHECK_FALSE(lookahead.end());
}

TEST_CASE("a look-ahead starts when the walk waits, and pauses when there is nothing to wait for",
          "[threads]") {
  const test::TempFolder temp;
  REQUIRE(test::make_tree(temp.path(), {tree::folder("a")}) == Lines{});
  SlowClock clock;
  FolderLookahead lookahead(measuring(clock, 2));
  const auto folder = std::make_shared<SourceFolder>(open_folder(AT_FDCWD, temp.path().c_str()));
  const std::string path = temp.path();
  for (int round = 0; round < 2; ++round) {
    clock.step_ns = kSlowNs;
    for (unsigned i = 0; i < FolderLookahead::kWaitsToStart; ++i) {
      CHECK_FALSE(lookahead.is_running());
      lookahead.note(lookahead.watch());
    }
    CHECK(lookahead.is_running());
    CHECK_FALSE(lookahead.watch().is_watched());
    clock.step_ns = kFastNs;
    std::size_t position = 0;
    while (lookahead.go_to({1, folder, {1, 1}, path, position})) {
      lookahead.offer(position, Lines(32, "not there"));
      position += 32;
      std::this_thread::yield();
    }
    CHECK_FALSE(lookahead.is_running());
  }
  CHECK(lookahead.end());
  clock.step_ns = kSlowNs;
  for (unsigned i = 0; i < 2 * FolderLookahead::kWaitsToStart; ++i) {
    lookahead.note(lookahead.watch());
  }
  CHECK_FALSE(lookahead.is_running());
}

}  // namespace
}  // namespace cairn::repo::ops
