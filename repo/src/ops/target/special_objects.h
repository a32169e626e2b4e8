#pragma once

#include <string>

#include "cairn/core/result.h"
#include "ops/target/restore_target.h"

/// Objects without contents of their own.
namespace cairn::repo::ops {

/// Symlinks, devices, FIFOs, sockets: made with their metadata in one go.
core::Status make_special(RestoreTarget& target, const TargetFolder& folder, const Entry& entry);

/// Another name of the object whose first name is `first` below `root_folder`.
core::Status make_hard_link(RestoreTarget& target, const TargetFolder& root_folder,
                            const std::string& first, const TargetFolder& folder,
                            const Entry& entry);
/// True if `first` below `root_folder` is not the entry, and will be kept.
[[nodiscard]] bool keeps_another(RestoreTarget& target, const TargetFolder& root_folder,
                                 const std::string& first, const Entry& entry);

}  // namespace cairn::repo::ops
