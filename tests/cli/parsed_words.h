#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch2.h"
#include "parse.h"

/// What the words of a command line become, for tests that know which of the answers it must be.
namespace cairn::cli {

using Args = std::vector<std::string>;

inline Invocation invocation(const Args& args) {
  ParsedArguments parsed = parse_arguments(args);
  if (const auto* const error = std::get_if<UsageError>(&parsed)) {
    FAIL("usage error: " << error->message);
  }
  REQUIRE(std::holds_alternative<Invocation>(parsed));
  return std::get<Invocation>(std::move(parsed));
}

template <class Arguments>
Arguments arguments(const Args& args) {
  const Invocation invoked = invocation(args);
  const auto* const command = dynamic_cast<const CommandWith<Arguments>*>(invoked.command.get());
  REQUIRE(command != nullptr);
  return command->arguments();
}

inline UsageError refused(const Args& args) {
  const ParsedArguments parsed = parse_arguments(args);
  CAPTURE(args);
  REQUIRE(std::holds_alternative<UsageError>(parsed));
  return std::get<UsageError>(parsed);
}

}  // namespace cairn::cli
