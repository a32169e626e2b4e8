#include "ops/incremental/record_cursor.h"

#include <utility>

namespace cairn::repo::ops {

RecordCursor::RecordCursor(const StatCache& cache, std::shared_ptr<const RecalledFolder> folder,
                           std::function<void(std::string_view name)> on_removed)
    : folder_(folder), entries_(cache, std::move(folder)), on_removed_(std::move(on_removed)) {}

core::Result<RecordCursor::Match> RecordCursor::look_up(std::string_view name, Stamp stamp) {
  const std::vector<Stamp>& stamps = folder_->record.stamps;
  // A stamp includes the name.
  if (next_ < stamps.size() && stamp != kNoStamp && stamps[next_] == stamp) {
    return Match{.index = next_++, .same = true};
  }
  while (next_ < stamps.size()) {
    CAIRN_TRY(const Entry* const recorded, entries_.at(next_));
    const int order = recorded->name.compare(name);
    if (order > 0) {
      break;
    }
    const std::uint32_t index = next_++;
    if (order == 0) {
      const bool same = stamp != kNoStamp && stamps[index] == stamp;
      return Match{.index = index, .same = same};
    }
    if (on_removed_) {
      on_removed_(recorded->name);
    }
  }
  return Match{};
}

core::Status RecordCursor::finish() {
  for (; on_removed_ && next_ < folder_->size(); ++next_) {
    CAIRN_TRY(const Entry* const recorded, entries_.at(next_));
    on_removed_(recorded->name);
  }
  return {};
}

}  // namespace cairn::repo::ops
