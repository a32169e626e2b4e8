#include "ops/source/source_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "format/register.h"
#include "ops/progress/problem_list.h"

namespace cairn::repo::ops {
namespace {

// A source in a manifest without its path: root, counts, and the content of its birth times.
constexpr std::size_t kSourceBytes = 128;
// The rest is for tags, description and problems.
constexpr std::size_t kSourcesBytesMax = format::kManifestBytesMax / 4 * 3;

}  // namespace

core::Status check_source_path(const std::string& path) {
  const std::string shown = cut_in_the_middle(path, kShownPathBytes);
  if (path.size() > kPathBytesMax) {
    return core::fail(core::ErrorCode::limit_exceeded,
                      fmt::format("back up {}: a path of {} bytes; at most {} fit into a snapshot",
                                  shown, path.size(), kPathBytesMax));
  }
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    if (end > kNameBytesMax) {
      return core::fail(core::ErrorCode::limit_exceeded,
                        fmt::format("back up {}: a name of {} bytes; {} are the most", shown, end,
                                    kNameBytesMax));
    }
    rest.remove_prefix(end);
  }
  return {};
}

core::Status check_source_list(const std::vector<std::string>& paths) {
  std::size_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += kSourceBytes + path.size();
  }
  if (paths.size() > kSourcesMax || bytes > kSourcesBytesMax) {
    return core::fail(
        core::ErrorCode::limit_exceeded,
        fmt::format("back up {} sources with paths of {} bytes: more than one snapshot can list "
                    "({} sources, {} bytes with {} for each)",
                    paths.size(), bytes - kSourceBytes * paths.size(), kSourcesMax,
                    kSourcesBytesMax, kSourceBytes),
        "name the folders above them, or make several snapshots");
  }
  return {};
}

}  // namespace cairn::repo::ops
