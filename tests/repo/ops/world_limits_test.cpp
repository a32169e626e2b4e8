// What any user can make in a source, and any caller ask for: a snapshot that says what it has no
// room for, or an error, never the end of the process.

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <gsl/util>

#include "cairn/repo/copy.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/rewrite.h"
#include "catch2.h"
#include "deep_tree.h"
#include "ops/progress/problem_list.h"
#include "ops/source/backup_sources.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn::repo {
namespace {

using test::message_of;
using test::outcome;

/// A repository with one snapshot of one file.
class Fixture : public test::RepoFixture {
 public:
  Fixture() {
    std::ofstream(at("source/file")) << "content";
    auto made = init();
    REQUIRE(message_of(made) == "");
    repository.emplace(*std::move(made));
  }

  std::optional<Repository> repository;
};

}  // namespace

TEST_CASE("world limits: problems deep in a source are cut to what a snapshot can list") {
  Fixture fixture;
  const std::string name(20, 'n');
  test::DeepTree tree(name, kFolderDepthMax + 100);
  const auto report = fixture.backup(*fixture.repository, {tree.path()});
  REQUIRE(message_of(report) == "");
  REQUIRE(report->snapshot.problem_count == 1);
  REQUIRE(report->snapshot.problems.size() == 1);
  const Problem& problem = report->snapshot.problems.front();
  CHECK(problem.reason == "more than 4096 folders in folders");
  CHECK(problem.path.size() <= kPathBytesMax);
  CHECK(problem.path.starts_with(tree.path() + "/" + name));
  CHECK(problem.path.ends_with("/" + name));
  const std::size_t path_bytes = tree.path().size() + kFolderDepthMax * (name.size() + 1);
  REQUIRE(path_bytes > kPathBytesMax);
  const std::size_t at = problem.path.find("[...");
  REQUIRE(at != std::string::npos);
  const std::size_t left_out = std::stoull(problem.path.substr(at + 4));
  const std::size_t words = fmt::formatted_size("[...{} bytes left out...]", left_out);
  CHECK(problem.path.size() - words + left_out == path_bytes);
  // Whoever is told gets all of it.
  REQUIRE(fixture.observer.problems.size() == 1);
  CHECK(fixture.observer.problems.front().path.size() == path_bytes);
}

TEST_CASE("world limits: names of one file, the first of which lies too deep to be referred to") {
  Fixture fixture;
  test::DeepTree tree(std::string(20, 'n'), kFolderDepthMax - 10);
  tree.add_hard_links({"a", "b"});
  const auto report = fixture.backup(*fixture.repository, {tree.path()});
  REQUIRE(message_of(report) == "");
  CHECK(report->snapshot.problem_count == 0);
  CHECK(report->snapshot.sources.front().counts.files == kFolderDepthMax - 10 + 2);
}

TEST_CASE("world limits: a list of problems is bounded as a whole") {
  std::vector<Problem> listed;
  const std::string path(kPathBytesMax + 1, 'p');
  const std::string reason(kTextBytesMax + 1, 'r');
  for (std::size_t i = 0; i < kProblemsMax + 10; ++i) {
    ops::list_problem(listed, {ProblemKind::unreadable, path, reason});
  }
  CHECK(listed.size() == kProblemsMax);
  std::size_t bytes = 0;
  for (const Problem& problem : listed) {
    CHECK(problem.path.size() <= kPathBytesMax);
    CHECK(problem.reason.size() <= kTextBytesMax);
    bytes += problem.path.size() + problem.reason.size();
  }
  CHECK(bytes < std::size_t{10} * 1024 * 1024);
  const Problem whole{ProblemKind::lost, std::string(kPathBytesMax, 'p'),
                      std::string(kTextBytesMax, 'r')};
  listed.clear();
  ops::list_problem(listed, whole);
  CHECK(listed == std::vector{whole});
}

TEST_CASE("world limits: a text is cut in its middle") {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += fmt::format("{:02}", i);
  }
  CHECK(ops::cut_in_the_middle(text, 200) == text);
  const std::string cut = ops::cut_in_the_middle(text, 199);
  CHECK(cut.size() <= 199);
  CHECK(cut.starts_with("000102"));
  CHECK(cut.ends_with("979899"));
  CHECK(cut.find(fmt::format("[...{} bytes left out...]", 200 - (cut.size() - 25))) !=
        std::string::npos);
}

TEST_CASE("world limits: sources that no snapshot can list are refused before anything is read") {
  Observer nobody;
  const auto clean =
      [&nobody](const std::vector<std::string>& paths) -> core::Result<std::vector<std::string>> {
    CAIRN_TRY(ops::BackupSources sources, ops::find_sources(paths, {}, true, nobody));
    return std::move(sources.paths);
  };
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kSourcesMax; ++i) {
    many.push_back(fmt::format("/s/{}", i));
  }
  CHECK(outcome(clean(many)) == "limit_exceeded");
  many.pop_back();
  CHECK(outcome(clean(many)) == "ok");
  // One above them all takes them in, whatever their number.
  many.push_back("/s/x");
  many.push_back("/s");
  CHECK(clean(many) == std::vector<std::string>{"/s"});

  std::vector<std::string> long_together;
  for (std::size_t i = 0; i < 400; ++i) {
    std::string path = fmt::format("/{}", i);
    while (path.size() < kPathBytesMax - 1024) {
      path += "/" + std::string(1000, 'x');
    }
    long_together.push_back(std::move(path));
  }
  CHECK(outcome(clean(long_together)) == "limit_exceeded");

  std::string components;
  while (components.size() + 2 <= kPathBytesMax) {
    components += "/c";
  }
  CHECK(clean({components}) == std::vector{components});
  CHECK(outcome(clean({components + "/c"})) == "limit_exceeded");
  CHECK(outcome(clean({"/" + std::string(kNameBytesMax, 'n')})) == "ok");
  CHECK(outcome(clean({"/" + std::string(kNameBytesMax + 1, 'n') + "/x"})) == "limit_exceeded");
  CHECK(outcome(clean({"relative"})) == "invalid_argument");
  CHECK(outcome(clean({std::string("/a\0b", 4)})) == "invalid_argument");
  CHECK(outcome(clean({""})) == "invalid_argument");
  CHECK(outcome(clean({})) == "invalid_argument");
}

TEST_CASE("world limits: texts of callers and of the environment") {
  Fixture fixture;
  const std::string long_text(kTextBytesMax + 1, 't');
  BackupOptions options = fixture.options({fixture.at("source")});
  SECTION("of the program") {
    options.program_version = long_text;
    CHECK(outcome(fixture.backup(*fixture.repository, options)) == "limit_exceeded");
    options.dry_run = true;
    CHECK(outcome(fixture.backup(*fixture.repository, options)) == "limit_exceeded");
  }
  SECTION("a set, a tag") {
    options.set = long_text;
    CHECK(outcome(fixture.backup(*fixture.repository, options)) == "limit_exceeded");
    options.set.clear();
    options.tags = {long_text};
    CHECK(outcome(fixture.backup(*fixture.repository, options)) == "limit_exceeded");
  }
  SECTION("of the host and the user") {
    for (std::string Environment::*text : {&Environment::host, &Environment::user}) {
      Environment environment = fixture.environment();
      environment.*text = long_text;
      CHECK(outcome(Repository::open(
                environment,
                {.location = fixture.at("repo"), .credentials = test::RepoFixture::passphrase()},
                fixture.observer)) == "limit_exceeded");
      InitOptions init;
      init.location = fixture.at("another");
      init.credentials = test::RepoFixture::passphrase();
      init.kdf = test::RepoFixture::cheap_kdf();
      CHECK(outcome(Repository::init(environment, init)) == "limit_exceeded");
    }
  }
  SECTION("whatever it was, the repository is as it was") {
    CHECK(outcome(fixture.backup(*fixture.repository, options)) == "ok");
  }
}

TEST_CASE("world limits: what callers ask for and makes no sense is an error") {
  Fixture fixture;
  Repository& repository = *fixture.repository;
  for (const int level : {-1, kCompressionMax + 1}) {
    BackupOptions backup = fixture.options({fixture.at("source")});
    backup.compression_level = level;
    CHECK(outcome(fixture.backup(repository, backup)) == "invalid_argument");
    PruneOptions prune_options;
    prune_options.compression_level = level;
    CHECK(outcome(prune(repository, prune_options, fixture.observer)) == "invalid_argument");
    RewriteOptions rewriting;
    rewriting.compression_level = level;
    CHECK(outcome(repair_snapshots(repository, rewriting, fixture.observer)) == "invalid_argument");
    RepairPacksOptions packs;
    packs.compression_level = level;
    CHECK(outcome(repair_packs(repository, packs, fixture.observer)) == "invalid_argument");
    CopyOptions copying;
    copying.compression_level = level;
    CHECK(outcome(copy(repository, repository, copying, fixture.observer)) == "invalid_argument");
  }
  BackupOptions both = fixture.options({fixture.at("source")});
  both.stream.emplace();
  CHECK(outcome(fixture.backup(repository, both)) == "invalid_argument");

  for (const double share : {-0.5, std::numeric_limits<double>::quiet_NaN()}) {
    PruneOptions options;
    options.max_unused = share;
    CHECK(outcome(prune(repository, options, fixture.observer)) == "invalid_argument");
  }
  PruneOptions wet;
  wet.as_if_forgotten = {SnapshotId()};
  CHECK(outcome(prune(repository, wet, fixture.observer)) == "invalid_argument");
  CHECK(outcome(pin(repository, {}, fixture.observer)) == "invalid_argument");

  InitOptions init;
  init.credentials = test::RepoFixture::passphrase();
  init.kdf = test::RepoFixture::cheap_kdf();
  CHECK(outcome(Repository::init(fixture.environment(), init)) == "invalid_argument");
  init.location = fixture.at("another");
  init.chunking.classes.front().size_max = 1;
  CHECK(outcome(Repository::init(fixture.environment(), init)) == "invalid_argument");
  CHECK_FALSE(std::filesystem::exists(fixture.at("another")));
  CHECK(outcome(Repository::open(fixture.environment(),
                                 {.location = "", .credentials = test::RepoFixture::passphrase()},
                                 fixture.observer)) == "invalid_argument");
}

}  // namespace cairn::repo
