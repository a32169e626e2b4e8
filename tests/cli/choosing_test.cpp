#include <algorithm>
#include <filesystem>

#include "catch2.h"
#include "cli_fixture.h"

// Which snapshot a command takes, how it says so, and what describes a snapshot when it is made.

using namespace cairn;
using namespace cairn::cli;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

class ChoosingFixture : public RepositoryFixture {
 public:
  /// A snapshot of the tree as the host; hello.txt holds the host's name.
  std::string backup_of(const std::string& host, const Args& more = {}) {
    write_file(tree + "/hello.txt", host);
    Args args = {"--host", host};
    args.insert(args.end(), more.begin(), more.end());
    return backup(args);
  }
  [[nodiscard]] std::vector<nlohmann::json> listed(const Args& more = {}) {
    Args args = {"snapshots", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return must(args).json().at("snapshots").get<std::vector<nlohmann::json>>();
  }
  /// Makes both copies of a snapshot's record unreadable.
  void destroy(const std::string& id) {
    for (const auto& entry : fs::recursive_directory_iterator(folder / "repo")) {
      if (entry.path().filename() == id && entry.path().parent_path().filename() == "snapshots") {
        std::string bytes = read_file(entry.path());
        for (const std::size_t at : {std::size_t{100}, bytes.size() / 2 + 100}) {
          bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
        }
        fs::permissions(entry.path(), fs::perms::owner_all);
        write_file(entry.path(), bytes);
      }
    }
  }
};

}  // namespace

TEST_CASE_METHOD(ChoosingFixture,
                 "every command that takes a snapshot can be narrowed, and says "
                 "which one it took") {
  const std::string of_alpha = backup_of("alpha", {"--name", "etc", "--tag", "a,b"});
  const std::string of_beta = backup_of("beta");
  const std::string hello = "latest:" + tree + "/hello.txt";

  const Outcome plain = must({"dump", hello});
  CHECK(plain.out == "beta");
  CHECK(plain.err == "snapshot " + of_beta.substr(0, 8) + " of 2026-01-01 14:00:00, host beta\n");
  CHECK(must({"dump", hello, "-q"}).err.empty());
  const Outcome narrowed = must({"dump", hello, "--host", "alpha"});
  CHECK(narrowed.out == "alpha");
  CHECK(narrowed.err ==
        "snapshot " + of_alpha.substr(0, 8) + " of 2026-01-01 13:00:00, host alpha, set etc\n");
  CHECK(must({"dump", hello, "--name", "etc"}).out == "alpha");
  CHECK(must({"dump", hello, "--tag", "a,b"}).out == "alpha");
  CHECK(must({"dump", hello, "--path", "tree"}).out == "beta");
  CHECK(must({"dump", "--at", "2026-01-01", tree + "/hello.txt"}).out == "beta");
  CHECK(must({"dump", "--at", "2026-01-01 14:30", tree + "/hello.txt", "--host", "alpha"}).out ==
        "alpha");

  const Args alone = {"--host", "alpha"};
  CHECK_THAT(must({"ls", "latest", "--host", "alpha"}).err, Contains("host alpha, set etc"));
  must({"restore", hello, "--target", "out", "--host", "alpha"});
  CHECK(read_file(folder / "out/hello.txt") == "alpha");
  CHECK_THAT(must({"verify", "latest", "--host", "alpha"}).err, Contains(of_alpha.substr(0, 8)));
  CHECK_THAT(must({"verify", "--latest", "--host", "alpha"}).err, Contains(of_alpha.substr(0, 8)));
  CHECK_THAT(must({"verify", "--name", "etc"}).out, Contains("checked 1 snapshot"));
  CHECK(run({"verify", "--host", "none"}).status == 1);
  CHECK_THAT(must({"find", "hello.txt", "--name", "etc"}).out, Contains(of_alpha.substr(0, 8)));
  CHECK_THAT(must({"diff", hello, "./tree/hello.txt", "--host", "alpha"}).out, Contains("M "));
  CHECK_THAT(must({"stats", "--would-free", "latest", "--host", "alpha"}).out,
             Contains("would not be needed"));
  CHECK_THAT(must({"rewrite", "-e", "hello.txt", "latest", "--host", "alpha", "-n"}).out,
             Contains(of_alpha.substr(0, 8)));
  must({"tag", "add", "old", "-s", "latest", "--host", "alpha"});
  CHECK(listed({"--tag", "old"}).at(0).at("id") == of_alpha);
  must({"snapshots", "pin", "latest", "--host", "alpha"});
  CHECK(listed({"--host", "alpha"}).at(0).at("pinned") == true);
  must({"snapshots", "unpin", "latest", "--host", "alpha"});
  must({"forget", "latest", "--host", "alpha"});
  CHECK(listed().size() == 1);
  CHECK(listed().at(0).at("id") == of_beta);
}

TEST_CASE_METHOD(ChoosingFixture, "in JSON a command says which snapshot it took") {
  const std::string id = backup();
  CHECK(must({"dump", "latest:" + tree + "/hello.txt", "-o", folder / "x", "--json"})
            .json()
            .at("snapshot") == id);
  const auto summary = must({"diff", "latest", "./tree", "--json"}).json_lines().back();
  CHECK(summary.at("before").at("snapshot") == id);
  CHECK(summary.at("after").at("snapshot").is_null());
  CHECK(must({"ls", "latest", "--json"}).err.empty());
}

TEST_CASE_METHOD(ChoosingFixture, "the list of snapshots: forms, groups, and the newest of each") {
  backup_of("alpha", {"--description", "before the upgrade"});
  const std::string second = backup_of("alpha");
  const std::string third = backup_of("beta", {"--name", "etc"});
  CHECK_THAT(must({"snapshots", "--long"}).out,
             Contains("DESCRIPTION") && Contains("before the upgrade") && Contains("ada"));
  CHECK_THAT(must({"snapshots"}).out, Contains("before the upgrade"));
  const std::string compact = must({"snapshots", "--compact"}).out;
  CHECK_THAT(compact, Contains("HOST") && !Contains("PATHS"));
  const auto newest = listed({"--latest", "1"});
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].at("id") == second);
  CHECK(newest[1].at("id") == third);
  const Outcome grouped = must({"snapshots", "--group-by", "host,name", "--latest", "1"});
  CHECK_THAT(grouped.out, Contains("host alpha:\n") && Contains("\n\nhost beta, set etc:\n"));
  const auto groups = must({"snapshots", "--group-by", "host", "--json"}).json().at("groups");
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].at("host") == "alpha");
  CHECK(groups[0].at("snapshots").size() == 2);
  CHECK(groups[0].at("paths").empty());
  CHECK(listed({"--name", "etc"}).size() == 1);
  CHECK(listed({"--type", "manual", "--path", "tree"}).size() == 3);
  CHECK(listed({"--path", "/elsewhere"}).empty());
  CHECK(run({"snapshots", "--latest", "0"}).status == 2);
  CHECK(run({"snapshots", "--long", "--compact"}).status == 2);
}

TEST_CASE_METHOD(ChoosingFixture, "a snapshot that lacks something is marked") {
  fs::create_directory(folder / "socket");
  backup();
  clock.advance(std::chrono::hours(1));
  // Shorter than any run.
  const Outcome cut = run({"backup", tree, "--time-limit", "1"});
  CHECK(cut.status == 0);  // the clock of the test stands still: it was whole
  clock.set_now({4'000'000'000, 0});
  must({"backup", tree});
  clock.set_now({1'767'300'000, 0});
  CHECK_THAT(must({"snapshots"}).out, Contains("manual (dated in the future)"));
  const Outcome listing = must({"ls", "latest"});
  CHECK_THAT(listing.err, Contains("warning: 1 newer snapshot is passed over"));
  CHECK_THAT(must({"forget", "--keep-last", "1", "-n"}).out,
             Contains("dated in the future") && Contains("1 snapshot would be forgotten"));
  const Outcome next = must({"backup", tree});
  CHECK_THAT(next.err, Contains("in the future"));
  CHECK(must({"backup", tree}).err.empty());
}

TEST_CASE_METHOD(ChoosingFixture, "while a snapshot cannot be read nothing is silently older") {
  const std::string first = backup();
  const std::string second = backup();
  destroy(second);
  const Outcome list = run({"snapshots"});
  CHECK(list.status == 3);
  CHECK_THAT(list.out, Contains(first.substr(0, 8)));
  CHECK_THAT(list.err, Contains(second));
  const auto json = run({"snapshots", "--json"}).json();
  REQUIRE(json.at("unreadable").size() == 1);
  CHECK(json.at("unreadable")[0].at("id") == second);
  for (const Args& args :
       {Args{"ls", "latest"}, Args{"ls", "--at", "2030-01-01"}, Args{"dump", "latest~1:" + tree},
        Args{"forget", "latest"}, Args{"forget", "--keep-last", "1"}, Args{"verify", "latest"}}) {
    CAPTURE(args);
    const Outcome refused = run(args);
    CHECK(refused.status == 1);
    CHECK_THAT(refused.err, Contains(second.substr(0, 8)));
  }
  CHECK(run({"find", "hello.txt"}).status == 3);
  CHECK(run({"stats"}).status == 3);
  must({"ls", first});
  // What was made after it shows that it is not the newest.
  const std::string third = backup();
  CHECK_THAT(must({"ls", "latest"}).err, Contains(third.substr(0, 8)));
  must({"forget", second});
  must({"snapshots"});
}

TEST_CASE_METHOD(ChoosingFixture, "ls without a path shows the sources and what lies in them") {
  backup();
  CHECK(must({"ls", "latest"}).out ==
        tree + "\n" + tree + "/hello.txt\n" + tree + "/link\n" + tree + "/sub\n");
  CHECK_THAT(must({"ls", "latest", "-R"}).out, Contains(tree + "/sub/empty\n"));
  const std::string above = must({"ls", "latest:/", "-l"}).out;
  CHECK_THAT(above, Contains("d") && !Contains("1970"));
  const auto entry = must({"ls", "latest:/", "--json"}).json_lines().at(1);
  CHECK(entry.at("recorded") == false);
  CHECK(entry.at("entry_type") == "folder");
  CHECK_FALSE(entry.contains("mtime"));
  const auto source = must({"ls", "latest", "--json"}).json_lines().at(1);
  CHECK(source.at("recorded") == true);
  CHECK(source.contains("mtime"));
}

TEST_CASE_METHOD(ChoosingFixture, "diff can say by its exit status whether there are differences") {
  backup();
  CHECK(must({"diff", "latest", "./tree", "--exit-code"}).status == 0);
  write_file(tree + "/hello.txt", "other");
  CHECK(run({"diff", "latest", "./tree", "--exit-code"}).status == 1);
  CHECK(run({"diff", "latest", "./tree"}).status == 0);
  CHECK_THAT(run({"diff", "latest", "tree"}).err, Contains("./tree"));
}

TEST_CASE_METHOD(ChoosingFixture, "backup records another host, time and path") {
  const std::string named = backup({"--host", "web"});
  environment["CAIRN_HOST"] = "box";
  backup();
  const std::string both = backup({"--host", "web"});
  const auto all = listed();
  CHECK(all.at(0).at("host") == "web");
  CHECK(all.at(1).at("host") == "box");
  CHECK(all.at(2).at("host") == "web");
  environment.erase("CAIRN_HOST");

  const std::string dated = backup({"--time", "2025-06-01 12:00"});
  CHECK(listed({dated}).at(0).at("start") == "2025-06-01T12:00:00Z");
  CHECK(listed({dated}).at(0).at("end") == "2025-06-01T12:00:00Z");
  CHECK(listed().at(0).at("id") == dated);
  const Outcome ahead = run({"backup", tree, "--time", "2027-01-01"});
  CHECK(ahead.status != 0);
  CHECK_THAT(ahead.err, Contains("in the future"));
  CHECK(run({"backup", tree, "--time", "yesterday"}).status == 2);
}

TEST_CASE_METHOD(ChoosingFixture, "a source can be recorded under another path") {
  fs::create_directories(folder / "mnt");
  fs::rename(tree, folder / "mnt/day1");
  must({"backup", folder / "mnt/day1", "--as", "/srv/data", "-e", "/srv/data/sub"});
  CHECK(must({"ls", "latest"}).out == "/srv/data\n/srv/data/hello.txt\n/srv/data/link\n");
  fs::rename(folder / "mnt/day1", folder / "mnt/day2");
  const auto again =
      must({"backup", folder / "mnt/day2", "--as", "/srv/data", "-e", "/srv/data/sub", "--json"})
          .json_lines()
          .back();
  CHECK(again.at("changes").at("files_new") == 0);
  CHECK_THAT(must({"forget", "--keep-last", "1", "-n"}).out, Contains("1 kept"));
  must({"restore", "latest:/srv/data", "--target", "out"});
  CHECK(read_file(folder / "out/hello.txt") == "hello\n");
  must({"backup", folder / "mnt/day2/sub", folder / "mnt/day2/hello.txt", "--as", "/x", "--as",
        "/y"});
  CHECK_THAT(must({"ls", "latest"}).out, Contains("/x/empty\n") && Contains("/y\n"));
  CHECK(run({"backup", "a", "b", "--as", "/x"}).status == 2);
  CHECK(run({"backup", "a", "--as", "x"}).status == 2);
  CHECK(run({"backup", "--stdin", "--as", "/x"}).status == 2);
  const Args within = {
      "backup", folder / "mnt/day2/sub", folder / "mnt/day2", "--as", "/x/y", "--as", "/x"};
  CHECK_THAT(run(within).err, Contains("within another source"));
}

TEST_CASE_METHOD(ChoosingFixture, "nothing new makes no snapshot, if that is asked for") {
  const std::string first = backup({"--tag", "a"});
  clock.advance(std::chrono::hours(1));
  const auto skipped = must({"backup", tree, "--skip-if-unchanged", "--json"}).json_lines().back();
  CHECK(skipped.at("id").is_null());
  CHECK(skipped.at("unchanged_since") == first);
  CHECK(skipped.at("dry_run") == false);
  CHECK_THAT(must({"backup", tree, "--skip-if-unchanged"}).out,
             Contains("nothing has changed since snapshot " + first.substr(0, 8)));
  CHECK(listed().size() == 1);
  // What it would say is not said yet.
  must({"backup", tree, "--skip-if-unchanged", "--tag", "b"});
  must({"backup", tree, "--skip-if-unchanged", "--type", "daily"});
  must({"backup", tree, "--skip-if-unchanged", "--host", "other"});
  must({"backup", tree, "--skip-if-unchanged", "--name", "set"});
  must({"backup", tree + "/sub", "--skip-if-unchanged"});
  CHECK(listed().size() == 6);
  must({"backup", tree, "--skip-if-unchanged", "--type", "daily"});
  CHECK(listed().size() == 6);
  write_file(tree + "/hello.txt", "other");
  must({"backup", tree, "--skip-if-unchanged", "--type", "daily"});
  CHECK(listed().size() == 7);
}

TEST_CASE_METHOD(ChoosingFixture, "a comma stands between tags, wherever tags are given") {
  const std::string id = backup({"--tag", "keep,weekly", "--tag", "x"});
  backup();
  CHECK(listed({id}).at(0).at("tags") == nlohmann::json({"keep", "weekly", "x"}));
  CHECK(listed({"--tag", "keep,weekly"}).size() == 1);
  CHECK(listed({"--tag", "keep,none"}).empty());
  CHECK(listed({"--tag", "keep,none", "--tag", "x"}).size() == 1);
  must({"tag", "remove", "keep,x", "-s", id});
  must({"tag", "add", "p,q", "-s", id});
  CHECK(listed({id}).at(0).at("tags") == nlohmann::json({"p", "q", "weekly"}));
  CHECK_THAT(must({"forget", "--keep-last", "1", "--keep-tag", "p,q", "-n"}).out,
             Contains("2 kept"));
  CHECK(run({"backup", tree, "--tag", "a,,b"}).status == 2);
}
