#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn/repo/entry.h"
#include "cli_fixture.h"
#include "fault_file_system.h"
#include "seeded_data.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    names.push_back(entry.path().lexically_relative(folder).native());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The file that takes most space below the folder: a data pack, if files were incompressible.
std::string largest_file(const std::string& folder) {
  std::string found;
  std::uintmax_t size = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.file_size() > size) {
      size = entry.file_size();
      found = entry.path().native();
    }
  }
  return found;
}

void flip_byte_in_the_middle(const std::string& path) {
  std::string bytes = read_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  write_file(path, bytes);
}

std::string random_text(std::uint64_t seed) {
  return core::to_string(test::seeded_bytes(seed, 200'000));
}

TEST_CASE_METHOD(CliFixture, "init with a passphrase, then the same and another one") {
  environment["CAIRN_REPOSITORY"] = folder / "repo";
  environment["CAIRN_PASSWORD"] = "right";
  const Outcome made = must({"init"});
  CHECK(made.out.find("made at " + folder / "repo") != std::string::npos);
  CHECK(made.err.empty());
  CHECK(run({"init"}).status == 1);
  CHECK(must({"snapshots"}).err == "no snapshots yet\n");
  environment["CAIRN_PASSWORD"] = "wrong";
  const Outcome wrong = run({"snapshots"});
  CHECK(wrong.status == 12);
  CHECK(wrong.out.empty());
  CHECK(wrong.err.starts_with("cairn: "));
}

TEST_CASE_METHOD(CliFixture, "init --key-file makes the file, and takes it back if init fails") {
  const Outcome made =
      must({"init", "-r", folder / "repo", "--key-file", folder / "key", "--json"});
  CHECK(made.json().at("key_file_made") == true);
  CHECK(made.json().at("repository_id").get<std::string>().size() == 64);
  CHECK(fs::file_size(folder / "key") == 32);
  CHECK(run({"init", "-r", folder / "repo", "--key-file", folder / "key2"}).status == 1);
  CHECK_FALSE(fs::exists(folder / "key2"));
}

TEST_CASE_METHOD(CliFixture, "the catalogue goes where the environment says, for its owner alone") {
  environment.clear();
  environment["XDG_CACHE_HOME"] = folder / "xdg";
  environment["HOME"] = folder / "home";
  must({"init", "-r", folder / "repo", "--key-file", folder / "key"});
  must({"stats", "-r", folder / "repo", "--key-file", folder / "key"});
  struct ::stat info {};
  REQUIRE(::stat((folder / "xdg/cairn").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  environment.erase("XDG_CACHE_HOME");
  must({"stats", "-r", folder / "repo", "--key-file", folder / "key"});
  CHECK(fs::is_directory(folder / "home/.cache/cairn"));
  CHECK(fs::exists(folder / "home/.cache/cairn/CACHEDIR.TAG"));
  environment["XDG_CACHE_HOME"] = folder / "none";
  environment["TMPDIR"] = folder.path();
  must({"stats", "--no-cache", "-r", folder / "repo", "--key-file", folder / "key"});
  CHECK_FALSE(fs::exists(folder / "none"));
}

TEST_CASE_METHOD(CliFixture, "no repository there: status 10, before a passphrase is asked for") {
  for (const Args& args :
       {Args{"snapshots"}, Args{"backup", "/x"}, Args{"verify"}, Args{"key", "list"}}) {
    Args whole = {"-r", folder / "none"};
    whole.insert(whole.end(), args.begin(), args.end());
    CHECK(run(whole).status == 10);
  }
  CHECK(prompts.empty());
  fs::create_directory(folder / "empty");
  environment["CAIRN_PASSWORD"] = "x";
  CHECK(run({"snapshots", "-r", folder / "empty"}).status == 10);
}

TEST_CASE_METHOD(CliFixture, "mistakes on the command line: status 2, a hint, nothing else") {
  Outcome outcome = run({"snapshots"});
  CHECK(outcome.status == 2);
  CHECK(outcome.err == "cairn: which repository?\ngive --repo REPO or set CAIRN_REPOSITORY\n");
  outcome = run({"nonsense\x1b[2J"});
  CHECK(outcome.status == 2);
  CHECK(outcome.err == "cairn: there is no command \"nonsense\\x1b[2J\"\nsee cairn --help\n");
  outcome = run({"ls", "--json"});
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK(nlohmann::json::parse(outcome.err).at("exit_code") == 2);
}

TEST_CASE_METHOD(CliFixture, "help and version need no repository") {
  CHECK(must({"--help"}).out.find("Usage: cairn") != std::string::npos);
  CHECK(must({"help", "backup"}).out.find("Usage: cairn backup") != std::string::npos);
  CHECK(must({"version"}).out.starts_with("cairn 0."));
  CHECK(must({"version"}).out == must({"--version"}).out);
  CHECK(must({"version", "--json"}).json().contains("revision"));
}

TEST_CASE_METHOD(RepositoryFixture, "backup, list, restore: the tree comes back") {
  const Outcome made = must({"backup", "tree", "--tag", "t1", "--name", "set", "--type", "daily"});
  CHECK(made.out.find("3 files") != std::string::npos);
  CHECK(made.err.empty());
  const Outcome listed = must({"snapshots"});
  for (const char* part : {"ID", "2026-01-01 12:00:00", "host", "set", "daily", "t1", "tree"}) {
    CAPTURE(part, listed.out);
    CHECK(listed.out.find(part) != std::string::npos);
  }
  must({"restore", "latest", "--target", folder / "all"});
  CHECK(names_in(folder / "all" + tree) == names_in(tree));
  must({"restore", "latest:" + tree, "--target", folder / "part"});
  CHECK(names_in(folder / "part") == names_in(tree));
  CHECK(read_file(folder / "part/sub/\xff") == "not UTF-8");
  must({"restore", "latest:" + tree + "/hello.txt", "--target", folder / "one"});
  CHECK(names_in(folder / "one") == Args{"hello.txt"});
}

TEST_CASE_METHOD(RepositoryFixture, "restore refuses a target that is not empty") {
  backup();
  fs::create_directory(folder / "target");
  write_file(folder / "target/mine", "mine");
  const Args args = {"restore", "latest:" + tree, "--target", "target"};
  const Outcome refused = run(args);
  CHECK(refused.status == 1);
  CHECK(names_in(folder / "target") == Args{"mine"});
  Args overwrite = args;
  overwrite.insert(overwrite.end(), {"--overwrite", "always"});
  must(overwrite);
  CHECK(read_file(folder / "target/mine") == "mine");
  CHECK(read_file(folder / "target/hello.txt") == "hello\n");
}

TEST_CASE_METHOD(RepositoryFixture, "dry runs write nothing") {
  const Outcome dry = must({"backup", tree, "--dry-run"});
  CHECK(dry.out.find("dry run") != std::string::npos);
  CHECK(must({"snapshots"}).err == "no snapshots yet\n");
  backup();
  must({"restore", "latest", "--target", folder / "target", "--dry-run"});
  CHECK_FALSE(fs::exists(folder / "target/hello.txt"));
}

TEST_CASE_METHOD(RepositoryFixture, "quiet backups say nothing") {
  const Outcome outcome = must({"backup", tree, "--quiet"});
  CHECK(outcome.out.empty());
  CHECK(outcome.err.empty());
}

TEST_CASE_METHOD(RepositoryFixture, "ls escapes names, or ends them with NUL") {
  backup();
  const Outcome plain = must({"ls", "latest:" + tree + "/sub"});
  CHECK(plain.out == tree + "/sub/empty\n" + tree + "/sub/new\\nline\n" + tree + "/sub/\\xff\n");
  const Outcome raw = must({"ls", "latest:" + tree + "/sub", "-0"});
  std::string expected;
  for (const std::string name : {"/sub/empty", "/sub/new\nline", "/sub/\xff"}) {
    expected += tree + name + '\0';
  }
  CHECK(raw.out == expected);
  const Outcome details = must({"ls", "latest:" + tree, "-l"});
  CHECK(details.out.find("link -> hello.txt\n") != std::string::npos);
  CHECK(details.out.find("6 B") != std::string::npos);
  const Outcome deep = must({"ls", "latest", "-R"});
  CHECK(deep.out.find(tree + "/sub/empty\n") != std::string::npos);
  CHECK(run({"ls", "latest:/nowhere"}).status == 1);
  CHECK(run({"ls", "abcdef01"}).status == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "dump writes the bytes of a file and nothing else") {
  const std::string bytes = random_text(7);
  write_file(tree + "/binary", bytes);
  backup();
  const Outcome outcome = must({"dump", "latest:" + tree + "/binary"});
  CHECK(outcome.out == bytes);
  CHECK(outcome.err.starts_with("snapshot "));
  CHECK(run({"dump", "latest:/nowhere"}).status == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "dump --output makes a whole new file or none") {
  backup();
  const std::string file = tree + "/hello.txt";
  must({"dump", "latest:" + file, "--output", folder / "out"});
  CHECK(read_file(folder / "out") == "hello\n");
  const Outcome refused = run({"dump", "latest:" + file, "--output", folder / "out"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("exists already") != std::string::npos);
  const Args before = names_in(folder.path());
  CHECK(run({"dump", "latest:/nowhere", "--output", folder / "none"}).status == 1);
  CHECK(run({"dump", "latest:" + file, "--output", folder / "no/folder"}).status == 1);
  CHECK(names_in(folder.path()) == before);
}

TEST_CASE_METHOD(RepositoryFixture, "dump --output is durable before it says so") {
  backup();
  const auto real = core::make_posix_file_system();
  auto faulty = std::make_unique<test::FaultFileSystem>(*real);
  test::FaultFileSystem& faults = *faulty;
  file_system = std::move(faulty);
  for (const test::FileCall call :
       {test::FileCall::sync, test::FileCall::close, test::FileCall::publish}) {
    faults.arm({.only = call});
    CHECK(run({"dump", "latest:" + tree + "/hello.txt", "--output", folder / "out"}).status == 1);
    CHECK(faults.fault_hit());
    CHECK_FALSE(std::filesystem::exists(std::string(folder / "out")));
  }
  faults.arm({.only = test::FileCall::sync_folder});
  CHECK(run({"dump", "latest:" + tree + "/hello.txt", "--output", folder / "out"}).status == 1);
  CHECK(faults.fault_hit());
  faults.disarm();
  file_system = core::make_posix_file_system();
}

TEST_CASE_METHOD(RepositoryFixture,
                 "a time given with --at finds the newest snapshot at or before it") {
  const std::string first = backup();
  write_file(tree + "/hello.txt", "changed\n");
  const std::string second = backup();
  const std::string file = tree + "/hello.txt";
  CHECK(must({"dump", "--at", "2026-01-01 13:00", file}).out == "hello\n");
  CHECK(must({"dump", "--at", "2026-01-01 13:59:59", file}).out == "hello\n");
  CHECK(must({"dump", "--at", "2026-01-01 14:00:00", file}).out == "changed\n");
  CHECK(must({"dump", "--at", "2026-01-01T15:30:00+02:00", file}).out == "hello\n");
  CHECK(must({"dump", "latest~1:" + file}).out == "hello\n");
  CHECK(must({"dump", first.substr(0, 8) + ":" + file}).out == "hello\n");
  CHECK(must({"dump", second + ":" + file}).out == "changed\n");
  CHECK(run({"dump", "--at", "2026-01-01 12:59", file}).status == 1);
  CHECK(must({"ls", "--at", "2026-01-01 13:00", tree}).out.find("hello.txt") != std::string::npos);
  must({"restore", "--at", "2026-01-01 13:00", tree, "--target", folder / "then"});
  CHECK(read_file(folder / "then/hello.txt") == "hello\n");
}

TEST_CASE_METHOD(RepositoryFixture,
                 "damage: verify answers 4, restore saves the rest and answers 1") {
  write_file(tree + "/first", random_text(1));
  backup();
  const std::string pack = largest_file(folder / "repo/packs");
  write_file(tree + "/second", random_text(2));
  backup();
  CHECK(must({"verify", "--check-integrity"}).out.find("no damage found") != std::string::npos);
  flip_byte_in_the_middle(pack);

  const Outcome found = run({"verify", "--check-integrity"});
  CHECK(found.status == 4);
  CHECK(found.out.find("damage: packs/") != std::string::npos);
  const Outcome json = run({"verify", "--check-integrity", "--json", "--no-progress"});
  CHECK(json.status == 4);
  CHECK(json.json().at("damaged") == true);
  CHECK(json.json().at("findings").size() >= 1);
  CHECK(run({"verify", "--check-integrity", "--latest"}).status == 4);

  const Outcome restored = run({"restore", "latest:" + tree, "--target", folder / "target"});
  CHECK(restored.status == 1);
  CHECK(restored.err.find("cannot restore ") != std::string::npos);
  CHECK(restored.err.find("first") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "target/first"));
  CHECK(read_file(folder / "target/second") == random_text(2));

  const Args before = names_in(folder.path());
  const Outcome dumped = run({"dump", "latest:" + tree + "/first", "--output", folder / "first"});
  CHECK(dumped.status == 1);
  CHECK(names_in(folder.path()) == before);
}

TEST_CASE_METHOD(RepositoryFixture,
                 "an unreadable file: status 3, the file named, a snapshot made") {
  constexpr ::uid_t kNobody = 65534;
  write_file(tree + "/secret\x1b", "x");
  fs::permissions(tree + "/secret\x1b", fs::perms::none);
  const bool root = ::geteuid() == 0;
  if (root) {
    // Root may read everything, so somebody else makes the backup.
    REQUIRE(::lchown(folder.path().c_str(), kNobody, kNobody) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      REQUIRE(::lchown(entry.path().c_str(), kNobody, kNobody) == 0);
    }
    REQUIRE(::seteuid(kNobody) == 0);
  }
  const Outcome text = run({"backup", tree});
  const Outcome json = run({"backup", tree, "--json", "--no-progress"});
  if (root) {
    REQUIRE(::seteuid(0) == 0);
  }
  CAPTURE(text.out, text.err, json.out, json.err);
  CHECK(text.status == 3);
  CHECK(text.err.find("cannot read " + tree + "/secret\\x1b: ") != std::string::npos);
  CHECK(json.status == 3);
  const auto lines = json.json_lines();
  CHECK(lines.front().at("type") == "problem");
  CHECK(lines.front().at("path") == tree + "/secret\x1b");
  CHECK(lines.back().at("type") == "summary");
  CHECK(lines.back().at("unreadable") == 1);
  CHECK(must({"snapshots", "--json"}).json().at("snapshots").size() == 2);
}

TEST_CASE_METHOD(RepositoryFixture,
                 "a path that does not exist is named, status 3; alone it makes no snapshot") {
  const Outcome alone = run({"backup", folder / "nowhere"});
  CHECK(alone.status == 1);
  CHECK(alone.err.find("nowhere") != std::string::npos);
  CHECK(must({"snapshots"}).err == "no snapshots yet\n");
  const Outcome both = run({"backup", tree, folder / "nowhere"});
  CHECK(both.status == 3);
  CHECK(both.err.find("cannot read " + (folder / "nowhere")) != std::string::npos);
  CHECK_FALSE(must({"snapshots"}).err == "no snapshots yet\n");
}

TEST_CASE_METHOD(RepositoryFixture, "an attribute that is left out: status 3") {
  // Only few file systems take so many; tmpfs is one of them since Linux 6.6.
  std::string path = "/dev/shm/cairn-test-XXXXXX";
  const int file = ::mkstemp(path.data());
  bool set = file >= 0;
  for (std::size_t i = 0; set && i < repo::kXattrCountMax + 1; ++i) {
    set = ::fsetxattr(file, ("user." + std::to_string(i)).c_str(), "x", 1, 0) == 0;
  }
  if (set) {
    const Outcome text = run({"backup", path});
    const Outcome json = run({"backup", path, "--json", "--no-progress"});
    CHECK(text.status == 3);
    CHECK(text.err.find(path + ": too many extended attributes") != std::string::npos);
    CHECK(text.out.find("1 object stored without all of its attributes\n") != std::string::npos);
    CHECK(json.status == 3);
    CHECK(json.json_lines().back().at("incomplete_metadata") == 1);
    CHECK(must({"snapshots", "--json"}).json().at("snapshots").size() == 2);
  } else {
    WARN("SKIPPED: /dev/shm does not take that many attributes");
  }
  ::close(file);
  ::unlink(path.c_str());
}

TEST_CASE_METHOD(RepositoryFixture, "bytes that changed behind equal stamps: status 3 if asked") {
  clock.set_now({4'102'444'800, 0});  // long after the kernel's stamps
  const Args args = {"backup", tree, "--ignore-ctime"};
  must(args);
  const auto time = fs::last_write_time(tree + "/hello.txt");
  write_file(tree + "/hello.txt", "jello\n");
  fs::last_write_time(tree + "/hello.txt", time);
  must(args);  // nobody looks
  const Outcome looked = run({"backup", tree, "--ignore-ctime", "--rehash-sample", "100%"});
  CHECK(looked.status == 3);
  CHECK(looked.err.find(tree + "/hello.txt: its bytes are not those") != std::string::npos);
  CHECK(looked.out.find("1 file changed, and nothing but the bytes told of it\n") !=
        std::string::npos);
  must({"backup", tree, "--ignore-ctime", "--rehash-sample", "100%"});
}

TEST_CASE_METHOD(RepositoryFixture, "a request to stop: status 130, and no snapshot") {
  stop.request_stop();
  const Outcome outcome = run({"backup", tree});
  CHECK(outcome.status == 130);
  CHECK(outcome.err == "cairn: interrupted; what was stored so far will be reused\n");
  stop = std::stop_source();
  CHECK(must({"snapshots"}).err == "no snapshots yet\n");
  backup();
  stop.request_stop();
  CHECK(run({"restore", "latest", "--target", folder / "target"}).status == 130);
  CHECK(run({"verify", "--check-integrity"}).status == 130);
  CHECK(run({"ls", "latest", "-R"}).status == 130);
  CHECK(run({"dump", "latest:" + tree + "/hello.txt"}).status == 130);
}

TEST_CASE_METHOD(RepositoryFixture, "every command speaks JSON") {
  const auto made = must({"backup", tree, "--json"}).json_lines();
  CHECK(made.back().at("type") == "summary");
  CHECK(made.back().at("sources").at(0).at("counts").at("files") == 3);
  const auto snapshots = must({"snapshots", "--json"}).json().at("snapshots");
  REQUIRE(snapshots.size() == 1);
  CHECK(snapshots[0].at("id") == made.back().at("id"));
  CHECK(snapshots[0].at("start") == "2026-01-01T12:00:00Z");

  const auto listed = must({"ls", "latest:" + tree + "/sub", "--json"}).json_lines();
  CHECK(listed.front().at("type") == "snapshot");
  CHECK(listed.back().at("entries") == 3);
  REQUIRE(listed.size() == 5);
  CHECK(listed[2].at("path") == tree + "/sub/new\nline");
  CHECK(listed[3].contains("path_base64"));

  const auto restored =
      must({"restore", "latest", "--target", folder / "t", "--json"}).json_lines().back();
  CHECK(restored.at("restored").at("files") == 3);
  CHECK(restored.at("target") == folder / "t");
  CHECK(must({"verify", "--json"}).json_lines().back().at("damaged") == false);
  CHECK(must({"stats", "--json"}).json().at("total").at("files") == 3);
  CHECK(must({"dump", "latest:" + tree + "/hello.txt", "-o", folder / "o", "--json"})
            .json()
            .at("bytes") == 6);
  CHECK(must({"key", "list", "--json"}).json().at("keys").at(0).at("role") == "admin");

  const Outcome failed = run({"ls", "latest:/nowhere", "--json"});
  CHECK(nlohmann::json::parse(failed.err).at("code") == "not_found");
}

TEST_CASE_METHOD(RepositoryFixture, "keys: add, list, use, change, remove") {
  const auto added = must({"key", "add", "--role", "audit", "--name", "auditor", "--new-key-file",
                           folder / "audit", "--json"})
                         .json();
  CHECK(added.at("key_file_made") == true);
  const std::string id = added.at("id");
  const Outcome listed = must({"key", "list"});
  CHECK(listed.out.find("auditor") != std::string::npos);
  CHECK(listed.out.find(id.substr(0, 8)) != std::string::npos);
  CHECK(listed.out.find("in use") != std::string::npos);

  backup();
  CHECK(run({"verify", "--key-file", folder / "audit"}).status == 0);
  const Outcome refused =
      run({"dump", "latest:" + tree + "/hello.txt", "--key-file", folder / "audit"});
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK(run({"key", "add", "--new-key-file", folder / "more", "--key-file", folder / "audit"})
            .status == 1);
  CHECK_FALSE(fs::exists(folder / "more"));

  must({"key", "remove", id.substr(0, 8)});
  CHECK(run({"snapshots", "--key-file", folder / "audit"}).status == 12);

  environment["CAIRN_NEW_PASSWORD"] = "new";
  must({"key", "passwd"});
  CHECK(run({"snapshots"}).status == 12);
  environment["CAIRN_PASSWORD"] = "new";
  must({"snapshots"});
}

TEST_CASE_METHOD(RepositoryFixture, "a passphrase typed at the terminal") {
  typed = {"by hand", "by hand"};
  must({"key", "add", "--role", "restore"});
  backup();
  environment.erase("CAIRN_KEY_FILE");
  typed = {"by hand"};
  must({"ls", "latest"});
  typed = {"something else", "once more", "and again"};
  CHECK(run({"ls", "latest"}).status == 12);
  CHECK(typed.empty());  // three tries
  typed = {"something else", "by hand"};
  must({"ls", "latest"});
  typed = {};
  CHECK(run({"ls", "latest"}).status == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "stats count snapshots, files and bytes") {
  backup();
  const Outcome outcome = must({"stats"});
  CHECK(outcome.out.find("files in all snapshots") != std::string::npos);
  CHECK(outcome.out.find("for 1 snapshot\n") != std::string::npos);
}

TEST_CASE_METHOD(RepositoryFixture, "progress is drawn on a terminal and taken away again") {
  terminal = true;
  const Outcome outcome = must({"backup", tree});
  if (!outcome.err.empty()) {
    CHECK(outcome.err.ends_with("\r\x1b[K"));
  }
  CHECK(outcome.out.find('\x1b') == std::string::npos);
}

}  // namespace
TEST_CASE_METHOD(RepositoryFixture, "restore takes what matches, and leaves out what matches") {
  write_file(tree + "/sub/empty/deep.txt", "deep");
  backup();
  const auto restored = [this](std::vector<std::string> more) {
    fs::remove_all(folder / "out");
    more.insert(more.begin(), {"restore", "latest:" + tree, "--target", folder / "out"});
    must(more);
    return names_in(folder / "out");
  };
  CHECK(restored({"--include", "*.txt"}) ==
        Args{"hello.txt", "sub", "sub/empty", "sub/empty/deep.txt"});
  CHECK(restored({"-i", tree + "/sub/empty"}) == Args{"sub", "sub/empty", "sub/empty/deep.txt"});
  CHECK(restored({"-e", "sub/", "-e", "link"}) == Args{"hello.txt"});
  CHECK(restored({"-i", "*.txt", "-e", "deep*"}) == Args{"hello.txt"});
  const Outcome broken = run({"restore", "latest", "--target", folder / "x", "-i", "a[b"});
  CHECK(broken.status == 2);
  CHECK(broken.err.find("a[b") != std::string::npos);
}

}  // namespace cairn::cli
