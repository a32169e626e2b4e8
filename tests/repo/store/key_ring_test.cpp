#include "store/objects/key_ring.h"

#include <string>

#include "catch2.h"
#include "outcome.h"
#include "test_keys.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::SecretBytes;
using repo::Credentials;
using repo::Role;
using repo::format::KeyBundle;
using repo::format::KeySlot;
using repo::format::SlotLabel;
using repo::store::KeyRing;
using repo::store::open_key_slot;
using repo::store::open_slot_label;
using repo::store::seal_key_slot;
using repo::store::SlotRequest;

/// The least that the bounds allow: these tests are not about the cost of Argon2id.
constexpr core::KdfParameters kCheapKdf{.passes = 1, .memory_kib = 8};

Credentials passphrase(std::string_view text) {
  return {Credentials::Type::passphrase, SecretBytes::copy_of(core::as_view(text))};
}
Credentials key_file(char fill, std::size_t size = repo::kKeyFileBytes) {
  return {Credentials::Type::key_file,
          SecretBytes::copy_of(core::as_view(std::string(size, fill)))};
}

SlotRequest request() {
  return {.label = {.role = Role::admin,
                    .name = "laptop",
                    .host = "quill",
                    .user = "ada",
                    .created = kTestTime},
          .kdf = kCheapKdf};
}

KeySlot made_slot(TestKeys& keys, Role role, const Credentials& credentials) {
  auto slot = seal_key_slot(keys.random, keys.config.repository_id, keys.bundle(role), credentials,
                            request());
  REQUIRE(slot);
  return *std::move(slot);
}

bool holds(const SecretBytes& key) { return key.size() == 32; }

TEST_CASE("each role holds its keys and no others") {
  struct Expected {
    Role role;
    bool chunker;
    bool sign;
    bool admin;
    bool metadata;
    bool data;
  };
  const Expected expected = GENERATE(Expected{Role::admin, true, true, true, true, true},
                                     Expected{Role::backup, true, true, false, false, false},
                                     Expected{Role::restore, false, false, false, true, true},
                                     Expected{Role::maintain, false, true, false, true, false},
                                     Expected{Role::audit, false, false, false, true, false});
  INFO(to_string(expected.role));
  TestKeys keys;
  const KeyRing& ring = keys.of(expected.role);
  const KeyBundle& bundle = ring.bundle();
  CHECK(ring.role() == expected.role);
  CHECK(holds(bundle.id_key));
  CHECK(holds(bundle.epochs.back().index_key));
  CHECK(holds(bundle.chunker_key) == expected.chunker);
  CHECK(holds(bundle.sign_seed) == expected.sign);
  CHECK(bundle.certificate.has_value() == expected.sign);
  CHECK(holds(bundle.admin_seed) == expected.admin);
  CHECK(holds(bundle.epochs.back().metadata_secret) == expected.metadata);
  CHECK(holds(bundle.epochs.back().data_secret) == expected.data);
  CHECK(bundle.epochs.back().metadata_public ==
        keys.admin().bundle().epochs.back().metadata_public);
  CHECK(bundle.epochs.back().data_public == keys.admin().bundle().epochs.back().data_public);

  CHECK(ring.can_read_metadata() == expected.metadata);
  CHECK(ring.can_read_data() == expected.data);
  CHECK(ring.can_write() == (expected.chunker && expected.sign));
  CHECK(ring.can_collect() == (expected.role == Role::admin || expected.role == Role::maintain));

  // The decoder has its own table of what a role holds.
  const auto decoded = repo::format::decode_key_bundle(encode_key_bundle(bundle).view());
  CHECK(outcome(decoded) == "ok");
}

TEST_CASE("all roles name chunks alike, and data never like metadata") {
  TestKeys keys;
  const Bytes plain = keys.random.bytes(100);
  const KeyRing& admin = keys.admin();
  for (const Role role : kAllRoles) {
    CHECK(keys.of(role).data_chunk_id(plain) == admin.data_chunk_id(plain));
    CHECK(keys.of(role).metadata_chunk_id(plain) == admin.metadata_chunk_id(plain));
  }
  CHECK(admin.data_chunk_id(plain) != admin.metadata_chunk_id(plain));
  using repo::format::BlockKind;
  CHECK(admin.chunk_id(BlockKind::data, plain) == admin.data_chunk_id(plain));
  CHECK(admin.chunk_id(BlockKind::metadata, plain) == admin.metadata_chunk_id(plain));
  CHECK(TestKeys(2).admin().data_chunk_id(plain) != admin.data_chunk_id(plain));
}

TEST_CASE("chunks named together have the names they have alone") {
  TestKeys keys;
  std::vector<Bytes> chunks;
  std::vector<core::ByteView> views;
  for (const std::size_t size : {0U, 1U, 128U, 5000U, 100U, 20'000U, 129U, 64U, 3U, 4096U}) {
    chunks.push_back(keys.random.bytes(size));
  }
  for (const Bytes& chunk : chunks) {
    views.emplace_back(chunk);
  }
  for (const auto kind : {repo::format::BlockKind::data, repo::format::BlockKind::metadata}) {
    const auto ids = keys.admin().chunk_ids(kind, views);
    REQUIRE(ids.size() == views.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      CAPTURE(views[i].size());
      CHECK(ids[i] == keys.admin().chunk_id(kind, views[i]));
    }
  }
  CHECK(keys.admin().chunk_ids(repo::format::BlockKind::data, {}).empty());
}

TEST_CASE("writers of a repository cut and split alike") {
  TestKeys keys;
  const KeyRing& backup = keys.of(Role::backup);
  CHECK(core::equal(backup.chunker_key(), keys.admin().chunker_key()));
  CHECK(core::equal(backup.split_key(), keys.admin().split_key()));
  CHECK(backup.chunker_key().size() == 32);
  CHECK(backup.split_key().size() == 16);
}

TEST_CASE("epochs are found by their number") {
  TestKeys keys;
  KeyBundle bundle = keys.bundle(Role::admin);
  KeyBundle second = keys.bundle(Role::admin);
  second.epochs.back().epoch = 7;
  bundle.epochs.push_back(std::move(second.epochs.back()));
  const KeyRing ring(keys.config, std::move(bundle));
  REQUIRE(ring.epoch(1));
  CHECK((*ring.epoch(1))->epoch == 1);
  REQUIRE(ring.epoch(7));
  CHECK(*ring.epoch(7) == &ring.newest_epoch());
  CHECK(ring.newest_epoch().epoch == 7);
  CHECK(outcome(ring.epoch(2)) == "corrupt");
}

TEST_CASE("a certificate counts only from this admin, for this repository, unchanged") {
  TestKeys keys;
  const repo::format::Certificate good = *keys.of(Role::backup).bundle().certificate;
  CHECK(good.role == Role::backup);
  CHECK(good.issued == kTestTime);
  for (const Role role : kAllRoles) {
    CHECK(keys.of(role).is_certified(good));
  }
  SECTION("another repository's admin") {
    TestKeys other(2);
    CHECK_FALSE(other.admin().is_certified(good));
    CHECK_FALSE(keys.admin().is_certified(*other.admin().bundle().certificate));
  }
  SECTION("the same admin in another repository") {
    repo::format::Config config = keys.config;
    config.repository_id = keys.random_id<repo::RepositoryId>();
    const KeyRing ring(config, keys.bundle(Role::admin));
    CHECK_FALSE(ring.is_certified(good));
  }
  SECTION("promoted by its holder") {
    repo::format::Certificate forged = good;
    forged.role = Role::maintain;
    CHECK_FALSE(keys.admin().is_certified(forged));
  }
  SECTION("for another key") {
    repo::format::Certificate forged = good;
    forged.subject = keys.admin().bundle().certificate->subject;
    CHECK_FALSE(keys.admin().is_certified(forged));
  }
  SECTION("issued at another time") {
    repo::format::Certificate forged = good;
    ++forged.issued.seconds;
    CHECK_FALSE(keys.admin().is_certified(forged));
  }
  SECTION("signed by a key that the admin certified") {
    repo::format::Certificate forged = good;
    forged.role = Role::admin;
    forged.signature =
        core::sign(keys.of(Role::backup).bundle().sign_seed.view(),
                   repo::format::certificate_message(keys.config.repository_id, forged));
    CHECK_FALSE(keys.admin().is_certified(forged));
  }
}

TEST_CASE("every signing key is its own") {
  TestKeys keys;
  CHECK(keys.bundle(Role::backup).certificate->subject !=
        keys.bundle(Role::backup).certificate->subject);
  CHECK(keys.bundle(Role::admin).certificate->subject != keys.config.admin_key);
}

// --- Slots ---

TEST_CASE("a slot opens with its credentials, for every role") {
  TestKeys keys;
  const Role role = GENERATE(Role::admin, Role::backup, Role::restore, Role::maintain, Role::audit);
  const bool is_file = GENERATE(false, true);
  const Credentials credentials = is_file ? key_file('k') : passphrase("correct horse");
  const KeyBundle bundle = keys.bundle(role);
  const auto slot =
      seal_key_slot(keys.random, keys.config.repository_id, bundle, credentials, request());
  REQUIRE(slot);
  CHECK(slot->repository_id == keys.config.repository_id);
  CHECK(slot->kdf == (is_file ? core::KdfParameters{.passes = 0, .memory_kib = 0} : kCheapKdf));

  // What comes back from the repository is what counts.
  const auto decoded = repo::format::decode_key_slot(repo::format::encode_key_slot(*slot));
  REQUIRE(decoded);
  const auto opened = open_key_slot(*decoded, credentials);
  REQUIRE(opened);
  REQUIRE(opened->has_value());
  CHECK(core::equal(encode_key_bundle(**opened).view(), encode_key_bundle(bundle).view()));

  // A holder of any role can read whose slot it is; its role is the bundle's, whatever was asked.
  for (const Role reader : kAllRoles) {
    const auto label = open_slot_label(keys.of(reader), *decoded);
    REQUIRE(label);
    SlotLabel expected = request().label;
    expected.role = role;
    CHECK(*label == expected);
  }
}

TEST_CASE("an empty passphrase is a passphrase") {
  TestKeys keys;
  const KeySlot slot = made_slot(keys, Role::backup, passphrase(""));
  CHECK(open_key_slot(slot, passphrase("")).value().has_value());
  CHECK_FALSE(open_key_slot(slot, passphrase("x")).value().has_value());
}

TEST_CASE("a slot says no to other credentials") {
  TestKeys keys;
  const KeySlot by_passphrase = made_slot(keys, Role::admin, passphrase("correct horse"));
  const KeySlot by_file = made_slot(keys, Role::admin, key_file('k'));
  const auto opens = [](const KeySlot& slot, const Credentials& credentials) {
    const auto opened = open_key_slot(slot, credentials);
    REQUIRE(opened);
    return opened->has_value();
  };
  CHECK(opens(by_passphrase, passphrase("correct horse")));
  CHECK_FALSE(opens(by_passphrase, passphrase("correct horsf")));
  CHECK_FALSE(opens(by_passphrase, passphrase("correct horse ")));
  CHECK_FALSE(opens(by_passphrase, passphrase("")));
  CHECK_FALSE(opens(by_passphrase, key_file('k')));
  CHECK(opens(by_file, key_file('k')));
  CHECK_FALSE(opens(by_file, key_file('l')));
  CHECK_FALSE(opens(by_file, key_file('k', 31)));
  CHECK_FALSE(opens(by_file, key_file('k', 33)));
  CHECK_FALSE(opens(by_file, passphrase(std::string(32, 'k'))));
}

TEST_CASE("a slot is refused where it cannot be made") {
  TestKeys keys;
  const KeyBundle bundle = keys.bundle(Role::admin);
  const auto sealed = [&](const Credentials& credentials, const SlotRequest& asked) {
    return outcome(
        seal_key_slot(keys.random, keys.config.repository_id, bundle, credentials, asked));
  };
  CHECK(sealed(key_file('k', 31), request()) == "invalid_argument");
  SlotRequest asked = request();
  asked.kdf.passes = 0;
  CHECK(sealed(passphrase("p"), asked) == "limit_exceeded");
  asked.kdf.passes = core::kKdfPassesMax + 1;
  CHECK(sealed(passphrase("p"), asked) == "limit_exceeded");
  asked = request();
  asked.kdf.memory_kib = core::kKdfMemoryKibMax + 1;
  CHECK(sealed(passphrase("p"), asked) == "limit_exceeded");
  asked.kdf.memory_kib = core::kKdfMemoryKibMin - 1;
  CHECK(sealed(passphrase("p"), asked) == "limit_exceeded");
  asked = request();
  asked.label.name.assign(1025, 'n');
  CHECK(sealed(passphrase("p"), asked) == "invalid_argument");
}

TEST_CASE("a hostile slot cannot demand all memory") {
  TestKeys keys;
  KeySlot slot = made_slot(keys, Role::admin, passphrase("p"));
  slot.kdf.memory_kib = UINT32_MAX;
  CHECK(outcome(open_key_slot(slot, passphrase("p"))) == "limit_exceeded");
}

TEST_CASE("damage to a slot's bundle is told from wrong credentials") {
  TestKeys keys;
  const Credentials credentials = key_file('k');
  const KeySlot good = made_slot(keys, Role::backup, credentials);
  for (std::size_t i = 0; i < good.sealed_bundle.size(); ++i) {
    KeySlot slot = good;
    slot.sealed_bundle[i] ^= std::byte{0x10};
    if (outcome(open_key_slot(slot, credentials)) != "corrupt") {
      FAIL_CHECK("byte " << i);
    }
  }
  KeySlot slot = good;
  slot.sealed_bundle.resize(core::kAeadTagBytes - 1);
  CHECK(outcome(open_key_slot(slot, credentials)) == "corrupt");
}

TEST_CASE("a slot's plaintext part is bound to its bundle") {
  TestKeys keys;
  const Credentials credentials = key_file('k');
  const KeySlot good = made_slot(keys, Role::backup, credentials);
  SECTION("a changed label") {
    KeySlot slot = good;
    slot.sealed_label.back() ^= std::byte{1};
    CHECK(outcome(open_key_slot(slot, credentials)) == "corrupt");
    CHECK(outcome(open_slot_label(keys.admin(), slot)) == "corrupt");
  }
  SECTION("another slot's label") {
    KeySlot slot = good;
    slot.sealed_label = made_slot(keys, Role::admin, credentials).sealed_label;
    CHECK(outcome(open_key_slot(slot, credentials)) == "corrupt");
    CHECK(outcome(open_slot_label(keys.admin(), slot)) == "corrupt");
  }
  SECTION("another salt, repository or commitment: no longer these credentials' slot") {
    KeySlot slot = good;
    slot.salt.mutable_view().back() ^= std::byte{1};
    CHECK_FALSE(open_key_slot(slot, credentials).value().has_value());
    slot = good;
    slot.repository_id.mutable_view().back() ^= std::byte{1};
    CHECK_FALSE(open_key_slot(slot, credentials).value().has_value());
    slot = good;
    slot.commitment.mutable_view().back() ^= std::byte{1};
    CHECK_FALSE(open_key_slot(slot, credentials).value().has_value());
  }
}

TEST_CASE("a bundle whose keys do not belong together is refused") {
  TestKeys keys;
  TestKeys other(2);
  const Credentials credentials = key_file('k');
  KeyBundle bundle = keys.bundle(Role::admin);
  SECTION("another metadata key") {
    bundle.epochs.back().metadata_public = other.admin().newest_epoch().metadata_public;
  }
  SECTION("another data key") {
    bundle.epochs.back().data_public = other.admin().newest_epoch().data_public;
  }
  SECTION("another signing key's certificate") {
    bundle.certificate = keys.bundle(Role::admin).certificate;
  }
  const auto slot =
      seal_key_slot(keys.random, keys.config.repository_id, bundle, credentials, request());
  REQUIRE(slot);
  CHECK(outcome(open_key_slot(*slot, credentials)) == "corrupt");
}

TEST_CASE("neither passphrase nor keys stand in a slot") {
  TestKeys keys;
  const std::string secret = "a passphrase that is long enough to be found";
  const KeyBundle bundle = keys.bundle(Role::admin);
  const auto slot =
      seal_key_slot(keys.random, keys.config.repository_id, bundle, passphrase(secret), request());
  REQUIRE(slot);
  const std::string encoded = core::to_string(repo::format::encode_key_slot(*slot));
  CHECK(encoded.find(secret) == std::string::npos);
  CHECK(encoded.find("laptop") == std::string::npos);
  for (const SecretBytes* key :
       {&bundle.id_key, &bundle.chunker_key, &bundle.sign_seed, &bundle.admin_seed,
        &bundle.epochs.back().index_key, &bundle.epochs.back().data_secret}) {
    CHECK(encoded.find(core::to_string(key->view())) == std::string::npos);
  }
}

}  // namespace
}  // namespace cairn::test
