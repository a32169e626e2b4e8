#include "cairn/repo/retention.h"

#include <algorithm>
#include <set>

#include "catch2.h"
#include "seeded_random.h"
#include "written_snapshots.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Case {
  const char* what;
  const char* rules;
  const char* snapshots;
  const char* kept;
};

// Worked out by hand, with a calendar. 2026-01-01 is a Thursday, 2024 a leap year; 2020 and 2026
// have an ISO week 53.
constexpr Case kCounts[] = {
    {"nothing", "last=1", "", ""},
    {"one", "last=1", "a 2026-01-01T10:00", "a"},
    {"the last two", "last=2", "a 2026-01-01T10:00; b 2026-01-01T11:00; c 2026-01-01T12:00", "bc"},
    {"more than there are", "last=9", "a 2026-01-01T10:00; b 2026-01-01T11:00", "ab"},
    {"all", "last=all", "a 2026-01-01T10:00; b 2026-01-01T11:00", "ab"},
    {"in any order", "last=2", "b 2026-01-01T11:00; c 2026-01-01T12:00; a 2026-01-01T10:00", "bc"},
    {"equal times: the greater id is newer", "last=1",
     "b 2026-01-01T10:00; a 2026-01-01T10:00; c 2026-01-01T10:00", "c"},
    {"equal times in one day", "daily=1", "b 2026-01-01T10:00; a 2026-01-01T10:00", "b"},
    {"equal times: the lesser id is the oldest", "daily=2",
     "a 2026-01-01T10:00; b 2026-01-01T10:00; c 2026-01-01T10:00", "ac"},

    {"the newest of each hour", "hourly=2",
     "a 2026-01-01T10:00; b 2026-01-01T10:59; c 2026-01-01T11:00; d 2026-01-01T11:30", "bd"},
    {"an hour of another day is another hour", "hourly=2",
     "a 2025-12-31T10:10; b 2026-01-01T10:10; c 2026-01-02T10:10", "bc"},
    {"hours without a snapshot do not count", "hourly=3",
     "a 2026-01-01T01:00; b 2026-01-01T05:00; c 2026-01-01T05:20; d 2026-01-03T07:00", "acd"},
    {"the newest of each day", "daily=2",
     "a 2026-01-01T10:00; b 2026-01-01T23:59:59; c 2026-01-02T00:00; d 2026-01-02T09:00", "bd"},
    {"days without a snapshot do not count", "daily=3",
     "a 2026-01-01T10:00; b 2026-01-09T10:00; c 2026-02-01T10:00; d 2026-07-01T10:00", "bcd"},
    {"the oldest fills what is left of the count", "daily=3",
     "a 2026-01-01T10:00; b 2026-01-01T11:00; c 2026-01-02T10:00", "abc"},
    {"no oldest once the count is used up", "daily=2",
     "a 2026-01-01T10:00; b 2026-01-01T11:00; c 2026-01-02T10:00", "bc"},
    {"the oldest of all days", "daily=all",
     "a 2026-01-01T10:00; b 2026-01-01T11:00; c 2026-01-01T12:00", "ac"},
    {"the oldest by two counts", "daily=1 monthly=2",
     "a 2026-01-01T10:00; b 2026-01-15T11:00; c 2026-01-31T10:00", "ac"},

    {"a week ends on Sunday", "weekly=1", "a 2026-03-08T23:59; b 2026-03-09T00:00", "b"},
    {"two weeks", "weekly=2",
     "a 2026-03-01T10:00; b 2026-03-02T10:00; c 2026-03-08T10:00; d 2026-03-09T10:00", "cd"},
    {"New Year lies within a week", "weekly=2",
     "a 2025-12-28T12:00; b 2025-12-29T12:00; c 2025-12-31T12:00; d 2026-01-04T12:00;"
     "e 2026-01-05T12:00",
     "de"},
    {"week 53 of 2020 reaches into 2021", "weekly=2",
     "a 2020-12-27T12:00; b 2020-12-28T12:00; c 2021-01-03T12:00; d 2021-01-04T12:00", "cd"},
    {"week 53 of 2026 is not week 1", "weekly=3",
     "a 2026-12-20T12:00; b 2026-12-27T12:00; c 2026-12-31T12:00; d 2027-01-01T12:00;"
     "e 2027-01-04T12:00",
     "bde"},
    {"first weeks of two years are two weeks", "weekly=2",
     "a 2024-01-01T12:00; b 2024-12-30T12:00; c 2025-01-05T12:00", "ac"},
    {"Monday 2024-12-30 is of 2025", "weekly=1", "a 2024-12-29T12:00; b 2024-12-30T12:00", "b"},

    {"the newest of each month", "monthly=2",
     "a 2026-01-31T23:59; b 2026-02-01T00:00; c 2026-02-28T10:00; d 2026-03-01T00:00", "cd"},
    {"leap day", "monthly=2", "a 2024-02-28T10:00; b 2024-02-29T10:00; c 2024-03-01T10:00", "bc"},
    {"leap day by days", "daily=3",
     "a 2024-02-28T10:00; b 2024-02-28T11:00; c 2024-02-29T10:00; d 2024-03-01T10:00", "bcd"},
    {"1900 had no leap day", "daily=2", "a 1900-02-28T23:00; b 1900-03-01T01:00", "ab"},
    {"2000 had one", "daily=3", "a 2000-02-28T10:00; b 2000-02-29T10:00; c 2000-03-01T10:00",
     "abc"},
    {"months of two years", "monthly=2", "a 2025-01-10T10:00; b 2026-01-10T10:00", "ab"},
    {"the newest of each year", "yearly=2",
     "a 2024-05-01T10:00; b 2024-12-31T23:59; c 2025-06-01T10:00; d 2026-01-01T00:00", "cd"},
    {"the oldest year is unfilled", "yearly=10",
     "a 2024-05-01T10:00; b 2024-12-31T23:59; c 2025-06-01T10:00", "abc"},
    {"before 1970", "yearly=2", "a 1969-12-31T23:59; b 1970-01-01T00:00; c 1970-06-01T00:00", "ac"},

    {"rules add up", "last=1 daily=2 monthly=2",
     "a 2026-01-10T10:00; b 2026-01-20T10:00; c 2026-02-01T10:00; d 2026-02-02T10:00;"
     "e 2026-02-02T11:00",
     "bce"},
    {"grandfather, father, son", "daily=3 weekly=2 monthly=2 yearly=2",
     "a 2024-12-31T10:00; b 2025-12-31T10:00; c 2026-02-28T10:00; d 2026-03-08T10:00;"
     "e 2026-03-09T10:00; f 2026-03-10T10:00; g 2026-03-11T09:00; h 2026-03-11T10:00",
     "bcdefh"},
};

constexpr Case kTimeZones[] = {
    {"midnight is where the snapshot was made", "daily=2",
     "a 2026-01-01T12:00+02:00; b 2026-01-01T23:30+02:00; c 2026-01-02T00:30+02:00", "bc"},
    {"one day in UTC, two in Tokyo", "daily=2",
     "a 2026-01-01T01:00+09:00; b 2026-01-01T22:00+09:00; c 2026-01-02T01:00+09:00", "bc"},
    {"two days in UTC, one in New York", "daily=2",
     "a 2025-12-31T20:00-05:00; b 2026-01-01T18:00-05:00; c 2026-01-01T19:30-05:00", "ac"},
    {"half an hour east: hours begin with the wall clock's", "hourly=1",
     "a 2026-01-01T10:05+05:30; b 2026-01-01T10:55+05:30", "b"},
    {"a traveller's day comes back and is the same day", "daily=2",
     "a 2026-01-01T08:00; b 2026-01-02T01:00+10:00; c 2026-01-01T17:00; d 2026-01-01T18:00", "bd"},
    {"the hour that is repeated in autumn is one hour", "hourly=2",
     "a 2026-10-25T01:30+02:00; b 2026-10-25T02:30+02:00; c 2026-10-25T02:30+01:00", "ac"},
    {"the hour that is left out in spring", "hourly=2",
     "a 2026-03-29T00:30+01:00; b 2026-03-29T01:30+01:00; c 2026-03-29T03:30+02:00", "bc"},
    {"a day of 25 hours is one day", "daily=2",
     "a 2026-10-24T23:59+02:00; b 2026-10-25T00:00+02:00; c 2026-10-25T23:59+01:00", "ac"},
    {"year and month turn with the wall clock", "monthly=2 yearly=1",
     "a 2026-01-01T00:10+01:00; b 2026-01-31T23:50-03:00; c 2026-02-28T23:59-03:00", "bc"},
    {"weeks turn with the wall clock", "weekly=1",
     "a 2026-03-08T23:30-05:00; b 2026-03-09T00:30-05:00", "b"},
    {"order is that of instants", "last=1", "a 2026-01-02T00:00+05:00; b 2026-01-01T20:00", "b"},
};

constexpr Case kDurations[] = {
    {"within two days of the newest", "within=2d",
     "a 2026-01-01T10:00; b 2026-01-01T10:00:01; c 2026-01-03T10:00", "bc"},
    {"exactly that old is too old", "within=1h", "a 2026-01-01T10:00; b 2026-01-01T11:00", "b"},
    {"not measured from today", "within=1d", "a 1999-01-01T10:00; b 1999-01-01T11:00", "ab"},
    {"a month before the end of March", "within=1m",
     "a 2026-03-03T10:00; b 2026-03-03T10:01; c 2026-03-31T10:00", "bc"},
    {"a month before the end of March in a leap year", "within=1m",
     "a 2024-03-02T10:00; b 2024-03-02T10:01; c 2024-03-31T10:00", "bc"},
    {"a month before January", "within=1m",
     "a 2025-12-15T10:00; b 2025-12-15T10:01; c 2026-01-15T10:00", "bc"},
    {"fourteen months", "within=14m", "a 2024-11-15T10:00; b 2024-11-15T10:01; c 2026-01-15T10:00",
     "bc"},
    {"a year before the leap day", "within=1y",
     "a 2023-03-01T10:00; b 2023-03-01T10:01; c 2024-02-29T10:00", "bc"},
    {"all units", "within=1y1m1d1h", "a 2025-02-09T09:00; b 2025-02-09T09:01; c 2026-03-10T10:00",
     "bc"},
    {"hours are counted through a change of clocks", "within=24h",
     "a 2026-03-28T11:00+01:00; b 2026-03-28T11:30+01:00; c 2026-03-29T12:00+02:00", "bc"},
    {"days by the newest one's time zone", "within=1d",
     "a 2026-03-28T11:00+01:00; b 2026-03-28T11:30+01:00; c 2026-03-29T12:00+02:00", "bc"},
    {"longer than history", "within=999999y", "a 2026-01-01T10:00; b 2026-01-01T11:00", "ab"},
    {"hourly within", "within-hourly=3h",
     "a 2026-01-01T08:00; b 2026-01-01T09:10; c 2026-01-01T09:50; d 2026-01-01T10:10;"
     "e 2026-01-01T11:00; f 2026-01-01T12:00",
     "cdef"},
    {"daily within", "within-daily=2d",
     "a 2026-01-01T10:00; b 2026-01-01T11:00; c 2026-01-02T10:00; d 2026-01-02T11:00;"
     "e 2026-01-03T10:30",
     "bde"},
    {"weekly within", "within-weekly=14d",
     "a 2026-03-01T10:00; b 2026-03-02T10:00; c 2026-03-08T10:00; d 2026-03-09T10:00;"
     "e 2026-03-15T10:00",
     "ce"},
    {"monthly within", "within-monthly=1y",
     "a 2025-03-01T10:00; b 2025-03-20T10:00; c 2025-03-31T10:00; d 2026-03-01T10:00;"
     "e 2026-03-10T10:00",
     "ce"},
    {"yearly within", "within-yearly=3y",
     "a 2022-06-01T10:00; b 2023-06-01T10:00; c 2023-07-01T10:00; d 2024-07-01T10:00;"
     "e 2026-06-01T10:00",
     "cde"},
    {"the oldest, if it is within", "within-monthly=1y",
     "a 2026-03-01T10:00; b 2026-03-02T10:00; c 2026-03-03T10:00", "ac"},
    {"not the oldest, if it is without", "within-monthly=2d",
     "a 2026-03-01T10:00; b 2026-03-02T10:00; c 2026-03-03T10:00", "c"},
};

constexpr Case kLabels[] = {
    {"pinned ones stay", "last=1", "a 2026-01-01T10:00 pin; b 2026-01-01T11:00; c 2026-01-01T12:00",
     "ac"},
    {"a pinned one stands for its day", "daily=1", "a 2026-01-01T10:00; b 2026-01-01T11:00 pin",
     "b"},
    {"tagged ones stay", "tag=x", "a 2026-01-01T10:00 tag=x; b 2026-01-01T11:00", "a"},
    {"all tags of a list", "tag=x+y",
     "a 2026-01-01T10:00 tag=x; b 2026-01-01T11:00 tag=x tag=y; c 2026-01-01T12:00 tag=y", "b"},
    {"one of several lists", "tag=x+y tag=z",
     "a 2026-01-01T10:00 tag=x; b 2026-01-01T11:00 tag=x tag=y; c 2026-01-01T12:00 tag=z", "bc"},
    {"tags use up no count", "last=1 tag=x", "a 2026-01-01T10:00 tag=x; b 2026-01-01T11:00", "ab"},
    {"types stay", "type=monthly",
     "a 2026-01-01T10:00 type=monthly; b 2026-01-01T11:00 type=daily; c 2026-01-01T12:00", "a"},
    {"types are counted together", "last=2",
     "a 2026-01-01T10:00 type=monthly; b 2026-01-01T11:00 type=daily; c 2026-01-01T12:00", "bc"},
    {"a type with a policy is counted by itself", "last=1 hourly:last=2",
     "a 2026-01-01T10:00; b 2026-01-01T11:00 type=hourly; c 2026-01-01T12:00 type=hourly;"
     "d 2026-01-01T13:00 type=hourly; e 2026-01-01T14:00",
     "cde"},
    {"types without any policy are left alone", "hourly:last=1",
     "a 2026-01-01T10:00; b 2026-01-01T11:00 type=hourly; c 2026-01-01T12:00 type=hourly", "ac"},
    {"an empty policy of its own", "last=1 daily:",
     "a 2026-01-01T10:00 type=daily; b 2026-01-01T11:00; c 2026-01-01T12:00", "ac"},
    {"within is measured from the newest of the type", "last=1 hourly:within=1h",
     "a 2026-01-01T10:00 type=hourly; b 2026-01-01T10:30 type=hourly; c 2026-01-09T12:00", "abc"},
    {"restore points stay", "last=1",
     "a 2026-01-01T10:00 type=restore_point; b 2026-01-01T11:00; c 2026-01-01T12:00", "ac"},
    {"restore points take nobody's place", "daily=1",
     "a 2026-01-01T10:00; b 2026-01-01T11:00 type=restore_point", "ab"},
    {"restore points with a policy", "last=1 restore_point:last=1",
     "a 2026-01-01T10:00 type=restore_point; b 2026-01-01T11:00 type=restore_point;"
     "c 2026-01-01T12:00",
     "bc"},
    {"no policy at all", "", "a 2026-01-01T10:00; b 2026-01-01T11:00", "ab"},
    {"nothing fits", "tag=x", "a 2026-01-01T10:00; b 2026-01-01T11:00", ""},
};

constexpr Case kGroups[] = {
    {"hosts", "last=1",
     "a 2026-01-01T10:00 host=x; b 2026-01-01T11:00 host=x; c 2026-01-01T09:00 host=y", "bc"},
    {"sets", "last=1",
     "a 2026-01-01T10:00 set=x; b 2026-01-01T11:00 set=x; c 2026-01-01T09:00 set=y", "bc"},
    {"paths", "last=1",
     "a 2026-01-01T10:00 path=/x; b 2026-01-01T11:00 path=/x; c 2026-01-01T09:00 path=/y;"
     "d 2026-01-01T08:00 path=/x path=/y",
     "bcd"},
    {"tags do not matter unless asked for", "last=1",
     "a 2026-01-01T10:00 tag=x; b 2026-01-01T11:00 tag=y", "b"},
    {"tags", "last=1 group=tags",
     "a 2026-01-01T10:00 tag=x host=p; b 2026-01-01T11:00 tag=y host=q;"
     "c 2026-01-01T12:00 tag=x host=q; d 2026-01-01T13:00 tag=x tag=y",
     "bcd"},
    {"host alone", "last=1 group=host",
     "a 2026-01-01T10:00 host=x path=/p; b 2026-01-01T11:00 host=x path=/q; c 2026-01-01T09:00 "
     "host=y",
     "bc"},
    {"none", "last=1 group=", "a 2026-01-01T10:00 host=x; b 2026-01-01T11:00 host=y set=s", "b"},
    {"days of two hosts", "daily=1",
     "a 2026-01-01T10:00 host=x; b 2026-01-01T10:30 host=y; c 2026-01-01T11:00 host=x;"
     "d 2026-01-01T11:30 host=y; e 2026-01-02T10:00 host=y",
     "ce"},
    {"within is measured in each group", "within=1d",
     "a 2025-01-01T10:00 host=x; b 2026-01-01T10:00 host=y; c 2025-12-01T10:00 host=y", "ab"},
};

void check(std::span<const Case> cases) {
  const core::Timestamp now = written_time("2090-01-01T00:00").when;
  for (const Case& one : cases) {
    INFO(one.what << ": " << one.rules);
    const auto snapshots = written_snapshots(one.snapshots);
    const auto groups = repo::apply_retention(snapshots, written_rules(one.rules), now);
    CHECK(kept_letters(snapshots, groups) == one.kept);
    std::set<std::size_t> judged;
    for (const repo::RetentionGroup& group : groups) {
      for (const repo::RetentionVerdict& verdict : group.verdicts) {
        CHECK(judged.insert(verdict.index).second);
        CHECK(verdict.keep == !verdict.reasons.empty());
      }
    }
    CHECK(judged.size() == snapshots.size());
  }
}

/// "a: last 1, daily 2026-01-01 | b:", newest first.
std::string reasons(const char* rules, const char* written, const char* now = "2090-01-01T00:00") {
  const auto snapshots = written_snapshots(written);
  std::string text;
  for (const auto& group :
       repo::apply_retention(snapshots, written_rules(rules), written_time(now).when)) {
    for (const repo::RetentionVerdict& verdict : group.verdicts) {
      text += text.empty() ? "" : " | ";
      text += static_cast<char>(snapshots[verdict.index].id.view()[0]);
      for (std::size_t i = 0; i < verdict.reasons.size(); ++i) {
        text += (i == 0 ? ": " : ", ") + verdict.reasons[i];
      }
    }
  }
  return text;
}

}  // namespace

TEST_CASE("retention: counts", "[forget]") { check(kCounts); }
TEST_CASE("retention: time zones", "[forget]") { check(kTimeZones); }
TEST_CASE("retention: durations", "[forget]") { check(kDurations); }
TEST_CASE("retention: pins, tags and types", "[forget]") { check(kLabels); }
TEST_CASE("retention: groups", "[forget]") { check(kGroups); }

TEST_CASE("retention says why", "[forget]") {
  CHECK(reasons("last=1 hourly=1 daily=1 weekly=1 monthly=1 yearly=1 within=1d within-weekly=2m",
                "a 2026-03-01T14:10") ==
        "a: last 1, within 1d, hourly 2026-03-01 14:00, daily 2026-03-01, weekly 2026-W09, "
        "weekly within 2m 2026-W09, monthly 2026-03, yearly 2026");
  CHECK(reasons("daily=9 within-monthly=1y tag=x+y type=daily",
                "a 2026-03-01T10:00; b 2026-03-01T11:00; c 2026-03-01T12:00 type=daily tag=x tag=y "
                "tag=z pin") ==
        "c: pinned, tag x+y, type daily, daily 2026-03-01, monthly within 1y 2026-03 | b | "
        "a: oldest daily 2026-03-01, oldest monthly within 1y 2026-03");
  CHECK(
      reasons("hourly:last=1",
              "a 2026-03-01T10:00; b 2026-03-01T11:00 type=restore_point; c 2026-03-01T12:00 pin; "
              "d 2026-03-01T13:00 type=hourly; e 2026-03-01T14:00 type=hourly") ==
      "e: last 1 | d | c: pinned, no policy | b: no policy | a: no policy");
  CHECK(reasons("weekly=3", "a 2024-12-30T10:00; b 2027-01-03T10:00; c 2026-12-27T10:00") ==
        "b: weekly 2026-W53 | c: weekly 2026-W52 | a: weekly 2025-W01");
}

TEST_CASE("a snapshot from the future makes no other one superfluous", "[forget]") {
  const char* const three = "a 2026-01-01T10:00; b 2026-01-02T09:00; c 2036-01-01T10:00";
  CHECK(reasons("within=2d", three, "2026-01-03T00:00") ==
        "c: dated in the future | b: within 2d | a: within 2d");
  CHECK(reasons("last=1", three, "2026-01-03T00:00") == "c: dated in the future | b: last 1 | a");
  CHECK(reasons("daily=1 yearly=1", three, "2026-01-03T00:00") ==
        "c: dated in the future | b: daily 2026-01-02, yearly 2026 | a");
  CHECK(reasons("within=2d", three, "2036-01-03T00:00") == "c: within 2d | b | a");
  CHECK(reasons("last=1", three, "2036-01-01T10:00") == "c: last 1 | b | a");
  // Clocks of two machines differ by a little.
  CHECK(reasons("last=1", three, "2036-01-01T09:50") == "c: last 1 | b | a");
  CHECK(reasons("last=1", three, "2036-01-01T09:49:59") ==
        "c: dated in the future | b: last 1 | a");
  // The clock that says so may itself be wrong: then nothing goes.
  CHECK(reasons("last=1", three, "1970-01-01T00:01") ==
        "c: dated in the future | b: dated in the future | a: dated in the future");
}

TEST_CASE("a partial snapshot makes no whole one superfluous", "[forget]") {
  CHECK(reasons("last=1 daily=1", "a 2026-01-01T10:00; b 2026-01-01T11:00 partial") ==
        "b: partial, and no whole one is newer | a: last 1, daily 2026-01-01");
  CHECK(reasons("last=1 daily=9",
                "a 2026-01-01T10:00 partial; b 2026-01-01T11:00; c 2026-01-01T12:00 partial; "
                "d 2026-01-01T13:00") ==
        "d: last 1, daily 2026-01-01 | c | "
        "b: oldest daily 2026-01-01 | a");
  CHECK(reasons("last=1", "a 2026-01-01T10:00 partial; b 2026-01-01T11:00 partial") ==
        "b: partial, and no whole one is newer | a: partial, and no whole one is newer");
  CHECK(reasons("last=1 tag=x",
                "a 2026-01-01T10:00 partial tag=x; b 2026-01-01T11:00 partial pin; "
                "c 2026-01-01T12:00") == "c: last 1 | b: pinned | a: tag x");
  CHECK(
      reasons("within=2d", "a 2026-01-01T10:00; b 2026-01-02T10:00; c 2026-02-01T10:00 partial") ==
      "c: partial, and no whole one is newer | b: within 2d | a: within 2d");
}

TEST_CASE("a partial snapshot that lacks a path belongs to those that have it", "[forget]") {
  const char* const four =
      "a 2026-01-01T10:00 path=/p path=/q; b 2026-01-01T11:00 path=/p partial;"
      "c 2026-01-01T12:00 path=/p path=/q; d 2026-01-01T13:00 path=/p partial";
  // d has no successor yet, and is a group of its own.
  CHECK(reasons("last=1", four) == "d: partial, and no whole one is newer | c: last 1 | b | a");
  const auto groups = repo::group_snapshots(written_snapshots(four), {});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].paths == std::vector<std::string>{"/p"});
  CHECK(groups[0].newest_first == std::vector<std::size_t>{3});
  CHECK(groups[1].newest_first == std::vector<std::size_t>{2, 1, 0});
  CHECK(reasons("last=1",
                "a 2026-01-01T10:00 path=/p partial host=x; b 2026-01-01T11:00 path=/p "
                "path=/q host=y") == "a: partial, and no whole one is newer | b: last 1");
}

TEST_CASE("of equal times the later one of a chain is newer, whatever its id", "[forget]") {
  CHECK(reasons("last=1", "b 2026-01-01T10:00 number=1; a 2026-01-01T10:00 number=2") ==
        "a: last 1 | b");
}

TEST_CASE("groups say what they have in common, and ascend", "[forget]") {
  const auto snapshots = written_snapshots(
      "a 2026-01-01T10:00 host=y set=s path=/p tag=t; b 2026-01-01T11:00 host=x path=/p path=/q;"
      "c 2026-01-01T12:00 host=x path=/p path=/q");
  const auto groups = repo::apply_retention(snapshots, written_rules("last=1"), {});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].host == "x");
  CHECK(groups[0].set.empty());
  CHECK(groups[0].paths == std::vector<std::string>{"/p", "/q"});
  REQUIRE(groups[0].verdicts.size() == 2);
  CHECK(groups[0].verdicts[0].index == 2);
  CHECK(groups[0].verdicts[1].index == 1);
  CHECK(groups[1].host == "y");
  CHECK(groups[1].set == "s");
  CHECK(groups[1].tags.empty());
  const auto by_tags = repo::apply_retention(snapshots, written_rules("last=1 group=tags"), {});
  REQUIRE(by_tags.size() == 2);
  CHECK(by_tags[1].tags == std::vector<std::string>{"t"});
  CHECK(by_tags[1].host.empty());
}

TEST_CASE("any time that a snapshot may claim is judged", "[forget]") {
  auto snapshots = written_snapshots(
      "a 2026-01-01T10:00+01:00; b 2026-01-01T10:00-01:00; c 2026-01-01T10:00; d 2026-01-01T10:00");
  snapshots[0].snapshot.start = {INT64_MAX, 999'999'999};
  snapshots[0].snapshot.utc_offset_minutes = 1440;
  snapshots[1].snapshot.start = {INT64_MIN, 0};
  snapshots[1].snapshot.utc_offset_minutes = -1440;
  const auto rules = written_rules(
      "last=1 hourly=9 weekly=9 within=1000000y1000000m1000000d1000000h within-monthly=1h");
  for (const core::Timestamp now : {core::Timestamp{INT64_MAX, 0}, core::Timestamp{INT64_MIN, 0}}) {
    const auto groups = repo::apply_retention(snapshots, rules, now);
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].verdicts.size() == 4);
    CHECK(groups[0].verdicts[0].keep);
  }
}

TEST_CASE("durations are read and written", "[forget]") {
  const auto again = [](std::string_view text) {
    const auto duration = repo::parse_retention_duration(text);
    return duration ? to_string(*duration) : "none";
  };
  CHECK(again("1y5m7d2h") == "1y5m7d2h");
  CHECK(again("2h7d5m1y") == "1y5m7d2h");
  CHECK(again("0y3d") == "3d");
  CHECK(again("2w") == "14d");
  CHECK(again("1w3d") == "10d");
  CHECK(again("5mo") == "5m");
  CHECK(again("1y2mo3w") == "1y2m21d");
  CHECK(again("1000000h") == "1000000h");
  for (const std::string_view bad :
       {"",    "5",   "d",     "5x",   "-5d",   "5d5d",     "5 d",
        " 5d", "5d ", "1.5d",  "0d",   "0y0h",  "1000001h", "99999999999999999999d",
        "5D",  "+5d", "1m1mo", "1w1w", "30min", "5s",       "1w2"}) {
    INFO(bad);
    CHECK(again(bad) == "none");
  }
  CHECK(to_string(repo::RetentionDuration()) == "0h");
}

TEST_CASE("policies are written as people name them", "[forget]") {
  const auto text = [](const char* rules) { return to_string(written_rules(rules).general); };
  CHECK(text("").empty());
  CHECK(text("last=2 daily=all") == "last 2, daily all");
  CHECK(
      text("hourly=1 weekly=2 monthly=3 yearly=4 within=1y within-daily=7d tag=x+y type=manual") ==
      "hourly 1, weekly 2, monthly 3, yearly 4, within 1y, daily within 7d, tag x+y, "
      "type manual");
  CHECK(written_rules("").is_empty());
  CHECK(written_rules("daily: group=host").is_empty());
  CHECK_FALSE(written_rules("daily:last=1").is_empty());
  CHECK_FALSE(written_rules("tag=x").is_empty());
}

TEST_CASE("what is kept once is kept again, and more is never less", "[forget]") {
  SeededRandom random(20260301);
  const char* const kRules[] = {"last=3",   "hourly=4",  "daily=5",
                                "weekly=3", "monthly=4", "yearly=2"};
  const core::Timestamp now = written_time("2090-01-01T00:00").when;
  for (int round = 0; round < 100; ++round) {
    std::vector<repo::ListedSnapshot> snapshots(1 + random.below(40));
    for (repo::ListedSnapshot& listed : snapshots) {
      random.fill(listed.id.mutable_view());
      listed.snapshot.start.seconds = static_cast<std::int64_t>(random.below(100'000'000));
      listed.snapshot.utc_offset_minutes = static_cast<std::int32_t>(random.below(1441)) - 720;
    }
    repo::RetentionRules rules = written_rules(kRules[random.below(std::size(kRules))]);
    const auto kept = [&](const std::vector<repo::ListedSnapshot>& list) {
      std::set<repo::SnapshotId> ids;
      const auto groups = repo::apply_retention(list, rules, now);
      for (const auto& verdict : groups.front().verdicts) {
        if (verdict.keep) {
          ids.insert(list[verdict.index].id);
        }
      }
      return ids;
    };
    const auto first = kept(snapshots);
    auto rest = snapshots;
    std::erase_if(rest, [&](const auto& listed) { return !first.contains(listed.id); });
    CHECK(kept(rest) == first);
    rules.general.daily += 2;
    const auto more = kept(snapshots);
    CHECK(std::ranges::includes(more, first));
  }
}
