#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The house rules of docs/CONTRIBUTING.md that a program can check. Every check is a pure function
/// from files to findings, so that each can be shown to find what it is there to find.
namespace cairn::tidy {

struct SourceFile {
  std::string path;  ///< Relative to the root of the repository, with '/'.
  std::string text;
};

struct Finding {
  std::string path;
  std::size_t line = 0;  ///< From 1; 0 = the file as a whole.
  std::string message;
};

using Findings = std::vector<Finding>;
using Tree = std::span<const SourceFile>;

/// "path:line: message".
std::string to_string(const Finding& finding);

/// Who may include whom, read from the include lines.
Findings check_layers(Tree tree);

/// Length of files.
Findings check_sizes(Tree tree);

/// Words that say nothing in the names of files and folders.
Findings check_paths(Tree tree);

/// Output, exit, environment, clock and randomness in libraries; sleeps and entropy in tests.
Findings check_identifiers(Tree tree);

/// Names of Catch2 that not every version has which we build with, outside tests/support/catch2.h.
Findings check_catch_names(Tree tree);

/// Notes to oneself.
Findings check_notes(Tree tree);

/// Every source is in a list of some CMakeLists.txt, and so is every public header.
Findings check_source_lists(Tree tree);

/// Every fuzz target has a corpus, every corpus a target, every decoder of a record a target.
Findings check_fuzz_targets(Tree tree);

struct Room;

/// All of the above, and those of rooms.h.
Findings check_all(Tree tree, std::span<const Room> rooms);

struct Include {
  std::string target;
  std::size_t line = 0;
  bool is_quoted = false;
};

/// Those of `code`, of which comments are blanked.
std::vector<Include> includes_of(std::string_view code);

/// `text` with comments, and on request literals too, replaced by spaces; line ends stay.
enum class Literals { keep, blank };
std::string blank_comments(std::string_view text, Literals literals);

}  // namespace cairn::tidy
