#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli_fixture.h"
#include "commands/diff.h"
#include "commands/dump.h"
#include "commands/find.h"
#include "commands/snapshots.h"
#include "parsed_words.h"
#include "text/sizes.h"

// find, diff, ls -l and archives, from their words to their output.

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("snapshots: which ones") {
  const auto all = arguments<SnapshotsArguments>({"snapshots"});
  CHECK(all.filter.is_empty());
  const auto some = arguments<SnapshotsArguments>(
      {"snapshots", "latest", "1a2b", "--tag", "t", "--host", "h", "--tag", "u"});
  CHECK(some.filter.names == Args{"latest", "1a2b"});
  CHECK(some.filter.tag_lists == std::vector<Args>{Args{"t"}, Args{"u"}});
  CHECK(some.filter.hosts == Args{"h"});
}

TEST_CASE("find: patterns and conditions") {
  const auto find = arguments<FindArguments>(
      {"find",    "*.txt",      "[ab]*",    "--snapshot", "latest",    "--snapshot=1a2b",
       "--tag",   "t",          "--host",   "h",          "--newer",   "2026-01-01",
       "--older", "2026-02-01", "--larger", "10K",        "--smaller", "1.5M",
       "--type",  "f",          "-i"});
  CHECK(find.patterns == Args{"*.txt", "[ab]*"});
  CHECK(find.filter.names == Args{"latest", "1a2b"});
  CHECK(find.filter.tag_lists == std::vector<Args>{Args{"t"}});
  CHECK(find.filter.hosts == Args{"h"});
  CHECK(find.newer.has_value());
  CHECK(find.older.has_value());
  CHECK(find.larger == 10'240U);
  CHECK(find.smaller == 1'572'864U);
  CHECK(find.type == repo::EntryType::file);
  CHECK(find.ignore_case);
  CHECK(arguments<FindArguments>({"find", "--type", "d"}).type == repo::EntryType::folder);
  CHECK(arguments<FindArguments>({"find", "x", "--type", "l"}).type == repo::EntryType::symlink);
  CHECK(arguments<FindArguments>({"find", "--versions", "/a"}).versions_of == "/a");

  CHECK(contains(refused({"find"}).message, "what to find?"));
  CHECK(contains(refused({"find", "x", "--type", "x"}).message, "must be f, d or l"));
  CHECK(contains(refused({"find", "x", "--newer", "soon"}).message, "--newer soon: is no time"));
  CHECK(contains(refused({"find", "x", "--older", "soon"}).message, "--older soon: is no time"));
  CHECK(contains(refused({"find", "x", "--larger", "big"}).message, "--larger big: is no size"));
  CHECK(contains(refused({"find", "x", "--smaller", "-1"}).message, "--smaller"));
  CHECK(contains(refused({"find", "x", "--versions", "/a"}).message, "goes only with"));
  CHECK(contains(refused({"find", "--versions", "/a", "-i"}).message, "goes only with"));
  CHECK(contains(refused({"find", "--versions", "a"}).message, "must begin with /"));
}

TEST_CASE("diff: snapshots, places in them, and paths on disk") {
  auto diff = arguments<DiffArguments>({"diff", "latest~1", "3f2a:/a:/b", "--checksum"});
  CHECK(diff.before.snapshot == "latest~1");
  CHECK(diff.before.path.empty());
  CHECK(diff.after.snapshot == "3f2a");
  CHECK(diff.after.path == "/a:/b");
  CHECK(diff.checksum);
  for (const char* path : {"/a", "./a", "a/b", "/a:/b", "./a:/b", ":/a"}) {
    diff = arguments<DiffArguments>({"diff", "latest", path});
    CHECK(diff.after.snapshot.empty());
    CHECK(diff.after.path == path);
    CHECK_FALSE(diff.checksum);
  }
  CHECK(contains(refused({"diff", "/a", "/b"}).message, "one of the two must be a snapshot"));
  CHECK(contains(refused({"diff", "latest", ""}).message, "empty"));
  CHECK(refused({"diff", "latest"}).message == "AFTER is required");
  refused({"diff", "a", "b", "c"});
}

TEST_CASE("dump: an archive") {
  CHECK(arguments<DumpArguments>({"dump", "latest:/f", "--format", "tar"}).as_tar);
  CHECK(arguments<DumpArguments>({"dump", "latest:/f", "--target", "out"}).output == "out");
  CHECK(contains(refused({"dump", "latest:/f", "--format", "zip"}).message, "must be tar"));
}

TEST_CASE("sizes as they are typed") {
  CHECK(parse_size("0") == 0U);
  CHECK(parse_size("500") == 500U);
  CHECK(parse_size("500B") == 500U);
  CHECK(parse_size("10K") == 10'240U);
  CHECK(parse_size("10k") == 10'240U);
  CHECK(parse_size("10 KiB") == 10'240U);
  CHECK(parse_size("10KB") == 10'000U);
  CHECK(parse_size("5GB") == 5'000'000'000U);
  CHECK(parse_size("1.5M") == 1'572'864U);
  CHECK(parse_size("2GiB") == std::uint64_t{2} << 30);
  CHECK(parse_size("7E") == std::uint64_t{7} << 60);
  for (const char* text : {"", "K", "-1", "1.2.3", "1X", "1KX", "1iB", "8E", "1e5", " 1", "1  K",
                           "99999999999999999999", "0x10", "nan"}) {
    CAPTURE(text);
    CHECK(parse_size(text) == std::nullopt);
  }
}

TEST_CASE_METHOD(RepositoryFixture, "diff says in lines and in JSON what changed") {
  const std::string first = backup();
  write_file(tree + "/hello.txt", "changed");
  write_file(tree + "/new", "x");
  fs::remove(tree + "/sub/\xff");
  backup();
  const Outcome text = must({"diff", "latest~1", "latest"});
  const auto lines = lines_of(text.out);
  CHECK(std::count(lines.begin(), lines.end(), "+ " + tree + "/new") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "- " + tree + "/sub/\\xff") == 1);
  CHECK(contains(text.out, "M " + tree + "/hello.txt  [content mtime]\n"));
  CHECK(contains(text.out, "U " + tree + "/sub/  [mtime]\n"));
  CHECK(contains(text.out, "added:   1 file, 0 folders, 0 others, 1 B\n"));
  CHECK(contains(text.out, "removed: 1 file, 0 folders, 0 others, 9 B\n"));
  CHECK(contains(text.out, "changed: 1 in content, 2 in metadata only, 0 in type\n"));
  CHECK_FALSE(contains(must({"diff", "latest~1", "latest", "-q"}).out, "added:"));

  const auto values = must({"diff", first, "latest", "--json"}).json_lines();
  REQUIRE(values.size() == 6);
  CHECK(values.back().at("type") == "summary");
  CHECK(values.back().at("added").at("files") == 1);
  const auto hello = std::find_if(values.begin(), values.end(), [](const auto& value) {
    return value.at("type") == "change" && value.at("fields").size() == 2;
  });
  REQUIRE(hello != values.end());
  CHECK(hello->at("change") == "modified");
  CHECK(hello->at("before").at("size") == 6);
  CHECK(hello->at("after").at("size") == 7);
  CHECK(std::any_of(values.begin(), values.end(), [](const auto& value) {
    return value.contains("path_base64") && value.at("after").is_null();
  }));
}

TEST_CASE_METHOD(RepositoryFixture, "diff with what lies on disk, on either side") {
  backup();
  CHECK(lines_of(must({"diff", "latest", tree}).out).size() == 3);
  CHECK(must({"diff", "latest", tree, "--checksum", "-q"}).out.empty());
  CHECK(must({"diff", "latest:" + tree, "./tree", "-q"}).out.empty());
  fs::create_symlink("elsewhere", tree + "/more");
  fs::remove(tree + "/link");
  fs::create_directory(tree + "/link");
  const std::string out = must({"diff", "latest", "./tree"}).out;
  CHECK(contains(out, "+ " + tree + "/more\n"));
  CHECK(contains(out, "T " + tree + "/link/  [symlink -> folder]\n"));
  CHECK(contains(must({"diff", "./tree", "latest"}).out, "- " + tree + "/more\n"));
  CHECK(run({"diff", "latest", "./none"}).status == 1);
  CHECK(run({"diff", "latest~7", "latest"}).status == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "snapshots can be chosen by id, tag and host") {
  backup({"--tag", "weekly"});
  backup();
  const auto ids = [this](const Args& more) {
    Args all = {"snapshots", "--json"};
    all.insert(all.end(), more.begin(), more.end());
    Args found;
    const auto listed = must(all).json();
    for (const auto& snapshot : listed.at("snapshots")) {
      found.push_back(snapshot.at("id"));
    }
    return found;
  };
  const auto all = ids({});
  REQUIRE(all.size() == 2);
  CHECK(ids({"--tag", "weekly"}) == std::vector{all[0]});
  CHECK(ids({"latest"}) == std::vector{all[1]});
  CHECK(ids({"latest", "--tag", "weekly"}) == std::vector{all[0]});
  CHECK(ids({"--host", "elsewhere"}).empty());
  const Outcome none = must({"snapshots", "--tag", "monthly"});
  CHECK(none.out.empty());
  CHECK(contains(none.err, "there is no snapshot of tag monthly"));
}

TEST_CASE_METHOD(RepositoryFixture, "find groups what it finds by snapshot") {
  const std::string first = backup();
  const std::string second = backup();
  const auto lines = lines_of(must({"find", "hello*"}).out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].starts_with("snapshot " + first.substr(0, 8) + " of 2026-01-01"));
  CHECK(lines[1].starts_with("-rw"));
  CHECK(lines[1].ends_with(' ' + tree + "/hello.txt"));
  CHECK(lines[2].empty());
  CHECK(lines[3].starts_with("snapshot " + second.substr(0, 8)));
  CHECK(lines_of(must({"find", "hello*", "--snapshot", "latest"}).out).size() == 2);
  CHECK(lines_of(must({"find", "LINK", "-i", "--type", "l", "-s", first}).out)[1].ends_with(
      "/link -> hello.txt"));
  CHECK(must({"find", "nothing"}).out == "nothing found in 2 snapshots\n");
  CHECK(must({"find", "*", "--tag", "none"}).out == "nothing found in 0 snapshots\n");
  const auto values = must({"find", "hello*", "--json"}).json_lines();
  REQUIRE(values.size() == 3);
  CHECK(values[0].at("snapshot") == first);
  CHECK(values[0].at("path") == tree + "/hello.txt");
  CHECK(values[2].at("found") == 2);
  CHECK(run({"find", "[x"}).status == 2);
  CHECK(run({"find", "x", "--snapshot", "latest~9"}).status == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "find --versions lists what a path was") {
  const std::string first = backup();
  backup();
  write_file(tree + "/hello.txt", "changed");
  const std::string last = backup();
  const std::string file = tree + "/hello.txt";
  const auto lines = lines_of(must({"find", "--versions", file}).out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("FIRST"));
  CHECK(lines[1].starts_with(first.substr(0, 8)));
  CHECK(lines[2].starts_with(last.substr(0, 8)));
  CHECK(contains(lines[1], "6 B"));
  const auto values = must({"find", "--versions", file, "--json"}).json_lines();
  REQUIRE(values.size() == 3);
  CHECK(values[0].at("snapshots") == 2);
  CHECK(values[0].at("size") == 6);
  CHECK(values[1].at("first").at("id") == last);
  CHECK(values[1].at("content_id") != values[0].at("content_id"));
  CHECK(values[2].at("versions") == 2);
  CHECK(contains(must({"find", "--versions", "/nowhere"}).out, "is in none of 3 snapshots"));
}

TEST_CASE_METHOD(RepositoryFixture, "ls -l shows types, owners, links and devices") {
  fs::create_hard_link(tree + "/hello.txt", tree + "/zz");
  REQUIRE(::mkfifo((tree + "/pipe").c_str(), 0640) == 0);
  REQUIRE(::chmod((tree + "/sub").c_str(), 03775) == 0);
  backup();
  const std::string out = must({"ls", "latest:" + tree, "-l", "-R"}).out;
  CHECK(contains(out, "drwxrwsr-t"));
  CHECK(contains(out, "prw-r-----"));
  CHECK(contains(out, tree + "/link -> hello.txt\n"));
  CHECK(contains(out, tree + "/zz link to hello.txt\n"));
  CHECK(contains(out, tree + "/sub/empty\n"));
  const auto values = must({"ls", "latest:" + tree + "/zz", "--json"}).json_lines();
  REQUIRE(values.size() == 3);
  CHECK(values[1].at("hard_link_to") == "hello.txt");
}

TEST_CASE_METHOD(RepositoryFixture, "dump writes folders as archives") {
  backup();
  const Outcome archive = must({"dump", "latest:" + tree});
  CHECK(archive.out.size() % 512 == 0);
  CHECK(contains(archive.out, "./sub/empty/"));
  CHECK(contains(archive.out, "hello\n"));
  must({"dump", "latest:" + tree, "--target", folder / "a.tar"});
  CHECK(read_file(folder / "a.tar") == archive.out);
  CHECK(must({"dump", "latest:" + tree + "/hello.txt"}).out == "hello\n");
  CHECK(contains(must({"dump", "latest:" + tree + "/hello.txt", "--format", "tar"}).out,
                 "./hello.txt"));
  CHECK(run({"dump", "latest:" + tree + "/none", "--format", "tar"}).status == 1);
  CHECK(run({"dump", "latest:" + tree + "/link"}).status == 1);
}

}  // namespace cairn::cli
