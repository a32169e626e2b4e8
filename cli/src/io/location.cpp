#include "io/location.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "io/absolute_path.h"

namespace cairn::cli {
namespace {

constexpr std::string_view kFile = "file:";

core::Error no_location(std::string_view origin, std::string_view location, std::string_view why,
                        std::string_view hint) {
  return {core::ErrorCode::invalid_argument, fmt::format("{} {}: {}", origin, location, why),
          std::string(hint)};
}

/// The path of "file:/srv", "file:///srv", "file://localhost/srv", "file:srv"; nullopt for another
/// machine's.
std::optional<std::string> path_of_file_url(std::string_view url) {
  url.remove_prefix(kFile.size());
  if (!url.starts_with("//")) {
    return std::string(url);
  }
  url.remove_prefix(2);
  const std::string_view host = url.substr(0, std::min(url.find('/'), url.size()));
  if ((!host.empty() && host != "localhost") || host.size() == url.size()) {
    return std::nullopt;
  }
  return std::string(url.substr(host.size()));
}

}  // namespace

core::Result<std::string> local_location(std::string_view origin, const std::string& location,
                                         const Streams& streams) {
  std::string path = location;
  if (location.starts_with(kFile)) {
    const auto named = path_of_file_url(location);
    if (!named || named->empty()) {
      return core::fail(no_location(origin, location, "names no folder of this machine",
                                    "write file:///srv/backup, or the path alone"));
    }
    path = *named;
  } else if (const std::string first = location.substr(0, location.find('/'));
             first.find(':') != std::string::npos) {
    return core::fail(
        no_location(origin, location,
                    "this kind of storage is not supported yet: a repository is a local folder",
                    fmt::format("a folder of that name would be ./{0} or file:{0}", location)));
  } else if (location.starts_with('~')) {
    return core::fail(no_location(
        origin, location, "the ~ was not replaced by a home folder",
        fmt::format("shells do so at the beginning of a word without quotes; a folder of that name "
                    "would be ./{}",
                    location)));
  }
  CAIRN_TRY_STATUS(check_path(path, streams));
  return path;
}

}  // namespace cairn::cli
