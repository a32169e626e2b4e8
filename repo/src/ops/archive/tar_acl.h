#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Access control lists in tar archives, where they are texts (SCHILY.acl.access), as star and GNU
/// tar write them; Linux keeps them as attributes in bytes of its own.
namespace cairn::repo::ops {

inline constexpr std::string_view kAclAccessXattr = "system.posix_acl_access";
inline constexpr std::string_view kAclDefaultXattr = "system.posix_acl_default";

/// "user::rw-\nuser:1000:r--\n...": users and groups by number. nullopt if the value is not what
/// Linux writes (version 2: a head of 4 bytes, then 8 for each entry).
[[nodiscard]] std::optional<std::string> acl_text(std::string_view value);

}  // namespace cairn::repo::ops
