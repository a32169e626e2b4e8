#include "run.h"

#include <algorithm>
#include <ostream>
#include <variant>

#include "cairn/core/thread.h"
#include "commands/command.h"
#include "context/context.h"
#include "output/console.h"
#include "output/exit_code.h"
#include "parse.h"

namespace cairn::cli {
namespace {

ExitCode show_help(const HelpText& help, Console& console) {
  if (console.json()) {
    console.print_json({{"help", help.text}});
  } else {
    console.write(help.text);
  }
  return console.finish() ? ExitCode::ok : ExitCode::failed;
}

/// Reports how the run ended; returns the exit status of the program.
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

ConsoleOptions console_options(const GlobalArguments& global) {
  return {.json = global.json,
          .quiet = global.quiet,
          .verbose = global.verbose,
          .no_progress = global.no_progress};
}

ExitCode invoke(const Invocation& invocation, Streams& streams) {
  Console console(streams, console_options(invocation.global));
  streams.warn = [&console](std::string_view text) { console.warning(text); };
  Context context{.streams = streams, .console = console, .global = invocation.global};
  if (const core::Status found = invocation.command->locate(context); !found) {
    console.error(found.error(), ExitCode::usage);
    return ExitCode::usage;
  }
  if (invocation.spec->json == JsonForm::one_object) {
    console.answer_with_one_object();
  }
  const auto result =
      core::guarded("running the command", [&] { return invocation.command->run(context); });
  return conclude(result, console);
}

ExitCode run_parsed(std::span<const std::string> args, Streams& streams) {
  const ParsedArguments parsed = parse_arguments(args);
  if (const auto* const invocation = std::get_if<Invocation>(&parsed)) {
    return invoke(*invocation, streams);
  }
  // The options as a whole were not understood, so look for this one alone.
  Console console(streams, {.json = std::find(args.begin(), args.end(), "--json") != args.end()});
  if (const auto* const help = std::get_if<HelpText>(&parsed)) {
    return show_help(*help, console);
  }
  const auto& wrong = std::get<UsageError>(parsed);
  console.error(core::Error(core::ErrorCode::invalid_argument, wrong.message, wrong.hint),
                ExitCode::usage);
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
