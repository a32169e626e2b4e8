#include "command_line/filter_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "command_line/option_words.h"

namespace cairn::cli {

void add_filter(CLI::App& command, TypedFilter& typed, const FilterOptions& options) {
  constexpr const char* kGroup = "Which snapshots";
  const auto repeated = [&command](const char* name, std::vector<std::string>& values,
                                   const char* placeholder, const char* help) {
    add_repeated(command, name, values, placeholder, help)->group(kGroup);
  };
  repeated("--host", typed.hosts, "HOST", "Only of this host; may be repeated: one of them");
  repeated("--name", typed.sets, "NAME", "Only of this set; may be repeated");
  repeated("--tag", typed.tags, "TAG[,TAG]",
           "Only with all these tags; may be repeated: one of the lists");
  repeated(options.type_name, typed.types, "TYPE", "Only of this type; may be repeated");
  repeated("--path", typed.paths, "PATH", "Only of this source; may be repeated: of all of them");
  if (options.takes_latest) {
    command
        .add_flag("--allow-partial", typed.allow_partial,
                  "latest may be one that its time limit cut short")
        ->group(kGroup);
  }
}

std::optional<UsageError> take_filter(const TypedFilter& typed, repo::SnapshotFilter& filter) {
  filter.hosts = typed.hosts;
  filter.sets = typed.sets;
  filter.paths = typed.paths;
  filter.allow_partial = typed.allow_partial;
  for (const std::string& text : typed.tags) {
    std::vector<std::string> tags;
    if (auto error = take_tags({text}, tags)) {
      return error;
    }
    filter.tag_lists.push_back(std::move(tags));
  }
  for (const std::string& text : typed.types) {
    if (auto error = take_snapshot_type("--type", text, filter.types.emplace_back())) {
      return error;
    }
  }
  return std::nullopt;
}

std::optional<repo::SnapshotType> parse_snapshot_type(std::string_view text) {
  using repo::SnapshotType;
  for (const SnapshotType type :
       {SnapshotType::manual, SnapshotType::hourly, SnapshotType::daily, SnapshotType::weekly,
        SnapshotType::monthly, SnapshotType::restore_point}) {
    if (text == to_string(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<UsageError> take_snapshot_type(std::string_view option, std::string_view text,
                                             repo::SnapshotType& type) {
  const auto parsed = parse_snapshot_type(text);
  if (!parsed) {
    return usage_error(fmt::format(
        "{} {}: must be manual, hourly, daily, weekly, monthly or restore_point", option, text));
  }
  type = *parsed;
  return std::nullopt;
}

std::optional<UsageError> take_latest(const std::string& text, std::uint64_t& latest) {
  if (text.empty()) {
    return std::nullopt;
  }
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, latest);
  if (error != std::errc() || stopped != end || latest == 0) {
    return usage_error(fmt::format("--latest {}: must be a number from 1", text));
  }
  return std::nullopt;
}

std::vector<std::string> split_words(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::optional<UsageError> take_tags(const std::vector<std::string>& words,
                                    std::vector<std::string>& tags) {
  for (const std::string& word : words) {
    for (std::string& tag : split_words(word, ',')) {
      if (tag.empty()) {
        return usage_error(fmt::format("a tag must not be empty: \"{}\"", word));
      }
      tags.push_back(std::move(tag));
    }
  }
  return std::nullopt;
}

CLI::Option* add_group_by(CLI::App& command, std::optional<std::string>& typed, const char* help) {
  const auto take = [&typed](const CLI::results_t& words) {
    typed = unshield(words.back());
    return true;
  };
  return command.add_option("--group-by", take, help)
      ->type_name("FIELDS")
      ->type_size(1)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::optional<UsageError> take_grouping(const std::string& text,
                                        repo::RetentionGrouping& group_by) {
  group_by = {.host = false, .set = false, .paths = false, .tags = false};
  if (text.empty()) {
    return std::nullopt;
  }
  for (const std::string& field : split_words(text, ',')) {
    if (field == "host") {
      group_by.host = true;
    } else if (field == "name" || field == "set") {
      group_by.set = true;
    } else if (field == "paths" || field == "path") {
      group_by.paths = true;
    } else if (field == "tags" || field == "tag") {
      group_by.tags = true;
    } else {
      return usage_error(fmt::format(
          "--group-by {}: must be some of host, name, paths and tags, with commas, or \"\"", text));
    }
  }
  return std::nullopt;
}

}  // namespace cairn::cli
