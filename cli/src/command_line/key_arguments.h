#pragma once

#include <string>

#include "command_line/arguments.h"

namespace CLI {
class App;
}

/// The words of key, checked and turned into values.
namespace cairn::cli {

struct TypedKey {
  KeyAddArguments add;  ///< what needs no check is put here at once
  KeyRemoveArguments remove;
  KeyExportArguments exported;
  KeyImportArguments imported;
  NewCredentialArguments new_credentials;
  std::string role = "admin";
};
/// Declares `key` and the commands below it; `typed` must outlive the app.
void add_key(CLI::App& app, TypedKey& typed);
/// `verb` is the command below key.
[[nodiscard]] CheckedArguments key_values(TypedKey& typed, const std::string& verb);

}  // namespace cairn::cli
