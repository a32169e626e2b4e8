#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/stats.h"
#include "command_line/filter_options.h"
#include "command_line/option_words.h"
#include "commands/commands.h"
#include "text/sizes.h"
#include "text/table.h"

namespace cairn::cli {
namespace {

struct StatsArguments {
  /// Snapshots and absolute paths: how much would forgetting and excluding them free?
  std::vector<std::string> would_free;
  repo::SnapshotFilter filter;  ///< where latest is looked for; paths as typed
};

/// A pattern that matches only this path.
std::string pattern_of(const std::string& path) {
  std::string pattern;
  for (const char c : path) {
    if (std::string_view("*?[\\").find(c) != std::string_view::npos) {
      pattern += '\\';
    }
    pattern += c;
  }
  return pattern;
}

core::Result<ExitCode> tell_would_free(const StatsArguments& arguments,
                                       repo::Repository& repository, Context& context,
                                       repo::Observer& observer) {
  CAIRN_TRY(auto filter, resolved(arguments.filter, context.streams));
  repo::WouldFreeOptions options{.filter = std::move(filter), .stop = context.streams.stop};
  for (const std::string& name : arguments.would_free) {
    if (name.starts_with('/')) {
      CAIRN_TRY_STATUS(options.exclude.add_exclude(pattern_of(name)));
    } else {
      options.snapshots.push_back(name);
    }
  }
  CAIRN_TRY(const repo::WouldFree found, repo::would_free(repository, options, observer));
  Console& console = context.console;
  if (console.json()) {
    console.print_json({{"would_free_bytes", found.freed_bytes},
                        {"added_bytes", found.added_bytes},
                        {"needed_bytes", found.needed_bytes},
                        {"unneeded_bytes", found.unneeded_bytes}});
    return ExitCode::ok;
  }
  console.print(fmt::format("{} of {} would not be needed any more", format_size(found.freed_bytes),
                            format_size(found.needed_bytes)));
  if (found.added_bytes > 0) {
    console.print(
        fmt::format("{} would be written for folders without what is excluded: cairn rewrite",
                    format_size(found.added_bytes)));
  }
  if (found.unneeded_bytes > 0) {
    console.print(
        fmt::format("{} are unneeded already: cairn prune", format_size(found.unneeded_bytes)));
  }
  return ExitCode::ok;
}

class StatsCommand final : public CommandWith<StatsArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const override;

 private:
  TypedFilter filter_;
};

void StatsCommand::declare(CLI::App& app) {
  add_list(app, "--would-free", arguments_.would_free, "SNAP|PATH",
           "What it would give back to forget these snapshots, and to exclude these paths");
  add_filter(app, filter_);
}

std::optional<UsageError> StatsCommand::check(const CommandLine& /*line*/) {
  if (auto error = take_filter(filter_, arguments_.filter)) {
    return error;
  }
  if (arguments_.would_free.empty() && !arguments_.filter.is_empty()) {
    return usage_error("the sums are those of all snapshots: only --would-free takes some");
  }
  return std::nullopt;
}

core::Result<ExitCode> StatsCommand::run(Context& context) const {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  if (!arguments_.would_free.empty()) {
    return tell_would_free(arguments_, repository, context, observer);
  }
  CAIRN_TRY(const repo::Statistics stats, repo::statistics(repository, observer));
  const ExitCode code = stats.unreadable_snapshots > 0 ? ExitCode::partial : ExitCode::ok;
  if (console.json()) {
    console.print_json(statistics_view(stats));
    return code;
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
  if (stats.awaiting_prune > 0) {
    // The size of what they take does not say how much is freed.
    console.print(fmt::format("{} forgotten: what only they need is given back by cairn prune",
                              format_count(stats.awaiting_prune, "snapshot")));
  } else if (stats.stored_bytes > 0 && stats.total.bytes > stats.stored_bytes) {
    console.print(fmt::format(
        "{:.1f} bytes can be restored for each byte stored",
        static_cast<double>(stats.total.bytes) / static_cast<double>(stats.stored_bytes)));
  }
  return code;
}

}  // namespace

constexpr CommandSpec kStatsCommand = {
    .name = "stats",
    .summary = "Say how much is stored, and what it takes",
    .details =
        "Reads snapshots and the index, no contents. --would-free says what no snapshot\n"
        "would need any more if these snapshots were forgotten, and these paths (they\n"
        "begin with /) taken out of all others.\n",
    .examples =
        "  cairn stats\n"
        "  cairn stats --would-free latest~5 --would-free 3f2a91c0\n"
        "  cairn stats --would-free /home/ada/Downloads\n",
    .make = make_command<StatsCommand>,
};

}  // namespace cairn::cli
