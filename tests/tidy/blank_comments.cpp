#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "tidy/house_rules.h"

namespace cairn::tidy {
namespace {

/// One pass over C++ text; each method takes the position of what it skips and returns its end.
class Blanker {
 public:
  Blanker(std::string_view text, Literals literals) : out_(text), literals_(literals) {}

  std::string run() {
    for (std::size_t i = 0; i < out_.size();) {
      const auto rest = std::string_view(out_).substr(i);
      if (rest.starts_with("//")) {
        i = blank(i, end_of("\n", i, 0));
      } else if (rest.starts_with("/*")) {
        i = blank(i, end_of("*/", i + 2, 2));
      } else if (rest.starts_with("R\"")) {
        i = literal(i, end_of_raw_string(i));
      } else if (rest.front() == '"' || (rest.front() == '\'' && !is_digit_separator(i))) {
        i = literal(i, end_of_quoted(i));
      } else {
        ++i;
      }
    }
    return std::move(out_);
  }

 private:
  /// Past `mark`, or the end of the text.
  std::size_t end_of(std::string_view mark, std::size_t from, std::size_t length) const {
    const auto found = out_.find(mark, from);
    return found == std::string::npos ? out_.size() : found + length;
  }

  std::size_t end_of_raw_string(std::size_t begin) const {
    const auto open = out_.find('(', begin);
    if (open == std::string::npos) {
      return out_.size();
    }
    const auto close = ")" + out_.substr(begin + 2, open - begin - 2) + "\"";
    return end_of(close, open, close.size());
  }

  std::size_t end_of_quoted(std::size_t begin) const {
    const char quote = out_[begin];
    for (std::size_t i = begin + 1; i < out_.size(); ++i) {
      if (out_[i] == '\\') {
        ++i;
      } else if (out_[i] == quote || out_[i] == '\n') {
        return i + 1;
      }
    }
    return out_.size();
  }

  bool is_digit_separator(std::size_t i) const {
    return i > 0 && std::isxdigit(static_cast<unsigned char>(out_[i - 1])) != 0;
  }

  std::size_t literal(std::size_t begin, std::size_t end) {
    return literals_ == Literals::blank ? blank(begin, end) : end;
  }

  std::size_t blank(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (out_[i] != '\n') {
        out_[i] = ' ';
      }
    }
    return end;
  }

  std::string out_;
  Literals literals_;
};

}  // namespace

std::string blank_comments(std::string_view text, Literals literals) {
  return Blanker(text, literals).run();
}

}  // namespace cairn::tidy
