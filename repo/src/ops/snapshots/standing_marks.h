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
  /// Marks that cannot be read, each with what is wrong: they may have been anybody's.
  std::vector<std::string> damage;

  [[nodiscard]] bool is_pinned(const SnapshotId& id) const;
  /// Puts tags and pin of the snapshot's mark in their place, if it has one.
  void apply_to(ListedSnapshot& listed) const;
};

/// Reads all marks. Errors: io.
[[nodiscard]] core::Result<StandingMarks> read_marks(const OpenRepository& repository);

/// What a snapshot is to be marked with from now on.
struct NewMark {
  SnapshotId snapshot;
  std::vector<std::string> tags;  ///< sorted, unique
  bool pinned = false;
};
/// Puts a mark that counts in place of all in `marks`, then removes those of its snapshot: what
/// cannot be removed no longer counts. Errors: not_permitted, limit_exceeded (no number is left),
/// no_space, io.
core::Status put_standing_mark(const OpenRepository& repository, const StandingMarks& marks,
                               const NewMark& wanted);

}  // namespace cairn::repo::ops
