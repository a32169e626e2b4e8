#pragma once

#include "cairn/core/result.h"

/// What an error says about the object that could not be read. For codes not named here (io,
/// not_permitted) it is unknown whether the next attempt would fail too.
namespace cairn::repo::ops {

/// Its bytes are not what was written.
[[nodiscard]] inline bool is_damaged(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::corrupt || code == core::ErrorCode::limit_exceeded;
}

/// It is gone or damaged.
[[nodiscard]] inline bool is_lost(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::not_found || is_damaged(code);
}

/// This program cannot read it, now or later; a newer one may. Such objects are collected while the
/// work goes on.
[[nodiscard]] inline bool is_unreadable(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::unsupported_version || is_damaged(code);
}

}  // namespace cairn::repo::ops
