#include "command_line/repository_options.h"

#include <fmt/format.h>

#include "command_line/option_words.h"
#include "text/sizes.h"

namespace cairn::cli {
namespace {

constexpr const char* kMaxRepoSize = "--max-repo-size";

}  // namespace

void add_global(CLI::App& app, GlobalArguments& global) {
  constexpr const char* kGroup = "Options of every command";
  add_text(app, "-r,--repo", global.repository, "REPO", "Folder of the repository")->group(kGroup);
  add_text(app, "--password-file", global.password_file, "FILE",
           "Passphrase from a file, - for standard input")
      ->group(kGroup);
  add_text(app, "--key-file", global.key_file, "FILE", "Key file of 32 bytes")->group(kGroup);
  app.add_flag("--json", global.json, "JSON on standard output: one object, or lines")
      ->group(kGroup);
  app.add_flag("-q,--quiet", global.quiet, "Only results that were asked for, and errors")
      ->group(kGroup);
  app.add_flag("-v,--verbose", global.verbose, "Say on standard error what is done")->group(kGroup);
  app.add_flag("--no-progress", global.no_progress, "No progress line")->group(kGroup);
  app.add_flag("--no-cache", global.no_cache,
               "Keep no catalogue: make one for this run from the whole index")
      ->group(kGroup);
  app.set_help_flag("-h,--help", "Explain this command")->group(kGroup);
}

void add_from(CLI::App& command, FromArguments& from, const char* help) {
  add_text(command, "--from-repo", from.repository, "REPO", help);
  add_text(command, "--from-password-file", from.password_file, "FILE",
           "Its passphrase from a file, - for standard input");
  add_text(command, "--from-key-file", from.key_file, "FILE", "Its key file of 32 bytes");
}

std::optional<UsageError> check_from(const FromArguments& from) {
  if (!from.password_file.empty() && !from.key_file.empty()) {
    return usage_error("give only one of --from-password-file and --from-key-file");
  }
  return std::nullopt;
}

void add_max_repo_size(CLI::App& command, std::string& typed, const char* help) {
  add_text(command, kMaxRepoSize, typed, "SIZE", help);
}

std::optional<UsageError> take_max_repo_size(const std::string& typed,
                                             std::optional<std::uint64_t>& bytes) {
  if (typed.empty()) {
    return std::nullopt;
  }
  bytes = typed == "none" ? 0 : parse_size(typed);
  if (!bytes || (*bytes == 0 && typed != "none")) {
    return usage_error(
        fmt::format("{} {}: must be a size such as 500G or 2T, or none", kMaxRepoSize, typed));
  }
  return std::nullopt;
}

}  // namespace cairn::cli
