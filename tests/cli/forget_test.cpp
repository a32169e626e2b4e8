#include "command_line/retention_options.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli_fixture.h"
#include "commands/forget.h"
#include "commands/pin.h"
#include "commands/snapshots.h"
#include "commands/tag.h"
#include "parsed_words.h"

// forget, tag and pins, from their words to their output.

namespace cairn::cli {
namespace {

using Catch::Contains;

repo::RetentionPolicy general(Args args) {
  args.insert(args.begin(), "forget");
  return arguments<ForgetArguments>(args).rules.general;
}

/// Ids of the snapshots that `cairn snapshots` lists.
std::vector<std::string> standing(RepositoryFixture& fixture) {
  std::vector<std::string> ids;
  const auto listed = fixture.must({"snapshots", "--json"}).json();
  for (const auto& snapshot : listed.at("snapshots")) {
    ids.push_back(snapshot.at("id").get<std::string>());
  }
  return ids;
}

}  // namespace

TEST_CASE("forget: what to keep", "[forget]") {
  const auto policy = general({"--keep-last",
                               "1",
                               "--keep-hourly",
                               "2",
                               "--keep-daily=3",
                               "--keep-weekly",
                               "4",
                               "--keep-monthly",
                               "5",
                               "--keep-yearly",
                               "all",
                               "--keep-within",
                               "1y5m7d2h",
                               "--keep-within-hourly",
                               "1h",
                               "--keep-within-daily",
                               "2d",
                               "--keep-within-weekly",
                               "3m",
                               "--keep-within-monthly",
                               "4y",
                               "--keep-within-yearly",
                               "5y",
                               "--keep-tag",
                               "x,y",
                               "--keep-tag",
                               "z",
                               "--keep-type",
                               "monthly",
                               "--keep-type",
                               "daily"});
  CHECK(to_string(policy) ==
        "last 1, hourly 2, daily 3, weekly 4, monthly 5, yearly all, within 1y5m7d2h, "
        "hourly within 1h, daily within 2d, weekly within 3m, monthly within 4y, "
        "yearly within 5y, tag x+y, tag z, type monthly, type daily");
  CHECK(general({"--keep-last", "unlimited"}).last == repo::kKeepAll);
  CHECK(general({"--keep-last", "-1"}).last == repo::kKeepAll);
  CHECK(general({"--keep-last", "0", "--keep-daily", "1"}).last == 0);

  CHECK_THAT(refused({"forget", "--keep-last", "some"}).message, Contains("--keep-last some"));
  CHECK_THAT(refused({"forget", "--keep-daily", "-2"}).message, Contains("--keep-daily -2"));
  CHECK_THAT(refused({"forget", "--keep-daily", "4294967295"}).message,
             Contains("must be a number"));
  CHECK_THAT(refused({"forget", "--keep-within", "7"}).message, Contains("--keep-within 7"));
  CHECK_THAT(refused({"forget", "--keep-within-daily", "soon"}).message, Contains("1y6mo2w3d12h"));
  CHECK_THAT(refused({"forget", "--keep-tag", "x,,y"}).message, Contains("a tag is empty"));
  CHECK_THAT(refused({"forget", "--keep-type", "often"}).message, Contains("restore_point"));
}

TEST_CASE("forget: a policy for a type", "[forget]") {
  const auto forget = arguments<ForgetArguments>(
      {"forget", "--keep-last", "1", "--policy", "hourly:last=2,daily=all,within=1m,tag=x+y",
       "--policy", "restore_point:within-daily=7d", "--policy", "hourly:weekly=3"});
  CHECK(to_string(forget.rules.general) == "last 1");
  REQUIRE(forget.rules.by_type.size() == 2);
  CHECK(to_string(forget.rules.by_type.at(repo::SnapshotType::hourly)) ==
        "last 2, daily all, weekly 3, within 1m, tag x+y");
  CHECK(to_string(forget.rules.by_type.at(repo::SnapshotType::restore_point)) == "daily within 7d");
  const auto policy_error = [](const char* policy) {
    return refused({"forget", "--policy", policy}).message;
  };
  CHECK_THAT(policy_error("often:last=2"), Contains("before the colon must stand"));
  CHECK_THAT(policy_error("hourly:foo=3"), !Contains("\n"));
  CHECK(to_string(general({"--policy", "last=2,daily=7"})) == "last 2, daily 7");
  CHECK_THAT(policy_error("hourly"), Contains("a colon"));
  CHECK_THAT(policy_error("hourly:"), Contains("is no rule"));
  CHECK_THAT(policy_error("hourly:first=2"), Contains("\"first=2\" is no rule"));
  CHECK_THAT(policy_error("hourly:last"), Contains("must be a number"));
  CHECK_THAT(policy_error("hourly:last=x"), Contains("must be a number"));
  CHECK_THAT(policy_error("hourly:within=x"), Contains("must be a time"));
  CHECK_THAT(policy_error("hourly:tag=x++y"), Contains("a tag is empty"));
  CHECK_THAT(policy_error("hourly:last=0"), Contains("keeps nothing"));
}

TEST_CASE("forget: groups and filters", "[forget]") {
  const auto plain = arguments<ForgetArguments>({"forget", "--keep-last", "1"});
  CHECK(plain.rules.group_by == repo::RetentionGrouping());
  CHECK_FALSE(plain.dry_run);
  const auto forget = arguments<ForgetArguments>(
      {"forget", "--keep-last", "1", "--group-by", "host,tags", "--host", "h", "--host", "i",
       "--tag", "t", "--path", "/p", "--type", "daily", "-n"});
  CHECK(forget.rules.group_by ==
        repo::RetentionGrouping{.host = true, .set = false, .paths = false, .tags = true});
  CHECK(forget.filter.hosts == Args{"h", "i"});
  CHECK(forget.filter.tag_lists == std::vector<Args>{Args{"t"}});
  CHECK(forget.filter.paths == Args{"/p"});
  CHECK(forget.filter.types == std::vector{repo::SnapshotType::daily});
  CHECK(forget.dry_run);
  CHECK(
      arguments<ForgetArguments>({"forget", "--keep-last", "1", "--group-by", ""}).rules.group_by ==
      repo::RetentionGrouping{.host = false, .set = false, .paths = false, .tags = false});
  CHECK_THAT(refused({"forget", "--keep-last", "1", "--group-by", "user"}).message,
             Contains("--group-by user"));
  CHECK_THAT(refused({"forget", "--keep-last", "1", "--group-by", "host,"}).message,
             Contains("host, name, paths and tags"));
  CHECK_THAT(refused({"forget", "--keep-last", "1", "--type", "x"}).message, Contains("--type x"));
}

TEST_CASE("forget: by name or by policy", "[forget]") {
  CHECK(arguments<ForgetArguments>({"forget", "latest", "1a2b"}).snapshots ==
        Args{"latest", "1a2b"});
  CHECK_THAT(refused({"forget"}).message, Contains("--keep-daily 7"));
  CHECK_THAT(refused({"forget", "--host", "h"}).message, Contains("forget what?"));
  CHECK_THAT(refused({"forget", "--keep-last", "0"}).message, Contains("forget what?"));
  for (const Args& more :
       {Args{"--keep-last", "1"}, Args{"--group-by", ""}, Args{"--policy", "daily:last=1"}}) {
    Args args = {"forget", "latest"};
    args.insert(args.end(), more.begin(), more.end());
    CHECK_THAT(refused(args).message, Contains("not both"));
  }
  const auto narrowed = arguments<ForgetArguments>({"forget", "latest", "--host", "h"});
  CHECK(narrowed.snapshots == Args{"latest"});
  CHECK(narrowed.filter.hosts == Args{"h"});
  CHECK_THAT(refused({"forget", "--keep-within", "1d", "--keep-within", "2d"}).message,
             Contains("--keep-within is given 2 times"));
  CHECK_THAT(refused({"forget", "--keep-daily", "1", "--keep-daily", "1"}).message,
             Contains("--keep-daily is given 2 times"));
}

TEST_CASE("tag and pins: words", "[marks]") {
  const auto added =
      arguments<TagArguments>({"tag", "add", "a", "b,c", "-s", "latest", "--snapshot", "1a2b"});
  CHECK_FALSE(added.remove);
  CHECK(added.tags == Args{"a", "b", "c"});
  CHECK(added.filter.names == Args{"latest", "1a2b"});
  CHECK(arguments<TagArguments>({"tag", "remove", "a", "-s", "latest"}).remove);
  refused({"tag"});
  refused({"tag", "a"});
  refused({"tag", "add", "a"});
  refused({"tag", "add", "-s", "latest"});

  const auto pinned = arguments<PinArguments>({"snapshots", "pin", "latest", "1a2b"});
  CHECK_FALSE(pinned.unpin);
  CHECK(pinned.filter.names == Args{"latest", "1a2b"});
  CHECK(arguments<PinArguments>({"snapshots", "unpin", "latest"}).unpin);
  refused({"snapshots", "pin"});
  CHECK_THAT(refused({"snapshots", "latest", "pin", "1a2b"}).message, Contains("behind it"));
  CHECK_THAT(refused({"snapshots", "--tag", "t", "pin", "1a2b"}).message, Contains("behind it"));
  CHECK(arguments<SnapshotsArguments>({"snapshots", "latest", "--tag", "t"}).filter.tag_lists ==
        std::vector<Args>{Args{"t"}});
}

TEST_CASE_METHOD(RepositoryFixture, "a dry run says what would stay and why", "[forget]") {
  const std::string first = backup();
  const std::string second = backup();
  must({"snapshots", "pin", first});
  const std::string third = backup({"--tag", "a\nb"});
  const Outcome shown = must({"forget", "--keep-last", "1", "--keep-tag", "a\nb", "--dry-run"});
  CHECK_THAT(shown.out, Contains("host host, " + tree + ":\n"));
  const auto line_of = [&shown](const std::string& id) {
    const auto start = shown.out.find(id.substr(0, 8));
    REQUIRE(start != std::string::npos);
    return shown.out.substr(start, shown.out.find('\n', start) - start);
  };
  CHECK_THAT(line_of(first), Contains("keep") && Contains("pinned"));
  CHECK_THAT(line_of(second), Contains("forget") && Contains("no rule keeps it"));
  CHECK_THAT(line_of(third), Contains("keep") && Contains("tag a\\nb, last 1"));
  CHECK_THAT(shown.out, Contains("1 snapshot would be forgotten, 2 kept"));
  CHECK(standing(*this) == std::vector{first, second, third});

  const auto json = must({"forget", "--keep-last", "1", "--dry-run", "--json"}).json();
  CHECK(json.at("dry_run") == true);
  CHECK(json.at("forgotten") == 0);
  CHECK(json.at("to_forget") == nlohmann::json({second}));
  const auto& group = json.at("groups").at(0);
  CHECK(group.at("host") == "host");
  CHECK(group.at("paths") == nlohmann::json({tree}));
  REQUIRE(group.at("snapshots").size() == 3);
  CHECK(group.at("snapshots").at(0).at("id") == third);
  CHECK(group.at("snapshots").at(0).at("reasons") == nlohmann::json({"last 1"}));
  CHECK(group.at("snapshots").at(1).at("keep") == false);
  CHECK(group.at("snapshots").at(1).at("reasons").empty());
  CHECK(group.at("snapshots").at(2).at("reasons") == nlohmann::json({"pinned"}));
}

TEST_CASE_METHOD(RepositoryFixture, "forget by policy, and by name", "[forget]") {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(backup({"--type", i == 0 ? "hourly" : "manual"}));
  }
  const Outcome by_policy = must({"forget", "--keep-last", "3", "--policy", "hourly:last=1"});
  CHECK_THAT(by_policy.out, Contains("1 snapshot forgotten, 4 kept") && Contains("cairn prune"));
  CHECK_THAT(by_policy.out, !Contains("WHY"));
  CHECK(standing(*this) == std::vector{ids[0], ids[2], ids[3], ids[4]});
  CHECK_THAT(must({"forget", "--keep-last", "9", "--verbose"}).out,
             Contains("WHY") && Contains("0 snapshots forgotten, 4 kept"));
  CHECK(must({"forget", "--keep-last", "9", "--quiet"}).out.empty());
  CHECK_THAT(must({"forget", ids[0], "--dry-run"}).out,
             Contains("forget " + ids[0].substr(0, 8)) && Contains("1 snapshot would be"));

  must({"forget", "latest", ids[0]});
  CHECK(standing(*this) == std::vector{ids[2], ids[3]});
  CHECK_THAT(must({"forget", ids[0]}).out, Contains("0 snapshots forgotten, 1 forgotten before"));
  const auto json = must({"forget", ids[2], "--json"}).json();
  CHECK(json.at("to_forget") == nlohmann::json({ids[2]}));
  CHECK(json.at("forgotten") == 1);
  CHECK(json.at("groups").empty());
  CHECK(must({"verify", "--json"}).json_lines().back().at("damaged") == false);
}

TEST_CASE_METHOD(RepositoryFixture, "paths are taken as backup takes them", "[forget]") {
  backup();
  const std::string second = backup();
  must({"forget", "--keep-last", "1", "--path", "elsewhere"});
  CHECK(standing(*this).size() == 2);
  must({"forget", "--keep-last", "1", "--path", "tree/sub/.."});
  CHECK(standing(*this) == std::vector{second});
}

TEST_CASE_METHOD(RepositoryFixture, "forget refuses what would take too much", "[forget]") {
  const std::string only = backup();
  CHECK(run({"forget"}).status == 2);
  const Outcome all = run({"forget", "--keep-tag", "misspelt"});
  CHECK(all.status == 1);
  CHECK_THAT(all.err, Contains("keeps none of the 1 snapshots"));
  must({"snapshots", "pin", "latest"});
  const Outcome pinned = run({"forget", "latest"});
  CHECK(pinned.status == 1);
  CHECK_THAT(pinned.err, Contains("is pinned") && Contains("cairn snapshots unpin"));
  CHECK(run({"forget", "ffffffff"}).status == 1);
  CHECK(standing(*this) == std::vector{only});

  must({"key", "add", "--role", "restore", "--new-key-file", folder / "reader"});
  environment["CAIRN_KEY_FILE"] = folder / "reader";
  const Outcome reader = run({"forget", "--keep-last", "1"});
  CHECK(reader.status == 1);
  CHECK_THAT(reader.err, Contains("role restore") && Contains("admin or maintain"));
}

TEST_CASE_METHOD(RepositoryFixture, "pins show in the list", "[marks]") {
  const std::string first = backup({"--type", "daily"});
  backup();
  CHECK_THAT(must({"snapshots"}).out, !Contains("pinned"));
  CHECK_THAT(must({"snapshots", "pin", first, "latest"}).out, Contains("2 snapshots pinned"));
  CHECK_THAT(must({"snapshots"}).out, Contains("daily (pinned)") && Contains("manual (pinned)"));
  const Outcome again = must({"snapshots", "pin", first});
  CHECK_THAT(again.out, Contains("0 snapshots pinned") && Contains("1 snapshot already"));
  CHECK_THAT(must({"snapshots", "unpin", "latest"}).out, Contains("1 snapshot unpinned"));
  const auto listed = must({"snapshots", "--json"}).json().at("snapshots");
  CHECK(listed.at(0).at("pinned") == true);
  CHECK(listed.at(1).at("pinned") == false);
}

TEST_CASE_METHOD(RepositoryFixture, "tags are changed", "[marks]") {
  const std::string first = backup({"--tag", "old"});
  const std::string second = backup();
  const auto json = must({"tag", "add", "new", "-s", first, "-s", "latest", "--json"}).json();
  CHECK(json.at("changed") == 2);
  CHECK(json.at("snapshots").at(0).at("id") == first);
  CHECK(json.at("snapshots").at(0).at("tags") == nlohmann::json({"new", "old"}));
  CHECK_THAT(must({"snapshots"}).out, Contains("new,old"));
  CHECK(must({"snapshots", "--tag", "new", "--json"}).json().at("snapshots").size() == 2);
  CHECK_THAT(must({"tag", "remove", "old", "none", "-s", first, "-s", second}).out,
             Contains("1 snapshot tagged anew"));
  CHECK(must({"snapshots", "--tag", "old", "--json"}).json().at("snapshots").empty());
  CHECK(run({"tag", "add", "", "-s", "latest"}).status == 2);
  CHECK(run({"tag", "add", "x", "-s", "ffffffff"}).status == 1);
}

}  // namespace cairn::cli
