#include <optional>
#include <string>

#include "catch2.h"
#include "records_fixture.h"
#include "store/objects/records.h"

/// The decision register: snapshots and fences.
namespace cairn::test {
namespace {

using core::Bytes;
using core::Hash256;
using repo::ChainId;
using repo::Role;
using repo::Snapshot;
using repo::SnapshotId;
using repo::format::Link;
using repo::format::ObjectKind;
using repo::format::RegisterType;
using repo::store::KeyRing;
using repo::store::object_name;
using repo::store::ObjectName;

Snapshot made_snapshot() {
  Snapshot snapshot;
  snapshot.start = kTestTime;
  snapshot.end = {kTestTime.seconds + 5, 7};
  snapshot.host = "quill";
  snapshot.user = "ada";
  snapshot.program_version = "0.1.0";
  snapshot.set = "home";
  snapshot.tags = {"a", "b"};
  repo::Source source;
  source.path = "/home/ada";
  snapshot.sources.push_back(source);
  return snapshot;
}

Link first_link(TestKeys& keys) {
  Link link;
  link.id = keys.random_id<SnapshotId>();
  link.chain = keys.random_id<ChainId>();
  link.sequence = 1;
  return link;
}

struct Store : RecordStore {
  core::Result<Hash256> put(const Link& link, Role role = Role::backup) {
    return put_snapshot(backend, keys.of(role), keys.random, link, made_snapshot(), written);
  }
  [[nodiscard]] static ObjectName register_name(const SnapshotId& id) {
    return object_name(ObjectKind::snapshot, id);
  }
};

TEST_CASE("a snapshot is opened as far as the keys allow") {
  Store store;
  const Role writer = GENERATE(Role::backup, Role::admin);
  const Link link = first_link(store.keys);
  const auto hash = store.put(link, writer);
  REQUIRE(hash);
  CHECK(store.written == store.memory.object(store.register_name(link.id)).size());
  for (const Role role : kAllRoles) {
    INFO(to_string(role));
    const auto opened = get_register(store.backend, store.keys.of(role), link.id);
    REQUIRE(opened);
    CHECK(opened->intact);
    CHECK(opened->link.type == RegisterType::snapshot);
    CHECK(opened->link.id == link.id);
    CHECK(opened->link.chain == link.chain);
    CHECK(opened->link.signer.role == writer);
    CHECK(opened->link_hash == *hash);
    CHECK(opened->link_hash == core::hash256(encode_link(opened->link)));
    CHECK(opened->snapshot.has_value() == (role != Role::backup));
    CHECK((!opened->snapshot || *opened->snapshot == made_snapshot()));
  }
  CHECK(outcome(get_register(store.backend, TestKeys(2).admin(), link.id)) == "corrupt");
}

TEST_CASE("a register is written once: snapshot or fence, whichever came first") {
  Store store;
  const KeyRing& maintain = store.keys.of(Role::maintain);
  SECTION("the snapshot") {
    const Link link = first_link(store.keys);
    REQUIRE(store.put(link));
    CHECK(outcome(put_fence(store.backend, maintain, store.keys.random, link.id)) ==
          "already_exists");
    const std::uint64_t written = store.written;
    CHECK(outcome(store.put(link)) == "already_exists");
    CHECK(store.written == written);
    CHECK(get_register(store.backend, maintain, link.id).value().link.type ==
          RegisterType::snapshot);
  }
  SECTION("the fence") {
    const Link link = first_link(store.keys);
    REQUIRE(put_fence(store.backend, maintain, store.keys.random, link.id));
    CHECK(outcome(store.put(link)) == "already_exists");
    for (const Role role : kAllRoles) {
      const auto opened = get_register(store.backend, store.keys.of(role), link.id);
      REQUIRE(opened);
      CHECK(opened->link.type == RegisterType::fence);
      CHECK_FALSE(opened->snapshot.has_value());
      CHECK(opened->intact);
    }
  }
}

TEST_CASE("a snapshot survives the loss of one copy, not of both") {
  Store store;
  const Link link = first_link(store.keys);
  REQUIRE(store.put(link));
  check_twin_damage(store.memory, store.register_name(link.id), [&]() -> std::optional<bool> {
    const auto got = get_register(store.backend, store.keys.of(Role::audit), link.id);
    if (!got) {
      CHECK(names_object(got.error().message(), store.register_name(link.id)));
      return std::nullopt;
    }
    CHECK(got->snapshot == made_snapshot());
    return got->intact;
  });
}

TEST_CASE("a snapshot under another's name is refused") {
  Store store;
  const Link link = first_link(store.keys);
  REQUIRE(store.put(link));
  const auto other = store.keys.random_id<SnapshotId>();
  move_object(store.memory, store.register_name(link.id), store.register_name(other));
  CHECK(outcome(get_register(store.backend, store.keys.admin(), other)) == "corrupt");
}

/// A register as somebody who holds the index key and public keys could forge it.
class Forger {
 public:
  explicit Forger(Store& store) : store_(store), link_(first_link(store.keys)) {
    const auto sealed =
        seal_manifest(store.keys.of(Role::backup), store.keys.random, link_.id,
                      repo::format::pad(repo::format::encode_snapshot(made_snapshot()).value()));
    REQUIRE(sealed);
    manifest_ = *sealed;
    link_.signer = *store.keys.of(Role::backup).bundle().certificate;
    link_.manifest_hash = core::hash256(manifest_);
  }

  Link& link() { return link_; }
  Bytes& manifest() { return manifest_; }
  void sign(const KeyRing& by) {
    link_.signature = core::sign(by.bundle().sign_seed.view(),
                                 link_message(store_.keys.config.repository_id, link_));
  }
  /// What a reader says to it under `name`.
  std::string verdict(const SnapshotId& name) {
    repo::format::Register record;
    record.sealed_link = repo::store::seal_symmetric(
        store_.keys.of(Role::backup), store_.keys.random, repo::store::Purpose::link,
        Hash256::from(name.view()), repo::format::pad(encode_link(link_)));
    record.sealed_manifest = manifest_;
    store_.memory.set_object(
        store_.register_name(name),
        repo::format::encode_twin(ObjectKind::snapshot, encode_register(record)));
    return outcome(get_register(store_.backend, store_.keys.of(Role::audit), name));
  }
  std::string verdict() { return verdict(link_.id); }

 private:
  Store& store_;
  Link link_;
  Bytes manifest_;
};

TEST_CASE("forged snapshots are refused") {
  Store store;
  Forger forger(store);
  const KeyRing& backup = store.keys.of(Role::backup);
  SECTION("the forger's tools make a good one, when used as they should be") {
    forger.sign(backup);
    CHECK(forger.verdict() == "ok");
  }
  SECTION("not signed") { CHECK(forger.verdict() == "corrupt"); }
  SECTION("signed by another key than the certificate's") {
    forger.sign(store.keys.admin());
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("a certificate that the admin did not sign") {
    TestKeys other(2);
    forger.link().signer = *other.of(Role::backup).bundle().certificate;
    forger.sign(other.of(Role::backup));
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("changed after signing") {
    forger.sign(backup);
    forger.link().chain.mutable_view().front() ^= std::byte{1};
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("another manifest") {
    forger.sign(backup);
    const auto other = seal_manifest(backup, store.keys.random, forger.link().id,
                                     repo::format::pad(core::as_view("another manifest")));
    REQUIRE(other);
    forger.manifest() = *other;
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("no manifest") {
    forger.sign(backup);
    forger.manifest().clear();
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("a manifest that does not open, though signed") {
    forger.manifest().back() ^= std::byte{1};
    forger.link().manifest_hash = core::hash256(forger.manifest());
    forger.sign(backup);
    CHECK(forger.verdict() == "corrupt");
  }
  SECTION("a link of another snapshot, sealed anew for this name") {
    forger.sign(backup);
    CHECK(forger.verdict(store.keys.random_id<SnapshotId>()) == "corrupt");
  }
  SECTION("a fence with a manifest") {
    forger.link().type = RegisterType::fence;
    forger.link().signer = *store.keys.of(Role::maintain).bundle().certificate;
    forger.link().chain = {};
    forger.link().sequence = 0;
    forger.link().manifest_hash = {};
    forger.sign(store.keys.of(Role::maintain));
    CHECK(forger.verdict() == "corrupt");
  }
}

TEST_CASE("a snapshot whose description does not fit is refused") {
  Store store;
  Snapshot snapshot = made_snapshot();
  snapshot.sources.clear();
  constexpr std::size_t kSources = 9000;  // x 4,000 bytes: more than 32 MiB
  for (std::size_t i = 0; i < kSources; ++i) {
    repo::Source source;
    std::string number = std::to_string(10'000 + i);
    source.path = "/" + number;
    while (source.path.size() < 3900) {
      source.path += "/" + std::string(190, 'x');
    }
    snapshot.sources.push_back(source);
  }
  CHECK(outcome(put_snapshot(store.backend, store.keys.admin(), store.keys.random,
                             first_link(store.keys), snapshot, store.written)) == "limit_exceeded");
  CHECK(store.memory.names().empty());
}

// --- Backends that fail ---

TEST_CASE("an error of the backend comes through, and nothing is half written") {
  TestKeys keys;
  const Link link = first_link(keys);
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1;; ++call) {
    MemBackend memory;
    FaultBackend backend(memory);
    backend.arm({.at_call = call, .code = core::ErrorCode::no_space});
    std::uint64_t written = 0;
    const auto put =
        put_snapshot(backend, keys.admin(), keys.random, link, made_snapshot(), written);
    if (!backend.failure_hit()) {
      CHECK(put);
      break;
    }
    ++failures;
    CHECK(outcome(put) == "no_space");
    CHECK(written == 0);
    CHECK(memory.names().empty());
  }
  CHECK(failures == 3);  // start, append, publish
}

}  // namespace
}  // namespace cairn::test
