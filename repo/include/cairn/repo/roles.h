#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Who may do what. A role is a set of keys: without the key for something, a role cannot read it.
namespace cairn::repo {

enum class Role : std::uint8_t {
  admin = 1,     ///< everything, and makes keys for others
  backup = 2,    ///< adds snapshots; reads no names and no contents
  restore = 3,   ///< reads everything, adds nothing
  maintain = 4,  ///< lists, verifies, forgets, prunes; reads names, not contents
  audit = 5,     ///< lists and verifies; reads names, not contents
};
[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::optional<Role> role_from_string(std::string_view text) noexcept;

}  // namespace cairn::repo
