#include "command_line/forget_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "command_line/backup_arguments.h"
#include "command_line/option_words.h"

namespace cairn::cli {
namespace {

using repo::RetentionDuration;
using repo::RetentionPolicy;

/// What --keep-x and the x=... of --policy have in common, in the order of TypedForget.
struct CountRule {
  const char* name;
  const char* option;
  const char* help;
  std::uint32_t RetentionPolicy::*field;
};
constexpr std::array kCounts = {
    CountRule{"last", "--keep-last", "The last N snapshots, or all", &RetentionPolicy::last},
    CountRule{"hourly", "--keep-hourly", "The last of each of N hours that have one, or all",
              &RetentionPolicy::hourly},
    CountRule{"daily", "--keep-daily", "Of each of N days", &RetentionPolicy::daily},
    CountRule{"weekly", "--keep-weekly", "Of each of N weeks, which begin on Monday",
              &RetentionPolicy::weekly},
    CountRule{"monthly", "--keep-monthly", "Of each of N months", &RetentionPolicy::monthly},
    CountRule{"yearly", "--keep-yearly", "Of each of N years", &RetentionPolicy::yearly},
};
static_assert(kCounts.size() == std::tuple_size_v<decltype(TypedForget::counts)>);

struct DurationRule {
  const char* name;
  const char* option;
  const char* help;
  RetentionDuration RetentionPolicy::*field;
};
constexpr std::array kDurations = {
    DurationRule{"within", "--keep-within",
                 "All that are younger than the newest one by less than\nTIME, such as 1y5m7d2h",
                 &RetentionPolicy::within},
    DurationRule{"within-hourly", "--keep-within-hourly", "The last of each hour within TIME",
                 &RetentionPolicy::within_hourly},
    DurationRule{"within-daily", "--keep-within-daily", "Of each day",
                 &RetentionPolicy::within_daily},
    DurationRule{"within-weekly", "--keep-within-weekly", "Of each week",
                 &RetentionPolicy::within_weekly},
    DurationRule{"within-monthly", "--keep-within-monthly", "Of each month",
                 &RetentionPolicy::within_monthly},
    DurationRule{"within-yearly", "--keep-within-yearly", "Of each year",
                 &RetentionPolicy::within_yearly},
};
static_assert(kDurations.size() == std::tuple_size_v<decltype(TypedForget::durations)>);

constexpr std::string_view kTypes = "manual, hourly, daily, weekly, monthly or restore_point";

std::optional<UsageError> take_count(std::string_view option, const std::string& text,
                                     std::uint32_t& count) {
  const auto parsed = parse_keep_count(text);
  if (!parsed) {
    return usage_error(fmt::format("{} {}: must be a number, or all", option, text));
  }
  count = *parsed;
  return std::nullopt;
}

std::optional<UsageError> take_duration(std::string_view option, const std::string& text,
                                        RetentionDuration& duration) {
  const auto parsed = repo::parse_retention_duration(text);
  if (!parsed) {
    return usage_error(fmt::format(
        "{} {}: must be a time such as 1y6mo2w3d12h: years, months, weeks, days, hours; no number "
        "above 1000000",
        option, text));
  }
  duration = *parsed;
  return std::nullopt;
}

std::optional<UsageError> take_tag_list(std::string_view option, const std::string& text,
                                        char separator, RetentionPolicy& policy) {
  std::vector<std::string> tags = split_words(text, separator);
  if (std::ranges::any_of(tags, [](const std::string& tag) { return tag.empty(); })) {
    return usage_error(fmt::format("{} {}: a tag is empty", option, text));
  }
  policy.tags.push_back(std::move(tags));
  return std::nullopt;
}

std::optional<UsageError> take_type(std::string_view option, const std::string& text,
                                    std::vector<repo::SnapshotType>& types) {
  const auto type = parse_snapshot_type(text);
  if (!type) {
    return usage_error(fmt::format("{} {}: must be {}", option, text, kTypes));
  }
  types.push_back(*type);
  return std::nullopt;
}

/// "daily=7" of a --policy.
std::optional<UsageError> take_rule(const std::string& option, const std::string& rule,
                                    RetentionPolicy& policy) {
  const std::size_t equals = rule.find('=');
  const std::string name = rule.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : rule.substr(equals + 1);
  for (const CountRule& known : kCounts) {
    if (name == known.name) {
      return take_count(fmt::format("{}: {}", option, name), value, policy.*known.field);
    }
  }
  for (const DurationRule& known : kDurations) {
    if (name == known.name) {
      return take_duration(fmt::format("{}: {}", option, name), value, policy.*known.field);
    }
  }
  if (name == "tag") {
    return take_tag_list(fmt::format("{}: tag", option), value, '+', policy);
  }
  return usage_error(fmt::format(
      "{}: \"{}\" is no rule; write last, hourly, daily, weekly, monthly, yearly, within, "
      "within-hourly ... within-yearly or tag, and = and a value",
      option, rule));
}

std::optional<UsageError> take_policy_rules(const std::string& option, const std::string& text,
                                            repo::RetentionPolicy& policy) {
  for (const std::string& rule : split_words(text, ',')) {
    if (auto error = take_rule(option, rule, policy)) {
      return error;
    }
  }
  if (policy.is_empty()) {
    return usage_error(fmt::format("{}: it keeps nothing", option));
  }
  return std::nullopt;
}

/// An option that is to be given once: the one value, or a mistake.
std::optional<UsageError> check_once(std::string_view option,
                                     const std::vector<std::string>& values) {
  return values.size() < 2 ? std::nullopt
                           : std::optional(usage_error(
                                 fmt::format("{} is given {} times", option, values.size())));
}

std::optional<UsageError> take_rules(const TypedForget& typed, ForgetArguments& forget) {
  RetentionPolicy& general = forget.rules.general;
  for (std::size_t i = 0; i < kCounts.size(); ++i) {
    if (auto error = check_once(kCounts[i].option, typed.counts[i])) {
      return error;
    }
    for (const std::string& count : typed.counts[i]) {
      if (auto error = take_count(kCounts[i].option, count, general.*kCounts[i].field)) {
        return error;
      }
    }
  }
  for (std::size_t i = 0; i < kDurations.size(); ++i) {
    if (auto error = check_once(kDurations[i].option, typed.durations[i])) {
      return error;
    }
    for (const std::string& duration : typed.durations[i]) {
      if (auto error =
              take_duration(kDurations[i].option, duration, general.*kDurations[i].field)) {
        return error;
      }
    }
  }
  for (const std::string& tags : typed.keep_tags) {
    if (auto error = take_tag_list("--keep-tag", tags, ',', general)) {
      return error;
    }
  }
  for (const std::string& type : typed.keep_types) {
    if (auto error = take_type("--keep-type", type, general.types)) {
      return error;
    }
  }
  for (const std::string& policy : typed.policies) {
    if (auto error = take_policy(policy, forget.rules)) {
      return error;
    }
  }
  return typed.group_by ? take_grouping(*typed.group_by, forget.rules.group_by) : std::nullopt;
}

}  // namespace

void add_forget(CLI::App& app, TypedForget& typed) {
  CLI::App& command = add_command(app, "forget");
  const auto repeated = [&command](const char* names, std::vector<std::string>& values,
                                   const char* placeholder, const char* description) {
    return add_list(command, names, values, placeholder, description)->allow_extra_args(false);
  };
  ForgetArguments& forget = typed.checked;
  add_list(command, "SNAP", forget.snapshots, "", "These snapshots, instead of a policy")
      ->expected(1, -1)
      ->allow_extra_args();
  command.add_flag("-n,--dry-run", forget.dry_run, "Say what would stay, and why; forget nothing");
  command.add_flag("--prune", typed.prunes, "Give back the space afterwards, as cairn prune does");
  add_prune_options(command, typed.prune);
  constexpr const char* kKept = "What is kept";
  for (std::size_t i = 0; i < kCounts.size(); ++i) {
    repeated(kCounts[i].option, typed.counts[i], "N", kCounts[i].help)->group(kKept);
  }
  for (std::size_t i = 0; i < kDurations.size(); ++i) {
    repeated(kDurations[i].option, typed.durations[i], "TIME", kDurations[i].help)->group(kKept);
  }
  repeated("--keep-tag", typed.keep_tags, "TAG[,TAG]", "What has all these tags; may be repeated")
      ->group(kKept);
  repeated("--keep-type", typed.keep_types, "TYPE", "What is of this type; may be repeated")
      ->group(kKept);
  repeated("--policy", typed.policies, "[TYPE:]RULES",
           "last=2,daily=7,within=1mo,tag=x+y; with hourly: before them\n"
           "a policy for one type, which is then counted by itself")
      ->group(kKept);
  add_group_by(command, typed.group_by,
               "Count for each host, name, paths, tags; host,name,paths\nunless given, \"\" for "
               "all together")
      ->group("Which snapshots");
  add_filter(command, typed.filter);
}

std::optional<UsageError> take_policy(const std::string& text, repo::RetentionRules& rules) {
  const std::string option = fmt::format("--policy {}", text);
  // A colon in a tag stands behind the first '='.
  const std::size_t colon = text.substr(0, text.find('=')).find(':');
  if (colon == std::string::npos) {
    if (parse_snapshot_type(text)) {
      return usage_error(
          fmt::format("{}: behind the type belong a colon and rules: {}:daily=7", option, text));
    }
    return take_policy_rules(option, text, rules.general);
  }
  const auto type = parse_snapshot_type(text.substr(0, colon));
  if (!type) {
    return usage_error(fmt::format("{}: before the colon must stand {}", option, kTypes));
  }
  return take_policy_rules(option, text.substr(colon + 1), rules.by_type[*type]);
}

CheckedArguments forget_values(TypedForget& typed) {
  ForgetArguments& forget = typed.checked;
  if (auto error = take_rules(typed, forget)) {
    return *error;
  }
  if (auto error = take_filter(typed.filter, forget.filter)) {
    return *error;
  }
  if (forget.snapshots.empty()) {
    if (forget.rules.is_empty()) {
      return usage_error("forget what? say what to keep, such as --keep-daily 7, or give SNAP");
    }
  } else if (typed.group_by.has_value() || !forget.rules.is_empty()) {
    return usage_error("give either SNAP or what to keep, not both");
  }
  CheckedArguments prune = prune_values(typed.prune);
  if (auto* const error = std::get_if<UsageError>(&prune)) {
    return *error;
  }
  if (typed.prunes) {
    forget.prune = std::get<PruneArguments>(std::get<CommandArguments>(prune));
    forget.prune->dry_run = forget.dry_run;
  }
  return std::move(forget);
}

std::optional<std::uint32_t> parse_keep_count(std::string_view text) {
  if (text == "all" || text == "unlimited" || text == "-1") {
    return repo::kKeepAll;
  }
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  const bool valid = error == std::errc() && stopped == end && count < repo::kKeepAll;
  return valid ? std::optional(count) : std::nullopt;
}

}  // namespace cairn::cli
