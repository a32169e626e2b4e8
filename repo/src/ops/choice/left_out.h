#pragma once

#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/snapshot.h"

/// What a backup was told to leave out, recorded in its snapshot, and made a Choice again for a
/// restore that has to know what it must not delete.
namespace cairn::repo::ops {

/// Adds the choice to those of the snapshot, unless it leaves nothing out. One that is too long is
/// recorded as such.
void add_left_out(const Choice& choice, Snapshot& snapshot);

/// The choices that the snapshot was made with. Errors: invalid_argument if they are not all
/// known.
[[nodiscard]] core::Result<std::vector<Choice>> choices_of(const Snapshot& snapshot);

}  // namespace cairn::repo::ops
