#include "ops/choice/path_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "cairn/repo/path_filter.h"

namespace cairn::repo::ops {

namespace {

using core::ErrorCode;
using ByteSet = std::bitset<256>;

constexpr unsigned char to_lower(unsigned char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte - 'A' + 'a') : byte;
}

constexpr unsigned char to_byte(char c) noexcept { return static_cast<unsigned char>(c); }

void set_range(ByteSet& bytes, unsigned char first, unsigned char last) {
  for (std::size_t byte = first; byte <= last; ++byte) {
    bytes.set(byte);
  }
}

struct Range {
  char first;
  char last;
};

/// The ranges of a POSIX class in the locale "C".
struct NamedClass {
  std::string_view name;
  std::array<Range, 4> ranges;
  std::size_t count;
};
constexpr std::array<NamedClass, 12> kClasses = {{
    {"alnum", {{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}}, 3},
    {"alpha", {{{'A', 'Z'}, {'a', 'z'}}}, 2},
    {"blank", {{{'\t', '\t'}, {' ', ' '}}}, 2},
    {"cntrl", {{{'\0', '\x1f'}, {'\x7f', '\x7f'}}}, 2},
    {"digit", {{{'0', '9'}}}, 1},
    {"graph", {{{'!', '~'}}}, 1},
    {"lower", {{{'a', 'z'}}}, 1},
    {"print", {{{' ', '~'}}}, 1},
    {"punct", {{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}}, 4},
    {"space", {{{'\t', '\r'}, {' ', ' '}}}, 2},
    {"upper", {{{'A', 'Z'}}}, 1},
    {"xdigit", {{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}, 3},
}};

bool add_class(ByteSet& bytes, std::string_view name) {
  const auto* const found = std::ranges::find(kClasses, name, &NamedClass::name);
  if (found == kClasses.end()) {
    return false;
  }
  for (std::size_t i = 0; i < found->count; ++i) {
    set_range(bytes, to_byte(found->ranges[i].first), to_byte(found->ranges[i].last));
  }
  return true;
}

}  // namespace

// --- One name -----------------------------------------------------------------------------------

void NameGlob::add_byte(char byte) { parts_.push_back({PartType::byte, to_byte(byte), 0}); }

void NameGlob::add_any_byte() { parts_.push_back({PartType::any_byte, 0, 0}); }

void NameGlob::add_star() {
  if (parts_.empty() || parts_.back().type != PartType::star) {
    parts_.push_back({PartType::star, 0, 0});
  }
}

void NameGlob::add_set(const ByteSet& bytes) {
  parts_.push_back({PartType::set, 0, static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(bytes);
}

void NameGlob::finish(LetterCase letter_case) {
  ignores_case_ = letter_case == LetterCase::ignored;
  if (ignores_case_) {
    for (Part& part : parts_) {
      part.byte = to_lower(part.byte);
    }
    return;
  }
  const bool has_star = !parts_.empty() && parts_.front().type == PartType::star;
  const auto first = parts_.begin() + (has_star ? 1 : 0);
  if (!std::all_of(first, parts_.end(),
                   [](const Part& part) { return part.type == PartType::byte; })) {
    return;
  }
  std::transform(first, parts_.end(), std::back_inserter(literal_),
                 [](const Part& part) { return static_cast<char>(part.byte); });
  shape_ = has_star ? Shape::suffix : Shape::literal;
}

bool NameGlob::part_matches(const Part& part, unsigned char byte) const noexcept {
  switch (part.type) {
    case PartType::byte:
      return part.byte == (ignores_case_ ? to_lower(byte) : byte);
    case PartType::any_byte:
      return true;
    case PartType::set:
      return sets_[part.set][byte];
    case PartType::star:
      break;
  }
  return false;
}

bool NameGlob::matches(std::string_view name) const noexcept {
  switch (shape_) {
    case Shape::literal:
      return name == literal_;
    case Shape::suffix:
      return name.ends_with(literal_);
    case Shape::general:
      break;
  }
  return matches_parts(name);
}

bool NameGlob::matches_parts(std::string_view name) const noexcept {
  std::size_t part = 0;
  std::size_t at = 0;
  std::optional<std::size_t> behind_star;
  std::size_t star_ends = 0;  ///< end of what the last star takes
  while (at < name.size()) {
    if (part < parts_.size() && parts_[part].type == PartType::star) {
      behind_star = ++part;
      star_ends = at;
    } else if (part < parts_.size() && part_matches(parts_[part], to_byte(name[at]))) {
      ++part;
      ++at;
    } else if (behind_star) {
      part = *behind_star;
      at = ++star_ends;
    } else {
      return false;
    }
  }
  if (part < parts_.size() && parts_[part].type == PartType::star) {
    ++part;
  }
  return part == parts_.size();
}

// --- Compiling ----------------------------------------------------------------------------------

class PathPattern::Compiler {
 public:
  Compiler(std::string_view text, LetterCase letter_case)
      : text_(text), rest_(text), letter_case_(letter_case) {}

  core::Result<PathPattern> compile();

 private:
  [[nodiscard]] tl::unexpected<core::Error> broken(
      std::string_view why,
      std::string hint = "write \\ before a character that is meant as it is") const {
    return core::fail(ErrorCode::invalid_argument, fmt::format("the pattern \"{}\" {}", text_, why),
                      std::move(hint));
  }
  core::Status take_part();
  void take_stars();
  core::Status take_set();
  core::Status take_set_item(ByteSet& bytes, std::optional<unsigned char>& previous);
  core::Result<bool> take_class(ByteSet& bytes);
  void end_name();

  std::string_view text_;
  std::string_view rest_;
  LetterCase letter_case_;
  PathPattern pattern_;
  NameGlob name_;
  bool has_ended_ = false;  ///< the last component was "**" and completed the pattern
};

core::Result<PathPattern> PathPattern::Compiler::compile() {
  if (text_.size() > kPatternBytesMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("a pattern of {} bytes: at most {} are allowed", text_.size(),
                                  kPatternBytesMax));
  }
  if (rest_.ends_with('/')) {
    pattern_.is_folders_only_ = true;
    rest_.remove_suffix(1);
  }
  pattern_.is_anchored_ = rest_.find('/') != std::string_view::npos;
  if (rest_.starts_with('/')) {
    rest_.remove_prefix(1);
  }
  if (rest_.empty()) {
    return broken("names nothing", "everything in a folder is: folder/**");
  }
  while (!rest_.empty()) {
    CAIRN_TRY_STATUS(take_part());
  }
  if (!has_ended_) {
    end_name();
  }
  return std::move(pattern_);
}

void PathPattern::Compiler::end_name() {
  name_.finish(letter_case_);
  pattern_.components_.push_back({false, std::exchange(name_, NameGlob())});
}

core::Status PathPattern::Compiler::take_part() {
  const char c = rest_.front();
  if (c == '*') {
    take_stars();
    return {};
  }
  if (c == '[') {
    return take_set();
  }
  rest_.remove_prefix(1);
  if (c == '/') {
    end_name();
  } else if (c == '?') {
    name_.add_any_byte();
  } else if (c != '\\') {
    name_.add_byte(c);
  } else if (rest_.empty()) {
    return broken("ends with a \\ that has nothing to stand before");
  } else if (rest_.front() == '/') {
    rest_.remove_prefix(1);
    end_name();
  } else {
    name_.add_byte(rest_.front());
    rest_.remove_prefix(1);
  }
  return {};
}

void PathPattern::Compiler::take_stars() {
  const std::size_t stars = std::min(rest_.find_first_not_of('*'), rest_.size());
  rest_.remove_prefix(stars);
  const bool is_whole_name = rest_.empty() || rest_.starts_with('/') || rest_.starts_with("\\/");
  if (stars < 2 || !pattern_.is_anchored_ || !name_.is_empty() || !is_whole_name) {
    name_.add_star();
    return;
  }
  pattern_.components_.push_back({true, NameGlob()});
  if (rest_.starts_with('/')) {
    rest_.remove_prefix(1);
    return;
  }
  // At the end it means everything inside, not the folder itself. Git does the same before "\/".
  name_.add_star();
  end_name();
  has_ended_ = rest_.empty();
  rest_.remove_prefix(has_ended_ ? 0 : 2);
}

core::Status PathPattern::Compiler::take_set() {
  rest_.remove_prefix(1);
  const bool is_negated = rest_.starts_with('!') || rest_.starts_with('^');
  rest_.remove_prefix(is_negated ? 1 : 0);
  ByteSet bytes;
  std::optional<unsigned char> previous;
  bool is_first = true;  // a ']' in the first place is literal
  while (is_first || !rest_.starts_with(']')) {
    is_first = false;
    CAIRN_TRY_STATUS(take_set_item(bytes, previous));
  }
  rest_.remove_prefix(1);
  if (letter_case_ == LetterCase::ignored) {
    for (std::size_t lower = 'a'; lower <= 'z'; ++lower) {
      const std::size_t upper = lower - 'a' + 'A';
      const bool either = bytes[lower] || bytes[upper];
      bytes[lower] = either;
      bytes[upper] = either;
    }
  }
  name_.add_set(is_negated ? ~bytes : bytes);
  return {};
}

/// A byte, a range or a class. `previous` is the byte at which a range with '-' would begin.
core::Status PathPattern::Compiler::take_set_item(ByteSet& bytes,
                                                  std::optional<unsigned char>& previous) {
  const auto take_byte = [this]() -> core::Result<unsigned char> {
    if (rest_.starts_with('\\')) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) {
      return broken("has a [ that is not closed");
    }
    const unsigned char byte = to_byte(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  };
  if (rest_.starts_with("[:")) {
    CAIRN_TRY(const bool is_class, take_class(bytes));
    if (is_class) {
      previous.reset();
      return {};
    }
  }
  if (previous && rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
    rest_.remove_prefix(1);
    CAIRN_TRY(const unsigned char last, take_byte());
    set_range(bytes, *previous, last);
    previous.reset();
    return {};
  }
  CAIRN_TRY(previous, take_byte());
  bytes.set(*previous);
  return {};
}

/// False if "[:" begins no class: then both bytes are literal.
core::Result<bool> PathPattern::Compiler::take_class(ByteSet& bytes) {
  const std::string_view body = rest_.substr(2);
  const std::size_t end = body.find(']');
  if (end == std::string_view::npos) {
    return broken("has a [ that is not closed");
  }
  if (end == 0 || body[end - 1] != ':') {
    return false;
  }
  const std::string_view name = body.substr(0, end - 1);
  if (!add_class(bytes, name)) {
    return broken(fmt::format("has an unknown class [:{}:]", name));
  }
  rest_ = body.substr(end + 1);
  return true;
}

core::Result<PathPattern> PathPattern::compile(std::string_view text, LetterCase letter_case) {
  return Compiler(text, letter_case).compile();
}

// --- Matching paths -----------------------------------------------------------------------------

bool PathPattern::matches(std::string_view path, bool is_folder) const noexcept {
  if (is_folders_only_ && !is_folder) {
    return false;
  }
  if (!is_anchored_) {
    return components_.front().glob.matches(path.substr(path.rfind('/') + 1));
  }
  return matches_path(path);
}

bool PathPattern::matches_path(std::string_view path) const noexcept {
  std::size_t component = 0;
  std::size_t at = 0;  // where the next name begins; beyond the end of the path if there is none
  std::optional<std::size_t> behind_folders;
  std::size_t folders_end = 0;  // end of what the last "**" takes
  while (at <= path.size()) {
    if (component < components_.size() && components_[component].is_folders) {
      behind_folders = ++component;
      folders_end = at;
      continue;
    }
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (component < components_.size() &&
        components_[component].glob.matches(path.substr(at, end - at))) {
      ++component;
      at = end + 1;
    } else if (behind_folders) {
      component = *behind_folders;
      folders_end = std::min(path.find('/', folders_end), path.size()) + 1;
      at = folders_end;
    } else {
      return false;
    }
  }
  // A pattern never ends with "**", so nothing is left that could match no name.
  return component == components_.size();
}

bool PathPattern::may_match_below(std::string_view folder) const noexcept {
  if (!is_anchored_) {
    return true;
  }
  std::size_t at = 0;
  for (const Component& component : components_) {
    if (component.is_folders || at > folder.size()) {
      return true;
    }
    const std::size_t end = std::min(folder.find('/', at), folder.size());
    if (!component.glob.matches(folder.substr(at, end - at))) {
      return false;
    }
    at = end + 1;
  }
  return false;
}

}  // namespace cairn::repo::ops
