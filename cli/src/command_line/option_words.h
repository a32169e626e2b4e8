#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// How words reach CLI11 unharmed, and options that take them.
namespace cairn::cli {

// CLI11 reads "[a,b]" as a list, "{}" as an empty one, and "++" and "%%" as separators, even where
// they are names of files. A byte in front of such words hides them until they are ours, and
// likewise all words behind "--", which it would hand to another command if this one's list of
// values may be empty.

/// Hides a word that stands behind "--" from CLI11: it is a value, whatever it looks like.
[[nodiscard]] std::string hide(const std::string& word);
/// True for a word that hide() made.
[[nodiscard]] bool stood_behind_dashes(const std::string& word);
/// Hides it if CLI11 would take it apart.
[[nodiscard]] std::string shield(const std::string& word);
[[nodiscard]] std::string unshield(std::string word);
[[nodiscard]] std::string without_shields(std::string text);

// What the options below fill must outlive the app.

/// An option with one value; the last one given counts.
CLI::Option* add_text(CLI::App& app, const char* names, std::string& value, const char* placeholder,
                      const char* description);
/// An option that takes all values behind it.
CLI::Option* add_list(CLI::App& app, const char* names, std::vector<std::string>& values,
                      const char* placeholder, const char* description);
/// An option with one value, which may be given several times.
CLI::Option* add_repeated(CLI::App& app, const char* names, std::vector<std::string>& values,
                          const char* placeholder, const char* description);
/// Words without an option.
CLI::Option* add_words(CLI::App& app, const char* name, std::vector<std::string>& values,
                       const char* description);

}  // namespace cairn::cli
