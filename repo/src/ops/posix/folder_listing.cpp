#include "ops/posix/folder_listing.h"

#include <dirent.h>

#include <cstddef>
#include <cstring>

#include "cairn/core/descriptor.h"

namespace cairn::repo::ops {

::ssize_t list_some(int descriptor, std::vector<char>& buffer, const OnListedName& on_name) {
  const ::ssize_t size =
      core::uninterrupted([&] { return ::getdents64(descriptor, buffer.data(), buffer.size()); });
  if (size <= 0) {
    return size;
  }
  std::string_view records(buffer.data(), static_cast<std::size_t>(size));
  while (!records.empty()) {
    decltype(::dirent64::d_reclen) record_bytes = 0;
    std::memcpy(&record_bytes, records.data() + offsetof(::dirent64, d_reclen),
                sizeof(record_bytes));
    decltype(::dirent64::d_ino) inode = 0;
    std::memcpy(&inode, records.data() + offsetof(::dirent64, d_ino), sizeof(inode));
    const std::string_view name(records.data() + offsetof(::dirent64, d_name));
    records.remove_prefix(record_bytes);
    if (name != "." && name != "..") {
      on_name(name, inode);
    }
  }
  return size;
}

}  // namespace cairn::repo::ops
