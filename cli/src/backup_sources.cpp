#include "backup_sources.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <istream>
#include <iterator>
#include <string_view>
#include <utility>

#include "absolute_path.h"

namespace cairn::cli {
namespace {

/// A whole file, or standard input.
core::Result<std::string> read_list(const std::string& name, Streams& streams) {
  if (name == "-") {
    return std::string(std::istreambuf_iterator<char>(streams.in), {});
  }
  // Not through the file system seam: it may be a pipe, as in --files-from <(find ...).
  std::ifstream in(absolute_path(name, streams.working_folder), std::ios::binary);
  if (!in) {
    return core::fail(core::errno_error(errno, "read " + name));
  }
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) {
    return core::fail(core::ErrorCode::io, fmt::format("read {}: it failed", name));
  }
  return text;
}

core::Status in_option(std::string_view option, const std::string& value, core::Status status) {
  if (status) {
    return status;
  }
  return core::fail(
      core::Error(std::move(status).error()).with_context(fmt::format("{} {}", option, value)));
}

void add_paths(std::string_view text, char end, std::vector<std::string>& paths) {
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(end), text.size());
    std::string_view path = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (end == '\n' && path.ends_with('\r')) {
      path.remove_suffix(1);
    }
    if (!path.empty()) {
      paths.emplace_back(path);
    }
  }
}

}  // namespace

core::Result<std::vector<std::string>> source_paths(const BackupArguments& arguments,
                                                    Streams& streams) {
  std::vector<std::string> paths = arguments.paths;
  for (const std::string& name : arguments.files_from) {
    CAIRN_TRY(const std::string text, read_list(name, streams));
    add_paths(text, '\n', paths);
  }
  for (const std::string& name : arguments.files_from0) {
    CAIRN_TRY(const std::string text, read_list(name, streams));
    add_paths(text, '\0', paths);
  }
  if (paths.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "the lists of paths name nothing");
  }
  for (std::string& path : paths) {
    path = absolute_path(path, streams.working_folder);
  }
  return paths;
}

core::Status add_excludes(const std::vector<std::string>& files,
                          const std::vector<std::string>& patterns, Streams& streams,
                          repo::PathFilter& filter) {
  for (const std::string& name : files) {
    CAIRN_TRY(const std::string text, read_list(name, streams));
    CAIRN_TRY_STATUS(in_option("--exclude-file", name, filter.add_file_lines(text)));
  }
  for (const std::string& pattern : patterns) {
    CAIRN_TRY_STATUS(in_option("--exclude", pattern, filter.add_exclude(pattern)));
  }
  return {};
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
  source.path = absolute_path(name, "/");
  source.uid = ::geteuid();
  source.gid = ::getegid();
  if (arguments.stdin_command) {
    CAIRN_TRY(input->command, CommandOutput::start(arguments.paths));
    source.read = [command = input->command.get()](core::MutableByteView out) {
      return command->read(out);
    };
    source.finish = [command = input->command.get()] { return command->finish(); };
    return input;
  }
  source.read = [&in = streams.in](core::MutableByteView out) -> core::Result<std::size_t> {
    in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    if (in.bad()) {
      return core::fail(core::ErrorCode::io, "read standard input: it failed");
    }
    return static_cast<std::size_t>(in.gcount());
  };
  source.finish = [] { return core::Status(); };
  return input;
}

}  // namespace cairn::cli
