#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_line/arguments.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// Options that choose among snapshots: the same ones for every command that takes any.
namespace cairn::cli {

struct TypedFilter {
  std::vector<std::string> hosts;
  std::vector<std::string> sets;
  std::vector<std::string> tags;
  std::vector<std::string> types;
  std::vector<std::string> paths;
  bool allow_partial = false;
};

/// What commands do not have in common.
struct FilterOptions {
  bool takes_latest = true;          ///< SNAP may be "latest": then a partial one may be allowed
  const char* type_name = "--type";  ///< where --type is something else already
};

/// Declares --host, --name, --tag, --type and --path; `typed` must outlive the app.
void add_filter(CLI::App& command, TypedFilter& typed, const FilterOptions& options = {});
/// Names of the filter stay as they are.
[[nodiscard]] std::optional<UsageError> take_filter(const TypedFilter& typed,
                                                    repo::SnapshotFilter& filter);

/// "a,b" -> {"a", "b"}
[[nodiscard]] std::vector<std::string> split_words(std::string_view text, char separator);
/// "weekly,release" of a --tag that gives tags: two tags, added to `tags`.
[[nodiscard]] std::optional<UsageError> take_tags(const std::vector<std::string>& words,
                                                  std::vector<std::string>& tags);

/// Declares --group-by; `typed` must outlive the app.
CLI::Option* add_group_by(CLI::App& command, std::optional<std::string>& typed, const char* help);
/// "host,name": by what snapshots are grouped. "" is by nothing.
[[nodiscard]] std::optional<UsageError> take_grouping(const std::string& text,
                                                      repo::RetentionGrouping& group_by);

}  // namespace cairn::cli
