#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/chunker/policy.h"
#include "cairn/core/crypto.h"
#include "cairn/core/result.h"
#include "cairn/core/secret.h"
#include "cairn/repo/environment.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/roles.h"

/// A repository, opened with a key. The verbs (backup.h, restore.h, ...) work on it.
namespace cairn::repo {

class Repository;
namespace ops {
struct OpenRepository;
OpenRepository& opened(Repository& repository) noexcept;  // for the verbs only
}  // namespace ops

/// What opens a key slot: a passphrase, or the 32 bytes of a key file.
struct Credentials {
  enum class Type : std::uint8_t { passphrase, key_file };
  Type type = Type::passphrase;
  core::SecretBytes secret;

  [[nodiscard]] Credentials duplicate() const { return {type, secret.duplicate()}; }
};
inline constexpr std::size_t kKeyFileBytes = 32;

/// The location of a repository in its normal spelling: for a folder its path ("/srv/x" for
/// "file:///srv/x"). An unknown kind of storage is refused. Errors: invalid_argument.
[[nodiscard]] core::Result<std::string> spelled_location(
    const std::string& location, const store::BackendRegistry* backends = nullptr);
/// False if there is nothing at the location. Errors: as spelled_location(), io.
[[nodiscard]] core::Result<bool> is_there(const Environment& environment,
                                          const std::string& location);

struct InitOptions {
  std::string location;  ///< a folder, as a path or with "file:" before it: new, or empty
  Credentials credentials;
  std::string key_name = "admin";
  core::KdfParameters kdf;
  chunker::Policy chunking = chunker::default_policy();
};

struct OpenOptions {
  std::string location;
  Credentials credentials;
};

/// An open repository. Movable; one verb at a time. The destructor closes it.
class Repository {
 public:
  /// Makes a repository and its first key slot (role admin). Errors: already_exists if there is
  /// one or the folder is not empty, io, no_space.
  [[nodiscard]] static core::Result<Repository> init(const Environment& environment,
                                                     const InitOptions& options);
  /// Errors: not_a_repository, wrong_key, unsupported_version, corrupt (with what can be done), io.
  /// A damaged config, or one damaged copy of a key slot, only causes a warning.
  [[nodiscard]] static core::Result<Repository> open(const Environment& environment,
                                                     const OpenOptions& options,
                                                     Observer& observer);

  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  [[nodiscard]] const RepositoryId& id() const noexcept;
  [[nodiscard]] Role role() const noexcept;
  /// In the spelling of spelled_location().
  [[nodiscard]] const std::string& location() const noexcept;

 private:
  friend ops::OpenRepository& ops::opened(Repository& repository) noexcept;
  explicit Repository(std::unique_ptr<ops::OpenRepository> opened);
  std::unique_ptr<ops::OpenRepository> opened_;
};

}  // namespace cairn::repo
