#pragma once

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/crypto.h"
#include "cairn/core/file_system.h"
#include "catch2.h"
#include "fake_clock.h"
#include "io/streams.h"
#include "run.h"
#include "seeded_random.h"
#include "temp_folder.h"

namespace cairn::cli {

using Args = std::vector<std::string>;

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  REQUIRE(file);
}

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;

  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
  /// One value for each line of standard output.
  [[nodiscard]] std::vector<nlohmann::json> json_lines() const {
    std::vector<nlohmann::json> values;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      values.push_back(nlohmann::json::parse(line));
    }
    return values;
  }
};

/// The program without a process: everything it touches belongs to the test.
class CliFixture {
 public:
  CliFixture() {
    REQUIRE(core::init_crypto());
    environment["CAIRN_CACHE_DIR"] = folder / "cache";
  }

  /// As the test has set them up so far; `out` and `err` are no terminals unless it says so.
  [[nodiscard]] Streams streams(std::istream& in, std::ostream& out, std::ostream& err) {
    Streams streams{.in = in,
                    .out = out,
                    .err = err,
                    .file_system = *file_system,
                    .clock = clock,
                    .random = random};
    streams.err_is_terminal = terminal;
    streams.err_columns = [] { return std::size_t{100}; };
    streams.environment = [this](const std::string& name) {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    streams.ask_passphrase = [this](std::string_view prompt) { return answer(prompt); };
    if (terminal) {
      streams.confirm = [this](std::string_view question) -> core::Result<bool> {
        prompts.emplace_back(question);
        return says_yes;
      };
    }
    streams.progress_wanted = progress_wanted;
    streams.host = "host";
    streams.user = "ada";
    streams.home_folder = folder.path();
    streams.working_folder = working_folder;
    streams.process = {.place = {}, .number = 1};
    streams.kdf = {.passes = 1, .memory_kib = core::kKdfMemoryKibMin};
    streams.stop = stop.get_token();
    return streams;
  }

  Outcome run(const std::vector<std::string>& args) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Streams real = streams(in, out, err);
    Outcome outcome;
    outcome.status = cli::run(args, real);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }

  /// Runs, and fails the test unless it went well.
  Outcome must(const std::vector<std::string>& args) {
    Outcome outcome = run(args);
    CAPTURE(args, outcome.out, outcome.err);
    REQUIRE(outcome.status == 0);
    return outcome;
  }

  test::TempFolder folder;
  std::unique_ptr<core::FileSystem> file_system = core::make_posix_file_system();
  test::FakeClock clock;
  test::SeededRandom random{1};
  std::map<std::string, std::string> environment;
  std::deque<std::string> typed;     ///< answers to prompts; none left: no terminal
  std::vector<std::string> prompts;  ///< what was asked
  std::string input;
  std::string working_folder = folder.path();
  std::function<bool()> progress_wanted;
  bool terminal = false;
  bool says_yes = true;  ///< when asked on the terminal
  std::stop_source stop;

 private:
  core::Result<core::SecretBytes> answer(std::string_view prompt) {
    if (typed.empty()) {
      return core::fail(core::ErrorCode::not_found, "there is no terminal");
    }
    prompts.emplace_back(prompt);
    const std::string text = typed.front();
    typed.pop_front();
    return core::SecretBytes::copy_of(core::as_view(text));
  }
};

/// With a repository, its key file in the environment, and a tree to back up.
class RepositoryFixture : public CliFixture {
 public:
  RepositoryFixture() {
    environment["CAIRN_REPOSITORY"] = folder / "repo";
    environment["CAIRN_KEY_FILE"] = folder / "key";
    must({"init"});
    tree = folder / "tree";
    std::filesystem::create_directories(tree + "/sub/empty");
    write_file(tree + "/hello.txt", "hello\n");
    write_file(tree + "/sub/new\nline", "x");
    write_file(tree + "/sub/\xff", "not UTF-8");
    std::filesystem::create_symlink("hello.txt", tree + "/link");
  }

  /// Id of a new snapshot, an hour after the one before.
  std::string backup(const std::vector<std::string>& more = {}) {
    clock.advance(std::chrono::hours(1));
    std::vector<std::string> args = {"backup", tree, "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return must(args).json_lines().back().at("id").get<std::string>();
  }

  std::string tree;
};

}  // namespace cairn::cli
