#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cairn/core/crypto.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

const std::string kGolden = std::string(CAIRN_TEST_VECTORS_DIR) + "/golden-v1";

std::string hex_of(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return hex;
}

/// One object as make.py describes it.
std::string describe(const fs::path& root, const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  const auto mtime = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  const std::string name = hex_of(path.lexically_relative(root).native());
  const unsigned mode = status.st_mode & 07777U;
  switch (status.st_mode & S_IFMT) {
    case S_IFDIR:
      return fmt::format("{} folder {:o} - -", name, mode);
    case S_IFLNK:
      return fmt::format("{} symlink - {} {}", name, mtime, fs::read_symlink(path).native());
    case S_IFIFO:
      return fmt::format("{} fifo {:o} {} -", name, mode, mtime);
    default:
      return fmt::format("{} file {:o} {} {}", name, mode, mtime,
                         core::hash256(read_file(path)).hex());
  }
}

std::vector<std::string> describe_tree(const fs::path& root) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    lines.push_back(describe(root, entry.path()));
  }
  std::ranges::sort(lines);
  return lines;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

core::Result<repo::Repository> open_golden(RepoFixture& fixture, repo::Credentials credentials) {
  repo::OpenOptions options;
  options.location = fixture.at("golden");
  options.credentials = std::move(credentials);
  return repo::Repository::open(fixture.environment(), options, fixture.observer);
}

}  // namespace

TEST_CASE("the golden repository of format 1 is read as it was written") {
  RepoFixture fixture;
  fs::copy(kGolden + "/repository", fixture.at("golden"), fs::copy_options::recursive);
  auto repository = open_golden(fixture, {repo::Credentials::Type::key_file,
                                          core::SecretBytes::copy_of(read_file(kGolden + "/key"))});
  REQUIRE(outcome(repository) == "ok");
  const auto listed = repo::list_snapshots(*repository, fixture.observer);
  REQUIRE(outcome(listed) == "ok");
  REQUIRE(listed->size() == 3);
  const repo::Snapshot& first = listed->at(0).snapshot;
  CHECK(first.tags == std::vector<std::string>{"first"});
  CHECK(first.set == "golden");
  CHECK(first.type == repo::SnapshotType::daily);
  CHECK(first.description == "v1");
  CHECK(first.sources.front().path == "/tmp/golden");
  CHECK(first.sources.front().counts.files == 409);

  const auto verified = fixture.verify(*repository);
  REQUIRE(outcome(verified) == "ok");
  CHECK_FALSE(verified->damaged());

  for (const auto& [number, name] : {std::pair(0, "first"), std::pair(1, "second")}) {
    const std::string target = fixture.at(name);
    const auto restored = fixture.restore(
        *repository, listed->at(static_cast<std::size_t>(number)).snapshot, "/tmp/golden", target);
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
    CHECK(describe_tree(target) == lines_of(kGolden + "/" + name + ".txt"));
  }
  struct stat holes {};
  REQUIRE(::stat(fixture.at("first/holes").c_str(), &holes) == 0);
  CHECK(holes.st_blocks * 512 < 1'000'000);

  std::string stream;
  REQUIRE(outcome(repo::dump_file(*repository, listed->at(2).snapshot, "/stream", fixture.observer,
                                  [&](core::ByteView piece) -> core::Status {
                                    stream += core::to_string(piece);
                                    return {};
                                  })) == "ok");
  CHECK(stream == "from a pipe");
}

TEST_CASE("the golden repository opens with its passphrase, and takes another snapshot") {
  RepoFixture fixture;
  fs::copy(kGolden + "/repository", fixture.at("golden"), fs::copy_options::recursive);
  CHECK(outcome(open_golden(fixture, RepoFixture::passphrase("wrong"))) == "wrong_key");
  auto repository = open_golden(fixture, RepoFixture::passphrase("golden"));
  REQUIRE(outcome(repository) == "ok");
  // What was restored is what was backed up: the same nodes, so nothing new but the root.
  const auto listed = repo::list_snapshots(*repository, fixture.observer);
  REQUIRE(outcome(listed) == "ok");
  const std::string target = fixture.at("again");
  REQUIRE(outcome(fixture.restore(*repository, listed->front().snapshot, "/tmp/golden", target)) ==
          "ok");
  const auto report = fixture.backup(*repository, {target});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshot.added_data.chunks == 0);
  if (::geteuid() == 0) {
    CHECK(report->snapshot.sources.front().root == listed->front().snapshot.sources.front().root);
  }
}
