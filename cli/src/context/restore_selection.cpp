#include "context/restore_selection.h"

#include <algorithm>
#include <utility>

#include "context/backup_sources.h"

namespace cairn::cli {
namespace {

using Decision = repo::PathSelection::Decision;

/// The decision for an object, which also depends on the folders above it.
Decision decide(const repo::PathSelection& selection, std::string_view path, bool is_folder) {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const Decision above = selection.decide(path.substr(0, slash), true);
    if (above != Decision::above) {
      return above;
    }
  }
  return selection.decide(path, is_folder);
}

}  // namespace

core::Status RestoreSelection::add_include(const std::string& pattern) {
  auto include = std::make_unique<Include>();
  include->text = pattern;
  CAIRN_TRY_STATUS(include->selection.add(pattern));
  includes_.push_back(std::move(include));
  return {};
}

core::Result<std::shared_ptr<const RestoreSelection>> RestoreSelection::make(
    const RestorePatterns& arguments, Streams& streams) {
  auto selection = std::make_shared<RestoreSelection>();
  CAIRN_TRY(const auto from_files,
            read_patterns("--include-file", arguments.include_files, streams));
  for (const auto* patterns : {&from_files, &arguments.includes}) {
    for (const std::string& pattern : *patterns) {
      CAIRN_TRY_STATUS(selection->add_include(pattern));
    }
  }
  CAIRN_TRY_STATUS(
      add_excludes(arguments.exclude_files, arguments.excludes, streams, selection->excludes_));
  return std::shared_ptr<const RestoreSelection>(std::move(selection));
}

bool RestoreSelection::selects(std::string_view path, bool is_folder) const {
  if (excludes_.decide(path, is_folder) == repo::PathFilter::Decision::excluded) {
    return false;
  }
  bool is_selected = includes_.empty();
  for (const auto& include : includes_) {
    const Decision decision = decide(include->selection, path, is_folder);
    if (decision == Decision::selected) {
      include->has_matched = true;
    }
    is_selected = is_selected || decision != Decision::outside;
  }
  return is_selected;
}

bool RestoreSelection::is_only_passed(std::string_view path) const {
  return !includes_.empty() && std::ranges::none_of(includes_, [&](const auto& include) {
    return decide(include->selection, path, true) == Decision::selected;
  });
}

std::vector<std::string> RestoreSelection::unmatched() const {
  std::vector<std::string> patterns;
  for (const auto& include : includes_) {
    if (!include->has_matched) {
      patterns.push_back(include->text);
    }
  }
  return patterns;
}

core::Result<std::function<bool(std::string_view name)>> xattr_selection(
    const RestorePatterns& arguments) {
  std::function<bool(std::string_view name)> selects;
  if (arguments.include_xattrs.empty() && arguments.exclude_xattrs.empty()) {
    return selects;
  }
  repo::PathSelection includes;
  repo::PathFilter excludes;
  for (const std::string& pattern : arguments.include_xattrs) {
    CAIRN_TRY_STATUS(includes.add(pattern));
  }
  for (const std::string& pattern : arguments.exclude_xattrs) {
    CAIRN_TRY_STATUS(excludes.add_exclude(pattern));
  }
  selects = [includes, excludes](std::string_view name) {
    return excludes.decide(name, false) != repo::PathFilter::Decision::excluded &&
           (includes.empty() || includes.decide(name, false) == Decision::selected);
  };
  return selects;
}

}  // namespace cairn::cli
