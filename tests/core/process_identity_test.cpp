#include "cairn/core/process_identity.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "catch2.h"

namespace cairn::core {
namespace {

TEST_CASE("a process that runs is not gone, and no other one is taken for it", "[process]") {
  const ProcessIdentity self = current_process();
  REQUIRE_FALSE(self.place.is_zero());
  CHECK(self.number == static_cast<std::uint32_t>(::getpid()));
  CHECK(self.start > 0);
  CHECK(self == current_process());
  CHECK_FALSE(is_gone(self));

  SECTION("one with its number that began at another time is over") {
    ProcessIdentity earlier = self;
    earlier.start -= 1;
    CHECK(is_gone(earlier));
  }
  SECTION("of another place nothing is known") {
    ProcessIdentity elsewhere = self;
    elsewhere.place = hash256(as_view("another container"));
    elsewhere.start -= 1;
    CHECK_FALSE(is_gone(elsewhere));
    elsewhere.place = {};
    CHECK_FALSE(is_gone(elsewhere));
  }
  SECTION("nobody in particular") {
    CHECK_FALSE(is_gone({}));
    CHECK_FALSE(is_gone({.place = self.place}));
  }
}

TEST_CASE("a child is gone as soon as it has ended, waited for or not", "[process]") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const ProcessIdentity identity = current_process();
    const bool written = ::write(pipe[1], &identity.start, sizeof(identity.start)) ==
                         static_cast<::ssize_t>(sizeof(identity.start));
    ::_exit(written ? 0 : 1);
  }
  ProcessIdentity identity = current_process();
  identity.number = static_cast<std::uint32_t>(child);
  REQUIRE(::read(pipe[0], &identity.start, sizeof(identity.start)) ==
          static_cast<::ssize_t>(sizeof(identity.start)));
  ::close(pipe[0]);
  ::close(pipe[1]);
  ::siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<::id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK(is_gone(identity));  // a zombie
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(is_gone(identity));
}

}  // namespace
}  // namespace cairn::core
