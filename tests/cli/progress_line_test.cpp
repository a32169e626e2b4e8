#include "output/progress_line.h"

#include "catch2.h"
#include "text/escape.h"

namespace cairn::cli {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMiB = 1024 * 1024;

repo::Progress half_way() {
  repo::Progress progress;
  progress.files_done = 10;
  progress.files_total = 20;
  progress.bytes_done = 50 * kMiB;
  progress.bytes_total = 100 * kMiB;
  progress.current_path = "/home/ada/notes.txt";
  return progress;
}

TEST_CASE("a line with everything that is known") {
  CHECK(render_progress(half_way(), 5 * kSecond, 100) ==
        " 50%  10/20 files  50.0 MiB of 100.0 MiB  10.0 MiB/s  ETA 0:05  /home/ada/notes.txt");
}

TEST_CASE("without totals there is neither a percentage nor an estimate") {
  repo::Progress progress = half_way();
  progress.files_total = 0;
  progress.bytes_total = 0;
  CHECK(render_progress(progress, 5 * kSecond, 100) ==
        "10 files  50.0 MiB  10.0 MiB/s  /home/ada/notes.txt");
}

TEST_CASE("the first second has no rate") {
  CHECK(render_progress(half_way(), kSecond / 2, 100) ==
        " 50%  10/20 files  50.0 MiB of 100.0 MiB  /home/ada/notes.txt");
}

TEST_CASE("more than was expected is 100 percent and no estimate") {
  repo::Progress progress = half_way();
  progress.bytes_done = 200 * kMiB;
  CHECK(render_progress(progress, 10 * kSecond, 100) ==
        "100%  10/20 files  200.0 MiB of 100.0 MiB  20.0 MiB/s  /home/ada/notes.txt");
}

TEST_CASE("an estimate beyond all measure is left out") {
  repo::Progress progress = half_way();
  progress.bytes_done = 1;
  progress.bytes_total = UINT64_MAX;
  CHECK(render_progress(progress, 100 * kSecond, 100).find("ETA") == std::string::npos);
}

TEST_CASE("problems are counted") {
  repo::Progress progress = half_way();
  progress.problems = 3;
  CHECK(render_progress(progress, 0, 100).find("3 problems") != std::string::npos);
}

TEST_CASE("a narrow window first costs the path, then the rest") {
  const repo::Progress progress = half_way();
  CHECK(render_progress(progress, 5 * kSecond, 76) ==
        " 50%  10/20 files  50.0 MiB of 100.0 MiB  10.0 MiB/s  ETA 0:05  ...notes.txt");
  CHECK(render_progress(progress, 5 * kSecond, 20) == " 50%  10/20 files  5");
  for (std::size_t columns = 0; columns < 120; ++columns) {
    CHECK(display_width(render_progress(progress, 5 * kSecond, columns)) <= columns);
  }
}

TEST_CASE("a hostile name cannot move the cursor") {
  repo::Progress progress = half_way();
  progress.current_path = "/tmp/\x1b[2J\r\n\xff";
  const std::string line = render_progress(progress, 0, 120);
  CHECK(line.ends_with("/tmp/\\x1b[2J\\r\\n\\xff"));
  CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("ten updates a second pass, the first one at once") {
  UpdateLimit limit;
  std::size_t passed = 0;
  for (std::uint64_t ms = 0; ms < 1'000; ms += 7) {
    passed += limit.allows(5 + ms * 1'000'000) ? 1U : 0U;
  }
  CHECK(passed == 10);
  UpdateLimit fresh;
  CHECK(fresh.allows(0));
  CHECK_FALSE(fresh.allows(99'999'999));
  CHECK(fresh.allows(100'000'000));
}

}  // namespace
}  // namespace cairn::cli
