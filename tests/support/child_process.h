#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

/// Parts of a test that need a process of their own.
namespace cairn::test {

/// The user and group "nobody" on Linux.
inline constexpr ::uid_t kNobody = 65534;

/// Runs `body` in a forked child and answers what it answered, or "died" if the child ended in
/// another way. The child must not use Catch2's macros.
[[nodiscard]] std::string run_in_child(const std::function<std::string()>& body);

/// The same as a user without privileges: "nobody" if the test runs as root, else as it is.
/// "cannot become an ordinary user" if that fails.
[[nodiscard]] std::string run_as_ordinary_user(const std::function<std::string()>& body);

}  // namespace cairn::test
