#include "output/exit_code.h"

namespace cairn::cli {

ExitCode exit_code_of(core::ErrorCode code) noexcept {
  using core::ErrorCode;
  switch (code) {
    case ErrorCode::not_a_repository:
      return ExitCode::no_repository;
    case ErrorCode::busy:
      return ExitCode::busy;
    case ErrorCode::wrong_key:
      return ExitCode::wrong_key;
    case ErrorCode::interrupted:
      return ExitCode::interrupted;
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::io:
    case ErrorCode::no_space:
    case ErrorCode::permission_denied:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported_version:
    case ErrorCode::limit_exceeded:
    case ErrorCode::invalid_argument:  // mistakes on the command line itself end before any verb
    case ErrorCode::not_permitted:
    case ErrorCode::changed:
    case ErrorCode::fenced:
    case ErrorCode::internal:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace cairn::cli
