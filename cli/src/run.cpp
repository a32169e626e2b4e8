#include "run.h"

#include <algorithm>
#include <ostream>
#include <type_traits>
#include <variant>

#include "cairn/core/thread.h"
#include "command_line/arguments.h"
#include "commands/commands.h"
#include "context/context.h"
#include "output/console.h"
#include "output/exit_code.h"

namespace cairn::cli {
namespace {

/// True for commands that answer with lines of JSON, each of which has a "type"; all others answer
/// with one object, whatever the size of the repository.
template <class Arguments>
constexpr bool kAnswersInLines = false;
template <>
constexpr bool kAnswersInLines<BackupArguments> = true;
template <>
constexpr bool kAnswersInLines<CopyArguments> = true;
template <>
constexpr bool kAnswersInLines<DiffArguments> = true;
template <>
constexpr bool kAnswersInLines<FindArguments> = true;
template <>
constexpr bool kAnswersInLines<LsArguments> = true;
template <>
constexpr bool kAnswersInLines<RepairPacksArguments> = true;
template <>
constexpr bool kAnswersInLines<RestoreArguments> = true;
template <>
constexpr bool kAnswersInLines<RewriteArguments> = true;
template <>
constexpr bool kAnswersInLines<VerifyArguments> = true;

ExitCode show_help(const HelpText& help, Console& console) {
  if (console.json()) {
    console.print_json({{"help", help.text}});
  } else {
    console.write(help.text);
  }
  return console.finish() ? ExitCode::ok : ExitCode::failed;
}

/// Tells how it ended; the exit status of the program.
ExitCode conclude(const core::Result<ExitCode>& result, Console& console) {
  const core::Status written = console.finish();
  if (!result) {
    const ExitCode code = exit_code_of(result.error().code());
    if (written || !console.reader_is_gone()) {
      console.error(result.error(), code);
    }
    return code;
  }
  if (!written) {
    if (!console.reader_is_gone()) {
      console.error(written.error(), ExitCode::failed);
    }
    return *result == ExitCode::ok ? ExitCode::failed : *result;
  }
  return *result;
}

/// Where the repositories lie that the command works with, before anything is asked or done.
core::Status find_repositories(const Invocation& invocation, Context& context) {
  if (std::holds_alternative<VersionArguments>(invocation.command)) {
    return {};
  }
  CAIRN_TRY(context.location, repository_location(invocation.global, context.streams));
  if (context.location.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "which repository?",
                      "give --repo REPO or set CAIRN_REPOSITORY");
  }
  if (const auto* const copy = std::get_if<CopyArguments>(&invocation.command)) {
    CAIRN_TRY(const std::string from, location_to_copy_from(copy->from, context.streams));
    if (from.empty()) {
      return core::fail(core::ErrorCode::invalid_argument, "copy from which repository?",
                        "give --from-repo REPO or set CAIRN_FROM_REPOSITORY");
    }
  }
  if (const auto* const repair = std::get_if<RepairPacksArguments>(&invocation.command)) {
    CAIRN_TRY_STATUS(location_to_copy_from(repair->from, context.streams));
  }
  return {};
}

ExitCode invoke(const Invocation& invocation, Streams& streams) {
  Console console(streams, invocation.global);
  streams.warn = [&console](std::string_view text) { console.warning(text); };
  Context context{.streams = streams, .console = console, .global = invocation.global};
  if (const core::Status found = find_repositories(invocation, context); !found) {
    console.error(found.error(), ExitCode::usage);
    return ExitCode::usage;
  }
  const auto result = core::guarded("running the command", [&] {
    return std::visit(
        [&context](const auto& arguments) {
          if (!kAnswersInLines<std::decay_t<decltype(arguments)>>) {
            context.console.answer_with_one_object();
          }
          return execute(arguments, context);
        },
        invocation.command);
  });
  return conclude(result, console);
}

ExitCode run_parsed(std::span<const std::string> args, Streams& streams) {
  const ParsedArguments parsed = parse_arguments(args);
  if (const auto* const invocation = std::get_if<Invocation>(&parsed)) {
    return invoke(*invocation, streams);
  }
  // Options were not understood as a whole, so look for this one alone.
  GlobalArguments global;
  global.json = std::find(args.begin(), args.end(), "--json") != args.end();
  Console console(streams, global);
  if (const auto* const help = std::get_if<HelpText>(&parsed)) {
    return show_help(*help, console);
  }
  console.usage_error(std::get<UsageError>(parsed));
  return ExitCode::usage;
}

}  // namespace

int run(std::span<const std::string> args, Streams& streams) {
  try {
    return static_cast<int>(run_parsed(args, streams));
  } catch (...) {
    // Out of memory: nothing of ours throws.
    streams.err << "cairn: " << core::error_of_exception("reading the command line").message()
                << std::endl;
    return static_cast<int>(ExitCode::failed);
  }
}

}  // namespace cairn::cli
