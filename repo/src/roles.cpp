#include "cairn/repo/roles.h"

#include <array>

namespace cairn::repo {

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::admin:
      return "admin";
    case Role::backup:
      return "backup";
    case Role::restore:
      return "restore";
    case Role::maintain:
      return "maintain";
    case Role::audit:
      return "audit";
  }
  return "unknown";
}

std::optional<Role> role_from_string(std::string_view text) noexcept {
  constexpr std::array kRoles{Role::admin, Role::backup, Role::restore, Role::maintain,
                              Role::audit};
  for (const Role role : kRoles) {
    if (text == to_string(role)) {
      return role;
    }
  }
  return std::nullopt;
}

}  // namespace cairn::repo
