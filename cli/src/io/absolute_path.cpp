#include "io/absolute_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace cairn::cli {
namespace {

/// The folder that `path`/.. leads to.
std::string parent_of(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  const std::string& from = failed ? path : real.native();
  const auto slash = from.rfind('/');
  return slash == std::string::npos ? std::string() : from.substr(0, slash);
}

}  // namespace

std::string absolute_path(std::string_view path, std::string_view working_folder) {
  std::string whole = path.starts_with('/') ? std::string() : std::string(working_folder) + "/";
  whole += path;
  std::string result;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name == "..") {
      result = parent_of(result);
    } else if (!name.empty() && name != ".") {
      result += '/';
      result += name;
    }
  }
  return result.empty() ? "/" : result;
}

core::Status check_path(std::string_view path, const Streams& streams) {
  if (path.starts_with('/') || !streams.working_folder.empty()) {
    return {};
  }
  return core::fail(core::ErrorCode::invalid_argument,
                    fmt::format("{}: a relative path, and the working folder is gone", path),
                    "change into a folder that exists, or write the path from / on");
}

core::Result<std::string> absolute_path(std::string_view path, const Streams& streams) {
  CAIRN_TRY_STATUS(check_path(path, streams));
  return absolute_path(path, std::string_view(streams.working_folder));
}

}  // namespace cairn::cli
