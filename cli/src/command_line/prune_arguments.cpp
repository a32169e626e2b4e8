#include "command_line/prune_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "command_line/backup_arguments.h"
#include "command_line/option_words.h"
#include "text/sizes.h"

namespace cairn::cli {

void add_prune_options(CLI::App& command, TypedPrune& typed) {
  add_text(command, "--max-unused", typed.max_unused, "PART",
           "Leave so much of what is stored unused, 1% (default);\n0 gives everything back");
  add_text(command, "--max-repack-bytes", typed.max_repack, "SIZE",
           "Rewrite packs with no more than that; 0: only delete");
  command.add_flag("--repack-small", typed.checked.repack_small,
                   "Put small packs together, even if there are few");
  add_text(command, "--stale-after", typed.stale_after, "TIME",
           "Give up backups without a sign of life for so long (10min)");
}

void add_prune(CLI::App& app, TypedPrune& typed) {
  CLI::App& command = add_command(app, "prune");
  command.add_flag("-n,--dry-run", typed.checked.dry_run,
                   "Say what would be given back and rewritten");
  add_prune_options(command, typed);
}

CheckedArguments prune_values(TypedPrune& typed) {
  PruneArguments& prune = typed.checked;
  if (!typed.max_unused.empty()) {
    const auto part = parse_part(typed.max_unused);
    if (!part) {
      return usage_error(
          fmt::format("--max-unused {}: must be a part such as 5% or 0.05", typed.max_unused));
    }
    prune.max_unused = *part;
  }
  if (!typed.max_repack.empty()) {
    prune.max_repack_bytes = parse_size(typed.max_repack);
    if (!prune.max_repack_bytes) {
      return usage_error(fmt::format("--max-repack-bytes {}: must be a size such as 500M or 2G",
                                     typed.max_repack));
    }
  }
  if (!typed.stale_after.empty()) {
    const auto seconds = parse_duration(typed.stale_after);
    if (!seconds) {
      return duration_mistake("--stale-after", typed.stale_after);
    }
    prune.stale_after_seconds = *seconds;
  }
  return std::move(prune);
}

}  // namespace cairn::cli
