#include "ops/incremental/seen_cursor.h"

#include <utility>

namespace cairn::repo::ops {

SeenCursor::SeenCursor(const StatCache& cache, std::shared_ptr<const RecalledFolder> folder,
                       std::function<void(std::string_view name)> on_removed)
    : folder_(folder), entries_(cache, std::move(folder)), on_removed_(std::move(on_removed)) {}

core::Result<SeenCursor::Match> SeenCursor::look_up(std::string_view name, Stamp stamp) {
  const std::vector<Stamp>& stamps = folder_->seen.stamps;
  // A stamp covers the name.
  if (next_ < stamps.size() && stamp != kNoStamp && stamps[next_] == stamp) {
    return Match{.known = true, .same = true, .index = next_++};
  }
  while (next_ < stamps.size()) {
    CAIRN_TRY(const Entry* const seen, entries_.at(next_));
    const int order = seen->name.compare(name);
    if (order > 0) {
      break;
    }
    const std::uint32_t index = next_++;
    if (order == 0) {
      const bool same = stamp != kNoStamp && stamps[index] == stamp;
      return Match{.known = true, .same = same, .index = index};
    }
    if (on_removed_) {
      on_removed_(seen->name);
    }
  }
  return Match{};
}

core::Status SeenCursor::finish() {
  for (; on_removed_ && next_ < folder_->size(); ++next_) {
    CAIRN_TRY(const Entry* const seen, entries_.at(next_));
    on_removed_(seen->name);
  }
  return {};
}

}  // namespace cairn::repo::ops
