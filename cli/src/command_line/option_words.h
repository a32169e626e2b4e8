#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

/// How words reach CLI11 unharmed, and options that take them. Used by the ..._arguments.cpp alone.
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

/// A command with its help text, by its full name: "key add".
CLI::App& add_command(CLI::App& parent, std::string_view full_name);

/// An option with one value; the last one given counts. `value` must outlive the app.
CLI::Option* add_text(CLI::App& app, const char* names, std::string& value, const char* placeholder,
                      const char* description);
/// An option, or positional words, with many values. `values` must outlive the app.
CLI::Option* add_list(CLI::App& app, const char* names, std::vector<std::string>& values,
                      const char* placeholder, const char* description);

}  // namespace cairn::cli
