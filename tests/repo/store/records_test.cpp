#include "store/objects/records.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch2.h"
#include "records_fixture.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using core::Hash256;
using repo::PackId;
using repo::Role;
using repo::SnapshotId;
using repo::format::ObjectKind;
using repo::store::KeyRing;
using repo::store::object_name;
using repo::store::ObjectName;

// --- Config and key slots ---

TEST_CASE("the config is written once and read back") {
  RecordStore store;
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
  RecordStore store;
  REQUIRE(put_config(store.backend, store.keys.config));
  store.backend.inflict(repo::store::config_name(), damage::Grown{.bytes = 100'000});
  CHECK(outcome(get_config(store.backend)) == "limit_exceeded");
}

repo::format::KeySlot made_slot(RecordStore& store) {
  const repo::Credentials credentials{repo::Credentials::Type::key_file,
                                      core::SecretBytes(repo::kKeyFileBytes)};
  auto slot = repo::store::seal_key_slot(store.keys.random, store.keys.config.repository_id,
                                         store.keys.bundle(Role::audit), credentials, {});
  REQUIRE(slot);
  return *std::move(slot);
}

TEST_CASE("a key slot is named by its content and survives the loss of one copy") {
  RecordStore store;
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
  RecordStore store;
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
  RecordStore store;
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
  RecordStore store;
  repo::format::Session session;
  session.id = store.keys.random_id<SnapshotId>();
  session.host = "quill";
  session.start = kTestTime;
  const KeyRing& writer = store.keys.of(Role::backup);
  REQUIRE(put_session(store.backend, writer, store.keys.random, session));
  CHECK(outcome(put_session(store.backend, writer, store.keys.random, session)) ==
        "already_exists");
  CHECK(outcome(get_session(store.backend, store.keys.of(Role::maintain), session.id)) == "ok");
  CHECK(get_session(store.backend, store.keys.of(Role::maintain), session.id).value() == session);

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
  RecordStore store;
  repo::format::Session session;
  session.id = store.keys.random_id<SnapshotId>();
  REQUIRE(put_session(store.backend, store.keys.admin(), store.keys.random, session));
  const auto other = store.keys.random_id<SnapshotId>();
  move_object(store.memory, object_name(ObjectKind::session, session.id),
              object_name(ObjectKind::session, other));
  CHECK(outcome(get_session(store.backend, store.keys.admin(), other)) == "corrupt");

  // Sealed for the name that it stands under, by a holder of the keys, but for another session.
  const Bytes envelope =
      repo::store::seal_symmetric(store.keys.admin(), store.keys.random,
                                  repo::store::Purpose::session, Hash256::from(other.view()),
                                  repo::format::pad(repo::format::encode_session(session).value()));
  store.memory.set_object(object_name(ObjectKind::session, other),
                          repo::format::encode_frame(ObjectKind::session, envelope));
  CHECK(outcome(get_session(store.backend, store.keys.admin(), other)) == "corrupt");
}

TEST_CASE("a session's size does not tell the host's name") {
  RecordStore store;
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
  RecordStore store;
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
  RecordStore store;
  auto tombstone = made_tombstone(store.keys);
  const KeyRing& maintain = store.keys.of(Role::maintain);
  tombstone.signer = *maintain.bundle().certificate;
  const auto verdict = [&](const SnapshotId& id) {
    const Bytes envelope = repo::store::seal_symmetric(
        store.keys.of(Role::backup), store.keys.random, repo::store::Purpose::tombstone,
        Hash256::from(id.view()), repo::format::pad(encode_tombstone(tombstone).value()));
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
  RecordStore store;
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
  RecordStore store;
  repo::format::Condemned condemned;
  condemned.packs = {store.keys.random_id<PackId>()};
  condemned.signer = *store.keys.of(Role::maintain).bundle().certificate;
  condemned.signature = core::sign(store.keys.of(Role::backup).bundle().sign_seed.view(),
                                   condemned_message(store.keys.config.repository_id, condemned));
  const Bytes envelope = repo::store::seal_symmetric(store.keys.of(Role::backup), store.keys.random,
                                                     repo::store::Purpose::condemned, {},
                                                     encode_condemned(condemned).value());
  const Bytes object = repo::format::encode_frame(ObjectKind::condemned, envelope);
  const auto id = repo::CondemnedId::from(ByteView(object).last(32));
  store.memory.set_object(object_name(ObjectKind::condemned, id), object);
  CHECK(outcome(get_condemned(store.backend, store.keys.admin(), id)) == "corrupt");
}

// --- Marks ---

repo::format::Mark made_mark(TestKeys& keys) {
  repo::format::Mark mark;
  mark.snapshot = keys.random_id<SnapshotId>();
  mark.number = 3;
  mark.pinned = true;
  mark.tags = {"a", "b"};
  mark.when = kTestTime;
  return mark;
}

TEST_CASE("a mark is read by every role, unchanged and under its own name") {
  RecordStore store;
  auto mark = made_mark(store.keys);
  const auto id = put_mark(store.backend, store.keys.of(Role::maintain), store.keys.random, mark);
  REQUIRE(id);
  const ObjectName name = object_name(ObjectKind::mark, *id);
  for (const Role role : kAllRoles) {
    const auto got = get_mark(store.backend, store.keys.of(role), *id);
    REQUIRE(got);
    CHECK(got->signer.role == Role::maintain);
    mark.signer = got->signer;
    mark.signature = got->signature;
    CHECK(*got == mark);
  }
  for (std::size_t i = 0; i < store.memory.object(name).size(); ++i) {
    store.backend.inflict(name, damage::Flipped{.offset = i, .mask = std::byte{1}});
    if (get_mark(store.backend, store.keys.admin(), *id)) {
      FAIL_CHECK("byte " << i);
    }
  }
  const auto other = put_mark(store.backend, store.keys.admin(), store.keys.random, mark);
  REQUIRE(other);
  CHECK(*other != *id);
  store.backend.inflict(name, damage::Swapped{.with = object_name(ObjectKind::mark, *other)});
  CHECK(outcome(get_mark(store.backend, store.keys.admin(), *id)) == "corrupt");
  store.backend.inflict(name, damage::Missing{});
  CHECK(outcome(get_mark(store.backend, store.keys.admin(), *id)) == "not_found");
}

TEST_CASE("a forged mark is refused") {
  RecordStore store;
  auto mark = made_mark(store.keys);
  const auto verdict = [&](const repo::format::Certificate& signer, const KeyRing& by) {
    mark.signer = signer;
    mark.signature = core::sign(by.bundle().sign_seed.view(),
                                mark_message(store.keys.config.repository_id, mark));
    const Bytes envelope = repo::store::seal_symmetric(
        store.keys.of(Role::backup), store.keys.random, repo::store::Purpose::mark, {},
        repo::format::pad(encode_mark(mark).value()));
    const Bytes object = repo::format::encode_frame(ObjectKind::mark, envelope);
    const auto id = repo::MarkId::from(ByteView(object).last(32));
    store.memory.set_object(object_name(ObjectKind::mark, id), object);
    return outcome(get_mark(store.backend, store.keys.admin(), id));
  };
  const KeyRing& backup = store.keys.of(Role::backup);
  const KeyRing& maintain = store.keys.of(Role::maintain);
  CHECK(verdict(*maintain.bundle().certificate, maintain) == "ok");
  CHECK(verdict(*maintain.bundle().certificate, backup) == "corrupt");
  auto promoted = *backup.bundle().certificate;
  promoted.role = Role::maintain;
  CHECK(verdict(promoted, backup) == "corrupt");
}

TEST_CASE("the largest mark fits, and hides how long its tags are") {
  RecordStore store;
  auto mark = made_mark(store.keys);
  const auto size_with = [&](std::vector<std::string> tags) {
    mark.tags = std::move(tags);
    const auto id = put_mark(store.backend, store.keys.admin(), store.keys.random, mark);
    REQUIRE(id);
    CHECK(get_mark(store.backend, store.keys.admin(), *id)->tags == mark.tags);
    return store.memory.object(object_name(ObjectKind::mark, *id)).size();
  };
  std::vector<std::string> tags;
  for (std::size_t i = 0; i < repo::kTagsMax; ++i) {
    std::string tag(repo::kTextBytesMax, 'x');
    tag[0] = static_cast<char>(i);
    tags.push_back(std::move(tag));
  }
  std::ranges::sort(tags);
  CHECK(size_with(tags) > repo::kTagsMax * repo::kTextBytesMax);
  CHECK(size_with({"a"}) == size_with({"abcdef"}));
}

// --- Settings ---

repo::format::Settings made_settings() {
  repo::format::Settings settings;
  settings.number = 3;
  settings.max_repo_bytes = 1'000'000;
  settings.when = kTestTime;
  return settings;
}

TEST_CASE("settings are written by an admin alone, and read by every role") {
  RecordStore store;
  auto settings = made_settings();
  for (const Role role : {Role::backup, Role::restore, Role::maintain, Role::audit}) {
    INFO(to_string(role));
    const auto refused =
        put_settings(store.backend, store.keys.of(role), store.keys.random, settings);
    CHECK(outcome(refused) == "not_permitted");
  }
  const auto id = put_settings(store.backend, store.keys.admin(), store.keys.random, settings);
  REQUIRE(id);
  const ObjectName name = object_name(ObjectKind::settings, *id);
  for (const Role role : kAllRoles) {
    const auto got = get_settings(store.backend, store.keys.of(role), *id);
    REQUIRE(got);
    settings.signer = got->signer;
    settings.signature = got->signature;
    CHECK(*got == settings);
  }
  for (std::size_t i = 0; i < store.memory.object(name).size(); ++i) {
    store.backend.inflict(name, damage::Flipped{.offset = i, .mask = std::byte{1}});
    if (get_settings(store.backend, store.keys.admin(), *id)) {
      FAIL_CHECK("byte " << i);
    }
  }
  const auto other = put_settings(store.backend, store.keys.admin(), store.keys.random, settings);
  REQUIRE(other);
  store.backend.inflict(name, damage::Swapped{.with = object_name(ObjectKind::settings, *other)});
  CHECK(outcome(get_settings(store.backend, store.keys.admin(), *id)) == "corrupt");
  store.backend.inflict(name, damage::Missing{});
  CHECK(outcome(get_settings(store.backend, store.keys.admin(), *id)) == "not_found");
}

TEST_CASE("forged settings are refused") {
  RecordStore store;
  auto settings = made_settings();
  const auto verdict = [&](const repo::format::Certificate& signer, const KeyRing& by) {
    settings.signer = signer;
    settings.signature = core::sign(by.bundle().sign_seed.view(),
                                    settings_message(store.keys.config.repository_id, settings));
    const Bytes envelope = repo::store::seal_symmetric(
        store.keys.of(Role::backup), store.keys.random, repo::store::Purpose::settings, {},
        repo::format::pad(encode_settings(settings)));
    const Bytes object = repo::format::encode_frame(ObjectKind::settings, envelope);
    const auto id = repo::SettingsId::from(ByteView(object).last(32));
    store.memory.set_object(object_name(ObjectKind::settings, id), object);
    return outcome(get_settings(store.backend, store.keys.of(Role::backup), id));
  };
  const KeyRing& backup = store.keys.of(Role::backup);
  const KeyRing& admin = store.keys.admin();
  CHECK(verdict(*admin.bundle().certificate, admin) == "ok");
  CHECK(verdict(*admin.bundle().certificate, backup) == "corrupt");
  // A writer that calls itself admin: the admin has certified it as something else.
  auto promoted = *backup.bundle().certificate;
  promoted.role = Role::admin;
  CHECK(verdict(promoted, backup) == "corrupt");
}

TEST_CASE("only who may collect can fence, forget, condemn or mark") {
  RecordStore store;
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
    CHECK(outcome(put_mark(store.backend, ring, store.keys.random, made_mark(store.keys))) ==
          expected);
  }
}

}  // namespace
}  // namespace cairn::test
