#include "cairn/core/result.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace cairn::core {
namespace {

ErrorCode code_of_errno(int error_number) noexcept {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::not_found;
    case EEXIST:
      return ErrorCode::already_exists;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    default:
      return ErrorCode::io;
  }
}

// strerror_r has two incompatible signatures; overloading picks the one the C library has.
[[maybe_unused]] std::string_view described(const char* text, const char* /*buffer*/) {
  return text;
}
[[maybe_unused]] std::string_view described(int failed, const char* buffer) {
  return failed == 0 ? buffer : "unknown error";
}

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::io:
      return "io";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::wrong_key:
      return "wrong_key";
    case ErrorCode::not_a_repository:
      return "not_a_repository";
    case ErrorCode::unsupported_version:
      return "unsupported_version";
    case ErrorCode::limit_exceeded:
      return "limit_exceeded";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_permitted:
      return "not_permitted";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::changed:
      return "changed";
    case ErrorCode::fenced:
      return "fenced";
    case ErrorCode::interrupted:
      return "interrupted";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error Error::with_context(std::string_view context) && {
  message_ = fmt::format("{}: {}", context, message_);
  return std::move(*this);
}

Error Error::with_hint(std::string_view hint) && {
  if (hint_.empty()) {
    hint_ = hint;
  }
  return std::move(*this);
}

Error errno_error(int error_number, std::string_view what) {
  std::array<char, 256> buffer{};
  const auto text =
      described(::strerror_r(error_number, buffer.data(), buffer.size()), buffer.data());
  return {code_of_errno(error_number), fmt::format("{}: {}", what, text)};
}

}  // namespace cairn::core
