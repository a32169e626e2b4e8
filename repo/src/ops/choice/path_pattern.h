#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"

/// Patterns of gitignore(5), compiled. No call of `matches` takes more steps than the product of
/// the lengths of pattern and text, because both levels (names in a path, bytes in a name)
/// backtrack only to the last star: whatever an earlier star could match instead, the last one can
/// match too.
namespace cairn::repo::ops {

enum class LetterCase : std::uint8_t { exact, ignored };  ///< of ASCII letters

/// A pattern for one name: no '/' in either.
class NameGlob {
 public:
  void add_byte(char byte);
  void add_any_byte();
  void add_star();
  void add_set(const std::bitset<256>& bytes);
  /// To be called once, after the last part.
  void finish(LetterCase letter_case);

  [[nodiscard]] bool matches(std::string_view name) const noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return parts_.empty(); }

 private:
  enum class PartType : std::uint8_t { byte, any_byte, star, set };
  struct Part {
    PartType type = PartType::byte;
    unsigned char byte = 0;
    std::uint32_t set = 0;  ///< index into sets_
  };
  /// Shapes of patterns. All but `general` need no search, and most patterns have them.
  enum class Shape : std::uint8_t { literal, suffix, general };

  [[nodiscard]] bool part_matches(const Part& part, unsigned char byte) const noexcept;
  [[nodiscard]] bool matches_parts(std::string_view name) const noexcept;

  std::vector<Part> parts_;
  std::vector<std::bitset<256>> sets_;
  std::string literal_;  ///< the whole name, or what follows the star
  Shape shape_ = Shape::general;
  bool ignores_case_ = false;
};

/// A pattern for paths relative to a base, without a '/' at the beginning. Copyable; const methods
/// are thread-safe.
class PathPattern {
 public:
  /// A '!' in `text` is literal. Errors: invalid_argument, limit_exceeded.
  [[nodiscard]] static core::Result<PathPattern> compile(
      std::string_view text, LetterCase letter_case = LetterCase::exact);

  /// True if the object itself matches, not only a folder above it.
  [[nodiscard]] bool matches(std::string_view path, bool is_folder) const noexcept;
  /// True if something below the folder may match. Never false if something does.
  [[nodiscard]] bool may_match_below(std::string_view folder) const noexcept;
  /// True if the pattern is relative to the base: it has a '/' other than at its end.
  [[nodiscard]] bool is_anchored() const noexcept { return is_anchored_; }
  /// True if it has a '/' at its end.
  [[nodiscard]] bool is_folders_only() const noexcept { return is_folders_only_; }

 private:
  struct Component {
    bool is_folders = false;  ///< "**": any number of names, also none
    NameGlob glob;
  };
  class Compiler;

  [[nodiscard]] bool matches_path(std::string_view path) const noexcept;

  std::vector<Component> components_;
  bool is_anchored_ = false;
  bool is_folders_only_ = false;
};

}  // namespace cairn::repo::ops
