#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "io/child_program.h"
#include "io/streams.h"

/// Turns the arguments of backup into what the library takes.
namespace cairn::cli {

/// What a backup reads, and what it leaves out; paths as typed.
struct SourceArguments {
  std::vector<std::string> paths;
  std::vector<std::string> files_from;   ///< files of paths, one a line
  std::vector<std::string> files_from0;  ///< the same, each path ended by a NUL
  bool from_stdin = false;
  std::vector<std::string> command;  ///< with its arguments: its output is backed up; empty: none
  std::string stdin_name;
  std::vector<std::string> excludes;
  std::vector<std::string> includes;
  std::vector<std::string> exclude_files;
  repo::Choice choice;  ///< without its filter
};

/// The contents of a file that the user named, or standard input for "-". `option` is where it was
/// named. Errors: not_found, io, interrupted, invalid_argument, limit_exceeded (64 MiB).
[[nodiscard]] core::Result<std::string> read_whole(std::string_view option, const std::string& name,
                                                   Streams& streams);

/// The paths that were named, directly and in lists; absolute. Errors: not_found, io,
/// invalid_argument (a list names nothing), limit_exceeded (it names more than any snapshot could
/// hold, or never ends).
[[nodiscard]] core::Result<std::vector<std::string>> source_paths(const SourceArguments& arguments,
                                                                  Streams& streams);

/// Adds patterns from files, then single ones. Errors: not_found, io, invalid_argument (a broken
/// pattern; says where).
core::Status add_excludes(const std::vector<std::string>& files,
                          const std::vector<std::string>& patterns, Streams& streams,
                          repo::PathFilter& filter);

/// The patterns in files, one a line; `option` names the files. Errors: as add_excludes().
[[nodiscard]] core::Result<std::vector<std::string>> read_patterns(
    std::string_view option, const std::vector<std::string>& files, Streams& streams);

/// What is left out. Errors: not_found, io, invalid_argument (a broken pattern; says where).
[[nodiscard]] core::Result<repo::Choice> source_choice(const SourceArguments& arguments,
                                                       Streams& streams);

/// Standard input, or a command's output; must outlive the backup.
struct StreamInput {
  repo::StreamSource source;
  std::unique_ptr<ChildProgram> command;
  std::uint64_t bytes = 0;  ///< read so far
};
/// Requires that the arguments name one. Starts the command. If it fails or writes nothing,
/// `source.finish` returns an error: there is no snapshot then.
[[nodiscard]] core::Result<std::unique_ptr<StreamInput>> stream_input(
    const SourceArguments& arguments, Streams& streams);

}  // namespace cairn::cli
