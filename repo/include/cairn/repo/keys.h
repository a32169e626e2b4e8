#pragma once

#include <string>
#include <vector>

#include "cairn/core/crypto.h"
#include "cairn/core/result.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/roles.h"

/// Key slots: who can open the repository.
namespace cairn::repo {

struct ListedKey {
  KeySlotId id;
  bool is_key_file = false;
  bool is_current = false;  ///< the one this repository was opened with
  bool readable = true;     ///< false: damaged; the fields below are empty then
  Role role = Role::admin;
  std::string name;
  std::string host;
  std::string user;
  core::Timestamp created;
};

[[nodiscard]] core::Result<std::vector<ListedKey>> list_keys(Repository& repository);

struct AddKeyOptions {
  Role role = Role::admin;
  std::string name;
  Credentials credentials;
  core::KdfParameters kdf;
};
/// Makes a slot for a role. Only an admin can; not_permitted otherwise.
[[nodiscard]] core::Result<KeySlotId> add_key(Repository& repository, const AddKeyOptions& options);

/// Removes a slot by a unique prefix of its id. Refuses (invalid_argument) the slot in use and the
/// last one of role admin. Who copied the slot and knows its passphrase keeps what it held.
core::Status remove_key(Repository& repository, std::string_view id_prefix);

/// Replaces the slot in use by one with other credentials; the keys inside stay.
[[nodiscard]] core::Result<KeySlotId> change_credentials(Repository& repository,
                                                         const Credentials& credentials,
                                                         const core::KdfParameters& kdf);

}  // namespace cairn::repo
