#include "context/context.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "context/credentials.h"
#include "io/absolute_path.h"
#include "output/snapshot_line.h"

namespace cairn::cli {
namespace {

core::Result<std::string> given_location(const char* option, const std::string& typed,
                                         const char* variable, const Streams& streams) {
  const std::string given = typed.empty() ? streams.variable(variable) : typed;
  if (given.empty()) {
    return given;
  }
  auto location = repo::spelled_location(given);
  if (!location) {
    const core::Error& error = location.error();
    return core::fail(error.code(),
                      fmt::format("{} {}", typed.empty() ? variable : option, error.message()),
                      error.hint());
  }
  CAIRN_TRY_STATUS(check_path(*location, streams));
  return location;
}

/// Checked before anybody has to type a passphrase for nothing.
core::Status check_is_there(const std::string& location, std::string hint, Context& context) {
  CAIRN_TRY(const repo::Environment* environment, environment_of(context));
  CAIRN_TRY(const bool there, repo::is_there(*environment, location));
  if (!there) {
    return core::fail(core::ErrorCode::not_a_repository, "there is no repository at " + location,
                      std::move(hint));
  }
  return {};
}

using Ask = std::function<core::Result<repo::Credentials>()>;

/// Asks for credentials and opens; a user at a terminal may try again.
core::Result<repo::Repository> open_with(const std::string& location, bool at_terminal,
                                         const Ask& ask, Context& context,
                                         repo::Observer& observer) {
  for (unsigned left = at_terminal ? kTriesAtTerminal : 1;; --left) {
    CAIRN_TRY(repo::Credentials credentials, ask());
    CAIRN_TRY(const repo::Environment* environment, environment_of(context));
    auto repository = repo::Repository::open(
        *environment, {.location = location, .credentials = std::move(credentials)}, observer);
    if (repository || left == 1 || repository.error().code() != core::ErrorCode::wrong_key) {
      return repository;
    }
    context.console.warning("no key opens with this passphrase, try again");
  }
}

}  // namespace

core::Result<std::string> repository_location(const GlobalArguments& global,
                                              const Streams& streams) {
  return given_location("--repo", global.repository, "CAIRN_REPOSITORY", streams);
}

core::Result<std::string> location_to_copy_from(const FromArguments& from, const Streams& streams) {
  return given_location("--from-repo", from.repository, "CAIRN_FROM_REPOSITORY", streams);
}

core::Result<const repo::Environment*> environment_of(Context& context) {
  if (!context.environment) {
    Streams& streams = context.streams;
    const repo::UserFolders folders{streams.environment, streams.home_folder};
    std::string cache = context.global.no_cache ? std::string() : folders.cache();
    if (!cache.empty()) {
      CAIRN_TRY_CONTEXT(cache, "CAIRN_CACHE_DIR", absolute_path(cache, streams));
    }
    context.environment.emplace(repo::Environment{.file_system = streams.file_system,
                                                  .clock = streams.clock,
                                                  .random = streams.random,
                                                  .host = streams.host,
                                                  .user = streams.user,
                                                  .process = streams.process,
                                                  .cache_folder = std::move(cache),
                                                  .process_is_gone = streams.process_is_gone,
                                                  .temporary_folders = folders.temporary()});
  }
  return &*context.environment;
}

core::Result<repo::Repository> open_repository(Context& context, repo::Observer& observer) {
  CAIRN_TRY_STATUS(check_is_there(context.location,
                                  "check --repo and CAIRN_REPOSITORY, or make one "
                                  "with cairn init",
                                  context));
  const auto ask = [&context] {
    return credentials_to_open(context.global, context.location, context.streams);
  };
  return open_with(context.location, asks_terminal(context.global, context.streams), ask, context,
                   observer);
}

core::Result<repo::Repository> open_repository_to_copy_from(const FromArguments& from,
                                                            Context& context,
                                                            repo::Observer& observer) {
  CAIRN_TRY(const std::string location, location_to_copy_from(from, context.streams));
  if (location.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "copy from which repository?",
                      "give --from-repo REPO or set CAIRN_FROM_REPOSITORY");
  }
  CAIRN_TRY_STATUS(
      check_is_there(location, "check --from-repo and CAIRN_FROM_REPOSITORY", context));
  const auto ask = [&] { return credentials_to_copy_from(from, location, context.streams); };
  return open_with(location, asks_terminal(from, context.streams), ask, context, observer);
}

core::Result<repo::ListedSnapshot> choose_snapshot(repo::Repository& repository,
                                                   const SnapshotChoice& choice, Context& context,
                                                   repo::Observer& observer) {
  core::Clock& clock = context.streams.clock;
  CAIRN_TRY(const auto filter, resolved(choice.filter, context.streams));
  CAIRN_TRY(repo::ListedSnapshot listed,
            choice.at
                ? repo::find_snapshot_at(repository, resolve(*choice.at, clock), observer, filter)
                : repo::find_snapshot(repository, choice.snapshot, observer, filter));
  context.console.note("snapshot " + snapshot_line(listed, clock));
  return listed;
}

core::Result<repo::SnapshotFilter> resolved(repo::SnapshotFilter filter, const Streams& streams) {
  for (std::string& path : filter.paths) {
    CAIRN_TRY(path, absolute_path(path, streams));
  }
  return filter;
}

}  // namespace cairn::cli
