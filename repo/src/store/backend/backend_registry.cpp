#include "store/backend/backend_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace cairn::repo::store {
namespace {

constexpr std::string_view kFile = "file:";

core::Error no_location(std::string_view location, std::string_view why, std::string hint) {
  return {core::ErrorCode::invalid_argument, fmt::format("{}: {}", location, why), std::move(hint)};
}

/// What is before a ':' in the first name; nullopt for a path.
std::optional<std::string_view> scheme_of(std::string_view location) {
  const std::string_view first = location.substr(0, location.find('/'));
  const auto colon = first.find(':');
  return colon == std::string_view::npos ? std::nullopt : std::optional(first.substr(0, colon));
}

/// The path of "file:/srv", "file:///srv", "file://localhost/srv", "file:srv"; nullopt for that of
/// another machine.
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

class LocalFolder final : public BackendKind {
 public:
  core::Result<std::string> spelled(const std::string& location) const override {
    if (!location.starts_with(kFile)) {
      if (location.starts_with('~')) {
        return core::fail(no_location(
            location, "the ~ was not replaced by a home folder",
            fmt::format("shells do so at the beginning of a word without quotes; a folder of that "
                        "name would be ./{}",
                        location)));
      }
      return location;
    }
    const auto path = path_of_file_url(location);
    if (!path || path->empty()) {
      return core::fail(no_location(location, "names no folder of this machine",
                                    "write file:///srv/backup, or the path alone"));
    }
    return scheme_of(*path) || path->starts_with('~') ? "./" + *path : *path;
  }
  core::Result<bool> is_there(const BackendContext& context) const override {
    CAIRN_TRY(const auto there, context.file_system.info(context.location));
    return there.has_value();
  }
  core::Status create(const BackendContext& context) const override {
    return create_local_layout(context.file_system, context.location);
  }
  core::Result<std::unique_ptr<Backend>> open(const BackendContext& context) const override {
    return make_local_backend(context.file_system, context.location, context.writer);
  }
};

}  // namespace

BackendRegistry::BackendRegistry() { add("file", std::make_shared<LocalFolder>()); }

void BackendRegistry::add(std::string scheme, std::shared_ptr<const BackendKind> kind) {
  kinds_.insert_or_assign(std::move(scheme), std::move(kind));
}

core::Result<BackendRegistry::Place> BackendRegistry::find(const std::string& location) const {
  if (location.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "a repository: no folder was named");
  }
  const auto found = kinds_.find(scheme_of(location).value_or("file"));
  if (found == kinds_.end()) {
    return core::fail(no_location(
        location, "this kind of storage is not supported yet: a repository is a local folder",
        fmt::format("a folder of that name would be ./{0} or file:{0}", location)));
  }
  CAIRN_TRY(std::string spelled, found->second->spelled(location));
  return Place{*found->second, std::move(spelled)};
}

const BackendRegistry& builtin_backends() {
  static const BackendRegistry backends;
  return backends;
}

}  // namespace cairn::repo::store
