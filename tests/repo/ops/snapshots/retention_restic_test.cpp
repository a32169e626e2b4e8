#include <stdio.h>  // popen is POSIX: <cstdio> need not have it

#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cairn/repo/retention.h"
#include "catch2.h"
#include "seeded_random.h"
#include "temp_folder.h"

// Restic is asked what it keeps of snapshots with the same times, by the same policies. In UTC:
// where its own machine has the snapshot's time zone, restic counts durations with the changes of
// clocks, else without.
// Hidden, because restic takes half a second for each snapshot and each question.

using namespace cairn;
using namespace cairn::test;

namespace {

using Times = std::set<std::string>;

std::string output_of(const std::string& command) {
  ::FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> block;
  for (std::size_t got = 1; got > 0;) {
    got = ::fread(block.data(), 1, block.size(), pipe);
    output.append(block.data(), got);
  }
  CHECK(::pclose(pipe) == 0);
  return output;
}

/// A repository of restic's with snapshots of an empty file, each of one of three hosts.
class ResticRepository {
 public:
  [[nodiscard]] bool init() const {
    std::ofstream(folder_ / "file") << "";
    return std::system((command("init") + " >/dev/null 2>&1").c_str()) == 0;
  }

  void add(const repo::ListedSnapshot& listed) const {
    std::string time = core::format_rfc3339(listed.snapshot.start, 0);
    time[10] = ' ';
    time.resize(19);
    static_cast<void>(output_of(command("backup -q --host " + listed.snapshot.host + " --time '" +
                                        time + "' '" + (folder_ / "file") + "'")));
  }

  /// Host and time of what it would keep.
  [[nodiscard]] Times kept(const std::string& policy) const {
    const auto answer = nlohmann::json::parse(
        output_of(command("forget --dry-run --json --group-by host" + policy)));
    Times times;
    for (const auto& group : answer) {
      for (const auto& snapshot : group["keep"]) {
        times.insert(snapshot["hostname"].get<std::string>() + " " +
                     snapshot["time"].get<std::string>());
      }
    }
    return times;
  }

 private:
  [[nodiscard]] std::string command(const std::string& words) const {
    return "TZ=UTC restic --no-cache --insecure-no-password -r '" + (folder_ / "repo") + "' " +
           words;
  }

  TempFolder folder_;
};

/// A few at a time, minutes to months apart, now and then at the edge of a day, around the turn of
/// years that have a week 53 or a leap day.
std::vector<repo::ListedSnapshot> random_snapshots(SeededRandom& random) {
  constexpr std::array<std::int64_t, 3> kStarts = {1'608'000'000, 1'700'000'000, 1'577'000'000};
  constexpr std::array<std::int64_t, 6> kSteps = {1'200, 4'000, 40'000, 90'000, 700'000, 3'000'000};
  std::vector<repo::ListedSnapshot> snapshots;
  for (std::size_t host = 0; host < kStarts.size(); ++host) {
    std::int64_t at = kStarts[host];
    for (int i = 0; i < 12; ++i) {
      at += 1 + static_cast<std::int64_t>(
                    random.below(static_cast<std::uint64_t>(kSteps[random.below(kSteps.size())])));
      if (random.below(4) == 0) {
        at += 86'400 - at % 86'400 - (random.below(2) == 0 ? 1 : 0);
      }
      repo::ListedSnapshot listed;
      random.fill(listed.id.mutable_view());
      listed.snapshot.host = "h" + std::to_string(host);
      listed.snapshot.start.seconds = at;
      snapshots.push_back(std::move(listed));
    }
  }
  return snapshots;
}

struct Question {
  repo::RetentionPolicy policy;
  std::string options;
};

Question random_question(SeededRandom& random) {
  using Policy = repo::RetentionPolicy;
  constexpr std::array<std::pair<const char*, std::uint32_t Policy::*>, 6> kCounts = {{
      {"last", &Policy::last},
      {"hourly", &Policy::hourly},
      {"daily", &Policy::daily},
      {"weekly", &Policy::weekly},
      {"monthly", &Policy::monthly},
      {"yearly", &Policy::yearly},
  }};
  constexpr std::array<std::pair<const char*, repo::RetentionDuration Policy::*>, 6> kWithins = {{
      {"within", &Policy::within},
      {"within-hourly", &Policy::within_hourly},
      {"within-daily", &Policy::within_daily},
      {"within-weekly", &Policy::within_weekly},
      {"within-monthly", &Policy::within_monthly},
      {"within-yearly", &Policy::within_yearly},
  }};
  Question question;
  const std::uint64_t rules = 1 + random.below(3);
  for (std::uint64_t i = 0; i < rules; ++i) {
    if (random.below(3) > 0) {
      const auto& [name, count] = kCounts[random.below(kCounts.size())];
      const bool all = random.below(8) == 0;
      question.policy.*count =
          all ? repo::kKeepAll : static_cast<std::uint32_t>(1 + random.below(6));
      question.options += std::string(" --keep-") + name + " " +
                          (all ? "unlimited" : std::to_string(question.policy.*count));
    } else {
      const auto& [name, within] = kWithins[random.below(kWithins.size())];
      const repo::RetentionDuration duration{
          .years = static_cast<std::uint32_t>(random.below(2)),
          .months = static_cast<std::uint32_t>(random.below(3)),
          .days = static_cast<std::uint32_t>(random.below(40)),
          .hours = static_cast<std::uint32_t>(1 + random.below(30))};
      question.policy.*within = duration;
      question.options += std::string(" --keep-") + name + " " + to_string(duration);
    }
  }
  return question;
}

Times kept_by_us(const std::vector<repo::ListedSnapshot>& snapshots, const Question& question) {
  repo::RetentionRules rules;
  rules.general = question.policy;
  rules.group_by = {.host = true, .set = false, .paths = false, .tags = false};
  constexpr core::Timestamp kNow{1'767'225'600, 0};
  Times times;
  for (const auto& group : repo::apply_retention(snapshots, rules, kNow)) {
    for (const auto& verdict : group.verdicts) {
      if (verdict.keep) {
        const repo::Snapshot& snapshot = snapshots[verdict.index].snapshot;
        times.insert(snapshot.host + " " + core::format_rfc3339(snapshot.start, 0));
      }
    }
  }
  return times;
}

}  // namespace

TEST_CASE("restic keeps the same snapshots", "[.][forget-restic]") {
  const ResticRepository restic;
  if (!restic.init()) {
    WARN("not tested: there is no restic on PATH that makes a repository without a password");
    return;
  }
  SeededRandom random(19);
  const auto snapshots = random_snapshots(random);
  for (const repo::ListedSnapshot& listed : snapshots) {
    restic.add(listed);
  }
  for (int round = 0; round < 40; ++round) {
    const Question question = random_question(random);
    CAPTURE(question.options);
    CHECK(restic.kept(question.options) == kept_by_us(snapshots, question));
  }
}
