#include "cairn/core/version.h"

#include <fmt/format.h>

#include "commands/commands.h"

namespace cairn::cli {

core::Result<ExitCode> execute(const VersionArguments& /*arguments*/, Context& context) {
  if (context.console.json()) {
    context.console.print_json({{"version", core::version()}, {"revision", core::revision()}});
  } else {
    context.console.print(fmt::format("cairn {} ({})", core::version(), core::revision()));
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
