#include "context/backup_sources.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <istream>
#include <streambuf>
#include <string_view>
#include <system_error>
#include <utility>

#include "cairn/core/descriptor.h"
#include "cairn/core/stop.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/snapshot.h"
#include "io/absolute_path.h"
#include "io/descriptor_streams.h"

namespace cairn::cli {
namespace {

constexpr std::string_view kNoSnapshot = "no snapshot was made";

/// A read error must not count as the end of the input.
core::Status check_input(const Streams& streams) {
  CAIRN_TRY_STATUS(core::check_stop(streams.stop));
  if (const int error_number = streams.in_error ? streams.in_error() : 0; error_number != 0) {
    return core::fail(core::errno_error(error_number, "read standard input"));
  }
  return streams.in.bad() ? core::fail(core::ErrorCode::io, "read standard input: it failed")
                          : core::Status();
}

/// A failed command in a pipeline leaves no output at all. That must not count as the expected
/// dump, and replace a good one under a policy.
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

/// For a file that is read as a whole: patterns, or a key.
constexpr std::size_t kWholeFileBytesMax = std::size_t{64} * 1024 * 1024;
/// For one list. Far more than a snapshot has sources: paths below others count as one with them.
constexpr std::size_t kListEntriesMax = 16 * repo::kSourcesMax;
/// For all lists together.
constexpr std::size_t kListedBytesMax = std::size_t{256} * 1024 * 1024;

/// Passes the contents of what the user named to `take`, a piece at a time; standard input for "-".
/// It may be a device, or a pipe that never ends: `take` decides how much is too much.
core::Status read_input(std::string_view option, const std::string& name, Streams& streams,
                        const std::function<core::Status(std::string_view)>& take) {
  const auto drain = [&take](std::streambuf& from) -> core::Status {
    std::array<char, std::size_t{16} * 1024> piece{};
    for (;;) {
      const std::streamsize size = from.sgetn(piece.data(), std::streamsize{piece.size()});
      if (size <= 0) {
        return {};
      }
      CAIRN_TRY_STATUS(take(std::string_view(piece.data(), static_cast<std::size_t>(size))));
    }
  };
  if (name == "-") {
    CAIRN_TRY_STATUS(drain(*streams.in.rdbuf()));
    return check_input(streams);
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
  CAIRN_TRY_STATUS(drain(buffer));
  CAIRN_TRY_STATUS(core::check_stop(streams.stop));
  return buffer.error() == 0 ? core::Status()
                             : core::Status(core::fail(core::errno_error(buffer.error(), what)));
}

/// Takes paths from lists, which may never end. Lines that are empty or begin with # are ignored,
/// as in a file of patterns; between NULs every byte counts.
class PathLists {
 public:
  explicit PathLists(std::vector<std::string>& paths) : paths_(paths) {}

  core::Status read(std::string_view option, const std::string& name, char end, Streams& streams) {
    end_ = end;
    entries_ = 0;
    CAIRN_TRY_STATUS(read_input(option, name, streams, [&](std::string_view piece) {
      core::Status status = take(piece);
      return status ? status
                    : core::Status(core::fail(std::move(status).error().with_context(
                          fmt::format("{} {}", option, name))));
    }));
    finish_entry();
    return {};
  }

 private:
  core::Status take(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t size = std::min(piece.find(end_), piece.size());
      is_comment_ = is_comment_ || (end_ == '\n' && entry_.empty() && piece[0] == '#');
      if (!is_comment_) {
        entry_ += piece.substr(0, size);
      }
      if (entry_.size() > repo::kPathBytesMax) {
        return core::fail(core::ErrorCode::limit_exceeded,
                          fmt::format("entry {} is a path of more than {} bytes", entries_ + 1,
                                      repo::kPathBytesMax),
                          "is it a list of paths at all?");
      }
      if (size < piece.size()) {
        finish_entry();
      }
      if (entries_ > kListEntriesMax || bytes_ > kListedBytesMax) {
        return core::fail(core::ErrorCode::limit_exceeded,
                          fmt::format("more than {} entries, or {} bytes of paths", kListEntriesMax,
                                      kListedBytesMax),
                          "name the folders above them");
      }
      piece.remove_prefix(std::min(size + 1, piece.size()));
    }
    return {};
  }
  void finish_entry() {
    if (end_ == '\n' && entry_.ends_with('\r')) {
      entry_.pop_back();
    }
    if (!entry_.empty()) {
      bytes_ += entry_.size();
      paths_.push_back(entry_);
    }
    entry_.clear();
    entries_ += 1;
    is_comment_ = false;
  }

  std::vector<std::string>& paths_;
  std::size_t bytes_ = 0;
  char end_ = '\n';
  std::string entry_;  ///< as far as it has been read
  bool is_comment_ = false;
  std::uint64_t entries_ = 0;  ///< of this list
};

/// A link that is named with a '/' at its end means the folder that it leads to.
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
  std::string text;
  CAIRN_TRY_STATUS(read_input(option, name, streams, [&](std::string_view piece) -> core::Status {
    if (text.size() + piece.size() > kWholeFileBytesMax) {
      return core::fail(core::ErrorCode::limit_exceeded,
                        fmt::format("{} {}: more than {} bytes", option, name, kWholeFileBytesMax));
    }
    text += piece;
    return {};
  }));
  return text;
}

core::Result<std::vector<std::string>> source_paths(const SourceArguments& arguments,
                                                    Streams& streams) {
  std::vector<std::string> paths = arguments.paths;
  PathLists lists(paths);
  for (const std::string& name : arguments.files_from) {
    CAIRN_TRY_STATUS(lists.read("--files-from", name, '\n', streams));
  }
  for (const std::string& name : arguments.files_from0) {
    CAIRN_TRY_STATUS(lists.read("--files-from0", name, '\0', streams));
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

core::Result<repo::Choice> source_choice(const SourceArguments& arguments, Streams& streams) {
  repo::Choice choice = arguments.choice;
  CAIRN_TRY_STATUS(
      add_excludes(arguments.exclude_files, arguments.excludes, streams, choice.filter));
  for (const std::string& pattern : arguments.includes) {
    CAIRN_TRY_STATUS(in_option("--include", pattern, choice.filter.add_include(pattern)));
  }
  return choice;
}

core::Result<std::unique_ptr<StreamInput>> stream_input(const SourceArguments& arguments,
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
