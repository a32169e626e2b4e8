#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cairn/core/file_system.h"
#include "cairn/core/result.h"
#include "store/backend/backend.h"

/// Which kinds of storage there are, and which of them a location means.
namespace cairn::repo::store {

/// What a backend is made from.
struct BackendContext {
  core::FileSystem& file_system;
  std::string location;  ///< as BackendKind::spelled() has it
  WriterIdentity writer = {};
};

/// One kind of storage. Thread-safe.
class BackendKind {
 public:
  virtual ~BackendKind() = default;
  /// The one spelling of a location of this kind; again spelled, it stays as it is. Errors:
  /// invalid_argument.
  [[nodiscard]] virtual core::Result<std::string> spelled(const std::string& location) const = 0;
  /// False if there is nothing at all, not even something that is no repository.
  [[nodiscard]] virtual core::Result<bool> is_there(const BackendContext& context) const = 0;
  /// Makes the place for a new repository. Errors: already_exists, no_space, io.
  virtual core::Status create(const BackendContext& context) const = 0;
  /// Need not look at what is there. Must not outlive what the context refers to.
  [[nodiscard]] virtual core::Result<std::unique_ptr<Backend>> open(
      const BackendContext& context) const = 0;
};

/// Kinds of storage by the schemes of their URLs.
class BackendRegistry {
 public:
  /// With the folders of this machine: a path, or one behind "file:".
  BackendRegistry();
  /// `scheme` without the ':'. Replaces what had it before.
  void add(std::string scheme, std::shared_ptr<const BackendKind> kind);

  /// A location, and what it is one of.
  struct Place {
    const BackendKind& kind;
    std::string location;  ///< in its one spelling
  };
  /// What looks like another kind of storage ("s3:bucket", "host:/path") is refused, as is a "~"
  /// that no shell has replaced: a folder of that name is hardly what was meant; "./" before it
  /// says that it is. The place must not outlive the registry. Errors: invalid_argument.
  [[nodiscard]] core::Result<Place> find(const std::string& location) const;

 private:
  std::map<std::string, std::shared_ptr<const BackendKind>, std::less<>> kinds_;
};

/// What every repository may lie in.
[[nodiscard]] const BackendRegistry& builtin_backends();

}  // namespace cairn::repo::store
