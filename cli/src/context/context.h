#pragma once

#include <optional>
#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/repository.h"
#include "command_line/choice_options.h"
#include "command_line/repository_options.h"
#include "io/streams.h"
#include "output/console.h"

namespace cairn::cli {

/// What a command works with. Outlives every repository that it opens.
struct Context {
  Streams& streams;
  Console& console;
  const GlobalArguments& global;
  std::string location = {};  ///< of the repository; empty for commands that need none
  std::optional<repo::Environment> environment = std::nullopt;
};

/// From --repo, else CAIRN_REPOSITORY; empty if neither is given. Errors: as
/// repo::spelled_location(), and for a relative path as check_path().
[[nodiscard]] core::Result<std::string> repository_location(const GlobalArguments& global,
                                                            const Streams& streams);

/// The same for the repository that a copy comes from: --from-repo, else CAIRN_FROM_REPOSITORY.
[[nodiscard]] core::Result<std::string> location_to_copy_from(const FromArguments& from,
                                                              const Streams& streams);

/// The environment for the repository of `context`; made at the first call.
[[nodiscard]] core::Result<const repo::Environment*> environment_of(Context& context);

/// Asks for credentials and opens the repository of `context`.
[[nodiscard]] core::Result<repo::Repository> open_repository(Context& context,
                                                             repo::Observer& observer);

/// The same for the repository that a copy comes from.
[[nodiscard]] core::Result<repo::Repository> open_repository_to_copy_from(const FromArguments& from,
                                                                          Context& context,
                                                                          repo::Observer& observer);

/// The filter in the form of the library: relative paths are relative to the working folder.
[[nodiscard]] core::Result<repo::SnapshotFilter> resolved(repo::SnapshotFilter filter,
                                                          const Streams& streams);

/// The snapshot chosen by name or by time; says on standard error which one it is.
[[nodiscard]] core::Result<repo::ListedSnapshot> choose_snapshot(repo::Repository& repository,
                                                                 const SnapshotChoice& choice,
                                                                 Context& context,
                                                                 repo::Observer& observer);

}  // namespace cairn::cli
