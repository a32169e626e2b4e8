#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

/// Inode flags of open files and folders (chattr), as a restore needs them.
namespace cairn::repo::ops {

/// The flags as the kernel has them; nullopt: this file system has none, or will not tell.
[[nodiscard]] std::optional<unsigned> read_system_flags(int descriptor);

/// Sets those flags that count only while a file is empty (no copy-on-write, compression).
/// What fails here is said by set_inode_flags() later.
void set_flags_of_empty_file(int descriptor, std::uint8_t recorded);

/// Gives an object the recorded flags. Those that cannot be set are told one by one.
void set_inode_flags(
    int descriptor, std::uint8_t recorded,
    const std::function<void(std::string_view flag, int error_number)>& on_failure);

/// Takes away what forbids writing (append only, immutable). Answers the flags that were lifted,
/// as the kernel has them; 0: there were none, or it is not allowed.
unsigned lift_hindering_flags(int descriptor);
/// Puts lifted flags back.
void put_back_flags(int descriptor, unsigned lifted);

}  // namespace cairn::repo::ops
