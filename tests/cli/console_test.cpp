#include "output/console.h"

#include <cerrno>
#include <ostream>
#include <sstream>
#include <streambuf>

#include "cairn/core/file_system.h"
#include "catch2.h"
#include "fake_clock.h"
#include "seeded_random.h"

namespace cairn::cli {
namespace {

/// Takes nothing.
class ClosedOutput final : public std::streambuf {
 protected:
  int_type overflow(int_type /*byte*/) override { return traits_type::eof(); }
};

struct Bench {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::unique_ptr<core::FileSystem> file_system = core::make_posix_file_system();
  test::FakeClock clock;
  test::SeededRandom random{1};
  Streams streams{.in = in,
                  .out = out,
                  .err = err,
                  .file_system = *file_system,
                  .clock = clock,
                  .random = random};
  ConsoleOptions options;

  Console console() { return {streams, options}; }
};

repo::Progress some_progress() {
  repo::Progress progress;
  progress.files_done = 1;
  progress.current_path = "/a/b";
  return progress;
}

TEST_CASE("an error is a line with the name of the program, its hint the next line") {
  Bench bench;
  bench.console().error(core::Error(core::ErrorCode::io, "read \x1b[2J: bad", "do this"),
                        ExitCode::failed);
  CHECK(bench.err.str() == "cairn: read \\x1b[2J: bad\ndo this\n");
  CHECK(bench.out.str().empty());
}

TEST_CASE("an error in JSON is one line on standard error") {
  Bench bench;
  bench.options.json = true;
  bench.console().error(core::Error(core::ErrorCode::busy, "m"), ExitCode::busy);
  CHECK(bench.err.str() ==
        "{\"type\":\"error\",\"code\":\"busy\",\"message\":\"m\",\"exit_code\":11}\n");
}

TEST_CASE("quiet leaves what was asked for, warnings and problems") {
  Bench bench;
  bench.options.quiet = true;
  Console console = bench.console();
  console.print("asked");
  console.say("told");
  console.detail("fine");
  console.warning("careful");
  console.problem({repo::ProblemKind::unreadable, "/x\n", "permission denied"}, "read");
  CHECK(bench.out.str() == "asked\n");
  CHECK(bench.err.str() ==
        "cairn: warning: careful\ncairn: cannot read /x\\n: permission denied\n");
}

TEST_CASE("details are told to those who asked for them") {
  Bench bench;
  bench.console().detail("fine");
  CHECK(bench.err.str().empty());
  bench.options.verbose = true;
  bench.console().detail("fine");
  CHECK(bench.err.str() == "fine\n");
}

TEST_CASE("in JSON problems stand among the results, warnings and details on standard error") {
  Bench bench;
  bench.options.json = true;
  bench.options.verbose = true;
  Console console = bench.console();
  console.say("not for machines");
  console.problem({repo::ProblemKind::vanished, "/x", "r"}, "read");
  console.warning("w");
  console.detail("d");
  CHECK(bench.out.str() ==
        "{\"type\":\"problem\",\"kind\":\"vanished\",\"path\":\"/x\",\"reason\":\"r\"}\n");
  CHECK(bench.err.str() ==
        "{\"type\":\"warning\",\"message\":\"w\"}\n{\"type\":\"detail\",\"message\":\"d\"}\n");
}

TEST_CASE("the progress line is redrawn at most ten times a second, and taken away") {
  Bench bench;
  bench.streams.err_is_terminal = true;
  bench.streams.err_columns = [] { return std::size_t{20}; };
  Console console = bench.console();
  console.progress(some_progress());
  console.progress(some_progress());
  CHECK(bench.err.str() == "\r1 file  0 B  /a/b\x1b[K");
  bench.clock.advance(std::chrono::milliseconds(100));
  console.progress(some_progress());
  CHECK(bench.err.str() == "\r1 file  0 B  /a/b\x1b[K\r1 file  0 B  /a/b\x1b[K");
  bench.err.str("");
  console.warning("w");
  CHECK(bench.err.str() == "\r\x1b[Kcairn: warning: w\n");
}

TEST_CASE("the last column stays free") {
  Bench bench;
  bench.streams.err_is_terminal = true;
  bench.streams.err_columns = [] { return std::size_t{10}; };
  bench.console().progress(some_progress());
  CHECK(bench.err.str() == "\r1 file  0\x1b[K");
}

TEST_CASE("no progress without a terminal, with --quiet or with --no-progress") {
  Bench piped;
  piped.console().progress(some_progress());
  CHECK(piped.err.str().empty());
  for (const bool quiet : {true, false}) {
    for (const bool json : {true, false}) {
      Bench bench;
      bench.streams.err_is_terminal = true;
      bench.options.json = json;
      bench.options.quiet = quiet;
      bench.options.no_progress = !quiet;
      bench.console().progress(some_progress());
      CHECK((bench.err.str() + bench.out.str()).empty());
    }
  }
}

TEST_CASE("in JSON progress is a line on standard output") {
  Bench bench;
  bench.options.json = true;
  bench.console().progress(some_progress());
  CHECK(bench.err.str().empty());
  const Json json = Json::parse(bench.out.str());
  CHECK(json.at("type") == "progress");
  CHECK(json.at("current_path") == "/a/b");
}

TEST_CASE("the observer counts what is not in a snapshot as it was, by kinds") {
  Bench bench;
  Console console = bench.console();
  ConsoleObserver observer(console, "read");
  for (const auto kind : {repo::ProblemKind::unreadable, repo::ProblemKind::changed_while_read,
                          repo::ProblemKind::incomplete_metadata, repo::ProblemKind::vanished}) {
    observer.problem({kind, "/p", "r"});
  }
  CHECK(observer.unreadable() == 1);
  CHECK(observer.torn() == 1);
  CHECK(observer.incomplete() == 1);
  CHECK(observer.unnoticed() == 0);
  CHECK(bench.err.str() ==
        "cairn: cannot read /p: r\ncairn: /p changed while it was read: r\ncairn: /p: r\n"
        "cairn: /p vanished before it was read: r\n");
}

TEST_CASE("output that nobody takes is an error; a reader that left is a quiet one") {
  Bench bench;
  ClosedOutput closed;
  std::ostream out(&closed);
  int error_number = ENOSPC;
  Streams streams{.in = bench.in,
                  .out = out,
                  .err = bench.err,
                  .file_system = *bench.file_system,
                  .clock = bench.clock,
                  .random = bench.random};
  streams.out_error = [&error_number] { return error_number; };
  Console console(streams, bench.options);
  CHECK(console.finish());
  console.print("x");
  const core::Status full = console.finish();
  REQUIRE_FALSE(full);
  CHECK(full.error().code() == core::ErrorCode::no_space);
  CHECK_FALSE(console.reader_is_gone());
  error_number = EPIPE;
  CHECK(console.reader_is_gone());
}

}  // namespace
}  // namespace cairn::cli
