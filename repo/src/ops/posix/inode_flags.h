#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/repo/entry.h"

/// Inode flags of open files and folders (chattr), read and set.
namespace cairn::repo::ops {

/// The kernel's flags; nullopt: this file system has none, or they cannot be read (errno).
[[nodiscard]] std::optional<unsigned> read_system_flags(int descriptor);
/// Those that are recorded: bit n is InodeFlag n.
[[nodiscard]] std::uint8_t recorded_flags(unsigned system_flags) noexcept;

/// Sets the flags that take effect only while a file is empty (no copy-on-write, compression).
/// Failures are reported later, by set_inode_flags().
void set_flags_of_empty_file(int descriptor, std::uint8_t recorded);

/// Recorded flags that forbid changes, even of the name: append only and immutable.
inline constexpr std::uint8_t kHinderingFlags = 0b11;
static_assert(static_cast<unsigned>(InodeFlag::append_only) == 0 &&
              static_cast<unsigned>(InodeFlag::immutable) == 1);

/// Sets those of the recorded flags that are in `mask`, and clears the others in it. What fails is
/// reported flag by flag.
void set_inode_flags(
    int descriptor, std::uint8_t recorded, std::uint8_t mask,
    const std::function<void(std::string_view flag, int error_number)>& on_failure);

/// Clears the flags that forbid writing (append only, immutable). Returns the cleared flags as the
/// kernel has them; 0: there were none, or it is not allowed.
unsigned lift_hindering_flags(int descriptor);
/// The same for the object with this name in an open folder, if such flags may be the reason for
/// this errno, which is otherwise kept. True if there were some.
bool lift_flags_in_the_way(int folder, const std::string& name, int refusal);
/// Sets cleared flags again.
void put_back_flags(int descriptor, unsigned lifted);

}  // namespace cairn::repo::ops
