#pragma once

#include "cairn/core/result.h"
#include "cairn/repo/prune.h"
#include "command_line/arguments.h"
#include "context/context.h"

namespace cairn::cli {

/// Prunes, and tells how it went in words; in JSON it tells nothing. In a dry run `forgotten` are
/// taken for forgotten.
[[nodiscard]] core::Result<repo::PruneReport> prune_and_tell(
    repo::Repository& repository, const PruneArguments& arguments,
    const std::vector<repo::SnapshotId>& forgotten, Context& context);

}  // namespace cairn::cli
