#pragma once

#include <cstdint>

/// Memory that runs out on demand: the executable's own malloc(), which also answers the system's
/// libraries and operator new. Only allocations of kLargeBytes or more are counted and refused, so
/// that what tells of the failure has room.
namespace cairn::test {

inline constexpr std::size_t kLargeBytes = 64 * 1024;

/// False where malloc() cannot be replaced: a sanitizer has one of its own.
[[nodiscard]] bool can_refuse_memory() noexcept;

/// Large allocations of any thread are counted from 1 again; number `first` is refused, and with
/// `sticky` all after it.
void refuse_memory(std::uint64_t first, bool sticky) noexcept;
/// Answers how many were refused.
std::uint64_t allow_memory() noexcept;

}  // namespace cairn::test
