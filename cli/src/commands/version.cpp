#include <fmt/format.h>

#include "cairn/core/version.h"
#include "commands/commands.h"

namespace cairn::cli {
namespace {

class VersionCommand final : public Command {
 public:
  core::Status locate(Context& /*context*/) const override { return {}; }
  core::Result<ExitCode> run(Context& context) const override;
};

core::Result<ExitCode> VersionCommand::run(Context& context) const {
  if (context.console.json()) {
    context.console.print_json({{"version", core::version()}, {"revision", core::revision()}});
  } else {
    context.console.print(fmt::format("cairn {} ({})", core::version(), core::revision()));
  }
  return ExitCode::ok;
}

}  // namespace

constexpr CommandSpec kVersionCommand = {
    .name = "version",
    .summary = "Print the version",
    .details = "",
    .examples = "  cairn version --json\n",
    .make = make_command<VersionCommand>,
};

}  // namespace cairn::cli
