#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "format/config.h"
#include "seeded_random.h"
#include "store/objects/key_ring.h"

namespace cairn::test {

inline constexpr std::array kAllRoles = {repo::Role::admin, repo::Role::backup, repo::Role::restore,
                                         repo::Role::maintain, repo::Role::audit};

/// 2026-01-01T12:00:00Z.
inline constexpr core::Timestamp kTestTime{1'767'268'800, 0};

/// A repository's keys in the hands of every role, and the randomness they came from.
class TestKeys {
 public:
  explicit TestKeys(std::uint64_t seed = 1) : random(seed) {
    config.repository_id = repo::RepositoryId::from(random.bytes(32));
    config.chunking = chunker::default_policy();
    admin_bundle = repo::store::make_admin_bundle(random, config, kTestTime);
    for (const repo::Role role : kAllRoles) {
      rings_[index_of(role)] = std::make_unique<repo::store::KeyRing>(config, bundle(role));
    }
  }

  [[nodiscard]] repo::format::KeyBundle bundle(repo::Role role) {
    return repo::store::make_role_bundle(random, config.repository_id, admin_bundle, role,
                                         kTestTime);
  }
  [[nodiscard]] const repo::store::KeyRing& of(repo::Role role) const {
    return *rings_[index_of(role)];
  }
  [[nodiscard]] const repo::store::KeyRing& admin() const { return of(repo::Role::admin); }

  /// An id of any kind.
  template <class IdType>
  [[nodiscard]] IdType random_id() {
    return IdType::from(random.bytes(IdType::kSize));
  }

  SeededRandom random;
  repo::format::Config config;
  repo::format::KeyBundle admin_bundle;

 private:
  static std::size_t index_of(repo::Role role) { return static_cast<std::size_t>(role) - 1; }

  std::array<std::unique_ptr<repo::store::KeyRing>, kAllRoles.size()> rings_;
};

}  // namespace cairn::test
