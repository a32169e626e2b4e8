#include "context.h"

#include <utility>

#include "absolute_path.h"
#include "credentials.h"
#include "location.h"

namespace cairn::cli {
namespace {

/// Makes the folder and those above it that are missing. `path` is absolute.
core::Status make_folders(const std::string& path, core::FileSystem& file_system) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string folder = path.substr(0, slash);
    CAIRN_TRY(const auto there, file_system.info(folder));
    if (!there) {
      CAIRN_TRY_STATUS(file_system.make_folder(folder));
    }
  }
  return {};
}

core::Result<std::string> given_location(const char* option, const std::string& typed,
                                         const char* variable, const Streams& streams) {
  if (!typed.empty()) {
    return local_location(option, typed, streams);
  }
  const std::string value = streams.variable(variable);
  return value.empty() ? core::Result<std::string>(std::string())
                       : local_location(variable, value, streams);
}

/// Before anybody has to type a passphrase for nothing.
core::Status check_is_there(const std::string& location, std::string hint, Context& context) {
  CAIRN_TRY(const auto there, context.streams.file_system.info(location));
  if (!there) {
    return core::fail(core::ErrorCode::not_a_repository, "there is no repository at " + location,
                      std::move(hint));
  }
  return {};
}

core::Result<repo::Repository> open_with(const std::string& location, repo::Credentials credentials,
                                         Context& context, repo::Observer& observer) {
  CAIRN_TRY(const repo::Environment* environment, environment_of(context));
  return repo::Repository::open(
      *environment, {.location = location, .credentials = std::move(credentials)}, observer);
}

}  // namespace

core::Result<std::string> repository_location(const GlobalArguments& global,
                                              const Streams& streams) {
  return given_location("--repo", global.repository, "CAIRN_REPOSITORY", streams);
}

core::Result<std::string> location_to_copy_from(const FromArguments& from, const Streams& streams) {
  return given_location("--from-repo", from.repository, "CAIRN_FROM_REPOSITORY", streams);
}

core::Result<std::string> cache_folder(Streams& streams) {
  std::string folder = streams.variable("CAIRN_CACHE_DIR");
  if (folder.empty()) {
    // A relative path is to be ignored, says the XDG specification.
    const std::string xdg = streams.variable("XDG_CACHE_HOME");
    std::string home = streams.variable("HOME");
    home = home.starts_with('/') ? home : streams.home_folder;
    if (xdg.starts_with('/')) {
      folder = xdg + "/cairn";
    } else if (!home.empty()) {
      folder = home + "/.cache/cairn";
    }
  }
  if (folder.empty()) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "no folder for the catalogue: HOME is not set", "set CAIRN_CACHE_DIR");
  }
  CAIRN_TRY_CONTEXT(folder, "CAIRN_CACHE_DIR", absolute_path(folder, streams));
  const core::Status made = make_folders(folder, streams.file_system);
  if (!made) {
    return core::fail(core::Error(made.error())
                          .with_context("make the folder for catalogues " + folder)
                          .with_hint("CAIRN_CACHE_DIR names another one"));
  }
  return folder;
}

core::Result<const repo::Environment*> environment_of(Context& context) {
  if (!context.environment) {
    Streams& streams = context.streams;
    CAIRN_TRY(std::string cache, cache_folder(streams));
    context.environment.emplace(
        repo::Environment{streams.file_system, streams.clock, streams.random, streams.host,
                          streams.user, streams.process, std::move(cache), streams.process_lives});
  }
  return &*context.environment;
}

core::Result<repo::Repository> open_repository(Context& context, repo::Observer& observer) {
  CAIRN_TRY_STATUS(check_is_there(context.location,
                                  "check --repo and CAIRN_REPOSITORY, or make one "
                                  "with cairn init",
                                  context));
  CAIRN_TRY(repo::Credentials credentials,
            credentials_to_open(context.global, context.location, context.streams));
  return open_with(context.location, std::move(credentials), context, observer);
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
  CAIRN_TRY(repo::Credentials credentials,
            credentials_to_copy_from(from, location, context.streams));
  return open_with(location, std::move(credentials), context, observer);
}

core::Result<repo::ListedSnapshot> choose_snapshot(repo::Repository& repository,
                                                   const SnapshotChoice& choice, Context& context,
                                                   repo::Observer& observer) {
  if (choice.at) {
    return repo::find_snapshot_at(repository, resolve(*choice.at, context.streams.clock), observer);
  }
  return repo::find_snapshot(repository, choice.snapshot, observer);
}

core::Status check_stop(const Streams& streams) {
  if (streams.stop.stop_requested()) {
    return core::fail(core::ErrorCode::interrupted, "interrupted");
  }
  return {};
}

}  // namespace cairn::cli
