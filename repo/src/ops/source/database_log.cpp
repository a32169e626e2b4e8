#include "ops/source/database_log.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "cairn/core/descriptor.h"
#include "ops/posix/object_metadata.h"

namespace cairn::repo::ops {
namespace {

/// A journal that is kept for the next transaction has zeros in place of its header.
bool begins_with_zero(const WalkItem& item, const std::string& name) {
  const core::Descriptor log(
      open_without_traces(item.folder->descriptor(), name.c_str(), O_RDONLY | O_NONBLOCK));
  char first = 1;
  return log.is_open() &&
         core::uninterrupted([&] { return ::pread(log.number(), &first, 1, 0); }) == 1 &&
         first == 0;
}

}  // namespace

bool is_sqlite(core::ByteView head) noexcept {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const auto magic = core::as_view(kMagic);
  return head.size() >= magic.size() && std::equal(magic.begin(), magic.end(), head.begin());
}

std::string log_beside(const WalkItem& item) {
  for (const std::string_view suffix : {"-journal", "-wal"}) {
    const std::string name = item.file_name + std::string(suffix);
    const DatabaseLogs* const known = item.logs.get();
    if (known != nullptr && (std::ranges::find(known->left_out, name) != known->left_out.end() ||
                             std::ranges::any_of(known->logs, [&](const DatabaseLogs::Log& log) {
                               return log.item.file_name == name;
                             }))) {
      continue;
    }
    Statx status{};
    if (stat_at(item.folder->descriptor(), name.c_str(), status) == 0 && S_ISREG(status.stx_mode) &&
        status.stx_size > 0 && !begins_with_zero(item, name)) {
      return name;
    }
  }
  return {};
}

bool is_shared_memory(const WalkItem& item) {
  constexpr std::string_view kSuffix = "-shm";
  if (!item.file_name.ends_with(kSuffix)) {
    return false;
  }
  const std::string database = item.file_name.substr(0, item.file_name.size() - kSuffix.size());
  Statx status{};
  return stat_at(item.folder->descriptor(), database.c_str(), status) == 0;
}

}  // namespace cairn::repo::ops
