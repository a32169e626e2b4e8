#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What a mistyped word may have meant.
namespace cairn::cli {

/// How many letters must be inserted, removed, changed, or swapped with their neighbour to turn one
/// word into the other.
[[nodiscard]] std::size_t typing_distance(std::string_view a, std::string_view b);

/// The known words within the distance of a typing mistake, nearest first, at most three.
[[nodiscard]] std::vector<std::string> near_words(std::string_view word,
                                                  const std::vector<std::string>& known);

/// Our command for the name of a command in similar programs; empty: none.
[[nodiscard]] std::string_view command_of_others(std::string_view word);
/// The same for an option: "--read-data".
[[nodiscard]] std::string_view option_of_others(std::string_view word);

/// "did you mean a, b or c?"; empty if there are none.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& words);

}  // namespace cairn::cli
