#include "run.h"

#include <algorithm>
#include <exception>
#include <ostream>
#include <variant>

#include "arguments.h"
#include "commands/commands.h"
#include "console.h"
#include "context.h"
#include "exit_code.h"

namespace cairn::cli {
namespace {

ExitCode show_help(const HelpText& help, Console& console) {
  console.write(help.text);
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

ExitCode invoke(const Invocation& invocation, Streams& streams) {
  Console console(streams, invocation.global);
  Context context{.streams = streams, .console = console, .global = invocation.global};
  if (!std::holds_alternative<VersionArguments>(invocation.command)) {
    context.location = repository_location(invocation.global, streams);
    if (context.location.empty()) {
      console.usage_error({"which repository?", "give --repo REPO or set CAIRN_REPOSITORY"});
      return ExitCode::usage;
    }
  }
  const auto result =
      std::visit([&context](const auto& arguments) { return execute(arguments, context); },
                 invocation.command);
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
  } catch (const std::exception& error) {
    // Out of memory, in all likelihood: nothing of ours throws.
    streams.err << "cairn: " << error.what() << std::endl;
    return static_cast<int>(ExitCode::failed);
  }
}

}  // namespace cairn::cli
