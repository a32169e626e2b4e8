#include "written_snapshots.h"

#include <time.h>  // timegm is of glibc: <ctime> need not have it

#include <algorithm>
#include <array>
#include <gsl/assert>

namespace cairn::test {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) {
      parts.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

repo::SnapshotType type_of(std::string_view name) {
  using repo::SnapshotType;
  for (const SnapshotType type :
       {SnapshotType::manual, SnapshotType::hourly, SnapshotType::daily, SnapshotType::weekly,
        SnapshotType::monthly, SnapshotType::restore_point}) {
    if (name == to_string(type)) {
      return type;
    }
  }
  Expects(name.empty());  // no such type
  return SnapshotType::manual;
}

std::uint32_t count_of(const std::string& text) {
  return text == "all" ? repo::kKeepAll : static_cast<std::uint32_t>(std::stoul(text));
}

struct Field {
  std::string_view name;
  std::uint32_t repo::RetentionPolicy::*count = nullptr;
  repo::RetentionDuration repo::RetentionPolicy::*within = nullptr;
};
using Policy = repo::RetentionPolicy;
constexpr std::array kFields = {
    Field{"last", &Policy::last, nullptr},
    Field{"hourly", &Policy::hourly, nullptr},
    Field{"daily", &Policy::daily, nullptr},
    Field{"weekly", &Policy::weekly, nullptr},
    Field{"monthly", &Policy::monthly, nullptr},
    Field{"yearly", &Policy::yearly, nullptr},
    Field{"within", nullptr, &Policy::within},
    Field{"within-hourly", nullptr, &Policy::within_hourly},
    Field{"within-daily", nullptr, &Policy::within_daily},
    Field{"within-weekly", nullptr, &Policy::within_weekly},
    Field{"within-monthly", nullptr, &Policy::within_monthly},
    Field{"within-yearly", nullptr, &Policy::within_yearly},
};

void put_rule(Policy& policy, const std::string& name, const std::string& value) {
  if (name == "tag") {
    policy.tags.push_back(split(value, '+'));
    return;
  }
  if (name == "type") {
    policy.types.push_back(type_of(value));
    return;
  }
  const auto* const field =
      std::ranges::find_if(kFields, [&](const Field& known) { return known.name == name; });
  Expects(field != kFields.end());
  if (field->count != nullptr) {
    policy.*field->count = count_of(value);
  } else {
    const auto duration = repo::parse_retention_duration(value);
    Expects(duration.has_value());
    policy.*field->within = *duration;
  }
}

repo::RetentionGrouping grouping_of(const std::string& text) {
  const auto fields = split(text, ',');
  const auto has = [&fields](std::string_view name) {
    return std::ranges::find(fields, name) != fields.end();
  };
  return {.host = has("host"), .set = has("set"), .paths = has("paths"), .tags = has("tags")};
}

repo::ListedSnapshot written_snapshot(const std::string& text) {
  const auto words = split(text, ' ');
  Expects(words.size() >= 2 && words[0].size() == 1);
  repo::ListedSnapshot listed;
  listed.id.mutable_view()[0] = static_cast<std::byte>(words[0][0]);
  const WrittenTime time = written_time(words[1]);
  listed.snapshot.start = time.when;
  listed.snapshot.utc_offset_minutes = time.utc_offset_minutes;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
    if (name == "host") {
      listed.snapshot.host = value;
    } else if (name == "set") {
      listed.snapshot.set = value;
    } else if (name == "path") {
      listed.snapshot.sources.push_back(
          {.path = value, .root = {}, .counts = {}, .birth_times = {}});
    } else if (name == "tag") {
      listed.snapshot.tags.push_back(value);
    } else if (name == "type") {
      listed.snapshot.type = type_of(value);
    } else if (name == "partial") {
      listed.snapshot.partial = true;
    } else if (name == "number") {
      listed.sequence = std::stoul(value);
    } else {
      Expects(name == "pin");
      listed.pinned = true;
    }
  }
  return listed;
}

}  // namespace

WrittenTime written_time(std::string_view text) {
  const std::string copy(text);
  ::tm parts{};
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M", &parts);
  Expects(rest != nullptr);
  if (*rest == ':') {
    parts.tm_sec = std::stoi(std::string(rest + 1, 2));
    rest += 3;
  }
  WrittenTime time;
  if (*rest != '\0') {
    const int minutes = std::stoi(std::string(rest + 1, 2)) * 60 + std::stoi(rest + 4);
    time.utc_offset_minutes = *rest == '-' ? -minutes : minutes;
  }
  time.when.seconds = ::timegm(&parts) - std::int64_t{time.utc_offset_minutes} * 60;
  return time;
}

std::vector<repo::ListedSnapshot> written_snapshots(std::string_view text) {
  std::vector<repo::ListedSnapshot> snapshots;
  for (const std::string& one : split(text, ';')) {
    snapshots.push_back(written_snapshot(one));
  }
  return snapshots;
}

repo::RetentionRules written_rules(std::string_view text) {
  repo::RetentionRules rules;
  for (const std::string& word : split(text, ' ')) {
    const std::size_t colon = word.find(':');
    const std::string rule = colon == std::string::npos ? word : word.substr(colon + 1);
    Policy& policy =
        colon == std::string::npos ? rules.general : rules.by_type[type_of(word.substr(0, colon))];
    if (rule.empty()) {
      continue;
    }
    const std::size_t equals = rule.find('=');
    Expects(equals != std::string::npos);
    const std::string name = rule.substr(0, equals);
    const std::string value = rule.substr(equals + 1);
    if (name == "group") {
      rules.group_by = grouping_of(value);
    } else {
      put_rule(policy, name, value);
    }
  }
  return rules;
}

std::string kept_letters(const std::vector<repo::ListedSnapshot>& snapshots,
                         const std::vector<repo::RetentionGroup>& groups) {
  std::string letters;
  for (const repo::RetentionGroup& group : groups) {
    for (const repo::RetentionVerdict& verdict : group.verdicts) {
      if (verdict.keep) {
        letters += static_cast<char>(snapshots[verdict.index].id.view()[0]);
      }
    }
  }
  std::ranges::sort(letters);
  return letters;
}

}  // namespace cairn::test
