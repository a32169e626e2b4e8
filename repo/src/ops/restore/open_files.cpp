#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "cairn/repo/restore.h"

// Which processes have files open that a restore is about to change, according to /proc.

namespace cairn::repo {

namespace {

namespace fs = std::filesystem;

std::optional<std::uint32_t> number_of(const std::string& name) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(number)
                                                                  : std::nullopt;
}

bool is_open_for_writing(const fs::path& descriptor_info) {
  std::ifstream info(descriptor_info);
  for (std::string word; info >> word;) {
    if (word == "flags:") {
      unsigned flags = 0;
      info >> std::oct >> flags;
      return !info.fail() && (flags & unsigned{O_ACCMODE}) != unsigned{O_RDONLY};
    }
  }
  return false;
}

bool lies_in(const std::string& path, const std::vector<std::string>& folders) {
  return std::ranges::any_of(folders, [&](const std::string& folder) {
    return path == folder || folder == "/" ||
           (path.starts_with(folder) && path[folder.size()] == '/');
  });
}

std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

void add_files_of(const fs::path& process, std::uint32_t number,
                  const std::vector<std::string>& paths, std::vector<OpenFile>& found) {
  std::error_code error;
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code unreadable;
    const std::string path = fs::read_symlink(at->path(), unreadable).native();
    if (unreadable || !path.starts_with('/') || !lies_in(path, paths) ||
        !is_open_for_writing(process / "fdinfo" / at->path().filename())) {
      continue;
    }
    const bool is_known = std::ranges::any_of(
        found, [&](const OpenFile& file) { return file.process == number && file.path == path; });
    if (!is_known) {
      found.push_back({path, number, name_of(process)});
    }
  }
}

}  // namespace

std::vector<OpenFile> files_open_for_writing(const std::vector<std::string>& paths,
                                             const std::string& proc) {
  std::vector<OpenFile> found;
  const auto self = static_cast<std::uint32_t>(::getpid());
  std::error_code error;
  for (fs::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
    const auto number = number_of(at->path().filename().native());
    if (number && *number != self && found.size() < kOpenFilesTold) {
      add_files_of(at->path(), *number, paths, found);
    }
  }
  return found;
}

}  // namespace cairn::repo
