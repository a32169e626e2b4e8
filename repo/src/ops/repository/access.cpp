#include "ops/repository/access.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "cairn/repo/backup.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo::ops {

namespace {

core::Status require(bool may, const OpenRepository& repository, std::string_view action,
                     std::string hint) {
  if (may) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot {}", to_string(repository.keys->role()), action),
      std::move(hint));
}

}  // namespace

core::Status check_compression_level(int level) {
  if (level < 0 || level > kCompressionMax) {
    return core::fail(
        core::ErrorCode::invalid_argument,
        fmt::format("there is no compression level {}: 0 to {}", level, kCompressionMax));
  }
  return {};
}

core::Status check_text(std::string_view what, std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return core::fail(core::ErrorCode::limit_exceeded,
                      fmt::format("{} has {} bytes: at most {} can be recorded", what, text.size(),
                                  kTextBytesMax));
  }
  return {};
}

core::Status check_environment(const Environment& environment) {
  CAIRN_TRY_STATUS(check_text("the name of this host", environment.host));
  return check_text("the name of this user", environment.user);
}

core::Status require_metadata_key(const OpenRepository& repository) {
  return require(repository.keys->can_read_metadata(), repository, "read snapshots",
                 "use a key of role admin, restore, maintain or audit");
}

core::Status require_data_key(const OpenRepository& repository) {
  return require(repository.keys->can_read_data(), repository, "read contents",
                 "use a key of role admin or restore");
}

core::Status require_writing_key(const OpenRepository& repository) {
  return require(repository.keys->can_write(), repository, "add snapshots",
                 "use a key of role admin or backup");
}

core::Status require_collecting_key(const OpenRepository& repository, std::string_view action) {
  return require(repository.keys->can_collect(), repository, action,
                 "use a key of role admin or maintain");
}

}  // namespace cairn::repo::ops
