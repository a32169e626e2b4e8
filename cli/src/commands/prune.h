#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/prune.h"
#include "command_line/usage_error.h"
#include "context/context.h"

namespace CLI {
class App;
}

/// Also used by commands that prune afterwards.
namespace cairn::cli {

struct PruneArguments {
  double max_unused = 0.01;
  std::optional<std::uint64_t> max_repack_bytes;
  bool repack_small = false;
  bool dry_run = false;
  std::uint64_t stale_after_seconds = 600;
};

struct TypedPrune {
  std::string max_unused;
  std::string max_repack;
  std::string stale_after;
};
/// All options but --dry-run; the variables that they fill must outlive the app.
void add_prune_options(CLI::App& command, TypedPrune& typed, PruneArguments& arguments);
[[nodiscard]] std::optional<UsageError> take_prune_options(const TypedPrune& typed,
                                                           PruneArguments& arguments);

/// Prunes and reports the result as text, but not in JSON. In a dry run `forgotten` count as
/// forgotten.
[[nodiscard]] core::Result<repo::PruneReport> prune_and_tell(
    repo::Repository& repository, const PruneArguments& arguments,
    const std::vector<repo::SnapshotId>& forgotten, Context& context);

}  // namespace cairn::cli
