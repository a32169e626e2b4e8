#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// How arguments pass through CLI11 unharmed, and options that take them.
namespace cairn::cli {

// CLI11 reads "[a,b]" as a list, "{}" as an empty one, and "++" and "%%" as separators, even if
// they are names of files. A byte before such words hides them until CLI11 is done. The same is
// done with all words after "--", which CLI11 would pass to another command if this one's list of
// values may be empty.

/// Hides a word after "--" from CLI11: it is a value, whatever it looks like.
[[nodiscard]] std::string hide(const std::string& word);
/// True for a word that hide() made.
[[nodiscard]] bool stood_behind_dashes(const std::string& word);
/// Hides the word if CLI11 would split it.
[[nodiscard]] std::string shield(const std::string& word);
[[nodiscard]] std::string unshield(std::string word);
[[nodiscard]] std::string without_shields(std::string text);

// The variables that the options below fill must outlive the app.

/// An option with one value; the last one given counts.
CLI::Option* add_text(CLI::App& app, const char* names, std::string& value, const char* placeholder,
                      const char* description);
/// An option that takes all values after it.
CLI::Option* add_list(CLI::App& app, const char* names, std::vector<std::string>& values,
                      const char* placeholder, const char* description);
/// An option with one value, which may be given several times.
CLI::Option* add_repeated(CLI::App& app, const char* names, std::vector<std::string>& values,
                          const char* placeholder, const char* description);
/// Arguments without an option.
CLI::Option* add_words(CLI::App& app, const char* name, std::vector<std::string>& values,
                       const char* description);

}  // namespace cairn::cli
