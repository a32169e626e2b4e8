#include "cairn/core/result.h"

#include <cerrno>
#include <memory>
#include <set>

#include "catch2.h"
#include "outcome.h"

namespace cairn::core {
namespace {

using test::message_of;
using test::outcome;

Result<int> half_of(int number) {
  if (number % 2 != 0) {
    return fail(ErrorCode::invalid_argument, "halve 7: it is odd", "use an even number");
  }
  return number / 2;
}

Result<int> quarter_of(int number) {
  CAIRN_TRY(const int half, half_of(number));
  CAIRN_TRY(const int quarter, half_of(half));
  return quarter;
}

Result<int> quarter_with_context(int number) {
  int half = 0;
  CAIRN_TRY_CONTEXT(half, "first step", half_of(number));
  CAIRN_TRY_CONTEXT(const int quarter, "second step", half_of(half));
  return quarter;
}

TEST_CASE("a value passes the macros, an error leaves the function") {
  CHECK(quarter_of(8).value() == 2);
  const Result<int> odd = quarter_of(14);
  REQUIRE(outcome(odd) == "invalid_argument");
  CHECK(odd.error().message() == "halve 7: it is odd");
  CHECK(odd.error().hint() == "use an even number");
}

TEST_CASE("a context goes before the message and leaves code and hint alone") {
  CHECK(quarter_with_context(8).value() == 2);
  const Result<int> first = quarter_with_context(7);
  REQUIRE(outcome(first) == "invalid_argument");
  CHECK(first.error().message() == "first step: halve 7: it is odd");
  CHECK(first.error().hint() == "use an even number");
  CHECK(message_of(quarter_with_context(14)) == "second step: halve 7: it is odd");
}

TEST_CASE("the first hint wins") {
  Error error = Error(ErrorCode::io, "read a").with_hint("inner").with_hint("outer");
  CHECK(error.hint() == "inner");
}

Status return_error_of(const Status& kept) {
  CAIRN_TRY_STATUS(kept);
  return {};
}

Status return_error_with_context(const Result<int>& kept) {
  CAIRN_TRY_CONTEXT(const int value, "again", kept);
  return value == 0 ? Status() : fail(ErrorCode::internal, "not reached");
}

TEST_CASE("a kept error can be returned many times") {
  Status kept = fail(ErrorCode::no_space, "write pack: no room", "make room");
  const auto try_it = [&]() -> Status {
    CAIRN_TRY_STATUS(kept);
    return {};
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(message_of(try_it()) == "write pack: no room");
    CHECK(message_of(return_error_of(kept)) == "write pack: no room");
  }
  const Result<int> kept_value = fail(ErrorCode::io, "read a");
  CHECK(message_of(return_error_with_context(kept_value)) == "again: read a");
  CHECK(message_of(return_error_with_context(kept_value)) == "again: read a");
}

Result<std::unique_ptr<int>> make_number() { return std::make_unique<int>(3); }

Result<int> take_number() {
  CAIRN_TRY(const std::unique_ptr<int> number, make_number());
  return *number;
}

TEST_CASE("values that can only move pass the macros") { CHECK(take_number().value() == 3); }

TEST_CASE("errno maps to the codes that callers branch on") {
  CHECK(errno_error(ENOENT, "x").code() == ErrorCode::not_found);
  CHECK(errno_error(EEXIST, "x").code() == ErrorCode::already_exists);
  CHECK(errno_error(ENOSPC, "x").code() == ErrorCode::no_space);
  CHECK(errno_error(EDQUOT, "x").code() == ErrorCode::no_space);
  CHECK(errno_error(EACCES, "x").code() == ErrorCode::permission_denied);
  CHECK(errno_error(EPERM, "x").code() == ErrorCode::permission_denied);
  CHECK(errno_error(EIO, "x").code() == ErrorCode::io);
  CHECK(errno_error(ENOTDIR, "x").code() == ErrorCode::io);
}

TEST_CASE("the message of an errno says what the system said") {
  CHECK(errno_error(ENOENT, "open packs/ab/abcd").message() ==
        "open packs/ab/abcd: No such file or directory");
  CHECK(errno_error(ENOSPC, "write a").message() == "write a: No space left on device");
  CHECK(errno_error(123456, "write a").message().find("123456") != std::string::npos);
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    names.insert(to_string(static_cast<ErrorCode>(code)));
  }
  CHECK(names.size() == static_cast<std::size_t>(ErrorCode::internal) + 1);
  CHECK(names.count("unknown") == 0);
  CHECK(to_string(ErrorCode::unsupported_version) == "unsupported_version");
}

}  // namespace
}  // namespace cairn::core
