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
/// `*` `?` `[...]` match within one name; `**` as a whole component matches any number of folders;
/// a `/` at the beginning or in the middle anchors a pattern to the base, without one it matches a
/// name in any folder; a `/` at the end matches folders only; `\` takes the next byte as it is.
/// Names are bytes: `?` is one byte, and the classes of `[[:alpha:]]` are those of ASCII.
///
/// Paths are relative to the base; a leading '/' is skipped. A backup's base is "/": it asks with
/// absolute paths, so `/home/*/.cache` counts from the root of the file system, while
/// `node_modules/` means every folder of this name.
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
    included,  ///< a later pattern takes back what an earlier one excluded
  };

  PathFilter();
  PathFilter(const PathFilter&);
  PathFilter(PathFilter&&) noexcept;
  PathFilter& operator=(const PathFilter&);
  PathFilter& operator=(PathFilter&&) noexcept;
  ~PathFilter();

  /// From now on patterns are read as people write paths on a command line: `./x`, `../x` and `~/x`
  /// count from these folders, and another pattern with a '/' that does not begin with it matches
  /// below any folder, as if `**/` stood before it.
  void read_as_paths(PatternBases bases);

  // All of them leave the filter as it was if they fail. Errors: invalid_argument for a pattern
  // that is broken and so could match nothing (the message says where), limit_exceeded.

  /// One pattern as it stands, without comments or trimming. With a leading '!' it includes.
  core::Status add_exclude(std::string_view pattern);
  /// The same as "!pattern".
  core::Status add_include(std::string_view pattern);
  /// The text of a file of patterns, one a line: empty lines and those that begin with '#' say
  /// nothing, spaces at the end count only behind a '\', and a line may end with CR LF.
  core::Status add_file_lines(std::string_view text);

  /// What the last pattern that matches says of this one path. Its parents must not be excluded:
  /// nothing below an excluded folder can be included again, so walks do not go there.
  [[nodiscard]] Decision decide(std::string_view path, bool is_folder) const noexcept;

  /// The same without knowing what the path is: nullopt if that depends on whether it is a folder.
  [[nodiscard]] std::optional<Decision> decide_by_name(std::string_view path) const noexcept;

  /// The same, of patterns that count from the base: for what was named itself, a backup's source.
  [[nodiscard]] Decision decide_anchored(std::string_view path, bool is_folder) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
  /// The patterns in their order, each as add_exclude() takes it.
  [[nodiscard]] std::vector<std::string> patterns() const;

  /// What is wrong with patterns that were added one by one and can do nothing to what lies below
  /// these absolute paths: a sentence for each.
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

/// "Only these": objects that match one of the patterns, with all that lies below them and the
/// folders above them. Adding is not thread-safe; deciding is.
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

  /// For one path whose parents are all `above`. What lies below a selected folder need not be
  /// asked for. A selection without patterns selects nothing.
  [[nodiscard]] Decision decide(std::string_view path, bool is_folder) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }

 private:
  std::vector<ops::PathPattern> patterns_;
};

}  // namespace cairn::repo
