#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/retention.h"
#include "command_line/usage_error.h"

namespace CLI {
class App;
}

/// Options that say which snapshots are kept.
namespace cairn::cli {

struct TypedRetention {
  /// --keep-last, -hourly, -daily, -weekly, -monthly, -yearly; each as often as it was given.
  std::array<std::vector<std::string>, 6> counts;
  std::array<std::vector<std::string>, 6> durations;  ///< --keep-within, -within-hourly and so on
  std::vector<std::string> tags;
  std::vector<std::string> types;
  std::vector<std::string> policies;
};
/// Declares --keep-... and --policy; `typed` must outlive the app.
void add_retention(CLI::App& command, TypedRetention& typed);
[[nodiscard]] std::optional<UsageError> take_retention(const TypedRetention& typed,
                                                       repo::RetentionRules& rules);

/// The rules of one --policy: "last=2,daily=7", or "hourly:last=2,daily=7" for one type.
[[nodiscard]] std::optional<UsageError> take_policy(const std::string& text,
                                                    repo::RetentionRules& rules);

/// "7", or "all": nullopt if the text is anything else.
[[nodiscard]] std::optional<std::uint32_t> parse_keep_count(std::string_view text);

}  // namespace cairn::cli
