// Memory that runs out in the middle of a verb, on whatever thread: an error, no end of the
// process, nobody who waits for ever, and no wrong success.

#include "cairn/core/thread.h"
#include "catch2.h"
#include "failing_memory.h"
#include "outcome.h"
#include "verb_scenes.h"

namespace cairn::repo {
namespace {

/// Lets large allocations fail, one after the other (each with all that follow, if `sticky`), until
/// the scene is played without meeting its failure. Which one is number n depends on the threads,
/// so the loop goes on until `calm` numbers in a row were not reached. Answers how many failed.
std::uint64_t fail_each(test::VerbScene& scene, bool sticky, std::uint64_t step) {
  constexpr unsigned kCalm = 2;
  std::uint64_t met = 0;
  unsigned calm = 0;
  for (std::uint64_t number = 1; calm < kCalm; number += step) {
    CAPTURE(sticky, number);
    REQUIRE(number < 100'000);
    REQUIRE(scene.prepare() == "");
    test::refuse_memory(number, sticky);
    const core::Status played = core::guarded("playing", [&scene] { return scene.play(); });
    const std::uint64_t refused = test::allow_memory();
    if (played) {
      CHECK(scene.mistake() == "");
    } else {
      CHECK(refused > 0);
      CHECK_FALSE(played.error().message().empty());
    }
    met += refused > 0 ? 1 : 0;
    calm = refused > 0 ? 0 : calm + 1;
  }
  return met;
}

}  // namespace

TEST_CASE("whichever large allocation of a verb fails, it succeeds or says so", "[threads]") {
  if (!test::can_refuse_memory()) {
    WARN("skipped: a sanitizer has the place of malloc()");
    return;
  }
  for (const test::NamedScene& named : test::verb_scenes()) {
    DYNAMIC_SECTION(named.verb) {
      const auto scene = named.make({});
      std::uint64_t met = fail_each(*scene, false, 1);
      met += fail_each(*scene, true, 5);
      CHECK(met > 0);
      CHECK(scene->damage() == "");
    }
  }
}

}  // namespace cairn::repo
