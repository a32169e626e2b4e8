#pragma once

#include <string>

#include "cairn/repo/roles.h"
#include "command_line/repository_options.h"

namespace cairn::cli {

struct KeyAddArguments {
  repo::Role role = repo::Role::admin;
  std::string name;
  NewCredentialArguments credentials;
};

struct KeyRemoveArguments {
  std::string id_prefix;
};

struct KeyPasswdArguments {
  NewCredentialArguments credentials;
};

}  // namespace cairn::cli
