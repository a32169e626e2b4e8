#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/path_filter.h"
#include "io/streams.h"

/// --include, --exclude and related options in the form of the library.
namespace cairn::cli {

struct RestorePatterns {
  std::vector<std::string> includes;
  std::vector<std::string> excludes;
  std::vector<std::string> include_files;
  std::vector<std::string> exclude_files;
  std::vector<std::string> include_xattrs;
  std::vector<std::string> exclude_xattrs;
};

/// Which objects of a snapshot are restored. Deciding is thread-safe.
class RestoreSelection {
 public:
  /// Errors: not_found, io, invalid_argument (of the files with patterns).
  [[nodiscard]] static core::Result<std::shared_ptr<const RestoreSelection>> make(
      const RestorePatterns& arguments, Streams& streams);

  /// False: everything is restored, and no pattern needs to be checked.
  [[nodiscard]] bool chooses() const noexcept { return !includes_.empty() || !excludes_.empty(); }
  [[nodiscard]] bool selects(std::string_view path, bool is_folder) const;
  /// True for a folder that no pattern matches, but in which something may match.
  [[nodiscard]] bool is_only_passed(std::string_view path) const;
  /// The patterns of --include that have matched nothing so far.
  [[nodiscard]] std::vector<std::string> unmatched() const;

 private:
  struct Include {
    std::string text;
    repo::PathSelection selection;
    mutable std::atomic<bool> has_matched{false};
  };

  core::Status add_include(const std::string& pattern);

  std::vector<std::unique_ptr<Include>> includes_;
  repo::PathFilter excludes_;
};

/// Which extended attributes are restored, by --include-xattr and --exclude-xattr; empty: all.
[[nodiscard]] core::Result<std::function<bool(std::string_view name)>> xattr_selection(
    const RestorePatterns& arguments);

}  // namespace cairn::cli
