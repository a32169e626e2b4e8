#pragma once

#include "command_line/arguments.h"
#include "command_line/filter_arguments.h"

namespace CLI {
class App;
}

/// The words of verify, checked and turned into values.
namespace cairn::cli {

struct TypedVerify {
  VerifyArguments checked;  ///< what needs no check is put here at once
  TypedFilter filter;
  bool latest = false;
  bool all = false;
};
/// Declares `verify`; `typed` must outlive the app.
void add_verify(CLI::App& app, TypedVerify& typed);
[[nodiscard]] CheckedArguments verify_values(TypedVerify& typed);

}  // namespace cairn::cli
