#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

/// Errors as values: everything that can happen to a correct program comes back as a Result.
///
/// A broken precondition of our own code is not an error but a bug: it ends the process through
/// GSL's Expects, also in release builds. Nothing in the libraries throws on purpose.
namespace cairn::core {

/// A code exists only if some caller branches on it; everything else is in the message.
enum class ErrorCode : unsigned char {
  not_found,            ///< the object is not there (open, get: callers create or skip)
  already_exists,       ///< create-if-absent lost (put, session register, init)
  io,                   ///< the system refused: message holds strerror
  no_space,             ///< ENOSPC/EDQUOT: backup stops cleanly and keeps what is stored
  permission_denied,    ///< EACCES/EPERM: counted as unreadable source, not fatal
  corrupt,              ///< bytes that are not what was written; verify collects these
  wrong_key,            ///< no key slot opens with this passphrase or key file (exit 12)
  not_a_repository,     ///< exit 10
  unsupported_version,  ///< made by a newer Cairn, or a feature flag we do not know
  limit_exceeded,       ///< a length above its named maximum
  invalid_argument,     ///< what the caller asked for makes no sense (exit 2 or 1)
  not_permitted,        ///< the key's role does not allow this
  busy,                 ///< a bounded wait ran out (exit 11)
  changed,              ///< the source changed while it was read
  fenced,               ///< a collector gave this session up: it must start again
  interrupted,          ///< asked to stop (exit 130)
  internal,             ///< a third party's exception, stopped at the wrapper
};

[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

/// What went wrong (code), with what (message: object and action), and what to do next (hint, may
/// be empty). Copyable, so that a writer that failed once can return the same error for ever. Never
/// holds key material, passphrases or file contents.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {})
      : message_(std::move(message)), hint_(std::move(hint)), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// Puts "context: " before the message; the code and the hint stay.
  [[nodiscard]] Error with_context(std::string_view context) &&;
  /// Sets the hint if there is none yet: the innermost, most specific advice wins.
  [[nodiscard]] Error with_hint(std::string_view hint) &&;

 private:
  std::string message_;
  std::string hint_;
  ErrorCode code_;
};

/// Error from errno: maps ENOENT, EEXIST, ENOSPC/EDQUOT, EACCES/EPERM, everything else to io.
/// `what` names the action and the object: "write packs/ab/abcd".
[[nodiscard]] Error errno_error(int error_number, std::string_view what);

/// tl::expected with a must-use mark. `return value;` and `return fail(...)` both convert.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

/// The only way to return a failure: `return fail(ErrorCode::corrupt, "open pack 12ab: ...");`
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message,
                                                std::string hint = {}) {
  return tl::unexpected<Error>(Error(code, std::move(message), std::move(hint)));
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace cairn::core

#define CAIRN_CONCAT_INNER(a, b) a##b
#define CAIRN_CONCAT(a, b) CAIRN_CONCAT_INNER(a, b)
// Moves out of a temporary Result, but only copies from a named one, whose error is kept.
#define CAIRN_FORWARD(result) static_cast<decltype(result)&&>(result)

/// CAIRN_TRY(auto value, call()); declares or assigns `value`, or returns the error.
/// Expands to several statements: use it inside braces only.
#define CAIRN_TRY(declaration, ...)                                                        \
  auto&& CAIRN_CONCAT(cairn_try_, __LINE__) = (__VA_ARGS__);                               \
  if (!CAIRN_CONCAT(cairn_try_, __LINE__).has_value()) {                                   \
    return ::cairn::core::fail(CAIRN_FORWARD(CAIRN_CONCAT(cairn_try_, __LINE__)).error()); \
  }                                                                                        \
  declaration = *CAIRN_FORWARD(CAIRN_CONCAT(cairn_try_, __LINE__))

/// CAIRN_TRY_STATUS(call()); returns the error, if there is one.
#define CAIRN_TRY_STATUS(...)                                              \
  do {                                                                     \
    auto&& cairn_try_status = (__VA_ARGS__);                               \
    if (!cairn_try_status.has_value()) {                                   \
      return ::cairn::core::fail(CAIRN_FORWARD(cairn_try_status).error()); \
    }                                                                      \
  } while (false)

/// CAIRN_TRY_CONTEXT(auto value, "open pack 12ab", call()); as CAIRN_TRY, adding a context.
#define CAIRN_TRY_CONTEXT(declaration, context, ...)                                    \
  auto&& CAIRN_CONCAT(cairn_try_, __LINE__) = (__VA_ARGS__);                            \
  if (!CAIRN_CONCAT(cairn_try_, __LINE__).has_value()) {                                \
    return ::cairn::core::fail(                                                         \
        ::cairn::core::Error(CAIRN_FORWARD(CAIRN_CONCAT(cairn_try_, __LINE__)).error()) \
            .with_context(context));                                                    \
  }                                                                                     \
  declaration = *CAIRN_FORWARD(CAIRN_CONCAT(cairn_try_, __LINE__))
