#include "ops/access.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace cairn::repo::ops {

namespace {

core::Status require(bool may, const State& state, std::string_view action, std::string hint) {
  if (may) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot {}", to_string(state.keys->role()), action),
      std::move(hint));
}

}  // namespace

core::Status require_metadata_key(const State& state) {
  return require(state.keys->can_read_metadata(), state, "read snapshots",
                 "use a key of role admin, restore, maintain or audit");
}

core::Status require_data_key(const State& state) {
  return require(state.keys->can_read_data(), state, "read contents",
                 "use a key of role admin or restore");
}

core::Status require_writing_key(const State& state) {
  return require(state.keys->can_write(), state, "add snapshots",
                 "use a key of role admin or backup");
}

core::Status require_collecting_key(const State& state, std::string_view action) {
  return require(state.keys->can_collect(), state, action, "use a key of role admin or maintain");
}

}  // namespace cairn::repo::ops
