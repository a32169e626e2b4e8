#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace cairn::repo::ops {

/// Told a name and the number of its inode. The name is followed by a NUL and is good until the
/// call returns; it may be empty, too long or otherwise invalid, but is not "." or "..".
using OnListedName = std::function<void(std::string_view name, std::uint64_t inode)>;

/// Reads on in an open folder, as much as `buffer` holds of what getdents64() writes. 0: that was
/// the end. -1: errno says why.
::ssize_t list_some(int descriptor, std::vector<char>& buffer, const OnListedName& on_name);

}  // namespace cairn::repo::ops
