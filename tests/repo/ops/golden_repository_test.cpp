#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cairn/core/crypto.h"
#include "cairn/repo/keys.h"
#include "catch2.h"
#include "format/frame.h"
#include "format/register.h"
#include "format/sealed.h"
#include "ops/repository/open_repository.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "store/objects/seal.h"

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

/// A file of a golden repository: "golden-v1/key".
std::string golden(std::string_view name) {
  return std::string(CAIRN_TEST_VECTORS_DIR) + "/" + std::string(name);
}

std::string hex_of(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return hex;
}

/// One object as make_golden.py describes it.
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

void copy_golden(const RepoFixture& fixture, std::string_view version) {
  fs::copy(golden(version) + "/repository", fixture.at("golden"), fs::copy_options::recursive);
}

core::Result<repo::Repository> open_golden(RepoFixture& fixture, repo::Credentials credentials) {
  repo::OpenOptions options;
  options.location = fixture.at("golden");
  options.credentials = std::move(credentials);
  return repo::Repository::open(fixture.environment(), options, fixture.observer);
}

repo::Credentials golden_key(std::string_view version) {
  return {repo::Credentials::Type::key_file,
          core::SecretBytes::copy_of(read_file(golden(version) + "/key"))};
}

}  // namespace

TEST_CASE("the golden repository of format 1 is read as it was written") {
  RepoFixture fixture;
  copy_golden(fixture, "golden-v1");
  auto repository = open_golden(fixture, golden_key("golden-v1"));
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
    CHECK(describe_tree(target) == lines_of(golden("golden-v1/") + name + ".txt"));
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
  copy_golden(fixture, "golden-v1");
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

TEST_CASE("the golden repository with manifests of version 2 is read as it was written") {
  RepoFixture fixture;
  copy_golden(fixture, "golden-v2");
  auto repository = open_golden(fixture, golden_key("golden-v2"));
  REQUIRE(outcome(repository) == "ok");
  const auto listed = repo::list_snapshots(*repository, fixture.observer);
  REQUIRE(outcome(listed) == "ok");
  REQUIRE(listed->size() == 3);
  const auto numbered = [&listed](std::size_t choices) -> const repo::Snapshot& {
    return std::ranges::find_if(*listed,
                                [choices](const repo::ListedSnapshot& one) {
                                  return one.snapshot.left_out.size() == choices;
                                })
        ->snapshot;
  };
  const repo::Snapshot& stream = numbered(0);
  CHECK(stream.tags == std::vector<std::string>{"stream"});
  CHECK(stream.folders_above.empty());

  const repo::Snapshot& first = numbered(1);
  repo::LeftOut chosen;
  chosen.patterns = {"*.tmp", "!kept.tmp"};
  chosen.exclude_caches = true;
  chosen.exclude_if_present = {".nobackup"};
  chosen.exclude_larger_than_bytes = 256 * 1024;
  chosen.one_file_system = true;
  CHECK(first.left_out == std::vector{chosen});
  std::vector<std::string> above;
  for (const repo::FolderAbove& folder : first.folders_above) {
    above.push_back(fmt::format("{} {:o}", folder.path, folder.mode));
  }
  CHECK(above == std::vector<std::string>{"/tmp 1777", "/tmp/golden 751", "/tmp/golden/home 711",
                                          "/tmp/golden/srv 1775"});
  CHECK(first.folders_above[2].mtime == core::Timestamp{1'500'000'003, 1});
  CHECK(first.folders_above[2].owner.user == "root");
  CHECK(first.folders_above[3].xattrs == std::vector<repo::Xattr>{{"user.purpose", "golden"}});

  const repo::Snapshot& rewritten = numbered(2);
  repo::LeftOut later;
  later.patterns = {"secret/"};
  CHECK(rewritten.left_out == std::vector{chosen, later});
  CHECK(rewritten.folders_above == first.folders_above);

  const auto verified = fixture.verify(*repository);
  REQUIRE(outcome(verified) == "ok");
  CHECK_FALSE(verified->damaged());
  for (const auto& [snapshot, name] :
       {std::pair(&first, "first"), std::pair(&rewritten, "rewritten")}) {
    const std::string target = fixture.at(name);
    const auto restored = fixture.restore(*repository, *snapshot, "", target);
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
    CHECK(describe_tree(target + "/tmp/golden") == lines_of(golden("golden-v2/") + name + ".txt"));
    struct stat home {};
    REQUIRE(::stat((target + "/tmp/golden/home").c_str(), &home) == 0);
    CHECK(home.st_mtim.tv_sec == 1'500'000'003);
  }
}

TEST_CASE("registers and manifests of golden repositories are the same bytes when written again") {
  RepoFixture fixture;
  const auto& [version, manifest_versions] =
      GENERATE(std::pair(std::string("golden-v1"), std::vector{1, 1, 1}),
               std::pair(std::string("golden-v2"), std::vector{1, 2, 2}));
  copy_golden(fixture, version);
  auto repository = open_golden(fixture, golden_key(version));
  REQUIRE(outcome(repository) == "ok");
  std::vector<int> found;
  for (const auto& file : fs::directory_iterator(fixture.at("golden/snapshots"))) {
    const core::Bytes object = read_file(file.path());
    const auto twin = repo::format::decode_twin(object, repo::format::ObjectKind::snapshot);
    REQUIRE(outcome(twin) == "ok");
    const auto record = repo::format::decode_register(twin->payload);
    REQUIRE(outcome(record) == "ok");
    CHECK(repo::format::encode_twin(repo::format::ObjectKind::snapshot,
                                    repo::format::encode_register(*record)) == object);
    const auto id = repo::SnapshotId::from_hex(file.path().filename().native());
    REQUIRE(id);
    const auto padded = repo::store::open_manifest(*repo::ops::opened(*repository).keys, *id,
                                                   record->sealed_manifest);
    REQUIRE(outcome(padded) == "ok");
    const auto plain = repo::format::unpad(*padded);
    REQUIRE(outcome(plain) == "ok");
    const auto snapshot = repo::format::decode_snapshot(*plain);
    REQUIRE(outcome(snapshot) == "ok");
    const auto again = repo::format::encode_snapshot(*snapshot);
    REQUIRE(outcome(again) == "ok");
    CHECK(core::equal(*again, *plain));
    CHECK(repo::format::pad(*again) == *padded);
    found.push_back(std::to_integer<int>(plain->front()));
  }
  std::ranges::sort(found);
  CHECK(found == manifest_versions);
}

namespace {

/// Its keys as text, as they were exported once.
std::string golden_keys_text() { return core::to_string(read_file(golden("golden-v2/keys.txt"))); }

/// Without what the text says before the first key, which names the place.
std::string_view keys_of(std::string_view text) { return text.substr(text.find("\n\n")); }

}  // namespace

TEST_CASE("keys exported from the golden repository are the text that they once were") {
  RepoFixture fixture;
  copy_golden(fixture, "golden-v2");
  const std::string text = golden_keys_text();
  {
    auto repository = open_golden(fixture, golden_key("golden-v2"));
    REQUIRE(outcome(repository) == "ok");
    const auto exported = repo::export_keys(*repository, "");
    REQUIRE(outcome(exported) == "ok");
    CHECK(keys_of(exported->text) == keys_of(text));
  }
  fs::remove_all(fixture.at("golden/keys"));
  const auto imported = repo::import_keys(fixture.environment(), fixture.at("golden"), text);
  REQUIRE(outcome(imported) == "ok");
  CHECK(imported->ids.size() == 2);
  for (const repo::KeySlotId& id : imported->ids) {
    CHECK(read_file(fixture.at("golden/keys/") + id.hex()) ==
          read_file(golden("golden-v2/repository/keys/") + id.hex()));
  }
  CHECK(outcome(open_golden(fixture, RepoFixture::passphrase("golden"))) == "ok");
}

TEST_CASE("keys of which one character is another are refused, all of them") {
  RepoFixture fixture;
  copy_golden(fixture, "golden-v2");
  fs::remove_all(fixture.at("golden/keys"));
  const auto environment = fixture.environment();
  const std::string text = golden_keys_text();
  const auto message = [&](std::size_t at) {
    std::string wrong = text;
    wrong[at] = text[at] == '0' ? '1' : '0';
    const auto imported = repo::import_keys(environment, fixture.at("golden"), wrong);
    return outcome(imported) == "invalid_argument" ? message_of(imported) : outcome(imported);
  };
  std::size_t accepted = 0;
  bool counts = false;  // from a line BEGIN to its line END
  std::string_view line;
  for (std::size_t start = 0; start < text.size(); start += line.size() + 1) {
    line = std::string_view(text).substr(start, text.find('\n', start) - start);
    counts = counts || line.starts_with("-----BEGIN");
    for (std::size_t at = start; counts && at < start + line.size(); ++at) {
      accepted += message(at) == "ok" ? 1U : 0U;
    }
    counts = counts && !line.starts_with("-----END");
  }
  CHECK(accepted == 0);
  CHECK_FALSE(fs::exists(fixture.at("golden/keys")));

  constexpr std::string_view kBegin = "-----BEGIN CAIRN KEY ";
  const std::size_t first = text.find(kBegin);
  const std::size_t id = first + kBegin.size();
  const std::size_t last = text.rfind("-----END");
  const std::string key = "key " + text.substr(id, 8);
  CHECK_THAT(message(id + 100), Catch::Contains(key + ": its digits"));
  CHECK_THAT(message(id + 20), Catch::Contains(key + ": its digits, or those of the id"));
  CHECK_THAT(message(first), Catch::Contains("its first line is missing or wrong"));
  CHECK_THAT(message(text.find("-----END")), Catch::Contains("its last line is missing or wrong"));
  CHECK_THAT(message(last), Catch::Contains("its last line is missing or wrong"));
  CHECK(message(0) == "ok");  // a remark
}
