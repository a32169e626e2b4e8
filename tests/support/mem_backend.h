#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/backend/backend.h"

namespace cairn::test {

/// A repository's objects in memory, with the contract of store::Backend and without its cost.
/// Everything lies open to the test, which may damage it at will. Thread-safe.
class MemBackend final : public repo::store::Backend {
 public:
  core::Result<std::unique_ptr<repo::store::ObjectWriter>> start() override;
  core::Result<core::Bytes> get(const repo::store::ObjectName& name,
                                std::uint64_t size_max) override;
  core::Status get_range(const repo::store::ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override;
  core::Result<std::optional<std::uint64_t>> size(const repo::store::ObjectName& name) override;
  core::Status list(repo::format::ObjectKind kind,
                    const std::function<void(const repo::store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override;
  core::Status replace(const repo::store::ObjectName& name, core::ByteView data) override;
  core::Status remove(const repo::store::ObjectName& name) override;

  // --- For the test
  // -------------------------------------------------------------------------------

  /// All objects, sorted by kind and id.
  [[nodiscard]] std::vector<repo::store::ObjectName> names() const;
  /// Requires that it is there.
  [[nodiscard]] core::Bytes object(const repo::store::ObjectName& name) const;
  /// Creates or changes an object: what no backend does and every storage may.
  void set_object(const repo::store::ObjectName& name, core::Bytes data);
  /// A name that is not ours, listed with the objects of `kind`.
  void add_foreign(repo::format::ObjectKind kind, std::string path);

 private:
  class Writer;
  core::Status publish(const repo::store::ObjectName& name, core::Bytes data);
  [[nodiscard]] std::shared_ptr<const core::Bytes> find(const repo::store::ObjectName& name) const;

  mutable std::mutex mutex_;
  std::map<repo::store::ObjectName, std::shared_ptr<const core::Bytes>> objects_;
  std::vector<std::pair<repo::format::ObjectKind, std::string>> foreign_;
};

}  // namespace cairn::test
