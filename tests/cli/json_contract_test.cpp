#include <atomic>
#include <set>

#include "cli_fixture.h"

namespace cairn::cli {
namespace {

enum class Form { one_object, lines };

/// Every look at it is a second later, so that whoever shows progress now and then always does.
class RunningClock final : public core::Clock {
 public:
  explicit RunningClock(core::Clock& below) : below_(below) {}
  core::Timestamp now() override { return below_.now(); }
  std::uint64_t monotonic_ns() override { return core::kNanosecondsPerSecond * ++looks_; }
  std::uint64_t thread_waits() override { return below_.thread_waits(); }
  void pause(std::uint64_t nanoseconds) override { below_.pause(nanoseconds); }
  int utc_offset_minutes(core::Timestamp when) override { return below_.utc_offset_minutes(when); }

 private:
  core::Clock& below_;
  std::atomic<std::uint64_t> looks_{1};
};

/// The words of docs/JSON.md in backquotes.
std::set<std::string> documented_words() {
  const std::string text = read_file(CAIRN_TEST_VECTORS_DIR "/../../docs/JSON.md");
  std::set<std::string> words;
  for (std::size_t open = text.find('`'); open != std::string::npos;) {
    const std::size_t close = text.find('`', open + 1);
    REQUIRE(close != std::string::npos);
    words.insert(text.substr(open + 1, close - open - 1));
    open = text.find('`', close + 1);
  }
  return words;
}

class JsonFixture : public RepositoryFixture {
 public:
  JsonFixture() {
    // Something to look at, to take away, and to tell.
    clock.set_now({4'102'444'800, 0});
    write_file(tree + "/big", std::string(300'000, 'a'));
    backup();
    std::filesystem::create_hard_link(tree + "/big", tree + "/sub/link");
    write_file(tree + "/hello.txt", "hello again\n");
    backup({"--tag", "a", "--description", "words"});
    environment["CAIRN_FROM_REPOSITORY"] = folder / "repo";
    environment["CAIRN_FROM_KEY_FILE"] = folder / "key";
    must({"init", "-r", folder / "other"});
  }

  /// Runs with a clock that runs, and checks the form, and that every key is documented.
  void check(Form form, Args args, int status = 0) {
    clock.advance(std::chrono::hours(1));
    args.emplace_back("--json");
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Streams real = streams(in, out, err);
    RunningClock running(clock);
    const Streams slow{.in = in,
                       .out = out,
                       .err = err,
                       .file_system = real.file_system,
                       .clock = running,
                       .random = real.random,
                       .environment = real.environment,
                       .host = real.host,
                       .user = real.user,
                       .home_folder = real.home_folder,
                       .working_folder = real.working_folder,
                       .process = real.process,
                       .kdf = real.kdf};
    Streams streams = slow;
    Outcome outcome;
    outcome.status = cli::run(args, streams);
    outcome.out = out.str();
    outcome.err = err.str();
    CAPTURE(args, outcome.out, outcome.err);
    CHECK(outcome.status == status);
    const auto values = outcome.json_lines();
    if (form == Form::one_object) {
      CHECK(values.size() == 1);
    } else {
      REQUIRE_FALSE(values.empty());
      CHECK(values.back().at("type") == "summary");
    }
    for (const auto& value : values) {
      REQUIRE(value.is_object());
      if (form == Form::lines) {
        REQUIRE(value.contains("type"));
        types.insert(value.at("type").get<std::string>());
        CHECK(documented.contains(value.at("type").get<std::string>()));
      }
      check_keys(value);
    }
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);) {
      const auto value = nlohmann::json::parse(line);
      CHECK(value.contains("type"));
      check_keys(value);
    }
  }

  std::set<std::string> types;

 private:
  void check_keys(const nlohmann::json& value) {
    if (value.is_array()) {
      for (const auto& one : value) {
        check_keys(one);
      }
    }
    if (!value.is_object()) {
      return;
    }
    for (const auto& [key, below] : value.items()) {
      std::string name = key;
      if (name.ends_with("_base64")) {
        name.resize(name.size() - 7);
      }
      if (!documented.contains(name)) {
        UNSCOPED_INFO("not in docs/JSON.md: " << name);
        CHECK(documented.contains(name));
      }
      if (name != "stages") {  // whose keys are the names of stages
        check_keys(below);
      }
    }
  }

  std::set<std::string> documented = documented_words();
};

TEST_CASE_METHOD(JsonFixture, "commands that answer with lines of JSON give each a type") {
  check(Form::lines, {"backup", tree, "-v"});
  check(Form::lines, {"ls", "-R", "latest"});
  check(Form::lines, {"find", "*"});
  check(Form::lines, {"find", "--versions", tree + "/hello.txt"});
  check(Form::lines, {"diff", "latest~2", "latest"});
  check(Form::lines, {"restore", "latest:" + tree, "--target", folder / "new", "-v"});
  check(Form::lines, {"restore", "latest:" + tree, "--target", folder / "new", "--overwrite",
                      "always", "--delete"});
  check(Form::lines, {"verify", "--check-integrity"});
  check(Form::lines, {"copy", "-r", folder / "other", "--verify"});
  check(Form::lines, {"rewrite", "-e", "hello.txt", "-n"});
  check(Form::lines, {"rewrite", "-e", "hello.txt", "--forget"});
  check(Form::lines, {"repair", "packs"});
  check(Form::lines, {"repair", "snapshots"});
  // That progress was told, so that the other form was tried in earnest.
  CHECK(types.contains("progress"));
  CHECK(types.contains("change"));
  CHECK(types.contains("entry"));
}

TEST_CASE_METHOD(JsonFixture, "commands that answer with one object of JSON never say more") {
  write_file(folder / "pw", "new passphrase\n");
  check(Form::one_object, {"init", "-r", folder / "third", "--max-repo-size", "1G"});
  check(Form::one_object, {"config"});
  check(Form::one_object, {"snapshots"});
  check(Form::one_object, {"snapshots", "pin", "latest"});
  check(Form::one_object, {"snapshots", "unpin", "latest"});
  check(Form::one_object, {"tag", "add", "b", "-s", "latest"});
  check(Form::one_object, {"tag", "remove", "b", "-s", "latest"});
  check(Form::one_object, {"stats"});
  check(Form::one_object, {"stats", "--would-free", "latest", "--would-free", tree + "/big"});
  check(Form::one_object, {"dump", "latest:" + tree, "--output", folder / "tar"});
  check(Form::one_object, {"repair", "index"});
  check(Form::one_object, {"forget", "--keep-last", "1", "-n"});
  check(Form::one_object, {"forget", "--keep-last", "1", "--prune", "-v"});
  check(Form::one_object, {"prune", "-n"});
  check(Form::one_object, {"prune", "--max-unused", "0", "-v"});
  check(Form::one_object, {"key", "add", "--new-password-file", folder / "pw", "--name", "second"});
  check(Form::one_object, {"key", "list"});
  check(Form::one_object, {"key", "passwd", "--new-key-file", folder / "key2"});
  environment["CAIRN_KEY_FILE"] = folder / "key2";
  const auto keys = must({"key", "list", "--json"}).json().at("keys");
  for (const auto& key : keys) {
    if (key.at("kind") == "passphrase") {
      check(Form::one_object, {"key", "remove", key.at("id").get<std::string>()});
    }
  }
  check(Form::one_object, {"version"});
  check(Form::one_object, {"help", "backup"});
  check(Form::one_object, {"backup", "--help"});
}

TEST_CASE_METHOD(JsonFixture,
                 "errors are JSON on standard error, and nothing is on standard output") {
  for (const Args& args :
       {Args{"snapshots", "-r", "/no/such/repository"}, Args{"backup"}, Args{"nonsense"},
        Args{"dump", "latest:/nothing"}, Args{"forget", "deadbeef"}, Args{"init"}}) {
    Args with_json = args;
    with_json.emplace_back("--json");
    const Outcome failed = run(with_json);
    CAPTURE(args, failed.out, failed.err);
    CHECK(failed.out.empty());
    const auto error = nlohmann::json::parse(failed.err);
    CHECK(error.at("type") == "error");
    CHECK(error.at("exit_code") == failed.status);
  }
}

}  // namespace
}  // namespace cairn::cli
