#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
/// last one of role admin. Whoever has a copy of the slot and knows its passphrase can still use
/// its keys.
core::Status remove_key(Repository& repository, std::string_view id_prefix);

/// Replaces the slot in use by one with other credentials; the keys inside stay.
[[nodiscard]] core::Result<KeySlotId> change_credentials(Repository& repository,
                                                         const Credentials& credentials,
                                                         const core::KdfParameters& kdf);

/// Key slots on paper, or in a safe. Without its key slots a repository is lost, even if the
/// passphrase is known; these bring back a lost folder `keys/`. They stay sealed: without
/// passphrase or key file they open nothing.
struct ExportedKeys {
  std::string text;  ///< plain lines, for a file or a printer
  std::vector<KeySlotId> ids;
};
/// All readable slots, or the one whose id begins with `id_prefix`. Errors: not_found,
/// invalid_argument (several begin so), io, corrupt (that slot is damaged).
[[nodiscard]] core::Result<ExportedKeys> export_keys(Repository& repository,
                                                     std::string_view id_prefix);

inline constexpr std::size_t kKeyExportBytesMax = 16 * 1024 * 1024;

struct ImportedKeys {
  std::vector<KeySlotId> ids;       ///< of all slots in the text
  std::uint64_t already_there = 0;  ///< how many of them the repository had
};
/// Puts the slots of such a text back into the repository at `location`, which need not be
/// openable. Other lines of the text are skipped. Nothing is written unless all slots are whole and
/// belong to that repository. Errors: invalid_argument (there is no slot, one is not as it was
/// exported, or it belongs to another repository), not_a_repository, limit_exceeded, io, no_space.
[[nodiscard]] core::Result<ImportedKeys> import_keys(const Environment& environment,
                                                     const std::string& location,
                                                     std::string_view text);

}  // namespace cairn::repo
