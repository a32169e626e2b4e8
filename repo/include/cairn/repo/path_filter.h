#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"

/// Choosing paths by patterns with the syntax of gitignore(5).
///
/// `*` `?` `[...]` match within one name; `**` as a whole component matches any number of folders.
/// A `/` at the beginning or in the middle anchors a pattern to the base; without one it matches a
/// name in any folder. A `/` at the end matches folders only; `\` takes the next byte literally.
/// Names are bytes: `?` is one byte, and the classes of `[[:alpha:]]` are those of ASCII.
///
/// Paths are relative to the base; a leading '/' is skipped. A backup's base is "/" and its paths
/// are absolute, so `/home/*/.cache` counts from the root of the file system, while `node_modules/`
/// means every folder of this name.
///
/// Patterns are compiled when they are added. Matching a path against one pattern takes at most
/// (bytes of the pattern) x (bytes of the path) steps and allocates nothing.
namespace cairn::repo {

namespace ops {
class PathPattern;
}

inline constexpr std::size_t kPatternBytesMax = 4096;
inline constexpr std::size_t kPatternsMax = 65536;  ///< of one filter or selection

/// How people write paths in patterns; see PathFilter::read_as_paths().
struct PatternBases {
  std::string working_folder;  ///< absolute; empty: unknown
  std::string home_folder;     ///< the same
};

/// Which paths are left out. Adding is not thread-safe; deciding is.
class PathFilter {
 public:
  enum class Decision : std::uint8_t {
    unmentioned,  ///< no pattern matches
    excluded,
    included,  ///< a later pattern includes again what an earlier one excluded
  };

  PathFilter();
  PathFilter(const PathFilter&);
  PathFilter(PathFilter&&) noexcept;
  PathFilter& operator=(const PathFilter&);
  PathFilter& operator=(PathFilter&&) noexcept;
  ~PathFilter();

  /// From now on patterns are read as paths on a command line: `./x`, `../x` and `~/x` are relative
  /// to these folders, and any other pattern with a '/' that does not begin with one matches below
  /// any folder, as if it began with `**/`.
  void read_as_paths(PatternBases bases);

  // If one of these fails, the filter stays as it was. Errors: invalid_argument for a pattern that
  // is broken and so could match nothing (the message says where), limit_exceeded.

  /// One pattern, taken literally: no comments, no trimming. With a leading '!' it includes.
  core::Status add_exclude(std::string_view pattern);
  /// The same as "!pattern".
  core::Status add_include(std::string_view pattern);
  /// The text of a file of patterns, one a line. Empty lines and lines that begin with '#' are
  /// ignored, spaces at the end count only behind a '\', and a line may end with CR LF.
  core::Status add_file_lines(std::string_view text);

  /// The decision of the last pattern that matches this path. Its parents must not be excluded:
  /// nothing below an excluded folder can be included again, so walks do not go there.
  [[nodiscard]] Decision decide(std::string_view path, bool is_folder) const noexcept;

  /// The same without knowing what the path is: nullopt if that depends on whether it is a folder.
  [[nodiscard]] std::optional<Decision> decide_by_name(std::string_view path) const noexcept;

  /// The same, but only with anchored patterns: for a path that was named itself, a backup's
  /// source.
  [[nodiscard]] Decision decide_anchored(std::string_view path, bool is_folder) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
  /// The patterns in their order, each as add_exclude() takes it.
  [[nodiscard]] std::vector<std::string> patterns() const;

  /// Finds patterns, added one by one, that cannot match anything below these absolute paths.
  /// Returns a sentence for each.
  [[nodiscard]] std::vector<std::string> idle_patterns(
      const std::vector<std::string>& sources) const;

 private:
  struct Rule;
  [[nodiscard]] std::string excluded_parent(const Rule& rule,
                                            const std::vector<std::string>& sources) const;
  [[nodiscard]] Decision decide(std::string_view path, bool is_folder,
                                bool anchored_only) const noexcept;
  core::Status add(std::string_view pattern, bool includes);

  std::vector<Rule> rules_;
  std::optional<PatternBases> bases_;
};

/// "Only these": objects that match one of the patterns, with everything below them and the folders
/// above them. Adding is not thread-safe; deciding is.
class PathSelection {
 public:
  enum class Decision : std::uint8_t {
    outside,   ///< neither the object nor anything below it
    above,     ///< a folder that does not match itself, but objects below it may
    selected,  ///< with everything below
  };

  PathSelection();
  PathSelection(const PathSelection&);
  PathSelection(PathSelection&&) noexcept;
  PathSelection& operator=(const PathSelection&);
  PathSelection& operator=(PathSelection&&) noexcept;
  ~PathSelection();

  /// Errors: as PathFilter::add_exclude; a leading '!' is refused too (invalid_argument).
  core::Status add(std::string_view pattern);

  /// For one path whose parents are all `above`. Nothing below a selected folder needs to be asked
  /// about. A selection without patterns selects nothing.
  [[nodiscard]] Decision decide(std::string_view path, bool is_folder) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }

 private:
  std::vector<ops::PathPattern> patterns_;
};

}  // namespace cairn::repo
