#include "ops/access.h"

#include <fmt/format.h>

namespace cairn::repo::ops {

core::Status require_metadata_key(const State& state) {
  if (state.keys->can_read_metadata()) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot read snapshots", to_string(state.keys->role())),
      "use a key of role admin, restore, maintain or audit");
}

core::Status require_data_key(const State& state) {
  if (state.keys->can_read_data()) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot read contents", to_string(state.keys->role())),
      "use a key of role admin or restore");
}

core::Status require_writing_key(const State& state) {
  if (state.keys->can_write()) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot add snapshots", to_string(state.keys->role())),
      "use a key of role admin or backup");
}

core::Status require_collecting_key(const State& state, std::string_view action) {
  if (state.keys->can_collect()) {
    return {};
  }
  return core::fail(
      core::ErrorCode::not_permitted,
      fmt::format("a key of role {} cannot {}", to_string(state.keys->role()), action),
      "use a key of role admin or maintain");
}

}  // namespace cairn::repo::ops
