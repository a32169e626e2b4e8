#pragma once

#include <string>
#include <vector>

#include "cairn/repo/snapshot.h"

namespace cairn::repo::ops {

/// The folders above the sources of a backup, but for "/", sorted by path: what a restore elsewhere
/// needs to make them again as private as they were. What cannot be looked at is left out; where
/// the attributes cannot be read, or there are too many, the mode is cut down to the owner's: an
/// access control list may have forbidden what the mode alone would allow. `paths`: absolute,
/// normalised. Links in them are followed, as a backup does.
[[nodiscard]] std::vector<FolderAbove> read_folders_above(const std::vector<std::string>& paths);

}  // namespace cairn::repo::ops
