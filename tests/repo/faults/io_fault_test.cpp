// Calls of the repository's storage that fail in the middle of a verb that only reads, or only
// writes elsewhere. Those that write to it have tests of their own: failing_disk_test, prune_test.
// Of a copy, calls of both storages fail.

#include "catch2.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "outcome.h"
#include "verb_scenes.h"

namespace cairn::repo {

TEST_CASE("whatever call of the storage fails, a verb succeeds or says so") {
  for (const test::NamedScene& named : test::verb_scenes()) {
    if (named.verb == "backup" || named.verb == "prune") {
      continue;
    }
    DYNAMIC_SECTION(named.verb) {
      const auto real = core::make_posix_file_system();
      test::FaultFileSystem faulty(*real);
      const auto scene = named.make({.file_system = &faulty});
      // What cannot be read may be damaged: these say so.
      const bool reports = named.verb == "verify" || named.verb == "repair packs";
      std::uint64_t met = 0;
      bool hit = true;
      for (test::Fault fault; hit; ++fault.at_call) {
        CAPTURE(fault.at_call);
        REQUIRE(fault.at_call < test::kFaultLoopMax);
        REQUIRE(scene->prepare() == "");
        faulty.arm(fault);
        const core::Status played = scene->play();
        faulty.disarm();
        hit = faulty.fault_hit();
        met += hit ? 1 : 0;
        if (!played) {
          CHECK(hit);
        } else if (!hit || !reports) {
          CHECK(scene->mistake() == "");
        }
        if (named.verb == "copy") {
          CHECK(scene->damage() == "");  // the destination is another one each time
        }
      }
      CHECK(met > 0);
      CHECK(scene->damage() == "");
    }
  }
}

}  // namespace cairn::repo
