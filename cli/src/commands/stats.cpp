#include "cairn/repo/stats.h"

#include <fmt/format.h>

#include "cairn/repo/browse.h"
#include "cairn/repo/prune.h"
#include "commands/commands.h"
#include "sizes.h"
#include "table.h"

namespace cairn::cli {

namespace {

/// Bytes of packs that no snapshot would need, all of them, as against now.
core::Result<ExitCode> tell_would_free(const std::vector<std::string>& names,
                                       repo::Repository& repository, Context& context,
                                       repo::Observer& observer) {
  repo::PruneOptions options{.max_unused = 0, .dry_run = true, .stop = context.streams.stop};
  CAIRN_TRY(const repo::PruneReport now, repo::prune(repository, options, observer));
  for (const std::string& name : names) {
    CAIRN_TRY(const repo::ListedSnapshot listed, repo::find_snapshot(repository, name, observer));
    options.as_if_forgotten.push_back(listed.id);
  }
  CAIRN_TRY(const repo::PruneReport then, repo::prune(repository, options, observer));
  const std::uint64_t freed = now.used_bytes - then.used_bytes;
  if (context.console.json()) {
    context.console.print_json({{"would_free_bytes", freed}, {"unused_bytes", now.unused_bytes}});
    return ExitCode::ok;
  }
  context.console.print(fmt::format("forgetting {} would make {} unneeded",
                                    format_count(names.size(), "snapshot"), format_size(freed)));
  if (now.unused_bytes > 0) {
    context.console.print(
        fmt::format("{} are unneeded already: cairn prune", format_size(now.unused_bytes)));
  }
  return ExitCode::ok;
}

}  // namespace

core::Result<ExitCode> execute(const StatsArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  if (!arguments.would_free.empty()) {
    return tell_would_free(arguments.would_free, repository, context, observer);
  }
  CAIRN_TRY(const repo::Statistics stats, repo::statistics(repository, observer));
  if (console.json()) {
    console.print_json(statistics_view(stats));
    return ExitCode::ok;
  }
  using Align = Table::Align;
  Table table({{"WHAT"}, {"COUNT", Align::right}, {"SIZE", Align::right}});
  const auto add = [&table](const char* what, std::uint64_t count, std::uint64_t bytes) {
    table.add({what, fmt::format("{}", count), format_size(bytes)});
  };
  add("files in all snapshots", stats.total.files, stats.total.bytes);
  add("unique chunks of data", stats.unique_chunks, stats.unique_bytes);
  add("unique chunks of metadata", stats.metadata_chunks, stats.metadata_bytes);
  add("data packs, as stored", stats.data_packs, stats.data_pack_bytes);
  add("metadata packs, as stored", stats.metadata_packs, stats.metadata_pack_bytes);
  add("index segments, as stored", stats.index_segments, stats.index_bytes);
  for (const std::string& line : table.lines()) {
    console.print(line);
  }
  console.print(fmt::format("the repository takes {} for {}", format_size(stats.stored_bytes),
                            format_count(stats.snapshots.size(), "snapshot")));
  if (stats.stored_bytes > 0) {
    console.print(fmt::format(
        "{:.1f} bytes can be restored for each byte stored",
        static_cast<double>(stats.total.bytes) / static_cast<double>(stats.stored_bytes)));
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
