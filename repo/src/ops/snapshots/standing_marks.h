#pragma once

#include <map>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "format/mark.h"
#include "ops/repository/open_repository.h"

/// Which mark of each snapshot counts. docs/FORMAT.md, "Snapshots".
namespace cairn::repo::ops {

/// The mark of a snapshot that counts, and those that no longer do.
struct StandingMark {
  MarkId id;
  format::Mark mark;
  std::vector<MarkId> superseded;
};

struct StandingMarks {
  std::map<SnapshotId, StandingMark> of;
  /// Marks that cannot be read, with what is wrong: they may be marks of any snapshot.
  std::vector<std::string> damage;

  [[nodiscard]] bool is_pinned(const SnapshotId& id) const;
  /// Sets tags and pin to those of the snapshot's mark, if it has one.
  void apply_to(ListedSnapshot& listed) const;
};

/// Reads all marks. Errors: io.
[[nodiscard]] core::Result<StandingMarks> read_marks(const OpenRepository& repository);

/// The new mark of a snapshot.
struct NewMark {
  SnapshotId snapshot;
  std::vector<std::string> tags;  ///< sorted, unique
  bool pinned = false;
};
/// Writes a mark that replaces all in `marks`, then removes those of its snapshot; one that cannot
/// be removed no longer counts. Errors: not_permitted, limit_exceeded (no number is left),
/// no_space, io.
core::Status put_standing_mark(const OpenRepository& repository, const StandingMarks& marks,
                               const NewMark& wanted);

}  // namespace cairn::repo::ops
