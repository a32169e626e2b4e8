#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"
#include "command_line/prune_arguments.h"

namespace CLI {
class App;
}

/// The words of forget, checked and turned into values.
namespace cairn::cli {

struct TypedForget {
  ForgetArguments checked;  ///< what needs no check is put here at once
  /// --keep-last, -hourly, -daily, -weekly, -monthly, -yearly; each as often as it was given.
  std::array<std::vector<std::string>, 6> counts;
  std::array<std::vector<std::string>, 6> durations;  ///< --keep-within, -within-hourly and so on
  std::vector<std::string> keep_tags;
  std::vector<std::string> keep_types;
  std::vector<std::string> policies;
  TypedFilter filter;
  std::optional<std::string> group_by;
  bool prunes = false;
  TypedPrune prune;
};
/// Declares the command; `typed` must outlive the app.
void add_forget(CLI::App& app, TypedForget& typed);
[[nodiscard]] CheckedArguments forget_values(TypedForget& typed);

/// The rules of one --policy: "last=2,daily=7", or "hourly:last=2,daily=7" for one type.
[[nodiscard]] std::optional<UsageError> take_policy(const std::string& text,
                                                    repo::RetentionRules& rules);

/// "7", or "all": nullopt if the text is anything else.
[[nodiscard]] std::optional<std::uint32_t> parse_keep_count(std::string_view text);

}  // namespace cairn::cli
