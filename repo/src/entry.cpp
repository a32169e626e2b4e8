#include "cairn/repo/entry.h"

namespace cairn::repo {

std::string_view to_string(EntryType type) noexcept {
  switch (type) {
    case EntryType::file:
      return "file";
    case EntryType::folder:
      return "folder";
    case EntryType::symlink:
      return "symlink";
    case EntryType::char_device:
      return "char_device";
    case EntryType::block_device:
      return "block_device";
    case EntryType::fifo:
      return "fifo";
    case EntryType::socket:
      return "socket";
  }
  return "unknown";
}

bool is_valid_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kNameBytesMax && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace cairn::repo
