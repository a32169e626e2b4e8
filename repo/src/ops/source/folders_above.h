#pragma once

#include <string>
#include <vector>

#include "cairn/repo/snapshot.h"

namespace cairn::repo::ops {

/// The folders above the sources of a backup, except "/", sorted by path: with these a restore
/// elsewhere can make them as private as they were. Folders that cannot be looked at are left out.
/// If the attributes cannot be read, or are too many, the mode is reduced to the owner's: an access
/// control list may have forbidden what the mode alone would allow. `paths`: absolute, normalised.
/// Links in them are followed, as in a backup.
[[nodiscard]] std::vector<FolderAbove> read_folders_above(const std::vector<std::string>& paths);

}  // namespace cairn::repo::ops
