#include "commands/config.h"

#include <fmt/format.h>

#include <string>

#include "cairn/repo/settings.h"
#include "command_line/repository_options.h"
#include "commands/commands.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

class ConfigCommand final : public CommandWith<ConfigArguments> {
 public:
  void declare(CLI::App& app) override {
    add_max_repo_size(app, max_repo_size_,
                      "Stop backups before the repository passes this size, 500G;\n"
                      "none: no limit");
  }
  std::optional<UsageError> check(const CommandLine& /*line*/) override {
    return take_max_repo_size(max_repo_size_, arguments_.max_repo_bytes);
  }
  core::Result<ExitCode> run(Context& context) const override;

 private:
  std::string max_repo_size_;
};

core::Result<ExitCode> ConfigCommand::run(Context& context) const {
  ConsoleObserver observer(context.console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(repo::Settings settings, repo::read_settings(repository, observer));
  if (arguments_.max_repo_bytes) {
    settings.max_repo_bytes = *arguments_.max_repo_bytes;
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

}  // namespace

constexpr CommandSpec kConfigCommand = {
    .name = "config",
    .summary = "Show or change the repository's settings",
    .details =
        "--max-repo-size is what all files of the repository together may take, as stats counts\n"
        "it. A backup or copy that would pass it stops before, without a snapshot; what it has\n"
        "stored is used by the next one. Forget and prune are not limited. Runs at the same time\n"
        "each count only what they add themselves. Changes need a key of role admin.\n",
    .examples =
        "  cairn config\n"
        "  cairn config --max-repo-size 500G\n"
        "  cairn config --max-repo-size none\n",
    .make = make_command<ConfigCommand>,
};

}  // namespace cairn::cli
