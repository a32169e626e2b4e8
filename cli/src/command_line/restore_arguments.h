#pragma once

#include <string>

#include "command_line/arguments.h"
#include "command_line/looking_arguments.h"

/// The words of restore, checked and turned into values.
namespace cairn::cli {

struct TypedRestore {
  RestoreArguments checked;  ///< what needs no check is put here at once
  TypedChoice choice;
  std::string overwrite;
};
/// Declares `restore`; `typed` must outlive the app.
void add_restore(CLI::App& app, TypedRestore& typed);
[[nodiscard]] CheckedArguments restore_values(TypedRestore& typed);

}  // namespace cairn::cli
