#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cairn/core/file_system.h"
#include "cairn/core/result.h"
#include "store/backend/backend.h"

/// Which kinds of storage there are, and which of them a location names.
namespace cairn::repo::store {

/// What a backend is made from.
struct BackendContext {
  core::FileSystem& file_system;
  std::string location;  ///< in the spelling of BackendKind::spelled()
  WriterIdentity writer = {};
};

/// One kind of storage. Thread-safe.
class BackendKind {
 public:
  virtual ~BackendKind() = default;
  /// The normal spelling of a location of this kind; spelling it again does not change it. Errors:
  /// invalid_argument.
  [[nodiscard]] virtual core::Result<std::string> spelled(const std::string& location) const = 0;
  /// False if there is nothing, not even something that is no repository.
  [[nodiscard]] virtual core::Result<bool> is_there(const BackendContext& context) const = 0;
  /// Makes the place for a new repository. Errors: already_exists, no_space, io.
  virtual core::Status create(const BackendContext& context) const = 0;
  /// Need not check what is there. The backend must not outlive what the context refers to.
  [[nodiscard]] virtual core::Result<std::unique_ptr<Backend>> open(
      const BackendContext& context) const = 0;
};

/// Kinds of storage by the schemes of their URLs.
class BackendRegistry {
 public:
  /// With the folders of this machine: a path, with or without "file:" before it.
  BackendRegistry();
  /// `scheme` without the ':'. Replaces an earlier kind with this scheme.
  void add(std::string scheme, std::shared_ptr<const BackendKind> kind);

  /// A location and its kind.
  struct Place {
    const BackendKind& kind;
    std::string location;  ///< in its normal spelling
  };
  /// Refuses what looks like another kind of storage ("s3:bucket", "host:/path"), and a "~" that no
  /// shell has replaced: a folder of that name is hardly meant; with "./" before it, it is
  /// accepted. The place must not outlive the registry. Errors: invalid_argument.
  [[nodiscard]] core::Result<Place> find(const std::string& location) const;

 private:
  std::map<std::string, std::shared_ptr<const BackendKind>, std::less<>> kinds_;
};

/// The kinds that are always there.
[[nodiscard]] const BackendRegistry& builtin_backends();

}  // namespace cairn::repo::store
