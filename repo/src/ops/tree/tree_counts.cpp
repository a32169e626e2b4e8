#include "ops/tree/tree_counts.h"

namespace cairn::repo::ops {

void count_entry(const Entry& entry, TreeCounts& counts) {
  switch (entry.type) {
    case EntryType::file:
      counts.files += 1;
      counts.bytes += entry.content.size_bytes;
      break;
    case EntryType::folder:
      counts.folders += 1;
      break;
    case EntryType::symlink:
      counts.symlinks += 1;
      break;
    case EntryType::char_device:
    case EntryType::block_device:
    case EntryType::fifo:
    case EntryType::socket:
      counts.others += 1;
      break;
  }
}

}  // namespace cairn::repo::ops
