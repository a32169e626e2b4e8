#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/snapshot.h"

/// Records in a snapshot what its backup was told to leave out, and turns that into a Choice again
/// for a restore that must know what it must not delete.
namespace cairn::repo::ops {

/// Adds the choice to those of the snapshot, unless it leaves nothing out. If it is too long, only
/// that is recorded.
void add_left_out(const Choice& choice, Snapshot& snapshot);

/// The choices that the snapshot was made with. Errors: invalid_argument if some are not known.
[[nodiscard]] core::Result<std::vector<Choice>> choices_of(const Snapshot& snapshot);

}  // namespace cairn::repo::ops
