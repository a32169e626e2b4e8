#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <variant>

#include "store/backend/backend.h"

namespace cairn::test {

/// What a storage can do to an object. Only what is read is changed: the object itself stays.
namespace damage {
struct Missing {};
/// The last `bytes` are gone.
struct Truncated {
  std::uint64_t bytes = 1;
};
/// The bits of `mask` are flipped in one byte.
struct Flipped {
  std::uint64_t offset = 0;
  std::byte mask{1};
};
/// Zero bytes are added at the end.
struct Grown {
  std::uint64_t bytes = 1;
};
/// Reads of the byte at `offset` fail, as from a bad sector. The rest can be read.
struct Unreadable {
  std::uint64_t offset = 0;
};
/// Another object's bytes.
struct Swapped {
  repo::store::ObjectName with;
};
}  // namespace damage
using Damage = std::variant<damage::Missing, damage::Truncated, damage::Flipped, damage::Grown,
                            damage::Unreadable, damage::Swapped>;

/// Passes calls on to `real`, which must outlive it. Shows damaged objects, and lets calls fail.
/// Thread-safe, if the damage is set before.
class FaultBackend final : public repo::store::Backend {
 public:
  explicit FaultBackend(repo::store::Backend& real) : real_(real) {}

  /// Later damage of the same object replaces earlier.
  void inflict(const repo::store::ObjectName& name, Damage damage);
  void heal(const repo::store::ObjectName& name);

  /// The call number `at_call` from now on fails (1 is the next), or it and all after it. Calls of
  /// writers count too.
  struct Failure {
    std::uint64_t at_call = 1;
    bool sticky = false;
    core::ErrorCode code = core::ErrorCode::io;
  };
  void arm(const Failure& failure);
  void disarm();
  /// Whether the failure armed last has come true.
  [[nodiscard]] bool failure_hit() const;
  [[nodiscard]] std::uint64_t calls() const;

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
  core::Result<std::vector<std::string>> unfinished() override;
  core::Result<std::vector<std::string>> abandoned(repo::store::Certainty certainty) override;
  core::Status discard_unfinished(const std::string& name) override;
  core::Status make_reserve(core::ByteView seed) override;
  core::Result<bool> give_up_reserve() override;

 private:
  class Writer;
  core::Status count_call();
  [[nodiscard]] const Damage* damage_of(const repo::store::ObjectName& name) const;
  /// The damaged object as a whole; nullopt if it is missing.
  core::Result<std::optional<core::Bytes>> damaged_object(const repo::store::ObjectName& name,
                                                          const Damage& damage);

  repo::store::Backend& real_;
  mutable std::mutex mutex_;
  std::map<repo::store::ObjectName, Damage> damage_;
  std::optional<Failure> failure_;
  std::uint64_t calls_ = 0;
  std::uint64_t calls_since_armed_ = 0;
  bool failure_hit_ = false;
};

}  // namespace cairn::test
