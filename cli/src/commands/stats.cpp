#include "cairn/repo/stats.h"

#include <fmt/format.h>

#include "commands/commands.h"
#include "sizes.h"
#include "table.h"

namespace cairn::cli {

core::Result<ExitCode> execute(const StatsArguments& /*arguments*/, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
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
