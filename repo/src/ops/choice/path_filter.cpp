#include "cairn/repo/path_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "ops/choice/path_pattern.h"

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

/// Spaces at the end are ignored unless a '\' is before them.
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

/// A pattern that matches only this path.
std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (std::string_view("*?[\\").find(c) != std::string_view::npos) {
      text += '\\';
    }
    text += c;
  }
  return text;
}

core::Result<std::string> below(std::string_view folder, std::string_view rest,
                                std::string_view pattern, std::string_view what) {
  if (!folder.starts_with('/')) {
    return core::fail(
        ErrorCode::invalid_argument,
        fmt::format("the pattern \"{}\" counts from {}, which is unknown", pattern, what),
        "write it with the whole path");
  }
  while (folder.ends_with('/')) {
    folder.remove_suffix(1);
  }
  while (rest.starts_with("./") || rest.starts_with("../")) {
    if (rest.starts_with("../")) {
      folder = folder.substr(0, std::min(folder.rfind('/'), folder.size()));
    }
    rest.remove_prefix(rest.find('/') + 1);
  }
  return fmt::format("{}/{}", escaped(folder), rest);
}

/// Reads a pattern in the way of an author who thinks of paths.
core::Result<std::string> read_as_path(std::string_view pattern, const PatternBases& bases) {
  if (pattern.starts_with("./") || pattern.starts_with("../")) {
    return below(bases.working_folder, pattern, pattern, "the working folder");
  }
  if (pattern.starts_with("~/")) {
    return below(bases.home_folder, pattern.substr(2), pattern, "the home folder");
  }
  const std::size_t slash = pattern.find('/');
  const bool is_below_any = slash != std::string_view::npos && slash > 0 &&
                            slash + 1 < pattern.size() && !pattern.starts_with("**/");
  return is_below_any ? fmt::format("**/{}", pattern) : std::string(pattern);
}

/// The folders at the beginning of a pattern, up to the first wildcard.
std::string_view literal_folder(std::string_view pattern) {
  const std::size_t special = std::min(pattern.find_first_of("*?[\\"), pattern.size());
  pattern = pattern.substr(0, special);
  return pattern.substr(0, std::min(pattern.rfind('/'), pattern.size()));
}

}  // namespace

// --- Leaving out --------------------------------------------------------------------------------

struct PathFilter::Rule {
  ops::PathPattern pattern;
  bool includes = false;
  std::string text = {};   ///< as compiled
  bool is_single = false;  ///< added by itself, not from a file
};

PathFilter::PathFilter() = default;
PathFilter::PathFilter(const PathFilter&) = default;
PathFilter::PathFilter(PathFilter&&) noexcept = default;
PathFilter& PathFilter::operator=(const PathFilter&) = default;
PathFilter& PathFilter::operator=(PathFilter&&) noexcept = default;
PathFilter::~PathFilter() = default;

core::Status PathFilter::add(std::string_view pattern, bool includes) {
  CAIRN_TRY_STATUS(check_count(rules_.size() + 1));
  std::string text(pattern);
  if (bases_) {
    CAIRN_TRY(text, read_as_path(pattern, *bases_));
  }
  CAIRN_TRY(auto compiled, ops::PathPattern::compile(text));
  rules_.push_back({std::move(compiled), includes, std::move(text), true});
  return {};
}

void PathFilter::read_as_paths(PatternBases bases) { bases_ = std::move(bases); }

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
  added.bases_ = bases_;
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
  for (Rule& rule : added.rules_) {
    rule.is_single = false;
  }
  std::move(added.rules_.begin(), added.rules_.end(), std::back_inserter(rules_));
  return {};
}

std::vector<std::string> PathFilter::patterns() const {
  std::vector<std::string> texts;
  for (const Rule& rule : rules_) {
    texts.push_back((rule.includes ? "!" : "") + rule.text);
  }
  return texts;
}

PathFilter::Decision PathFilter::decide(std::string_view path, bool is_folder) const noexcept {
  return decide(path, is_folder, false);
}

std::optional<PathFilter::Decision> PathFilter::decide_by_name(
    std::string_view path) const noexcept {
  path = without_base(path);
  for (auto rule = rules_.rbegin(); !path.empty() && rule != rules_.rend(); ++rule) {
    if (rule->pattern.matches(path, true)) {
      if (rule->pattern.is_folders_only()) {
        return std::nullopt;
      }
      return rule->includes ? Decision::included : Decision::excluded;
    }
  }
  return Decision::unmentioned;
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

/// A folder that is left out, so that a rule that would include something in it again never
/// applies.
std::string PathFilter::excluded_parent(const Rule& rule,
                                        const std::vector<std::string>& sources) const {
  const std::string_view folder = literal_folder(rule.text);
  for (const std::string& source : sources) {
    const std::string root = source == "/" ? std::string() : source;
    if (folder != root && !folder.starts_with(root + '/')) {
      continue;
    }
    for (std::size_t end = folder.find('/', root.size() + 1); folder.size() > root.size();
         end = folder.find('/', end + 1)) {
      end = std::min(end, folder.size());
      if (decide(folder.substr(0, end), true) == Decision::excluded) {
        return std::string(folder.substr(0, end));
      }
      if (end == folder.size()) {
        break;
      }
    }
  }
  return {};
}

std::vector<std::string> PathFilter::idle_patterns(const std::vector<std::string>& sources) const {
  std::vector<std::string> sentences;
  for (const Rule& rule : rules_) {
    const bool reaches = std::ranges::any_of(sources, [&](const std::string& source) {
      return source == "/" || rule.pattern.may_match_below(without_base(source));
    });
    if (!rule.is_single) {
      continue;
    }
    if (!reaches) {
      sentences.push_back(fmt::format(
          "the pattern {} matches nothing: it is for paths outside of what is backed up",
          rule.text));
    } else if (rule.includes) {
      if (const std::string parent = excluded_parent(rule, sources); !parent.empty()) {
        sentences.push_back(fmt::format(
            "the pattern {} takes nothing back: {} is left out, and nothing in it is looked at",
            rule.text, parent));
      }
    }
  }
  return sentences;
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
