#include <filesystem>
#include <string>
#include <vector>

#include "cli_fixture.h"
#include "commands/copy.h"
#include "parsed_words.h"

// copy, from its words to its output.

namespace cairn::cli {
namespace {

using Catch::Contains;

/// With a second repository, empty, and its words.
class CopyFixture : public RepositoryFixture {
 public:
  CopyFixture() {
    environment["CAIRN_KEY_FILE"] = folder / "key2";
    must({"init", "-r", folder / "second"});
    environment["CAIRN_FROM_KEY_FILE"] = folder / "key";
    environment["CAIRN_FROM_REPOSITORY"] = environment.at("CAIRN_REPOSITORY");
    environment["CAIRN_REPOSITORY"] = folder / "second";
  }

  /// A backup into the first repository.
  std::string backup_first(const std::vector<std::string>& more = {}) {
    const auto mine = environment;
    environment["CAIRN_KEY_FILE"] = folder / "key";
    environment["CAIRN_REPOSITORY"] = folder / "repo";
    std::string id = backup(more);
    environment = mine;
    return id;
  }
};

}  // namespace

TEST_CASE("copy: words", "[copy]") {
  const auto copy = arguments<CopyArguments>(
      {"copy", "-r", "to", "--from-repo", "from", "--from-key-file", "key", "--host", "h", "--tag",
       "t", "--path", "/p", "--latest", "3", "--compression", "max", "--verify"});
  CHECK(copy.from.repository == "from");
  CHECK(copy.from.key_file == "key");
  CHECK(copy.filter.hosts == Args{"h"});
  CHECK(copy.filter.tag_lists == std::vector<Args>{Args{"t"}});
  CHECK(copy.filter.paths == Args{"/p"});
  CHECK(copy.latest == 3);
  CHECK(copy.compression_level == repo::kCompressionMax);
  CHECK(copy.verify);
  CHECK(arguments<CopyArguments>({"copy", "a", "b"}).filter.names == Args{"a", "b"});

  const auto rules = arguments<CopyArguments>({"copy", "--policy", "last=2,daily=7,tag=x+y",
                                               "--policy", "hourly:last=3"})
                         .rules;
  CHECK(repo::to_string(rules.by_type.at(repo::SnapshotType::hourly)) == "last 3");
  CHECK(repo::to_string(rules.general) == "last 2, daily 7, tag x+y");

  CHECK_THAT(refused({"copy", "--policy", "daily"}).message, Contains("--policy daily"));
  CHECK_THAT(refused({"copy", "--policy", "some=1"}).message, Contains("is no rule"));
  CHECK_THAT(refused({"copy", "--policy", "last=1", "--latest", "1"}).message,
             Contains("only one"));
  CHECK_THAT(refused({"copy", "a", "--policy", "last=1"}).message, Contains("not both"));
  CHECK_THAT(refused({"copy", "--latest", "0"}).message, Contains("--latest 0"));
  CHECK_THAT(refused({"copy", "--latest", "x"}).message, Contains("--latest x"));
  CHECK_THAT(refused({"copy", "--compression", "20"}).message, Contains("--compression 20"));
  CHECK_THAT(refused({"copy", "-n", "--verify"}).message, Contains("--verify"));
  CHECK_THAT(refused({"copy", "--from-key-file", "a", "--from-password-file", "b"}).message,
             Contains("only one"));
}

TEST_CASE("copy: snapshots reach the other repository once", "[copy]") {
  CopyFixture fixture;
  const std::string first = fixture.backup_first();
  const std::string second = fixture.backup_first({"--tag", "x"});

  const auto dry = fixture.must({"copy", "--dry-run"});
  CHECK_THAT(dry.out, Contains(first.substr(0, 8)) && Contains("would be copied"));
  CHECK(fixture.must({"snapshots", "--json"}).json().at("snapshots").empty());

  const auto one = fixture.must({"copy", second, "--verify"});
  CHECK_THAT(one.out, Contains(second.substr(0, 8)) && Contains("copied as"));
  CHECK_THAT(one.out + one.err, Contains("no damage found"));

  const auto all = fixture.must({"copy", "--json"}).json_lines().back();
  REQUIRE(all.at("snapshots").size() == 2);
  CHECK(all.at("snapshots")[0].at("source").at("id") == first);
  CHECK(all.at("snapshots")[0].at("was_there") == false);
  CHECK(all.at("snapshots")[1].at("was_there") == true);
  CHECK(all.at("dry_run") == false);

  const auto copies = fixture.must({"snapshots", "--json"}).json().at("snapshots");
  REQUIRE(copies.size() == 2);
  CHECK(copies[1].at("tags")[0] == "x");
  fixture.must({"restore", "latest:" + fixture.tree, "--target", fixture.folder / "out"});
  CHECK(read_file(fixture.folder / "out/hello.txt") == "hello\n");
  CHECK(read_file(fixture.folder / "out/sub/new\nline") == "x");
}

TEST_CASE("copy: which ones, of tags and hosts", "[copy]") {
  CopyFixture fixture;
  fixture.backup_first();
  const std::string tagged = fixture.backup_first({"--tag", "x"});
  fixture.backup_first();
  fixture.must({"copy", "--host", "elsewhere"});
  CHECK(fixture.must({"snapshots", "--json"}).json().at("snapshots").empty());
  fixture.must({"copy", "--tag", "x"});
  CHECK(fixture.must({"snapshots", "--json"}).json().at("snapshots").size() == 1);
  fixture.must({"copy", "--latest", "1"});
  CHECK(fixture.must({"snapshots", "--json"}).json().at("snapshots").size() == 2);
}

TEST_CASE("copy: which repository, and with which key", "[copy]") {
  CopyFixture fixture;
  fixture.backup_first();
  SECTION("none to copy from") {
    fixture.environment.erase("CAIRN_FROM_REPOSITORY");
    const auto outcome = fixture.run({"copy"});
    CHECK(outcome.status != 0);
    CHECK_THAT(outcome.err, Contains("--from-repo"));
  }
  SECTION("nothing is there") {
    const auto outcome = fixture.run({"copy", "--from-repo", fixture.folder / "nowhere"});
    CHECK(outcome.status == 10);
    CHECK_THAT(outcome.err, Contains("--from-repo"));
  }
  SECTION("the destination's key is not taken for the source's") {
    fixture.environment.erase("CAIRN_FROM_KEY_FILE");
    const auto outcome = fixture.run({"copy"});
    CHECK(outcome.status != 0);
    CHECK_THAT(outcome.err, Contains("--from-password-file") && Contains("CAIRN_FROM_PASSWORD"));
  }
  SECTION("a wrong one") {
    const auto outcome = fixture.run({"copy", "--from-key-file", fixture.folder / "key2"});
    CHECK(outcome.status == 12);
  }
  SECTION("the same repository twice") {
    const auto outcome = fixture.run({"copy", "--from-repo", fixture.folder / "second",
                                      "--from-key-file", fixture.folder / "key2"});
    CHECK(outcome.status != 0);
    CHECK_THAT(outcome.err, Contains("the same repository"));
  }
  SECTION("a passphrase from the environment") {
    fixture.environment["CAIRN_FROM_PASSWORD"] = "no key of this one";
    CHECK(fixture.run({"copy"}).status == 12);
  }
}

}  // namespace cairn::cli
