#include "cairn/repo/path_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "ops/path_pattern.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;

core::Status check_count(std::size_t count) {
  if (count > kPatternsMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("more than {} patterns", kPatternsMax));
  }
  return {};
}

std::string_view without_base(std::string_view path) noexcept {
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  return path;
}

/// Spaces at the end say nothing unless a '\' stands before them.
std::string_view without_spaces_at_end(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
      end = std::min(i + 1, line.size());
    } else if (line[i] != ' ') {
      end = i + 1;
    }
  }
  return line.substr(0, end);
}

/// The pattern of a line, or nothing.
std::string_view pattern_of_line(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (line.starts_with('#')) {
    return {};
  }
  return without_spaces_at_end(line);
}

}  // namespace

// --- Leaving out --------------------------------------------------------------------------------

struct PathFilter::Rule {
  ops::PathPattern pattern;
  bool includes = false;
};

PathFilter::PathFilter() = default;
PathFilter::PathFilter(const PathFilter&) = default;
PathFilter::PathFilter(PathFilter&&) noexcept = default;
PathFilter& PathFilter::operator=(const PathFilter&) = default;
PathFilter& PathFilter::operator=(PathFilter&&) noexcept = default;
PathFilter::~PathFilter() = default;

core::Status PathFilter::add(std::string_view pattern, bool includes) {
  CAIRN_TRY_STATUS(check_count(rules_.size() + 1));
  CAIRN_TRY(auto compiled, ops::PathPattern::compile(pattern));
  rules_.push_back({std::move(compiled), includes});
  return {};
}

core::Status PathFilter::add_exclude(std::string_view pattern) {
  const bool includes = pattern.starts_with('!');
  return add(pattern.substr(includes ? 1 : 0), includes);
}

core::Status PathFilter::add_include(std::string_view pattern) { return add(pattern, true); }

core::Status PathFilter::add_file_lines(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  PathFilter added;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view pattern = pattern_of_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pattern.empty()) {
      continue;
    }
    if (auto status = added.add_exclude(pattern); !status) {
      return core::fail(std::move(status.error()).with_context(fmt::format("line {}", number)));
    }
  }
  CAIRN_TRY_STATUS(check_count(rules_.size() + added.rules_.size()));
  std::move(added.rules_.begin(), added.rules_.end(), std::back_inserter(rules_));
  return {};
}

PathFilter::Decision PathFilter::decide(std::string_view path, bool is_folder) const noexcept {
  return decide(path, is_folder, false);
}

PathFilter::Decision PathFilter::decide_anchored(std::string_view path,
                                                 bool is_folder) const noexcept {
  return decide(path, is_folder, true);
}

PathFilter::Decision PathFilter::decide(std::string_view path, bool is_folder,
                                        bool anchored_only) const noexcept {
  path = without_base(path);
  if (path.empty()) {
    return Decision::unmentioned;
  }
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (anchored_only && !rule->pattern.is_anchored()) {
      continue;
    }
    if (rule->pattern.matches(path, is_folder)) {
      return rule->includes ? Decision::included : Decision::excluded;
    }
  }
  return Decision::unmentioned;
}

// --- Only these ---------------------------------------------------------------------------------

PathSelection::PathSelection() = default;
PathSelection::PathSelection(const PathSelection&) = default;
PathSelection::PathSelection(PathSelection&&) noexcept = default;
PathSelection& PathSelection::operator=(const PathSelection&) = default;
PathSelection& PathSelection::operator=(PathSelection&&) noexcept = default;
PathSelection::~PathSelection() = default;

core::Status PathSelection::add(std::string_view pattern) {
  if (pattern.starts_with('!')) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("the pattern \"{}\" takes back what others choose", pattern),
                      "exclude it instead; for a name that begins with ! write \\!");
  }
  CAIRN_TRY_STATUS(check_count(patterns_.size() + 1));
  CAIRN_TRY(auto compiled, ops::PathPattern::compile(pattern));
  patterns_.push_back(std::move(compiled));
  return {};
}

PathSelection::Decision PathSelection::decide(std::string_view path,
                                              bool is_folder) const noexcept {
  path = without_base(path);
  if (path.empty()) {
    return empty() ? Decision::outside : Decision::above;
  }
  bool is_above = false;
  for (const ops::PathPattern& pattern : patterns_) {
    if (pattern.matches(path, is_folder)) {
      return Decision::selected;
    }
    is_above = is_above || (is_folder && pattern.may_match_below(path));
  }
  return is_above ? Decision::above : Decision::outside;
}

}  // namespace cairn::repo
