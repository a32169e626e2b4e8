#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "temp_folder.h"
#include "world.h"

/// collection_simulation [--seeds N] [--first S] [--seed S]
///
/// Runs the seeds S, S + 1, ... and prints the probes: how often each kind of meeting came about.
/// Ends with 1 at the first seed that breaks an invariant, which --seed runs again; and if, of a
/// thousand seeds or more, none came across something that it must look at.
namespace {

std::uint64_t number(const char* text) {
  std::uint64_t value = 0;
  const std::string_view view(text);
  const auto parsed = std::from_chars(view.data(), view.data() + view.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != view.data() + view.size()) {
    fmt::print(stderr, "{}: is no number\n", text);
    std::exit(2);
  }
  return value;
}

constexpr const char* kProbes[] = {"backed up",
                                   "cleared a forgotten snapshot",
                                   "committed by a process that died",
                                   "died",
                                   "fenced while alive",
                                   "forgot",
                                   "gave a backup up",
                                   "kept for a backup under way",
                                   "pruned",
                                   "removed packs",
                                   "repacked",
                                   "replaced index segments",
                                   "verified"};
constexpr std::uint64_t kSeedsForProbes = 1000;

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option(argv[i]);
    if (option == "--seeds") {
      seeds = number(argv[i + 1]);
    } else if (option == "--first") {
      first = number(argv[i + 1]);
    } else if (option == "--seed") {
      first = number(argv[i + 1]);
      seeds = 1;
    } else {
      fmt::print(stderr, "usage: collection_simulation [--seeds N] [--first S] [--seed S]\n");
      return 2;
    }
  }
  const cairn::test::TempFolder folder;
  cairn::test::World world(folder.path());
  cairn::test::Probes probes;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const auto outcome = world.run(seed, probes);
    if (!outcome.violations.empty()) {
      fmt::print("seed {} after {} turns:\n", seed, outcome.turns);
      for (const std::string& violation : outcome.violations) {
        fmt::print("  {}\n", violation);
      }
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} seeds in {:.1f} s\n", seeds, took.count());
  for (const auto& [probe, count] : probes) {
    fmt::print("{:>10}  {}\n", count, probe);
  }
  for (const char* const probe : kProbes) {
    if (seeds >= kSeedsForProbes && probes[probe] == 0) {
      fmt::print("no seed came across: {}\n", probe);
      return 1;
    }
  }
  return 0;
}
