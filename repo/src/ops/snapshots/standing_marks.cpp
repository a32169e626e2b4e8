#include "ops/snapshots/standing_marks.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "ops/repository/damage.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {
namespace {

using core::ErrorCode;

void take(StandingMarks& marks, const MarkId& id, format::Mark mark) {
  const auto [found, is_first] = marks.of.try_emplace(mark.snapshot);
  StandingMark& standing = found->second;
  if (is_first || std::tie(mark.number, id) > std::tie(standing.mark.number, standing.id)) {
    if (!is_first) {
      standing.superseded.push_back(standing.id);
    }
    standing.id = id;
    standing.mark = std::move(mark);
  } else {
    standing.superseded.push_back(id);
  }
}

}  // namespace

bool StandingMarks::is_pinned(const SnapshotId& id) const {
  const auto found = of.find(id);
  return found != of.end() && found->second.mark.pinned;
}

void StandingMarks::apply_to(ListedSnapshot& listed) const {
  const auto found = of.find(listed.id);
  if (found != of.end()) {
    listed.snapshot.tags = found->second.mark.tags;
    listed.pinned = found->second.mark.pinned;
  }
}

core::Result<StandingMarks> read_marks(const OpenRepository& repository) {
  CAIRN_TRY(const auto ids, store::list_ids<MarkId>(*repository.backend, format::ObjectKind::mark));
  StandingMarks marks;
  for (const MarkId& id : ids) {
    auto mark = store::get_mark(*repository.backend, *repository.keys, id);
    if (mark) {
      take(marks, id, std::move(*mark));
    } else if (is_unreadable(mark.error().code())) {
      marks.damage.push_back(mark.error().message());
    } else if (mark.error().code() != ErrorCode::not_found) {  // else superseded a moment ago
      return core::fail(std::move(mark).error());
    }
  }
  return marks;
}

core::Status put_standing_mark(const OpenRepository& repository, const StandingMarks& marks,
                               const NewMark& wanted) {
  format::Mark mark;
  mark.snapshot = wanted.snapshot;
  mark.tags = wanted.tags;
  mark.pinned = wanted.pinned;
  mark.when = repository.environment.clock.now();
  const auto old = marks.of.find(wanted.snapshot);
  if (old != marks.of.end()) {
    if (old->second.mark.number == UINT64_MAX) {
      return core::fail(ErrorCode::limit_exceeded,
                        fmt::format("mark snapshot {}: its mark has the last number there is",
                                    wanted.snapshot.short_hex()),
                        fmt::format("remove marks/{} from the repository, then mark it again",
                                    old->second.id.hex()));
    }
    mark.number = old->second.mark.number + 1;
  }
  const auto put = store::put_mark(*repository.backend, *repository.keys,
                                   repository.environment.random, std::move(mark));
  if (!put) {
    return core::fail(put.error());
  }
  if (old != marks.of.end()) {
    std::vector<MarkId> obsolete = old->second.superseded;
    obsolete.push_back(old->second.id);
    for (const MarkId& id : obsolete) {
      // Storage that forbids deletion keeps it; its number says that it no longer counts.
      [[maybe_unused]] const auto removed =
          repository.backend->remove(store::object_name(format::ObjectKind::mark, id));
    }
  }
  return {};
}

}  // namespace cairn::repo::ops
