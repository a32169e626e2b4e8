#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Access control lists in tar archives. There they are texts (SCHILY.acl.access), as written by
/// star and GNU tar, while Linux keeps them as attributes in a binary form.
namespace cairn::repo::ops {

inline constexpr std::string_view kAclAccessXattr = "system.posix_acl_access";
inline constexpr std::string_view kAclDefaultXattr = "system.posix_acl_default";

/// "user::rw-\nuser:1000:r--\n...": users and groups by number. nullopt if the value is not in
/// Linux's form (version 2: a head of 4 bytes, then 8 for each entry).
[[nodiscard]] std::optional<std::string> acl_text(std::string_view value);

}  // namespace cairn::repo::ops
