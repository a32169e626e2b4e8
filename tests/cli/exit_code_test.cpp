#include "output/exit_code.h"

#include <map>

#include "catch2.h"

namespace cairn::cli {
namespace {

TEST_CASE("every kind of error has its exit status") {
  using core::ErrorCode;
  const std::map<ErrorCode, int> expected = {
      {ErrorCode::not_found, 1},
      {ErrorCode::already_exists, 1},
      {ErrorCode::io, 1},
      {ErrorCode::no_space, 1},
      {ErrorCode::permission_denied, 1},
      {ErrorCode::corrupt, 1},
      {ErrorCode::wrong_key, 12},
      {ErrorCode::not_a_repository, 10},
      {ErrorCode::unsupported_version, 1},
      {ErrorCode::limit_exceeded, 1},
      {ErrorCode::invalid_argument, 1},
      {ErrorCode::not_permitted, 1},
      {ErrorCode::busy, 11},
      {ErrorCode::changed, 1},
      {ErrorCode::fenced, 1},
      {ErrorCode::interrupted, 130},
      {ErrorCode::internal, 1},
  };
  // The last code there is, so that a new one makes this test fail until it is listed.
  CHECK(expected.size() == static_cast<std::size_t>(ErrorCode::internal) + 1);
  for (const auto& [code, status] : expected) {
    CAPTURE(to_string(code));
    CHECK(static_cast<int>(exit_code_of(code)) == status);
  }
}

TEST_CASE("the numbers are a promise") {
  CHECK(static_cast<int>(ExitCode::ok) == 0);
  CHECK(static_cast<int>(ExitCode::failed) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::partial) == 3);
  CHECK(static_cast<int>(ExitCode::damage) == 4);
  CHECK(static_cast<int>(ExitCode::no_repository) == 10);
  CHECK(static_cast<int>(ExitCode::busy) == 11);
  CHECK(static_cast<int>(ExitCode::wrong_key) == 12);
  CHECK(static_cast<int>(ExitCode::interrupted) == 130);
}

}  // namespace
}  // namespace cairn::cli
