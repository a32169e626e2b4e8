#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "command_line/arguments.h"

namespace CLI {
class App;
}

/// The words of backup, checked and turned into values.
namespace cairn::cli {

struct TypedBackup {
  BackupArguments checked;                 ///< what needs no check is put here at once
  std::vector<std::string> behind_dashes;  ///< words behind "--"
  bool stdin_command = false;
  std::vector<std::string> tags;
  std::string time;
  std::string type = "manual";
  std::string compression = "default";
  std::string larger_than;
  std::string rehash_sample;
  std::string time_limit;
};
/// Declares `backup`; `typed` must outlive the app.
void add_backup(CLI::App& app, TypedBackup& typed);
[[nodiscard]] CheckedArguments backup_values(TypedBackup& typed);

/// As to_string(SnapshotType) writes it.
[[nodiscard]] std::optional<repo::SnapshotType> parse_snapshot_type(std::string_view text);

/// "fast", "default", "max", or a number.
[[nodiscard]] std::optional<int> parse_compression_level(std::string_view text);
/// What to say if it is none of these.
[[nodiscard]] UsageError compression_mistake(std::string_view text);

/// The first pattern that is broken.
[[nodiscard]] std::optional<UsageError> check_patterns(std::string_view option,
                                                       std::span<const std::string> patterns);

/// "90", "90s", "5min", "2h", "1d", "1w": seconds. nullopt if the text is anything else, or no time
/// at all. "5m" is none: where policies are written it is months.
[[nodiscard]] std::optional<std::uint64_t> parse_duration(std::string_view text);

/// What to say if it is none.
[[nodiscard]] UsageError duration_mistake(std::string_view option, std::string_view text);

/// "1%", "0.5%" or "0.01": a part of the whole, 0 to 1.
[[nodiscard]] std::optional<double> parse_part(std::string_view text);

}  // namespace cairn::cli
