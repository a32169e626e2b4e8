#pragma once

#include <string>
#include <vector>

#include "cairn/repo/snapshots.h"
#include "command_line/filter_options.h"
#include "commands/command.h"

/// What rewrite and repair snapshots share.
namespace cairn::cli {

/// Arguments of rewrite and of repair snapshots.
struct RewriteArguments {
  bool mend = false;            ///< repair: leaves out what is lost, instead of what matches
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::vector<std::string> excludes;
  std::vector<std::string> exclude_files;
  bool forget = false;
  bool yes = false;  ///< forgets without asking
  bool dry_run = false;
};

/// Chooses and replaces snapshots.
class ReplaceCommand : public CommandWith<RewriteArguments> {
 public:
  void declare(CLI::App& app) override;
  std::optional<UsageError> check(const CommandLine& line) override;
  core::Result<ExitCode> run(Context& context) const final;

 private:
  TypedFilter filter_;
};

}  // namespace cairn::cli
