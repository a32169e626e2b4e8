#include "command_line/copy_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "command_line/backup_arguments.h"
#include "command_line/forget_arguments.h"
#include "command_line/option_words.h"

namespace cairn::cli {

std::optional<std::uint64_t> parse_latest_count(std::string_view text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  const bool valid = error == std::errc() && stopped == end && count > 0;
  return valid ? std::optional(count) : std::nullopt;
}

void add_from(CLI::App& command, FromArguments& from, const char* help) {
  add_text(command, "--from-repo", from.repository, "REPO", help);
  add_text(command, "--from-password-file", from.password_file, "FILE",
           "Its passphrase from a file, - for standard input");
  add_text(command, "--from-key-file", from.key_file, "FILE", "Its key file of 32 bytes");
}

std::optional<UsageError> check_from(const FromArguments& from) {
  if (!from.password_file.empty() && !from.key_file.empty()) {
    return usage_error("give only one of --from-password-file and --from-key-file");
  }
  return std::nullopt;
}

void add_copy(CLI::App& app, TypedCopy& typed) {
  CLI::App& command = add_command(app, "copy");
  CopyArguments& copy = typed.checked;
  add_list(command, "SNAP", copy.filter.names, "", "Only these snapshots of the source")
      ->expected(1, -1)
      ->allow_extra_args();
  add_from(command, copy.from, "Folder of the repository to copy from");
  add_text(command, "--latest", typed.latest, "N", "Only the newest N of each host, set and paths");
  add_list(command, "--policy", typed.policies, "[TYPE:]RULES",
           "Only what forget would keep by these rules:\nlast=2,daily=7,within=1mo,tag=x+y")
      ->allow_extra_args(false);
  add_text(command, "--compression", typed.compression, "LEVEL",
           "fast, default, max, or 0 (none) to 19");
  command.add_flag("-n,--dry-run", copy.dry_run, "Say what would be copied, write nothing");
  command.add_flag("--verify", copy.verify, "Read the new copies back, and check every byte");
  add_filter(command, typed.filter);
}

CheckedArguments copy_values(TypedCopy& typed) {
  CopyArguments& copy = typed.checked;
  if (auto error = take_filter(typed.filter, copy.filter)) {
    return *error;
  }
  const auto level = parse_compression_level(typed.compression);
  if (!level) {
    return compression_mistake(typed.compression);
  }
  copy.compression_level = *level;
  if (!typed.latest.empty()) {
    const auto latest = parse_latest_count(typed.latest);
    if (!latest) {
      return usage_error(fmt::format("--latest {}: must be a number from 1", typed.latest));
    }
    copy.latest = *latest;
  }
  for (const std::string& policy : typed.policies) {
    if (auto error = take_policy(policy, copy.rules)) {
      return *error;
    }
  }
  if (!copy.filter.names.empty() && (copy.latest > 0 || !copy.rules.is_empty())) {
    return usage_error("give either SNAP or --latest and --policy, not both");
  }
  if (copy.latest > 0 && !copy.rules.is_empty()) {
    return usage_error("give only one of --latest and --policy, which may say last=N");
  }
  if (copy.dry_run && copy.verify) {
    return usage_error("--dry-run makes no copies that --verify could check");
  }
  if (auto error = check_from(copy.from)) {
    return *error;
  }
  return std::move(copy);
}

}  // namespace cairn::cli
