#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/retention.h"
#include "cairn/repo/snapshots.h"
#include "command_line/usage_error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// Options that choose among snapshots: the same for every command that takes any.
namespace cairn::cli {

struct TypedFilter {
  std::vector<std::string> hosts;
  std::vector<std::string> sets;
  std::vector<std::string> tags;
  std::vector<std::string> types;
  std::vector<std::string> paths;
  bool allow_partial = false;
};

/// Differences between commands.
struct FilterOptions {
  bool takes_latest = true;          ///< SNAP may be "latest", so a partial one may be allowed
  const char* type_name = "--type";  ///< another name if --type has another meaning
};

/// Declares --host, --name, --tag, --type and --path; `typed` must outlive the app.
void add_filter(CLI::App& command, TypedFilter& typed, const FilterOptions& options = {});
/// The names in the filter stay as they are.
[[nodiscard]] std::optional<UsageError> take_filter(const TypedFilter& typed,
                                                    repo::SnapshotFilter& filter);

/// In the spelling of to_string(SnapshotType).
[[nodiscard]] std::optional<repo::SnapshotType> parse_snapshot_type(std::string_view text);
[[nodiscard]] std::optional<UsageError> take_snapshot_type(std::string_view option,
                                                           std::string_view text,
                                                           repo::SnapshotType& type);
/// The value of --latest, such as "3", at least 1; `latest` is not changed if nothing was typed.
[[nodiscard]] std::optional<UsageError> take_latest(const std::string& text, std::uint64_t& latest);

/// "a,b" -> {"a", "b"}
[[nodiscard]] std::vector<std::string> split_words(std::string_view text, char separator);
/// The value of a --tag that gives tags: "weekly,release" adds two tags to `tags`.
[[nodiscard]] std::optional<UsageError> take_tags(const std::vector<std::string>& words,
                                                  std::vector<std::string>& tags);

/// Declares --group-by; `typed` must outlive the app.
CLI::Option* add_group_by(CLI::App& command, std::optional<std::string>& typed, const char* help);
/// The value of --group-by, such as "host,name". "" groups by nothing.
[[nodiscard]] std::optional<UsageError> take_grouping(const std::string& text,
                                                      repo::RetentionGrouping& group_by);

}  // namespace cairn::cli
