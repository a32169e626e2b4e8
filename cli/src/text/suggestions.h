#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What a mistyped word may have meant.
namespace cairn::cli {

/// How many letters must be put in, left out, changed, or swapped with their neighbour to make one
/// word of the other.
[[nodiscard]] std::size_t typing_distance(std::string_view a, std::string_view b);

/// Those of the known words that are as near as a slip of the finger, nearest first, at most three.
[[nodiscard]] std::vector<std::string> near_words(std::string_view word,
                                                  const std::vector<std::string>& known);

/// What does here what a command of this name does in other programs of the kind; empty: nothing.
[[nodiscard]] std::string_view command_of_others(std::string_view word);
/// The same for an option: "--read-data".
[[nodiscard]] std::string_view option_of_others(std::string_view word);

/// "did you mean a, b or c?"; empty if there are none.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& words);

}  // namespace cairn::cli
