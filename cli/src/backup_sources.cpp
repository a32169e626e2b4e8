#include "backup_sources.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <istream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "absolute_path.h"
#include "cairn/core/descriptor.h"
#include "descriptor_streams.h"

namespace cairn::cli {
namespace {

constexpr std::string_view kNoSnapshot = "no snapshot was made";

/// A failure is not the end of what was to be read.
core::Status check_input(const Streams& streams) {
  if (streams.stop.stop_requested()) {
    return core::fail(core::ErrorCode::interrupted, "interrupted");
  }
  if (const int error_number = streams.in_error ? streams.in_error() : 0; error_number != 0) {
    return core::fail(core::errno_error(error_number, "read standard input"));
  }
  return streams.in.bad() ? core::fail(core::ErrorCode::io, "read standard input: it failed")
                          : core::Status();
}

/// Nothing at all is what a failed command leaves in a pipeline. It must not stand for the dump
/// that was expected, and take the place of a good one under a policy.
core::Status check_not_empty(const StreamInput& input, std::string_view message) {
  if (input.bytes > 0) {
    return {};
  }
  return core::fail(core::ErrorCode::invalid_argument, std::string(message),
                    "no snapshot was made: a program that failed before it in the pipeline is the "
                    "usual reason");
}

core::Status in_option(std::string_view option, const std::string& value, core::Status status) {
  if (status) {
    return status;
  }
  return core::fail(
      core::Error(std::move(status).error()).with_context(fmt::format("{} {}", option, value)));
}

/// Lines that are empty or begin with # are passed over, as in a file of patterns; between NULs
/// every byte counts.
void add_paths(std::string_view text, char end, std::vector<std::string>& paths) {
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(end), text.size());
    std::string_view path = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (end == '\n' && path.ends_with('\r')) {
      path.remove_suffix(1);
    }
    if (!path.empty() && (end != '\n' || path[0] != '#')) {
      paths.emplace_back(path);
    }
  }
}

/// A link that is named with a '/' at its end stands for the folder that it leads to.
std::string followed(std::string path) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(path, failed)) {
    return path;
  }
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  return failed ? path : real.native();
}

}  // namespace

core::Result<std::string> read_whole(std::string_view option, const std::string& name,
                                     Streams& streams) {
  if (name == "-") {
    std::string text(std::istreambuf_iterator<char>(streams.in), {});
    CAIRN_TRY_STATUS(check_input(streams));
    return text;
  }
  CAIRN_TRY(const std::string path, absolute_path(name, streams));
  // Not through the file system seam: it may be a pipe, as in --files-from <(find ...).
  const core::Descriptor file(core::uninterrupted(
      [&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  const std::string what = fmt::format("{}: read {}", option, name);
  if (!file.is_open()) {
    return core::fail(core::errno_error(errno, what));
  }
  DescriptorInput buffer(file.number(), streams.stop);
  std::string text(std::istreambuf_iterator<char>(&buffer), {});
  if (streams.stop.stop_requested()) {
    return core::fail(core::ErrorCode::interrupted, "interrupted");
  }
  if (buffer.error() != 0) {
    return core::fail(core::errno_error(buffer.error(), what));
  }
  return text;
}

core::Result<std::vector<std::string>> source_paths(const BackupArguments& arguments,
                                                    Streams& streams) {
  std::vector<std::string> paths = arguments.paths;
  for (const std::string& name : arguments.files_from) {
    CAIRN_TRY(const std::string text, read_whole("--files-from", name, streams));
    add_paths(text, '\n', paths);
  }
  for (const std::string& name : arguments.files_from0) {
    CAIRN_TRY(const std::string text, read_whole("--files-from0", name, streams));
    add_paths(text, '\0', paths);
  }
  if (paths.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "the lists of paths name nothing");
  }
  for (std::string& path : paths) {
    const bool is_to_be_followed = path.ends_with('/') || path.ends_with("/.");
    CAIRN_TRY(path, absolute_path(path, streams));
    if (is_to_be_followed) {
      path = followed(std::move(path));
    }
  }
  return paths;
}

core::Status add_excludes(const std::vector<std::string>& files,
                          const std::vector<std::string>& patterns, Streams& streams,
                          repo::PathFilter& filter) {
  const auto home = streams.environment ? streams.environment("HOME") : std::nullopt;
  filter.read_as_paths({.working_folder = streams.working_folder,
                        .home_folder = home.value_or(streams.home_folder)});
  for (const std::string& name : files) {
    CAIRN_TRY(const std::string text, read_whole("--exclude-file", name, streams));
    CAIRN_TRY_STATUS(in_option("--exclude-file", name, filter.add_file_lines(text)));
  }
  for (const std::string& pattern : patterns) {
    CAIRN_TRY_STATUS(in_option("--exclude", pattern, filter.add_exclude(pattern)));
  }
  return {};
}

core::Result<std::vector<std::string>> read_patterns(std::string_view option,
                                                     const std::vector<std::string>& files,
                                                     Streams& streams) {
  repo::PathFilter patterns;
  for (const std::string& name : files) {
    CAIRN_TRY(const std::string text, read_whole(option, name, streams));
    CAIRN_TRY_STATUS(in_option(option, name, patterns.add_file_lines(text)));
  }
  return patterns.patterns();
}

core::Result<repo::Choice> source_choice(const BackupArguments& arguments, Streams& streams) {
  repo::Choice choice;
  CAIRN_TRY_STATUS(
      add_excludes(arguments.exclude_files, arguments.excludes, streams, choice.filter));
  for (const std::string& pattern : arguments.includes) {
    CAIRN_TRY_STATUS(in_option("--include", pattern, choice.filter.add_include(pattern)));
  }
  choice.exclude_if_present = arguments.exclude_if_present;
  choice.exclude_larger_than_bytes = arguments.exclude_larger_than;
  choice.exclude_caches = arguments.exclude_caches;
  choice.exclude_nodump = arguments.exclude_nodump;
  choice.one_file_system = arguments.one_file_system;
  return choice;
}

core::Result<std::unique_ptr<StreamInput>> stream_input(const BackupArguments& arguments,
                                                        Streams& streams) {
  auto input = std::make_unique<StreamInput>();
  repo::StreamSource& source = input->source;
  const std::string name = arguments.stdin_name.empty() ? "stdin" : arguments.stdin_name;
  source.path = absolute_path(name, std::string_view("/"));
  source.uid = ::geteuid();
  source.gid = ::getegid();
  if (!arguments.command.empty()) {
    const auto& words = arguments.command;
    CAIRN_TRY(input->command, ChildProgram::start(words[0], words, streams.stop));
    source.read = [from = input.get()](core::MutableByteView out) -> core::Result<std::size_t> {
      CAIRN_TRY(const std::size_t size, from->command->read(out));
      from->bytes += size;
      return size;
    };
    source.finish = [from = input.get(), name = words[0]]() -> core::Status {
      const core::Status ended = from->command->finish();
      if (!ended) {
        return core::fail(core::Error(ended.error()).with_hint(kNoSnapshot));
      }
      return check_not_empty(*from, fmt::format("{} printed nothing", name));
    };
    return input;
  }
  source.read = [&streams,
                 from = input.get()](core::MutableByteView out) -> core::Result<std::size_t> {
    streams.in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    CAIRN_TRY_STATUS(check_input(streams));
    from->bytes += static_cast<std::uint64_t>(streams.in.gcount());
    return static_cast<std::size_t>(streams.in.gcount());
  };
  source.finish = [from = input.get()] {
    return check_not_empty(*from, "standard input was empty");
  };
  return input;
}

}  // namespace cairn::cli
