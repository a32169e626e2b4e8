#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/repo/path_filter.h"

// The input is the text of a file of patterns, a NUL, and a path. Patterns are refused or compiled;
// deciding answers without a crash and in time; and a path always matches itself when each of its
// bytes is taken as it is.

namespace {

using cairn::repo::PathFilter;
using cairn::repo::PathSelection;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// "//a//b/" -> "a/b".
std::string normal(std::string_view path) {
  std::string result;
  for (const char c : path) {
    if (c != '/' || (!result.empty() && result.back() != '/')) {
      result += c;
    }
  }
  if (result.ends_with('/')) {
    result.pop_back();
  }
  return result;
}

std::string escaped(std::string_view path) {
  std::string result = "/";
  for (const char c : path) {
    if (c != '/') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

void check_matches_itself(const std::string& path) {
  const std::string pattern = escaped(path);
  PathFilter filter;
  PathSelection selection;
  if (path.empty() || pattern.size() > cairn::repo::kPatternBytesMax) {
    return;
  }
  require(filter.add_exclude(pattern).has_value());
  require(filter.decide(path, false) == PathFilter::Decision::excluded);
  require(filter.decide(path + "/x", false) == PathFilter::Decision::unmentioned);
  require(selection.add(pattern).has_value());
  require(selection.decide(path, true) == PathSelection::Decision::selected);
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    require(selection.decide(path.substr(0, slash), true) == PathSelection::Decision::above);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view lines = std::string_view(input).substr(0, end);
  std::string path = normal(std::string_view(input).substr(std::min(end + 1, input.size())));
  std::replace(path.begin(), path.end(), '\0', '/');
  path = normal(path);

  PathFilter filter;
  PathSelection selection;
  if (filter.add_file_lines(lines)) {
    static_cast<void>(filter.decide(path, true));
    static_cast<void>(filter.decide(path, false));
  } else {
    require(filter.empty());
  }
  // What is selected has folders above it that are not outside.
  if (selection.add(lines) && selection.decide(path, false) == PathSelection::Decision::selected) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      require(selection.decide(path.substr(0, slash), true) != PathSelection::Decision::outside);
    }
  }
  check_matches_itself(path);
  return 0;
}
