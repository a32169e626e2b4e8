// A system that has no room for another thread: fewer workers or an error, no end of the process,
// and nobody who waits for a thread that never came.

#include "catch2.h"
#include "fault_threads.h"
#include "outcome.h"
#include "verb_scenes.h"

namespace cairn::repo {

TEST_CASE("whichever thread of a verb cannot be started, it succeeds or says so", "[threads]") {
  for (const test::NamedScene& named : test::verb_scenes()) {
    test::FaultThreads threads;
    const auto scene = named.make({.threads = threads});
    for (const bool sticky : {false, true}) {
      std::uint64_t refused = 1;
      for (std::uint64_t number = 1; refused > 0; ++number) {
        CAPTURE(named.verb, sticky, number);
        REQUIRE(number < 100);
        REQUIRE(scene->prepare() == "");
        threads.refuse(number, sticky);
        const core::Status played = scene->play();
        refused = threads.refused();
        threads.allow_all();
        if (played) {
          CHECK(scene->mistake() == "");
        } else {
          CHECK(refused > 0);
          const std::string message = test::message_of(played);
          CAPTURE(message);
          CHECK(message.ends_with("cannot start a thread: Resource temporarily unavailable"));
        }
        CHECK(scene->damage() == "");
      }
    }
  }
}

TEST_CASE("verbs that can do with the caller's thread alone do", "[threads]") {
  for (const test::NamedScene& named : test::verb_scenes()) {
    if (named.verb != "verify" && named.verb != "find" && named.verb != "diff" &&
        named.verb != "repair packs") {
      continue;
    }
    CAPTURE(named.verb);
    test::FaultThreads threads;
    const auto scene = named.make({.threads = threads});
    threads.refuse(1, true);
    CHECK(test::message_of(scene->play()) == "");
    threads.allow_all();
    CHECK(scene->mistake() == "");
  }
}

}  // namespace cairn::repo
