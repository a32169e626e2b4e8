#include "text/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace cairn::cli {
namespace {

/// One step through a string: a character of valid UTF-8, or a byte that is not part of one.
struct Step {
  char32_t character = 0;
  std::size_t length = 1;
  bool valid = false;
};

unsigned byte_at(std::string_view text, std::size_t position) {
  return static_cast<unsigned char>(text[position]);
}

Step step_at(std::string_view text, std::size_t position) {
  const unsigned first = byte_at(text, position);
  if (first < 0x80) {
    return {first, 1, true};
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - position < length) {
    return {};
  }
  char32_t character = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = byte_at(text, position + i);
    if ((next & 0xc0U) != 0x80) {
      return {};
    }
    character = (character << 6) | (next & 0x3fU);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (overlong || surrogate || character > 0x10ffff) {
    return {};
  }
  return {character, length, true};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t character) {
  return std::any_of(ranges.begin(), ranges.end(), [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

// C0, DEL and C1; zero-width characters and direction marks, with which a name can look like
// another one; line and paragraph separators; byte order marks; language tags.
constexpr std::array<Range, 8> kUnsafe{{{0x00, 0x1f},
                                        {0x7f, 0x9f},
                                        {0x61c, 0x61c},
                                        {0x200b, 0x200f},
                                        {0x2028, 0x202e},
                                        {0x2060, 0x206f},
                                        {0xfeff, 0xfeff},
                                        {0xe0000, 0xe007f}}};

// Roughly what terminals draw two columns wide: guessing too wide only shortens a name.
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0xffe0, 0xffe6},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};

std::size_t columns_of(const Step& step) { return is_in(kWide, step.character) ? 2 : 1; }

enum class Backslash : std::uint8_t { keep, escape };

std::string escape(std::string_view bytes, Backslash backslash) {
  std::string safe;
  safe.reserve(bytes.size());
  for (std::size_t position = 0; position < bytes.size();) {
    const Step step = step_at(bytes, position);
    const std::string_view piece = bytes.substr(position, step.length);
    position += step.length;
    if (piece == "\n") {
      safe += "\\n";
    } else if (piece == "\t") {
      safe += "\\t";
    } else if (piece == "\r") {
      safe += "\\r";
    } else if (piece == "\\" && backslash == Backslash::escape) {
      safe += "\\\\";
    } else if (step.valid && !is_in(kUnsafe, step.character)) {
      safe += piece;
    } else {
      for (const char byte : piece) {
        fmt::format_to(std::back_inserter(safe), "\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
  }
  return safe;
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) noexcept {
  for (std::size_t position = 0; position < bytes.size();) {
    const Step step = step_at(bytes, position);
    if (!step.valid) {
      return false;
    }
    position += step.length;
  }
  return true;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t position = 0; position < bytes.size();) {
    const Step step = step_at(bytes, position);
    text += step.valid ? bytes.substr(position, step.length) : std::string_view("\xef\xbf\xbd");
    position += step.length;
  }
  return text;
}

std::string escape_text(std::string_view bytes) { return escape(bytes, Backslash::keep); }

std::string escape_name(std::string_view bytes) { return escape(bytes, Backslash::escape); }

std::size_t display_width(std::string_view text) noexcept {
  std::size_t columns = 0;
  for (std::size_t position = 0; position < text.size();) {
    const Step step = step_at(text, position);
    columns += columns_of(step);
    position += step.length;
  }
  return columns;
}

std::string shorten_to_tail(std::string_view text, std::size_t columns) {
  constexpr std::string_view kCut = "...";
  std::size_t width = display_width(text);
  if (width <= columns) {
    return std::string(text);
  }
  if (columns <= kCut.size()) {
    return {};
  }
  std::size_t position = 0;
  while (width > columns - kCut.size()) {
    const Step step = step_at(text, position);
    width -= columns_of(step);
    position += step.length;
  }
  return fmt::format("{}{}", kCut, text.substr(position));
}

std::string_view shorten_to_head(std::string_view text, std::size_t columns) noexcept {
  std::size_t width = 0;
  std::size_t position = 0;
  while (position < text.size()) {
    const Step step = step_at(text, position);
    width += columns_of(step);
    if (width > columns) {
      break;
    }
    position += step.length;
  }
  return text.substr(0, position);
}

}  // namespace cairn::cli
