#include <stdio.h>  // popen is POSIX: <cstdio> need not have it

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/repo/path_filter.h"
#include "catch2.h"
#include "seeded_random.h"
#include "temp_folder.h"

// Git is asked what it makes of the same patterns and paths.

using namespace cairn;
using cairn::repo::PathFilter;
using cairn::test::SeededRandom;
using cairn::test::TempFolder;

namespace {

namespace fs = std::filesystem;
using Decision = PathFilter::Decision;
using Decisions = std::map<std::string, Decision>;

struct TestPath {
  std::string path;
  bool is_folder = false;
};

/// A work tree of Git with empty files, and what `git check-ignore` says of them.
class GitTree {
 public:
  explicit GitTree(std::vector<TestPath> paths) : paths_(std::move(paths)) {
    can_run_ = std::system(("git init -q '" + folder_.path() + "' >/dev/null 2>&1").c_str()) == 0;
    for (const TestPath& path : paths_) {
      if (path.is_folder) {
        fs::create_directory(folder_ / path.path);
      } else {
        std::ofstream(folder_ / path.path) << "";
      }
    }
    std::ofstream list(folder_ / ".git/paths", std::ios::binary);
    for (const TestPath& path : paths_) {
      list << path.path << '\0';
    }
  }

  [[nodiscard]] bool can_run() const noexcept { return can_run_; }
  [[nodiscard]] const std::vector<TestPath>& paths() const noexcept { return paths_; }

  /// Of every path. With -v -n -z there are four fields for each: the file of the pattern (empty if
  /// none matches), its line, the pattern, the path.
  [[nodiscard]] Decisions decide(const std::string& lines) const {
    std::ofstream(folder_ / ".git/info/exclude", std::ios::binary) << lines;
    const std::string command =
        "cd '" + folder_.path() +
        "' && HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 XDG_CONFIG_HOME=/nonexistent git "
        "-c core.ignoreCase=false check-ignore --no-index -v -n -z --stdin <.git/paths";
    const std::string answer = output_of(command);
    std::vector<std::string> fields;
    for (std::size_t at = 0; at < answer.size();) {
      const std::size_t end = answer.find('\0', at);
      fields.push_back(answer.substr(at, end - at));
      at = end + 1;
    }
    REQUIRE(fields.size() == 4 * paths_.size());
    Decisions decisions;
    for (std::size_t i = 0; i < fields.size(); i += 4) {
      decisions[fields[i + 3]] = fields[i].empty()                ? Decision::unmentioned
                                 : fields[i + 2].starts_with('!') ? Decision::included
                                                                  : Decision::excluded;
    }
    return decisions;
  }

 private:
  static std::string output_of(const std::string& command) {
    ::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string output;
    std::array<char, 4096> block;
    for (std::size_t got = 1; got > 0;) {
      got = ::fread(block.data(), 1, block.size(), pipe);
      output.append(block.data(), got);
    }
    ::pclose(pipe);
    return output;
  }

  TempFolder folder_;
  std::vector<TestPath> paths_;
  bool can_run_ = false;
};

/// Folders come before what they hold.
GitTree make_git_tree(SeededRandom& random) {
  const std::vector<std::string> names = {"a", "b", "ab", "ba",  "abc", "a.b", "A",
                                          "-", "]", "[",  "a b", "*",   "\\",  "\xff"};
  std::vector<TestPath> paths;
  std::vector<std::string> folders = {""};
  for (std::size_t next = 0; next < folders.size(); ++next) {
    const std::string folder = folders[next];
    for (const std::string& name : names) {
      const bool is_folder = folder.size() < 8 && random.below(folder.empty() ? 2 : 6) == 0;
      if (!is_folder && random.below(2) == 0) {
        continue;
      }
      paths.push_back({folder + name, is_folder});
      if (is_folder) {
        folders.push_back(folder + name + '/');
      }
    }
  }
  return GitTree(std::move(paths));
}

/// What Git answers for a path with its folders: below an excluded folder everything is excluded.
Decision decide_with_folders(const PathFilter& filter, const TestPath& path) {
  for (std::size_t slash = path.path.find('/'); slash != std::string::npos;
       slash = path.path.find('/', slash + 1)) {
    if (filter.decide(path.path.substr(0, slash), true) == Decision::excluded) {
      return Decision::excluded;
    }
  }
  return filter.decide(path.path, path.is_folder);
}

std::string random_name_pattern(SeededRandom& random) {
  const std::vector<std::string> parts = {
      "a",          "b",       "c",    "ab",   "A",     ".",     "-",     "?",
      "*",          "*",       "[ab]", "[!a]", "[^ab]", "[a-c",  "[]-a]", "[-]",
      "[[:alpha:]", "[[:x:]]", "\\*",  "\\a",  "\\\\",  "[a-c]", "[\\]]", "[[:punct:]]",
      "\xff",       " ",       "]",    "[[:]", "\\ ",   "[c-a]",
  };
  std::string name;
  for (auto count = 1 + random.below(3); count > 0; --count) {
    name += parts[random.below(parts.size())];
  }
  return name;
}

/// Not generated: "a**/b". Git before version 2.52 took that for "a", then "**/b", which is not
/// what its manual says.
std::string random_pattern(SeededRandom& random) {
  std::string pattern = random.below(5) == 0 ? "!" : "";
  pattern += random.below(4) == 0 ? "/" : "";
  for (auto count = random.below(3) == 0 ? 3 : 1 + random.below(2); count > 0; --count) {
    pattern +=
        random.below(5) == 0 ? (random.below(4) == 0 ? "***" : "**") : random_name_pattern(random);
    pattern += count == 1 ? "" : random.below(12) == 0 ? "\\/" : random.below(20) == 0 ? "//" : "/";
  }
  pattern += random.below(5) == 0 ? "/" : "";
  return pattern + (random.below(8) == 0 ? "  " : "");
}

/// How often the patterns said something, so that a test can tell that they did.
std::size_t check_alike(const GitTree& tree, const std::vector<std::string>& lines) {
  PathFilter filter;
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
    // What we refuse, Git takes for a pattern that matches nothing.
    static_cast<void>(filter.add_file_lines(line));
  }
  const Decisions expected = tree.decide(text);
  std::size_t mentioned = 0;
  for (const TestPath& path : tree.paths()) {
    mentioned += expected.at(path.path) != Decision::unmentioned ? 1U : 0U;
    if (decide_with_folders(filter, path) != expected.at(path.path)) {
      CAPTURE(text, path.path, path.is_folder, static_cast<int>(expected.at(path.path)));
      CHECK(decide_with_folders(filter, path) == expected.at(path.path));
    }
  }
  return mentioned;
}

}  // namespace

TEST_CASE("Random patterns mean what they mean to Git", "[path_filter]") {
  SeededRandom random(20);
  const GitTree tree = make_git_tree(random);
  if (!tree.can_run()) {
    WARN("skipped: there is no git");
    return;
  }
  REQUIRE(tree.paths().size() > 100);
  std::size_t mentioned = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> lines;
    for (auto count = 1 + random.below(4); count > 0; --count) {
      lines.push_back(random_pattern(random));
    }
    mentioned += check_alike(tree, lines);
  }
  CHECK(mentioned > 5000);
}

TEST_CASE("Odd patterns mean what they mean to Git", "[path_filter]") {
  SeededRandom random(21);
  const GitTree tree = make_git_tree(random);
  if (!tree.can_run()) {
    WARN("skipped: there is no git");
    return;
  }
  const std::vector<std::vector<std::string>> cases = {
      {"*", "!*/"},
      {"/*", "!/a/", "/a/*", "!/a/b"},
      {"**", "!a"},
      {"a/", "!a/b"},
      {"**/**"},
      {"a/**/"},
      {"**/a/**"},
      {"/"},
      {"//a"},
      {"a//"},
      {"\\/a"},
      {"!"},
      {"!!a"},
      {"#a"},
      {"\\#a"},
      {" "},
      {"a\\ b"},
      {"a "},
      {"a\\"},
      {"[a/b]"},
      {"[!a]/[!b]"},
      {"*a*b*"},
      {"?*"},
      {"*?"},
      {"***"},
      {"/***"},
      {"a/**\\/b"},
      {"**\\/b"},
      {"[[:upper:]]*"},
      {"[[:print:]]"},
      {"\xef\xbb\xbf"
       "a"},
      {"a\r"},
      {"[\\"},
  };
  std::size_t mentioned = 0;
  for (const auto& lines : cases) {
    mentioned += check_alike(tree, lines);
  }
  CHECK(mentioned > 500);
}
