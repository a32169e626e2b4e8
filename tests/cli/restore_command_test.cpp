#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli_fixture.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

/// With a snapshot of the tree, and a target in which everything differs.
class RestoreCommandFixture : public RepositoryFixture {
 public:
  RestoreCommandFixture() {
    backup();
    fs::create_directories(folder / "target/sub");
    write_file(folder / "target/hello.txt", "mine\n");
    write_file(folder / "target/sub/extra", "mine");
  }
  [[nodiscard]] Args args(const Args& more) const {
    Args all = {"restore", "latest:" + tree, "--target", folder / "target"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string hello() const { return read_file(folder / "target/hello.txt"); }
  [[nodiscard]] std::size_t snapshots() {
    return must({"snapshots", "--json"}).json().at("snapshots").size();
  }
};

TEST_CASE_METHOD(RestoreCommandFixture, "without --overwrite a target with files is refused") {
  const Outcome refused = run(args({}));
  CHECK(refused.status == 1);
  CHECK(refused.err.find("--overwrite") != std::string::npos);
  CHECK(hello() == "mine\n");
  CHECK(snapshots() == 1);
}

TEST_CASE_METHOD(RestoreCommandFixture, "a restore point is made first, and can be restored") {
  const auto report =
      must(args({"--overwrite", "always", "--delete", "--json"})).json_lines().back();
  CHECK(hello() == "hello\n");
  CHECK_FALSE(fs::exists(folder / "target/sub/extra"));
  CHECK(report.at("changes").at("updated") == 1);
  CHECK(report.at("changes").at("deleted") == 1);
  const std::string point = report.at("restore_point");
  CHECK(must({"snapshots"}).out.find("restore-point") != std::string::npos);
  must({"restore", point + ":" + (folder / "target"), "--target", folder / "before"});
  CHECK(read_file(folder / "before/hello.txt") == "mine\n");
  CHECK(read_file(folder / "before/sub/extra") == "mine");
}

TEST_CASE_METHOD(RestoreCommandFixture, "no restore point where nothing can be lost") {
  must(args({"--overwrite", "never"}));
  must(args({"--overwrite", "always", "--delete", "--dry-run"}));
  must({"restore", "latest:" + tree, "--target", folder / "new", "--overwrite", "always"});
  CHECK(snapshots() == 1);
  CHECK(hello() == "mine\n");
  must(args({"--overwrite", "always", "--no-restore-point"}));
  CHECK(snapshots() == 1);
  CHECK(hello() == "hello\n");
}

TEST_CASE_METHOD(RestoreCommandFixture, "the terminal is asked, scripts are not") {
  const Args overwrite = args({"--overwrite", "always"});
  SECTION("no") {
    terminal = true;
    says_yes = false;
    const Outcome outcome = run(overwrite);
    CHECK(outcome.status == 1);
    CHECK(outcome.out == "nothing was restored\n");
    CHECK(prompts.size() == 1);
    CHECK(prompts.front().find(folder / "target") != std::string::npos);
    CHECK(hello() == "mine\n");
    CHECK(snapshots() == 1);
  }
  SECTION("yes") {
    terminal = true;
    must(overwrite);
    CHECK(prompts.size() == 1);
    CHECK(hello() == "hello\n");
  }
  SECTION("--yes") {
    terminal = true;
    must(args({"--overwrite", "always", "--yes"}));
    CHECK(prompts.empty());
    CHECK(hello() == "hello\n");
  }
  SECTION("no terminal") {
    must(overwrite);
    CHECK(prompts.empty());
    CHECK(hello() == "hello\n");
  }
}

TEST_CASE_METHOD(RestoreCommandFixture, "a dry run lists what it would do") {
  const Outcome text = must(args({"--overwrite", "always", "--delete", "--dry-run", "--verbose"}));
  CHECK(text.err.find("updated      " + (folder / "target/hello.txt")) != std::string::npos);
  CHECK(text.err.find("deleted      " + (folder / "target/sub/extra")) != std::string::npos);
  CHECK(text.err.find("created      " + (folder / "target/link")) != std::string::npos);
  CHECK(text.out.find("1 deleted") != std::string::npos);
  const auto lines =
      must(args({"--overwrite", "always", "--delete", "--dry-run", "--verbose", "--json"}))
          .json_lines();
  CHECK(std::count_if(lines.begin(), lines.end(), [](const nlohmann::json& line) {
          return line.at("type") == "change" && line.at("action") == "deleted";
        }) == 1);
  CHECK(lines.back().at("dry_run") == true);
  CHECK(lines.back().at("restore_point").is_null());
  CHECK(hello() == "mine\n");
}

TEST_CASE_METHOD(RestoreCommandFixture, "a file is restored without reading much else") {
  const Outcome outcome =
      must({"restore", "latest:" + tree + "/hello.txt", "--target", folder / "one", "--verbose"});
  CHECK((outcome.out + outcome.err).find("from the repository's packs") != std::string::npos);
  const auto report =
      must({"restore", "latest:" + tree + "/hello.txt", "--target", folder / "two", "--json"})
          .json_lines()
          .back();
  CHECK(report.at("bytes_read") > 0);
  CHECK(report.at("bytes_read") < 4096);
}

TEST_CASE_METHOD(RestoreCommandFixture, "a restore key needs --no-restore-point") {
  must({"key", "add", "--role", "restore", "--new-key-file", folder / "reader"});
  environment["CAIRN_KEY_FILE"] = folder / "reader";
  const Outcome refused = run(args({"--overwrite", "always"}));
  CHECK(refused.status == 1);
  CHECK(refused.err.find("--no-restore-point") != std::string::npos);
  CHECK(hello() == "mine\n");
  must(args({"--overwrite", "always", "--no-restore-point"}));
  CHECK(hello() == "hello\n");
}

TEST_CASE_METHOD(RestoreCommandFixture, "patterns that match nothing are named, and no success") {
  const Args nothing = {"restore", "latest", "--target", folder / "new", "--include", "*.cnof"};
  const Outcome none = run(nothing);
  CHECK(none.status == 1);
  CHECK(none.err.find("--include *.cnof matched nothing") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "new"));

  const Outcome some = run({"restore", "latest:" + tree, "--target", folder / "new", "--include",
                            "hello.txt", "--include", "*.cnof"});
  CHECK(some.status == 1);
  CHECK(some.err.find("--include *.cnof matched nothing") != std::string::npos);
  CHECK(some.err.find("hello.txt matched nothing") == std::string::npos);
  CHECK(read_file(folder / "new/hello.txt") == "hello\n");

  CHECK(run({"restore", "latest:" + tree, "--target", folder / "new2", "--exclude", "*"}).status ==
        1);
  CHECK_FALSE(fs::exists(folder / "new2"));
}

TEST_CASE_METHOD(RestoreCommandFixture, "patterns come from files, too") {
  write_file(folder / "in", "# what to restore\nhello.txt\n\nlink\n");
  write_file(folder / "not", "link\n");
  const Outcome outcome = run({"restore", "latest:" + tree, "--target", folder / "new",
                               "--include-file", folder / "in", "--exclude-file", folder / "not"});
  CHECK(outcome.status == 1);  // link matches nothing that is not left out
  CHECK(fs::exists(folder / "new/hello.txt"));
  CHECK_FALSE(fs::exists(fs::symlink_status(folder / "new/link")));
}

TEST_CASE_METHOD(RestoreCommandFixture, "the question names the snapshot and what will change") {
  terminal = true;
  says_yes = false;
  CHECK(run(args({"--overwrite", "always", "--delete"})).status == 1);
  REQUIRE(prompts.size() == 1);
  const std::string id = must({"snapshots", "--json"}).json().at("snapshots").at(0).at("id");
  CHECK(prompts.front().find(id.substr(0, 8)) != std::string::npos);
  CHECK(prompts.front().find("1 to be deleted") != std::string::npos);
  CHECK(fs::exists(folder / "target/sub/extra"));
}

TEST_CASE_METHOD(RestoreCommandFixture, "the summary counts what was done, not what was kept") {
  const Outcome kept = must({"restore", "latest:" + tree + "/hello.txt", "--target",
                             folder / "target", "--overwrite", "never"});
  CHECK(kept.out.find("restored 0 files") == 0);
  must(args({"--overwrite", "always", "--delete"}));
  const Outcome again = must(args({"--overwrite", "always", "--delete", "--dry-run"}));
  CHECK(again.out.find("would restore 0 files, 0 folders") == 0);
  CHECK(again.out.find("stood there already") != std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
