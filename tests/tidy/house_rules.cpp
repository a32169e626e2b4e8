#include "tidy/house_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "tidy/rooms.h"

namespace cairn::tidy {
namespace {

constexpr std::size_t kSourceLinesMax = 600;
constexpr std::size_t kRootListLinesMax = 200;

constexpr std::string_view kWordCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

bool is_library(std::string_view path) {
  return path.starts_with("core/") || path.starts_with("chunker/") || path.starts_with("repo/");
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::size_t line_of(std::string_view text, std::size_t position) {
  return 1 + static_cast<std::size_t>(std::count(
                 text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) {
      parts.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

struct Word {
  std::string_view text;
  std::size_t position = 0;
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word(text[end])) {
      ++end;
    }
    if (end > i) {
      words.push_back({text.substr(i, end - i), i});
    }
    i = std::max(end, i + 1);
  }
  return words;
}

// --- Include lines ---

struct LayerRule {
  std::string_view folder;  ///< Files below it ...
  std::string_view banned;  ///< ... must not include what begins so ...
  std::string_view reason;  ///< ... for this reason.
};

constexpr std::array kLayerRules = std::to_array<LayerRule>({
    {"core/", "cairn/chunker/", "core knows no other layer"},
    {"core/", "cairn/repo/", "core knows no other layer"},
    {"chunker/", "cairn/repo/", "chunker knows core only"},
    {"chunker/", "cairn/core/file_system.h", "chunker does no I/O"},
    {"chunker/", "fstream", "chunker does no I/O"},
    {"chunker/", "thread", "chunker has no threads"},
    {"chunker/", "mutex", "chunker has no threads"},
    {"core/", "CLI/", "arguments belong to cli"},
    {"chunker/", "CLI/", "arguments belong to cli"},
    {"repo/", "CLI/", "arguments belong to cli"},
    {"repo/", "commands/", "repo does not know cli"},
    {"repo/include/", "format/", "a public header must not need a private one"},
    {"repo/include/", "store/", "a public header must not need a private one"},
    {"repo/include/", "ops/", "a public header must not need a private one"},
    {"repo/src/format/", "cairn/core/file_system.h", "format does no I/O"},
    {"repo/src/format/", "fstream", "format does no I/O"},
    {"repo/src/format/", "unistd.h", "format does no I/O"},
    {"repo/src/format/", "fcntl.h", "format does no I/O"},
    {"cli/", "format/", "cli uses the public headers of repo"},
    {"cli/", "store/", "cli uses the public headers of repo"},
    {"cli/", "ops/", "cli uses the public headers of repo"},
    {"core/", "iostream", "libraries never print"},
    {"chunker/", "iostream", "libraries never print"},
    {"repo/", "iostream", "libraries never print"},
});

/// Third-party headers a public header may not pull into its users.
constexpr std::array kPrivateDependencies =
    std::to_array<std::string_view>({"fmt/", "lmdb.h", "nlohmann/", "openssl/", "sodium", "zstd"});

// --- Identifiers ---

enum class Use { anywhere, call, qualified_call, clock_now };
enum class Where { libraries, tests, both };

struct IdentifierRule {
  std::string_view name;
  Use use;
  Where where;
  std::string_view reason;
};

constexpr std::string_view kNoOutput = "libraries never print: return a value or an error";
constexpr std::string_view kNoExit = "libraries never exit: return an error";
constexpr std::string_view kPassIn = "is passed in by the caller (clock, randomness, environment)";
constexpr std::string_view kNoSleep = "tests do not sleep: use a fake clock or wait for the event";

constexpr std::array kIdentifierRules = std::to_array<IdentifierRule>({
    {"cout", Use::anywhere, Where::libraries, kNoOutput},
    {"cerr", Use::anywhere, Where::libraries, kNoOutput},
    {"clog", Use::anywhere, Where::libraries, kNoOutput},
    {"printf", Use::call, Where::libraries, kNoOutput},
    {"fprintf", Use::call, Where::libraries, kNoOutput},
    {"puts", Use::call, Where::libraries, kNoOutput},
    {"putchar", Use::call, Where::libraries, kNoOutput},
    {"perror", Use::call, Where::libraries, kNoOutput},
    {"exit", Use::call, Where::libraries, kNoExit},
    {"abort", Use::qualified_call, Where::libraries, kNoExit},
    {"terminate", Use::qualified_call, Where::libraries, "a broken precondition is an Expects()"},
    {"quick_exit", Use::call, Where::libraries, kNoExit},
    {"getenv", Use::call, Where::libraries, kPassIn},
    {"secure_getenv", Use::call, Where::libraries, kPassIn},
    {"rand", Use::call, Where::both, kPassIn},
    {"srand", Use::call, Where::both, kPassIn},
    {"random_device", Use::anywhere, Where::both, kPassIn},
    {"time", Use::call, Where::both, kPassIn},
    {"system_clock", Use::clock_now, Where::both, kPassIn},
    {"steady_clock", Use::clock_now, Where::libraries, kPassIn},
    {"sleep", Use::call, Where::tests, kNoSleep},
    {"usleep", Use::call, Where::tests, kNoSleep},
    {"nanosleep", Use::call, Where::tests, kNoSleep},
    {"sleep_for", Use::call, Where::tests, kNoSleep},
    {"sleep_until", Use::call, Where::tests, kNoSleep},
});

/// The implementation of the clock and its test are where the system's clock may be read.
/// Where what others are passed comes from.
bool asks_the_system(std::string_view path) {
  return file_name(path).starts_with("clock") || path == "repo/src/environment.cpp";
}

std::string_view trim_right(std::string_view text) {
  const auto last = text.find_last_not_of(" \t\n");
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

std::string_view last_word(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && is_word(text[begin - 1])) {
    --begin;
  }
  return text.substr(begin);
}

/// Tells a call of the library function from a member and from a declaration of the same name.
bool is_call(std::string_view before, std::string_view after) {
  const auto open = after.find_first_not_of(" \t\n");
  if (open == std::string_view::npos || after[open] != '(') {
    return false;
  }
  before = trim_right(before);
  if (before.ends_with('.') || before.ends_with("->")) {
    return false;
  }
  if (before.ends_with("::")) {
    before.remove_suffix(2);
    const auto qualifier = last_word(before);
    return qualifier.empty() || qualifier == "std" || qualifier == "this_thread" ||
           qualifier == "return";
  }
  const auto previous = last_word(before);
  // After a type it is a declaration: `Time time() const`.
  return (previous.empty() && !before.ends_with('&') && !before.ends_with('*')) ||
         previous == "return" || previous == "else" || previous == "do";
}

bool breaks(const IdentifierRule& rule, std::string_view code, const Word& word) {
  const auto before = code.substr(0, word.position);
  const auto after = code.substr(word.position + word.text.size());
  switch (rule.use) {
    case Use::anywhere:
      return true;
    case Use::call:
      return is_call(before, after);
    case Use::qualified_call:  // `abort()` alone is a good name for a member of a transaction
      return trim_right(before).ends_with("::") && is_call(before, after);
    case Use::clock_now:
      return after.starts_with("::now");
  }
  return false;
}

/// A `decode_x` that is given bytes; one that is given a Decoder reads a part of a record.
bool decodes_record(std::string_view code, const Word& word) {
  const auto rest = code.substr(word.position + word.text.size());
  const auto parameter = rest.substr(0, rest.find_first_of(",)"));
  return word.text.starts_with("decode_") && parameter.find("ByteView") != std::string_view::npos;
}

// --- CMake ---

/// Words of a CMakeLists.txt without its comments.
std::vector<std::string> cmake_words(std::string_view text) {
  std::vector<std::string> words;
  for (const auto line : split(text, "\n")) {
    for (const auto word : split(line.substr(0, line.find('#')), " \t()\"")) {
      words.emplace_back(word);
    }
  }
  return words;
}

/// "a/b/c.cpp" as seen from the CMakeLists.txt in "a/": "b/c.cpp"; nothing if it is elsewhere.
std::optional<std::string_view> seen_from(std::string_view list_path, std::string_view path) {
  const auto folder = list_path.substr(0, list_path.size() - file_name(list_path).size());
  if (!path.starts_with(folder)) {
    return std::nullopt;
  }
  return path.substr(folder.size());
}

}  // namespace

std::string to_string(const Finding& finding) {
  return fmt::format("{}:{}: {}", finding.path, finding.line, finding.message);
}

Findings check_layers(Tree tree) {
  Findings findings;
  std::vector<Finding> lmdb_users;
  for (const auto& file : tree) {
    if (!is_source(file.path)) {
      continue;
    }
    const auto code = blank_comments(file.text, Literals::keep);
    const bool is_public = file.path.find("/include/cairn/") != std::string::npos;
    for (const auto& include : includes_of(code)) {
      for (const auto& rule : kLayerRules) {
        if (file.path.starts_with(rule.folder) && include.target.starts_with(rule.banned)) {
          findings.push_back({file.path, include.line,
                              fmt::format("includes {}: {}", include.target, rule.reason)});
        }
      }
      for (const auto dependency : kPrivateDependencies) {
        if (is_public && include.target.starts_with(dependency)) {
          findings.push_back(
              {file.path, include.line,
               fmt::format("includes {}: private to the implementation", include.target)});
        }
      }
      if (include.target.starts_with("../")) {
        findings.push_back({file.path, include.line, "includes by a relative path"});
      }
      if (include.target == "lmdb.h") {
        lmdb_users.push_back({file.path, include.line, "a second file includes <lmdb.h>"});
      }
    }
    if (file.path.ends_with(".h") && code.find("#pragma once") == std::string::npos) {
      findings.push_back({file.path, 1, "header without #pragma once"});
    }
  }
  if (lmdb_users.size() > 1) {
    findings.insert(findings.end(), lmdb_users.begin(), lmdb_users.end());
  }
  return findings;
}

Findings check_sizes(Tree tree) {
  Findings findings;
  for (const auto& file : tree) {
    const bool is_root_list = file.path == "CMakeLists.txt";
    if (!is_source(file.path) && !is_root_list) {
      continue;
    }
    const auto limit = is_root_list ? kRootListLinesMax : kSourceLinesMax;
    const auto lines =
        static_cast<std::size_t>(std::count(file.text.begin(), file.text.end(), '\n'));
    if (lines > limit) {
      findings.push_back({file.path, lines, fmt::format("{} lines, limit {}", lines, limit)});
    }
  }
  return findings;
}

Findings check_paths(Tree tree) {
  static constexpr auto kBanned = std::to_array<std::string_view>(
      {"util", "utils", "common", "helper", "helpers", "manager", "misc"});
  Findings findings;
  for (const auto& file : tree) {
    for (const auto word : split(file.path, "/_-.")) {
      if (std::find(kBanned.begin(), kBanned.end(), word) != kBanned.end()) {
        findings.push_back(
            {file.path, 0, fmt::format("\"{}\" in a name: say what it is for", word)});
      }
    }
  }
  return findings;
}

Findings check_identifiers(Tree tree) {
  Findings findings;
  for (const auto& file : tree) {
    const bool in_library = is_library(file.path);
    const bool in_tests = file.path.starts_with("tests/");
    if (!is_source(file.path) || !(in_library || in_tests) || asks_the_system(file.path)) {
      continue;
    }
    const auto code = blank_comments(file.text, Literals::blank);
    for (const auto& word : words_of(code)) {
      for (const auto& rule : kIdentifierRules) {
        const bool applies =
            rule.where == Where::both || (rule.where == Where::libraries ? in_library : in_tests);
        if (applies && word.text == rule.name && breaks(rule, code, word)) {
          findings.push_back({file.path, line_of(code, word.position),
                              fmt::format("{}: {}", rule.name, rule.reason)});
        }
      }
    }
  }
  return findings;
}

Findings check_catch_names(Tree tree) {
  static const std::set<std::string, std::less<>> kInBothVersions = {"Contains", "StartsWith"};
  static constexpr std::string_view kOurs = "tests/support/catch2.h";
  Findings findings;
  const auto find = [&findings](const SourceFile& file, std::string_view code, std::size_t position,
                                std::string_view what) {
    findings.push_back(
        {file.path, line_of(code, position),
         fmt::format("{}: not in every Catch2 that we build with: {}", what, kOurs)});
  };
  for (const auto& file : tree) {
    if (!is_source(file.path) || !file.path.starts_with("tests/") || file.path == kOurs) {
      continue;
    }
    const auto code = blank_comments(file.text, Literals::blank);
    for (const auto& word : words_of(code)) {
      const auto after = std::string_view(code).substr(word.position + word.text.size());
      if (word.text == "Approx") {  // global in v2, in Catch since v3
        find(file, code, word.position, word.text);
      }
      if (word.text != "Catch" || !after.starts_with("::")) {
        continue;
      }
      const auto name = after.substr(2, after.find_first_not_of(kWordCharacters, 2) - 2);
      if (!kInBothVersions.contains(name)) {
        find(file, code, word.position, fmt::format("Catch::{}", name));
      }
    }
    for (const auto& include : includes_of(code)) {
      if (include.target.starts_with("catch2/")) {
        findings.push_back({file.path, include.line, fmt::format("include {} instead", kOurs)});
      }
    }
  }
  return findings;
}

Findings check_notes(Tree tree) {
  // Put together here, so that this file passes its own check.
  static const std::set<std::string, std::less<>> kNotes = {
      std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X",
      std::string("HA") + "CK"};
  Findings findings;
  for (const auto& file : tree) {
    for (const auto& word : words_of(file.text)) {
      if (kNotes.contains(word.text)) {
        findings.push_back({file.path, line_of(file.text, word.position),
                            fmt::format("{}: do it, or open an issue", word.text)});
      }
    }
  }
  return findings;
}

Findings check_source_lists(Tree tree) {
  struct List {
    std::string_view path;
    std::vector<std::string> words;
  };
  std::vector<List> lists;
  for (const auto& file : tree) {
    if (file_name(file.path) == "CMakeLists.txt") {
      lists.push_back({file.path, cmake_words(file.text)});
    }
  }
  Findings findings;
  for (const auto& file : tree) {
    const bool is_public_header = is_library(file.path) && file.path.ends_with(".h") &&
                                  file.path.find("/include/") != std::string::npos;
    if (!file.path.ends_with(".cpp") && !is_public_header) {
      continue;
    }
    const bool listed = std::any_of(lists.begin(), lists.end(), [&file](const List& list) {
      const auto name = seen_from(list.path, file.path);
      return name && std::find(list.words.begin(), list.words.end(), *name) != list.words.end();
    });
    if (!listed) {
      findings.push_back({file.path, 0, "is in no list of any CMakeLists.txt"});
    }
  }
  return findings;
}

Findings check_fuzz_targets(Tree tree) {
  static constexpr std::string_view kList = "fuzz/CMakeLists.txt";
  static constexpr std::string_view kCorpus = "fuzz/corpus/";
  std::set<std::string> targets;
  std::set<std::string> corpora;
  std::set<std::string, std::less<>> fuzzed_words;
  for (const auto& file : tree) {
    if (file.path == kList) {
      const auto words = cmake_words(file.text);
      for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "cairn_add_fuzz_target") {
          targets.insert(words[i + 1]);
        }
      }
      targets.erase("name");  // the definition of the function
    } else if (file.path.starts_with(kCorpus)) {
      corpora.emplace(split(file.path.substr(kCorpus.size()), "/").front());
    } else if (file.path.starts_with("fuzz/") && is_source(file.path)) {
      for (const auto& word : words_of(file.text)) {
        fuzzed_words.emplace(word.text);
      }
    }
  }
  corpora.erase("canary");

  Findings findings;
  for (const auto& target : targets) {
    if (!corpora.contains(target)) {
      findings.push_back(
          {std::string(kList), 0, fmt::format("no inputs in {}{}", kCorpus, target)});
    }
  }
  for (const auto& corpus : corpora) {
    if (!targets.contains(corpus)) {
      findings.push_back({std::string(kCorpus) + corpus, 0, "corpus of no fuzz target"});
    }
  }
  for (const auto& file : tree) {
    if (!file.path.starts_with("repo/src/format/") || !file.path.ends_with(".h")) {
      continue;
    }
    const auto code = blank_comments(file.text, Literals::blank);
    for (const auto& word : words_of(code)) {
      if (decodes_record(code, word) && !fuzzed_words.contains(word.text)) {
        findings.push_back({file.path, line_of(code, word.position),
                            fmt::format("no fuzz target calls {}", word.text)});
      }
    }
  }
  return findings;
}

std::vector<Include> includes_of(std::string_view code) {
  std::vector<Include> includes;
  std::size_t number = 0;
  while (!code.empty()) {
    const auto end = std::min(code.find('\n'), code.size());
    const auto line = code.substr(0, end);
    code.remove_prefix(std::min(end + 1, code.size()));
    ++number;
    const auto parts = split(line, " \t#<>\"");
    const auto first = line.find_first_not_of(" \t");
    if (parts.size() >= 2 && line[first] == '#' && parts[0] == "include") {
      includes.push_back({std::string(parts[1]), number, line.find('"') != std::string_view::npos});
    }
  }
  return includes;
}

Findings check_all(Tree tree, Rooms rooms) {
  Findings all = check_rooms(tree, rooms);
  auto of_picture = check_picture(tree, rooms);
  std::move(of_picture.begin(), of_picture.end(), std::back_inserter(all));
  for (const auto check :
       {check_layers, check_sizes, check_paths, check_identifiers, check_catch_names, check_notes,
        check_source_lists, check_fuzz_targets}) {
    auto findings = check(tree);
    std::move(findings.begin(), findings.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace cairn::tidy
