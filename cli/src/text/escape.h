#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Names of files are bytes that a stranger may have chosen. Nothing here trusts them: what goes to
/// a terminal contains no control characters, no broken UTF-8 and nothing that reorders the line.
namespace cairn::cli {

/// True for what RFC 3629 allows: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

/// Every byte that is not part of valid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view bytes);

/// One line that is safe to print: control characters, broken UTF-8, line separators and characters
/// that change the writing direction become \n, \t, \r or \xNN. Backslashes stay as they are, so
/// this cannot be reversed uniquely: for messages.
[[nodiscard]] std::string escape_text(std::string_view bytes);

/// The same with backslashes doubled: unique, and bash's `printf %b` reverses it.
[[nodiscard]] std::string escape_name(std::string_view bytes);

/// Columns on a terminal for valid UTF-8 without control characters.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// The end of the text, preceded by "..." if it is cut, in at most `columns`. Empty if the text
/// must be cut to fewer than four columns.
[[nodiscard]] std::string shorten_to_tail(std::string_view text, std::size_t columns);

/// The beginning of the text that fits into `columns`.
[[nodiscard]] std::string_view shorten_to_head(std::string_view text, std::size_t columns) noexcept;

}  // namespace cairn::cli
