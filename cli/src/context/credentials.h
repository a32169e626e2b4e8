#pragma once

#include <string>

#include "cairn/core/result.h"
#include "cairn/repo/repository.h"
#include "command_line/repository_options.h"
#include "io/streams.h"

/// Where passphrases and key files come from.
namespace cairn::cli {

/// Opens `location` with --password-file or --key-file; else the first of CAIRN_PASSWORD,
/// CAIRN_PASSWORD_FILE, CAIRN_PASSWORD_COMMAND and CAIRN_KEY_FILE that is set and not empty; else
/// the terminal. From a password file one final line end is dropped, and what Windows puts around a
/// text (secret_input.h). Errors: invalid_argument (an empty passphrase, a key file that does not
/// have 32 bytes, no source at all), interrupted, and those of secret_input.h.
[[nodiscard]] core::Result<repo::Credentials> credentials_to_open(const GlobalArguments& global,
                                                                  const std::string& location,
                                                                  Streams& streams);

/// The same for the repository that a copy comes from: --from-password-file, --from-key-file, and
/// variables that begin with CAIRN_FROM_.
[[nodiscard]] core::Result<repo::Credentials> credentials_to_copy_from(const FromArguments& from,
                                                                       const std::string& location,
                                                                       Streams& streams);

/// How often a user at a terminal may mistype a passphrase.
inline constexpr unsigned kTriesAtTerminal = 3;
/// True if the functions above would ask the terminal, so that asking again makes sense.
[[nodiscard]] bool asks_terminal(const GlobalArguments& global, const Streams& streams);
[[nodiscard]] bool asks_terminal(const FromArguments& from, const Streams& streams);

struct NewCredentials {
  repo::Credentials credentials;
  std::string made_key_file;  ///< a key file that did not exist before; else empty
};

/// For `init` of a repository at `location`: the same sources, but a key file that does not exist
/// is made, and the terminal asks twice.
[[nodiscard]] core::Result<NewCredentials> credentials_to_init(const GlobalArguments& global,
                                                               const std::string& location,
                                                               Streams& streams);

/// For `key add` and `key passwd`: --new-key-file, --new-password-file, CAIRN_NEW_PASSWORD, or the
/// terminal, which asks twice.
[[nodiscard]] core::Result<NewCredentials> credentials_to_add(
    const NewCredentialArguments& arguments, Streams& streams);

/// Removes a key file that was made for something that then failed.
void forget(const NewCredentials& unused, Streams& streams);

}  // namespace cairn::cli
