#pragma once

#include <stdlib.h>  // mkdtemp is POSIX: <cstdlib> need not have it

#include <filesystem>
#include <gsl/assert>
#include <string>
#include <string_view>
#include <system_error>

namespace cairn::test {

/// A new empty folder below $TMPDIR (else /tmp), removed with everything in it at the end.
/// Ends the process if it cannot be made: without it no test means anything.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
    Ensures(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code failed;
    std::filesystem::remove_all(path_, failed);
    if (failed) {
      make_removable();
      std::filesystem::remove_all(path_, failed);
    }
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The path of `name` inside.
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  // Tests take permissions away from folders.
  void make_removable() const {
    using std::filesystem::perms;
    std::error_code failed;
    std::filesystem::permissions(path_, perms::owner_all, failed);
    std::filesystem::recursive_directory_iterator entry(path_, failed);
    while (!failed && entry != std::filesystem::recursive_directory_iterator()) {
      std::error_code ignored;
      if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
        std::filesystem::permissions(entry->path(), perms::owner_all, ignored);
      }
      entry.increment(failed);
    }
  }

  std::string path_;
};

}  // namespace cairn::test
