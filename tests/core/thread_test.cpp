#include "cairn/core/thread.h"

#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <vector>

#include "catch2.h"
#include "fault_threads.h"
#include "outcome.h"
#include "temp_folder.h"

namespace cairn::core {
namespace {

using test::message_of;
using test::outcome;

GuardedThread::Job job(std::function<Status()> work,
                       std::function<void(const Error&)> on_error = {}) {
  return {.action = "testing", .work = std::move(work), .on_error = std::move(on_error)};
}

/// How a thread ended that does this.
Status ending_of(std::function<Status()> work) {
  auto thread = GuardedThread::start(system_threads(), job(std::move(work)));
  REQUIRE(outcome(thread) == "ok");
  return thread->join();
}

}  // namespace

TEST_CASE("a guarded thread ends with what its work answers", "[threads]") {
  CHECK(outcome(ending_of([]() -> Status { return {}; })) == "ok");
  CHECK(message_of(ending_of([]() -> Status { return fail(ErrorCode::io, "no"); })) == "no");
}

TEST_CASE("what a guarded thread throws becomes its error", "[threads]") {
  const Status memory = ending_of([]() -> Status { throw std::bad_alloc(); });
  CHECK(outcome(memory) == "internal");
  CHECK(message_of(memory) == "out of memory while testing");
  CHECK_FALSE(memory.error().hint().empty());
  CHECK(message_of(ending_of([]() -> Status { throw std::runtime_error("a text"); })) ==
        "testing: a text");
  CHECK(outcome(ending_of([]() -> Status { throw 1; })) == "internal");
}

TEST_CASE("a guarded thread tells of its error before it ends", "[threads]") {
  std::vector<std::string> told;
  {
    const auto thread =
        GuardedThread::start(system_threads(), job([]() -> Status { throw std::bad_alloc(); },
                                                   [&told](const Error& error) {
                                                     told.push_back(error.message());
                                                     throw std::bad_alloc();
                                                   }));
    REQUIRE(outcome(thread) == "ok");
  }
  CHECK(told == std::vector<std::string>{"out of memory while testing"});
  {
    const auto thread = GuardedThread::start(
        system_threads(), job([]() -> Status { return {}; },
                              [&told](const Error& error) { told.push_back(error.message()); }));
  }
  CHECK(told.size() == 1);
}

TEST_CASE("guarded threads are joined by whoever has them last", "[threads]") {
  std::atomic<int> ended = 0;
  const auto start = [&ended] {
    auto thread = GuardedThread::start(system_threads(), job([&ended]() -> Status {
                                         ++ended;
                                         return {};
                                       }));
    REQUIRE(outcome(thread) == "ok");
    return *std::move(thread);
  };
  {
    GuardedThread none;
    CHECK_FALSE(none.is_joinable());
    CHECK(outcome(none.join()) == "ok");
    GuardedThread first = start();
    CHECK(first.is_joinable());
    GuardedThread second = std::move(first);
    second = start();
    CHECK(ended >= 1);
    CHECK(outcome(second.join()) == "ok");
    CHECK(ended == 2);
    std::vector<GuardedThread> many;
    many.push_back(start());
    many.push_back(start());
  }
  CHECK(ended == 4);
}

TEST_CASE("a thread that cannot be started is an error", "[threads]") {
  test::FaultThreads threads;
  bool has_run = false;
  const auto run = [&has_run]() -> Status {
    has_run = true;
    return {};
  };
  threads.refuse(1, false);
  const auto refused = GuardedThread::start(threads, job(run));
  CHECK(outcome(refused) == "io");
  CHECK(message_of(refused) == "cannot start a thread: Resource temporarily unavailable");
  CHECK_FALSE(has_run);
  CHECK(threads.refused() == 1);
  CHECK(outcome(GuardedThread::start(threads, job(run))) == "ok");
}

TEST_CASE("work is guarded on the caller's thread too") {
  const auto answer = [](bool throws) -> Result<int> {
    return guarded("adding", [throws]() -> Result<int> {
      if (throws) {
        throw std::bad_alloc();
      }
      return 2;
    });
  };
  CHECK(answer(false) == 2);
  CHECK(message_of(answer(true)) == "out of memory while adding");
}

TEST_CASE("there is a processor for somebody") { CHECK(system_threads().processors() >= 1); }

namespace {

/// The kernel's files, as some container has them.
class Groups {
 public:
  void add(const std::string& path, const std::string& text) {
    const std::string file = folder_ / path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] unsigned processors() const { return quota_processors(folder_.path()); }

 private:
  test::TempFolder folder_;
};

}  // namespace

TEST_CASE("quotas of control groups: version 2") {
  Groups groups;
  CHECK(groups.processors() == 0);
  groups.add("proc/self/cgroup", "0::/a/b\n");
  CHECK(groups.processors() == 0);
  groups.add("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(groups.processors() == 0);
  groups.add("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  CHECK(groups.processors() == 3);
  groups.add("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  CHECK(groups.processors() == 1);
  groups.add("sys/fs/cgroup/a/b/cpu.max", "900000 100000\n");
  CHECK(groups.processors() == 3);
  groups.add("sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(groups.processors() == 2);
}

TEST_CASE("quotas of control groups: version 1, as a container sees them") {
  Groups groups;
  groups.add("proc/self/cgroup",
             "12:cpuset:/docker/x\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/\nnonsense\n");
  groups.add("sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "100000\n");
  groups.add("sys/fs/cgroup/cpuset/cpu.cfs_period_us", "100000\n");
  CHECK(groups.processors() == 0);
  groups.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  groups.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(groups.processors() == 0);
  groups.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n");
  CHECK(groups.processors() == 4);
  groups.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "0\n");
  CHECK(groups.processors() == 0);
}

}  // namespace cairn::core
