#include "store/records.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch2.h"
#include "fault_backend.h"
#include "mem_backend.h"
#include "outcome.h"
#include "test_keys.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using core::Hash256;
using repo::ChainId;
using repo::PackId;
using repo::Role;
using repo::Snapshot;
using repo::SnapshotId;
using repo::format::Link;
using repo::format::ObjectKind;
using repo::format::RegisterType;
using repo::store::KeyRing;
using repo::store::object_name;
using repo::store::object_path;
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

/// A repository in memory with one snapshot in it.
struct Store {
  core::Result<Hash256> put(const Link& link, Role role = Role::backup) {
    return put_snapshot(backend, keys.of(role), keys.random, link, made_snapshot(), written);
  }
  [[nodiscard]] ObjectName register_name(const SnapshotId& id) const {
    return object_name(ObjectKind::snapshot, id);
  }

  TestKeys keys;
  MemBackend memory;
  FaultBackend backend{memory};
  std::uint64_t written = 0;
};

/// Flips every byte of a twin in both copies in turn, then in one: the first must fail, the second
/// be survived. `get` answers nullopt for an error, else whether the twin is intact.
template <class Get>
void check_twin_damage(MemBackend& memory, const ObjectName& name, Get get) {
  const Bytes good = memory.object(name);
  REQUIRE(get() == std::optional<bool>(true));
  const std::size_t half = good.size() / 2;
  REQUIRE(core::equal(ByteView(good).first(half), ByteView(good).subspan(half)));
  for (std::size_t i = 0; i < half; ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool first_survived = get() == std::optional<bool>(false);
    bad[half + i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool both_refused = get() == std::nullopt;
    bad[i] ^= std::byte{0x20};
    memory.set_object(name, bad);
    const bool second_survived = get() == std::optional<bool>(false);
    if (!first_survived || !both_refused || !second_survived) {
      FAIL_CHECK("byte " << i << ": " << first_survived << both_refused << second_survived);
    }
  }
  for (const std::size_t size : {half, half + 10, good.size() - 1}) {
    memory.set_object(name, core::to_bytes(ByteView(good).first(size)));
    CHECK(get() == std::optional<bool>(false));
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  memory.set_object(name, longer);
  CHECK(get() == std::optional<bool>(false));
  memory.set_object(name, core::to_bytes(ByteView(good).first(half - 1)));
  CHECK(get() == std::nullopt);
  memory.set_object(name, good);
}

/// Puts the object of one name under another, as a hostile storage would.
void move_object(MemBackend& memory, const ObjectName& from, const ObjectName& to) {
  memory.set_object(to, memory.object(from));
}

bool names_object(const std::string& message, const ObjectName& name) {
  return message.find(object_path(name)) != std::string::npos;
}

// --- Config and key slots ---

TEST_CASE("the config is written once and read back") {
  Store store;
  CHECK(outcome(get_config(store.backend)) == "not_found");
  REQUIRE(put_config(store.backend, store.keys.config));
  CHECK(outcome(put_config(store.backend, store.keys.config)) == "already_exists");
  const auto config = get_config(store.backend);
  REQUIRE(config);
  CHECK(config->value == store.keys.config);
  check_twin_damage(store.memory, repo::store::config_name(), [&]() -> std::optional<bool> {
    const auto got = get_config(store.backend);
    if (!got) {
      return std::nullopt;
    }
    CHECK(got->value == store.keys.config);
    return got->intact;
  });
}

TEST_CASE("a config that grew without bound is not read") {
  Store store;
  REQUIRE(put_config(store.backend, store.keys.config));
  store.backend.inflict(repo::store::config_name(), damage::Grown{.bytes = 100'000});
  CHECK(outcome(get_config(store.backend)) == "limit_exceeded");
}

repo::format::KeySlot made_slot(Store& store) {
  const repo::Credentials credentials{repo::Credentials::Type::key_file,
                                      core::SecretBytes(repo::kKeyFileBytes)};
  auto slot = repo::store::seal_key_slot(store.keys.random, store.keys.config.repository_id,
                                         store.keys.bundle(Role::audit), credentials, {});
  REQUIRE(slot);
  return *std::move(slot);
}

TEST_CASE("a key slot is named by its content and survives the loss of one copy") {
  Store store;
  const auto slot = made_slot(store);
  const auto id = put_key_slot(store.backend, slot);
  REQUIRE(id);
  const ObjectName name = object_name(ObjectKind::key_slot, *id);
  REQUIRE(get_key_slot(store.backend, *id));
  CHECK(get_key_slot(store.backend, *id)->value == slot);
  check_twin_damage(store.memory, name, [&]() -> std::optional<bool> {
    const auto got = get_key_slot(store.backend, *id);
    if (!got) {
      return std::nullopt;
    }
    CHECK(got->value == slot);
    return got->intact;
  });

  const auto other = put_key_slot(store.backend, made_slot(store));
  REQUIRE(other);
  CHECK(*other != *id);
  move_object(store.memory, object_name(ObjectKind::key_slot, *other), name);
  const auto swapped = get_key_slot(store.backend, *id);
  CHECK(outcome(swapped) == "corrupt");
  CHECK(names_object(message_of(swapped), name));
}

// --- Index segments ---

repo::format::IndexSegment made_segment(TestKeys& keys) {
  repo::format::IndexSegment segment;
  segment.replaces.push_back(keys.random_id<repo::IndexSegmentId>());
  repo::format::IndexedPack pack;
  pack.id = keys.random_id<PackId>();
  pack.directory.keys.push_back({});
  repo::format::BlockRecord block;
  block.plain_bytes = 100;
  block.stored_bytes = 116;
  block.chunks.push_back({keys.random_id<repo::ChunkId>(), 100});
  pack.directory.blocks.push_back(block);
  pack.size_bytes = 1000;
  segment.packs.push_back(pack);
  return segment;
}

TEST_CASE("an index segment is read by every role, and only unchanged under its own name") {
  Store store;
  const auto segment = made_segment(store.keys);
  const auto id = put_index_segment(store.backend, store.keys.of(Role::backup), store.keys.random,
                                    segment, store.written);
  REQUIRE(id);
  const ObjectName name = object_name(ObjectKind::index, *id);
  const Bytes good = store.memory.object(name);
  CHECK(store.written == good.size());
  for (const Role role : kAllRoles) {
    const auto got = get_index_segment(store.backend, store.keys.of(role), *id);
    REQUIRE(got);
    CHECK(*got == segment);
  }
  CHECK(outcome(get_index_segment(store.backend, TestKeys(2).admin(), *id)) == "corrupt");

  for (std::size_t i = 0; i < good.size(); ++i) {
    store.backend.inflict(name, damage::Flipped{.offset = i, .mask = std::byte{4}});
    const auto got = get_index_segment(store.backend, store.keys.admin(), *id);
    if (got || !names_object(got.error().message(), name)) {
      FAIL_CHECK("byte " << i << ": " << outcome(got));
    }
  }
  store.backend.inflict(name, damage::Truncated{.bytes = 1});
  CHECK(outcome(get_index_segment(store.backend, store.keys.admin(), *id)) == "corrupt");
  store.backend.inflict(name, damage::Grown{.bytes = 1});
  CHECK(outcome(get_index_segment(store.backend, store.keys.admin(), *id)) == "corrupt");
  store.backend.inflict(name, damage::Missing{});
  CHECK(outcome(get_index_segment(store.backend, store.keys.admin(), *id)) == "not_found");

  const auto other = put_index_segment(store.backend, store.keys.admin(), store.keys.random,
                                       segment, store.written);
  REQUIRE(other);
  store.backend.inflict(name, damage::Swapped{.with = object_name(ObjectKind::index, *other)});
  CHECK(outcome(get_index_segment(store.backend, store.keys.admin(), *id)) == "corrupt");
}

TEST_CASE("an index segment too large for one object is refused, not cut") {
  Store store;
  repo::format::IndexSegment segment;
  segment.packs.resize(2);
  for (repo::format::IndexedPack& pack : segment.packs) {
    pack = made_segment(store.keys).packs.front();
    auto& block = pack.directory.blocks.front();
    block.plain_bytes = 1'040'000;
    block.stored_bytes = 1'040'016;
    block.chunks.assign(1'040'000, {repo::ChunkId(), 1});
    pack.size_bytes = 2'000'000;
  }
  std::sort(segment.packs.begin(), segment.packs.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  CHECK(outcome(put_index_segment(store.backend, store.keys.admin(), store.keys.random, segment,
                                  store.written)) == "limit_exceeded");
  CHECK(store.written == 0);
  CHECK(store.memory.names().empty());
}

// --- Sessions ---

TEST_CASE("a session is announced under its id, and each heartbeat is a new object") {
  Store store;
  repo::format::Session session;
  session.id = store.keys.random_id<SnapshotId>();
  session.host = "quill";
  session.start = kTestTime;
  const KeyRing& writer = store.keys.of(Role::backup);
  REQUIRE(put_session(store.backend, writer, store.keys.random, session));
  CHECK(outcome(put_session(store.backend, writer, store.keys.random, session)) ==
        "already_exists");
  CHECK(outcome(get_session(store.backend, store.keys.of(Role::maintain), session.id)) == "ok");
  CHECK(*get_session(store.backend, store.keys.of(Role::maintain), session.id) == session);

  for (session.heartbeat = 1; session.heartbeat <= 3; ++session.heartbeat) {
    REQUIRE(put_session(store.backend, writer, store.keys.random, session));
    const SnapshotId object = repo::store::session_object_id(session.id, session.heartbeat);
    CHECK(object != session.id);
    const auto got = get_session(store.backend, store.keys.of(Role::maintain), object);
    REQUIRE(got);
    CHECK(*got == session);
  }
  CHECK(store.memory.names().size() == 4);
}

TEST_CASE("a session under another's name is refused") {
  Store store;
  repo::format::Session session;
  session.id = store.keys.random_id<SnapshotId>();
  REQUIRE(put_session(store.backend, store.keys.admin(), store.keys.random, session));
  const auto other = store.keys.random_id<SnapshotId>();
  move_object(store.memory, object_name(ObjectKind::session, session.id),
              object_name(ObjectKind::session, other));
  CHECK(outcome(get_session(store.backend, store.keys.admin(), other)) == "corrupt");

  // Sealed for the name that it stands under, by a holder of the keys, but for another session.
  const Bytes envelope = repo::store::seal_symmetric(
      store.keys.admin(), store.keys.random, repo::store::Purpose::session,
      Hash256::from(other.view()), repo::format::pad(repo::format::encode_session(session)));
  store.memory.set_object(object_name(ObjectKind::session, other),
                          repo::format::encode_frame(ObjectKind::session, envelope));
  CHECK(outcome(get_session(store.backend, store.keys.admin(), other)) == "corrupt");
}

TEST_CASE("a session's size does not tell the host's name") {
  Store store;
  std::vector<std::size_t> sizes;
  for (const char* host : {"a", "a-rather-long-name.example.org"}) {
    repo::format::Session session;
    session.id = store.keys.random_id<SnapshotId>();
    session.host = host;
    REQUIRE(put_session(store.backend, store.keys.admin(), store.keys.random, session));
    sizes.push_back(store.memory.object(object_name(ObjectKind::session, session.id)).size());
  }
  CHECK(sizes[0] == sizes[1]);
}

// --- Snapshots and fences ---

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
    CHECK(get_register(store.backend, maintain, link.id)->link.type == RegisterType::snapshot);
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

TEST_CASE("only who may collect can fence, forget or condemn") {
  Store store;
  for (const Role role : kAllRoles) {
    INFO(to_string(role));
    const std::string expected =
        role == Role::admin || role == Role::maintain ? "ok" : "not_permitted";
    const KeyRing& ring = store.keys.of(role);
    const auto id = store.keys.random_id<SnapshotId>();
    CHECK(outcome(put_fence(store.backend, ring, store.keys.random, id)) == expected);
    repo::format::Tombstone tombstone;
    tombstone.snapshot = id;
    CHECK(outcome(put_tombstone(store.backend, ring, store.keys.random, tombstone)) == expected);
    repo::format::Condemned condemned;
    condemned.packs = {store.keys.random_id<PackId>()};
    CHECK(outcome(put_condemned(store.backend, ring, store.keys.random, condemned)) == expected);
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
                      repo::format::pad(repo::format::encode_snapshot(made_snapshot())));
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

// --- Tombstones and condemned records ---

repo::format::Tombstone made_tombstone(TestKeys& keys) {
  repo::format::Tombstone tombstone;
  tombstone.snapshot = keys.random_id<SnapshotId>();
  tombstone.link_hash = keys.random_id<Hash256>();
  tombstone.when = kTestTime;
  tombstone.reason = "retention";
  return tombstone;
}

TEST_CASE("a tombstone is read by every role and survives the loss of one copy") {
  Store store;
  const auto tombstone = made_tombstone(store.keys);
  const SnapshotId id = tombstone.snapshot;
  REQUIRE(
      put_tombstone(store.backend, store.keys.of(Role::maintain), store.keys.random, tombstone));
  CHECK(outcome(put_tombstone(store.backend, store.keys.admin(), store.keys.random, tombstone)) ==
        "already_exists");
  for (const Role role : kAllRoles) {
    const auto got = get_tombstone(store.backend, store.keys.of(role), id);
    REQUIRE(got);
    CHECK(got->value.snapshot == id);
    CHECK(got->value.link_hash == tombstone.link_hash);
    CHECK(got->value.reason == "retention");
    CHECK(got->value.signer.role == Role::maintain);
  }
  const ObjectName name = object_name(ObjectKind::forgotten, id);
  check_twin_damage(store.memory, name, [&]() -> std::optional<bool> {
    const auto got = get_tombstone(store.backend, store.keys.admin(), id);
    return got ? std::optional<bool>(got->intact) : std::nullopt;
  });
  const auto other = store.keys.random_id<SnapshotId>();
  move_object(store.memory, name, object_name(ObjectKind::forgotten, other));
  CHECK(outcome(get_tombstone(store.backend, store.keys.admin(), other)) == "corrupt");
}

TEST_CASE("a forged tombstone is refused") {
  Store store;
  auto tombstone = made_tombstone(store.keys);
  const KeyRing& maintain = store.keys.of(Role::maintain);
  tombstone.signer = *maintain.bundle().certificate;
  const auto verdict = [&](const SnapshotId& id) {
    const Bytes envelope = repo::store::seal_symmetric(
        store.keys.of(Role::backup), store.keys.random, repo::store::Purpose::tombstone,
        Hash256::from(id.view()), repo::format::pad(encode_tombstone(tombstone)));
    store.memory.set_object(object_name(ObjectKind::forgotten, id),
                            repo::format::encode_twin(ObjectKind::forgotten, envelope));
    return outcome(get_tombstone(store.backend, store.keys.admin(), id));
  };
  const auto sign = [&](const KeyRing& by) {
    tombstone.signature = core::sign(by.bundle().sign_seed.view(),
                                     tombstone_message(store.keys.config.repository_id, tombstone));
  };
  sign(maintain);
  CHECK(verdict(tombstone.snapshot) == "ok");
  CHECK(verdict(store.keys.random_id<SnapshotId>()) == "corrupt");
  // A stolen backup client knows the index key, and any certificate that it has seen.
  sign(store.keys.of(Role::backup));
  CHECK(verdict(tombstone.snapshot) == "corrupt");
  tombstone.signer = *store.keys.of(Role::backup).bundle().certificate;
  tombstone.signer.role = Role::maintain;
  sign(store.keys.of(Role::backup));
  CHECK(verdict(tombstone.snapshot) == "corrupt");
}

TEST_CASE("a condemned record is read by every role, unchanged and under its own name") {
  Store store;
  repo::format::Condemned condemned;
  condemned.collector = store.keys.random_id<SnapshotId>();
  condemned.when = kTestTime;
  condemned.packs = {store.keys.random_id<PackId>(), store.keys.random_id<PackId>()};
  std::sort(condemned.packs.begin(), condemned.packs.end());
  const auto id =
      put_condemned(store.backend, store.keys.of(Role::maintain), store.keys.random, condemned);
  REQUIRE(id);
  const ObjectName name = object_name(ObjectKind::condemned, *id);
  for (const Role role : kAllRoles) {
    const auto got = get_condemned(store.backend, store.keys.of(role), *id);
    REQUIRE(got);
    CHECK(got->packs == condemned.packs);
    CHECK(got->collector == condemned.collector);
  }
  for (std::size_t i = 0; i < store.memory.object(name).size(); ++i) {
    store.backend.inflict(name, damage::Flipped{.offset = i, .mask = std::byte{1}});
    if (get_condemned(store.backend, store.keys.admin(), *id)) {
      FAIL_CHECK("byte " << i);
    }
  }
  const auto other = put_condemned(store.backend, store.keys.admin(), store.keys.random, condemned);
  REQUIRE(other);
  store.backend.inflict(name, damage::Swapped{.with = object_name(ObjectKind::condemned, *other)});
  CHECK(outcome(get_condemned(store.backend, store.keys.admin(), *id)) == "corrupt");
}

TEST_CASE("a condemned record needs the signature of somebody who may collect") {
  Store store;
  repo::format::Condemned condemned;
  condemned.packs = {store.keys.random_id<PackId>()};
  condemned.signer = *store.keys.of(Role::maintain).bundle().certificate;
  condemned.signature = core::sign(store.keys.of(Role::backup).bundle().sign_seed.view(),
                                   condemned_message(store.keys.config.repository_id, condemned));
  const Bytes envelope =
      repo::store::seal_symmetric(store.keys.of(Role::backup), store.keys.random,
                                  repo::store::Purpose::condemned, {}, encode_condemned(condemned));
  const Bytes object = repo::format::encode_frame(ObjectKind::condemned, envelope);
  const auto id = repo::CondemnedId::from(ByteView(object).last(32));
  store.memory.set_object(object_name(ObjectKind::condemned, id), object);
  CHECK(outcome(get_condemned(store.backend, store.keys.admin(), id)) == "corrupt");
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
