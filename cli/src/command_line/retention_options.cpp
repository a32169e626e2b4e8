#include "command_line/retention_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "command_line/filter_options.h"
#include "command_line/option_words.h"

namespace cairn::cli {
namespace {

using repo::RetentionDuration;
using repo::RetentionPolicy;

/// The names that --keep-x and x=... of --policy share, in the order of TypedRetention.
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
static_assert(kCounts.size() == std::tuple_size_v<decltype(TypedRetention::counts)>);

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
static_assert(kDurations.size() == std::tuple_size_v<decltype(TypedRetention::durations)>);

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

std::optional<UsageError> take_span(std::string_view option, const std::string& text,
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

/// One rule of a --policy, such as "daily=7".
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
      return take_span(fmt::format("{}: {}", option, name), value, policy.*known.field);
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

/// The value of an option that may be given only once.
std::optional<UsageError> check_once(std::string_view option,
                                     const std::vector<std::string>& values) {
  return values.size() < 2 ? std::nullopt
                           : std::optional(usage_error(
                                 fmt::format("{} is given {} times", option, values.size())));
}

}  // namespace

void add_retention(CLI::App& command, TypedRetention& typed) {
  constexpr const char* kGroup = "What is kept";
  for (std::size_t i = 0; i < kCounts.size(); ++i) {
    add_repeated(command, kCounts[i].option, typed.counts[i], "N", kCounts[i].help)->group(kGroup);
  }
  for (std::size_t i = 0; i < kDurations.size(); ++i) {
    add_repeated(command, kDurations[i].option, typed.durations[i], "TIME", kDurations[i].help)
        ->group(kGroup);
  }
  add_repeated(command, "--keep-tag", typed.tags, "TAG[,TAG]",
               "What has all these tags; may be repeated")
      ->group(kGroup);
  add_repeated(command, "--keep-type", typed.types, "TYPE", "What is of this type; may be repeated")
      ->group(kGroup);
  add_repeated(command, "--policy", typed.policies, "[TYPE:]RULES",
               "last=2,daily=7,within=1mo,tag=x+y; with hourly: before them\n"
               "a policy for one type, which is then counted by itself")
      ->group(kGroup);
}

std::optional<UsageError> take_retention(const TypedRetention& typed, repo::RetentionRules& rules) {
  RetentionPolicy& general = rules.general;
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
      if (auto error = take_span(kDurations[i].option, duration, general.*kDurations[i].field)) {
        return error;
      }
    }
  }
  for (const std::string& tags : typed.tags) {
    if (auto error = take_tag_list("--keep-tag", tags, ',', general)) {
      return error;
    }
  }
  for (const std::string& type : typed.types) {
    if (auto error = take_snapshot_type("--keep-type", type, general.types.emplace_back())) {
      return error;
    }
  }
  for (const std::string& policy : typed.policies) {
    if (auto error = take_policy(policy, rules)) {
      return error;
    }
  }
  return std::nullopt;
}

std::optional<UsageError> take_policy(const std::string& text, repo::RetentionRules& rules) {
  const std::string option = fmt::format("--policy {}", text);
  // A colon in a tag comes after the first '='.
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
