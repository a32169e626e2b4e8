#pragma once

#include <fcntl.h>
#include <stdlib.h>  // mkdtemp is POSIX: <cstdlib> need not have it
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <gsl/assert>
#include <string>
#include <utility>
#include <vector>

namespace cairn::test {

/// Folders in folders, deeper than any path can say. Each level holds the next one, called
/// `name`, and a file "z" that comes after it. In memory where that can be had: tens of thousands
/// of objects take a busy disk minutes. Takes itself away again, which std::filesystem::remove_all
/// cannot: it keeps a descriptor for each level.
class DeepTree {
 public:
  DeepTree(std::string name, unsigned levels)
      : path_(make_root()), name_(std::move(name)), levels_(levels) {
    int folder = open_folder(AT_FDCWD, path_.c_str());
    for (unsigned i = 0; i < levels_; ++i) {
      Ensures(::mkdirat(folder, name_.c_str(), 0700) == 0);
      Ensures(::mknodat(folder, "z", S_IFREG | 0600, 0) == 0);
      folder = replace(folder, open_folder(folder, name_.c_str()));
    }
    ::close(folder);
  }
  DeepTree(const DeepTree&) = delete;
  DeepTree& operator=(const DeepTree&) = delete;
  ~DeepTree() {
    int folder = open_folder(AT_FDCWD, path_.c_str());
    for (unsigned i = 0; i < levels_; ++i) {
      folder = replace(folder, open_folder(folder, name_.c_str()));
    }
    for (unsigned i = 0; i < levels_; ++i) {
      folder = replace(folder, open_folder(folder, ".."));
      ::unlinkat(folder, name_.c_str(), AT_REMOVEDIR);
      ::unlinkat(folder, "z", 0);
      for (const std::string& name : std::exchange(links_, {})) {
        ::unlinkat(folder, name.c_str(), 0);
      }
    }
    ::close(folder);
    ::rmdir(path_.c_str());
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Makes an empty file with several names in the lowest folder that has a "z".
  void add_hard_links(const std::vector<std::string>& names) {
    int folder = open_folder(AT_FDCWD, path_.c_str());
    for (unsigned i = 0; i + 1 < levels_; ++i) {
      folder = replace(folder, open_folder(folder, name_.c_str()));
    }
    for (const std::string& name : names) {
      Ensures(::linkat(folder, "z", folder, name.c_str(), 0) == 0);
    }
    ::close(folder);
    links_ = names;
  }

 private:
  static std::string make_root() {
    std::string in_memory = "/dev/shm/cairn-test-XXXXXX";
    if (::mkdtemp(in_memory.data()) != nullptr) {
      return in_memory;
    }
    std::string on_disk = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").native();
    Ensures(::mkdtemp(on_disk.data()) != nullptr);
    return on_disk;
  }
  static int open_folder(int parent, const char* name) {
    const int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Ensures(folder >= 0);
    return folder;
  }
  static int replace(int old_folder, int new_folder) {
    ::close(old_folder);
    return new_folder;
  }

  std::string path_;
  std::string name_;
  unsigned levels_;
  std::vector<std::string> links_ = {};
};

}  // namespace cairn::test
