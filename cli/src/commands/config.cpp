#include <fmt/format.h>

#include "cairn/repo/settings.h"
#include "commands/commands.h"
#include "text/sizes.h"

namespace cairn::cli {

core::Result<ExitCode> execute(const ConfigArguments& arguments, Context& context) {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(repo::Settings settings, repo::read_settings(repository, observer));
  if (arguments.max_repo_bytes) {
    settings.max_repo_bytes = *arguments.max_repo_bytes;
    CAIRN_TRY_STATUS(repo::change_settings(repository, settings, observer));
  }
  if (context.console.json()) {
    context.console.print_json(settings_view(settings));
    return ExitCode::ok;
  }
  context.console.print(
      fmt::format("max-repo-size: {}",
                  settings.max_repo_bytes == 0 ? "none" : format_size(settings.max_repo_bytes)));
  return ExitCode::ok;
}

}  // namespace cairn::cli
