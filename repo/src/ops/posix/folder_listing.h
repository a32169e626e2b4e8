#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace cairn::repo::ops {

/// Called with a name and its inode number. The name is followed by a NUL and is valid until the
/// call returns; it may be empty, too long or otherwise invalid, but is not "." or "..".
using OnListedName = std::function<void(std::string_view name, std::uint64_t inode)>;

/// Continues to read an open folder, as much as fits into `buffer` in the form of getdents64().
/// Returns 0 at the end, -1 for an error (errno).
::ssize_t list_some(int descriptor, std::vector<char>& buffer, const OnListedName& on_name);

}  // namespace cairn::repo::ops
