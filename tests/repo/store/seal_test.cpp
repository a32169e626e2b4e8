#include "store/objects/seal.h"

#include <array>
#include <string>

#include "catch2.h"
#include "outcome.h"
#include "test_keys.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using core::Hash256;
using repo::Role;
using repo::SnapshotId;
using repo::format::BlockKind;
using repo::format::BlockRecord;
using repo::format::KeyRecord;
using repo::store::KeyRing;
using repo::store::open_block;
using repo::store::open_symmetric;
using repo::store::PackSeal;
using repo::store::Purpose;
using repo::store::seal_block;
using repo::store::seal_symmetric;

constexpr std::array kPurposes = {Purpose::index,     Purpose::session,   Purpose::link,
                                  Purpose::tombstone, Purpose::condemned, Purpose::slot_label,
                                  Purpose::mark,      Purpose::settings};

bool contains(const Bytes& sealed, const Bytes& plain) {
  return core::to_string(sealed).find(core::to_string(plain)) != std::string::npos;
}

/// Calls `opens` with every byte of `good` changed in turn: it must never say yes.
template <class Opens>
void check_every_byte_counts(const Bytes& good, Opens opens) {
  REQUIRE(opens(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x40};
    if (opens(bad)) {
      FAIL_CHECK("byte " << i << " does not count");
    }
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, good.size() - 1}) {
    CHECK_FALSE(opens(core::to_bytes(ByteView(good).first(size))));
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  CHECK_FALSE(opens(longer));
}

// --- Symmetric envelopes ---

TEST_CASE("what any role seals, every role opens") {
  TestKeys keys;
  const Bytes plain = keys.random.bytes(100);
  const auto name = keys.random_id<Hash256>();
  for (const Purpose purpose : kPurposes) {
    for (const Role writer : kAllRoles) {
      const Bytes sealed = seal_symmetric(keys.of(writer), keys.random, purpose, name, plain);
      CHECK_FALSE(contains(sealed, plain));
      for (const Role reader : kAllRoles) {
        const auto opened = open_symmetric(keys.of(reader), purpose, name, sealed);
        REQUIRE(opened);
        CHECK(*opened == plain);
      }
    }
  }
}

TEST_CASE("an empty record can be sealed, and two seals of one record differ") {
  TestKeys keys;
  const Bytes one = seal_symmetric(keys.admin(), keys.random, Purpose::index, {}, {});
  const Bytes two = seal_symmetric(keys.admin(), keys.random, Purpose::index, {}, {});
  CHECK(one != two);
  const auto opened = open_symmetric(keys.admin(), Purpose::index, {}, one);
  REQUIRE(opened);
  CHECK(opened->empty());
}

TEST_CASE("a symmetric envelope is for one purpose, one name and one repository") {
  TestKeys keys;
  const auto name = keys.random_id<Hash256>();
  const Bytes sealed =
      seal_symmetric(keys.admin(), keys.random, Purpose::session, name, keys.random.bytes(50));
  for (const Purpose purpose : kPurposes) {
    CHECK(outcome(open_symmetric(keys.admin(), purpose, name, sealed)) ==
          (purpose == Purpose::session ? "ok" : "corrupt"));
  }
  CHECK(outcome(open_symmetric(keys.admin(), Purpose::session, keys.random_id<Hash256>(),
                               sealed)) == "corrupt");
  CHECK(outcome(open_symmetric(keys.admin(), Purpose::session, {}, sealed)) == "corrupt");
  CHECK(outcome(open_symmetric(TestKeys(2).admin(), Purpose::session, name, sealed)) == "corrupt");
  // The same keys in another repository.
  repo::format::Config config = keys.config;
  config.repository_id = keys.random_id<repo::RepositoryId>();
  const KeyRing elsewhere(config, keys.bundle(Role::admin));
  CHECK(outcome(open_symmetric(elsewhere, Purpose::session, name, sealed)) == "corrupt");
}

TEST_CASE("every byte of a symmetric envelope counts") {
  TestKeys keys;
  const auto name = keys.random_id<Hash256>();
  const Bytes sealed =
      seal_symmetric(keys.admin(), keys.random, Purpose::link, name, keys.random.bytes(64));
  check_every_byte_counts(sealed, [&](const Bytes& envelope) {
    const auto opened = open_symmetric(keys.admin(), Purpose::link, name, envelope);
    return opened.has_value();
  });
}

// --- Manifests ---

TEST_CASE("whoever may write seals a manifest; only readers of metadata open it") {
  TestKeys keys;
  const Bytes plain = keys.random.bytes(300);
  const auto id = keys.random_id<SnapshotId>();
  for (const Role writer : {Role::admin, Role::backup}) {
    const auto sealed = seal_manifest(keys.of(writer), keys.random, id, plain);
    REQUIRE(sealed);
    CHECK_FALSE(contains(*sealed, plain));
    for (const Role reader : kAllRoles) {
      const auto opened = open_manifest(keys.of(reader), id, *sealed);
      INFO(to_string(reader));
      CHECK(outcome(opened) == (reader == Role::backup ? "not_permitted" : "ok"));
      CHECK((!opened || *opened == plain));
    }
    CHECK(outcome(open_manifest(keys.admin(), keys.random_id<SnapshotId>(), *sealed)) == "corrupt");
    CHECK(outcome(open_manifest(TestKeys(2).admin(), id, *sealed)) == "corrupt");
  }
}

TEST_CASE("every byte of a manifest's envelope counts") {
  TestKeys keys;
  const auto id = keys.random_id<SnapshotId>();
  const auto sealed = seal_manifest(keys.of(Role::backup), keys.random, id, keys.random.bytes(64));
  REQUIRE(sealed);
  check_every_byte_counts(*sealed, [&](const Bytes& envelope) {
    return open_manifest(keys.of(Role::audit), id, envelope).has_value();
  });
}

// --- Packs ---

KeyRecord record_of(const PackSeal& seal) {
  return {.epoch = seal.header.epoch, .salt = seal.header.salt, .ephemeral = seal.header.ephemeral};
}

TEST_CASE("the key of a pack opens to the roles that may read its kind") {
  TestKeys keys;
  const BlockKind kind = GENERATE(BlockKind::data, BlockKind::metadata);
  const auto seal = make_pack_seal(keys.of(Role::backup), keys.random, kind);
  REQUIRE(seal);
  CHECK(seal->header.kind == kind);
  for (const Role role : kAllRoles) {
    INFO(to_string(role));
    const bool may_read =
        kind == BlockKind::data ? keys.of(role).can_read_data() : keys.of(role).can_read_metadata();
    for (const auto* commitment :
         {static_cast<const repo::format::Commitment*>(nullptr), &seal->header.commitment}) {
      const auto key = open_pack_key(keys.of(role), kind, record_of(*seal), commitment);
      CHECK(outcome(key) == (may_read ? "ok" : "not_permitted"));
      CHECK((!key || core::equal(key->view(), seal->cipher_key.view())));
    }
  }
}

TEST_CASE("a pack's key record is bound to its commitment") {
  TestKeys keys;
  const auto seal = make_pack_seal(keys.admin(), keys.random, BlockKind::data);
  const auto other = make_pack_seal(keys.admin(), keys.random, BlockKind::data);
  REQUIRE(seal);
  REQUIRE(other);
  const KeyRecord good = record_of(*seal);
  const auto opened = [&](const KeyRecord& record, BlockKind kind) {
    return outcome(open_pack_key(keys.admin(), kind, record, &seal->header.commitment));
  };
  CHECK(opened(good, BlockKind::data) == "ok");
  CHECK(opened(good, BlockKind::metadata) == "corrupt");
  KeyRecord bad = good;
  bad.epoch = 2;
  CHECK(opened(bad, BlockKind::data) == "corrupt");
  bad = good;
  bad.salt = other->header.salt;
  CHECK(opened(bad, BlockKind::data) == "corrupt");
  bad = good;
  bad.ephemeral = other->header.ephemeral;
  CHECK(opened(bad, BlockKind::data) == "corrupt");
  bad.ephemeral = core::BoxPublicKey();  // a point of small order
  CHECK(opened(bad, BlockKind::data) == "corrupt");
}

struct SealedBlock {
  KeyRecord key;
  BlockRecord record;
  Bytes payload;
  Bytes sealed;
};

SealedBlock sealed_block(TestKeys& keys, const PackSeal& seal) {
  SealedBlock block;
  block.key = record_of(seal);
  block.payload = keys.random.bytes(200);
  block.record.codec = repo::format::BlockCodec::zstd;
  block.record.plain_bytes = 1000;
  block.record.stored_bytes = 200 + core::kAeadTagBytes;
  block.record.key_block = 3;
  seal_block(keys.config.repository_id, seal.header.kind, block.key, block.record,
             seal.cipher_key.view(), block.payload, block.sealed);
  return block;
}

TEST_CASE("a block opens as itself and as nothing else") {
  TestKeys keys;
  const auto seal = make_pack_seal(keys.admin(), keys.random, BlockKind::data);
  REQUIRE(seal);
  const SealedBlock good = sealed_block(keys, *seal);
  const auto id = keys.config.repository_id;
  Bytes out;
  const auto opens = [&](const repo::RepositoryId& repository, BlockKind kind,
                         const SealedBlock& block) {
    return open_block(repository, kind, block.key, block.record, seal->cipher_key.view(),
                      block.sealed, out);
  };
  REQUIRE(opens(id, BlockKind::data, good));
  CHECK(out == good.payload);

  CHECK_FALSE(opens(keys.random_id<repo::RepositoryId>(), BlockKind::data, good));
  CHECK_FALSE(opens(id, BlockKind::metadata, good));
  SealedBlock bad = good;
  bad.record.key_block = 4;
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.record.codec = repo::format::BlockCodec::raw;
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.record.plain_bytes = 1001;
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.record.stored_bytes += 1;
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.key.epoch = 2;
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.key.salt.mutable_view().front() ^= std::byte{1};
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.key.ephemeral.mutable_view().front() ^= std::byte{1};
  CHECK_FALSE(opens(id, BlockKind::data, bad));
  bad = good;
  bad.record.stored_bytes = 5;
  bad.sealed.resize(5);  // shorter than a tag
  CHECK_FALSE(opens(id, BlockKind::data, bad));
}

TEST_CASE("every byte of a block counts") {
  TestKeys keys;
  const auto seal = make_pack_seal(keys.admin(), keys.random, BlockKind::metadata);
  REQUIRE(seal);
  const SealedBlock block = sealed_block(keys, *seal);
  Bytes out;
  check_every_byte_counts(block.sealed, [&](const Bytes& sealed) {
    return open_block(keys.config.repository_id, BlockKind::metadata, block.key, block.record,
                      seal->cipher_key.view(), sealed, out);
  });
}

TEST_CASE("sealing appends: blocks can be laid end to end") {
  TestKeys keys;
  const auto seal = make_pack_seal(keys.admin(), keys.random, BlockKind::data);
  REQUIRE(seal);
  const SealedBlock block = sealed_block(keys, *seal);
  Bytes out = core::to_bytes(core::as_view("before"));
  seal_block(keys.config.repository_id, BlockKind::data, block.key, block.record,
             seal->cipher_key.view(), block.payload, out);
  CHECK(core::to_string(ByteView(out).first(6)) == "before");
  CHECK(core::equal(ByteView(out).subspan(6), block.sealed));
}

TEST_CASE("every role opens a directory, and only with its own header") {
  TestKeys keys;
  const auto seal = make_pack_seal(keys.of(Role::backup), keys.random, BlockKind::data);
  const auto other = make_pack_seal(keys.of(Role::backup), keys.random, BlockKind::data);
  REQUIRE(seal);
  REQUIRE(other);
  const Bytes plain = keys.random.bytes(100);
  const Bytes sealed = seal_directory(keys.of(Role::backup), seal->header, plain);
  CHECK_FALSE(contains(sealed, plain));
  for (const Role role : kAllRoles) {
    const auto opened = open_directory(keys.of(role), seal->header, sealed);
    REQUIRE(opened);
    CHECK(*opened == plain);
    CHECK(outcome(open_directory(keys.of(role), other->header, sealed)) == "corrupt");
  }
  repo::format::PackHeader header = seal->header;
  header.kind = BlockKind::metadata;
  CHECK(outcome(open_directory(keys.admin(), header, sealed)) == "corrupt");
  header = seal->header;
  header.commitment.mutable_view().front() ^= std::byte{1};
  CHECK(outcome(open_directory(keys.admin(), header, sealed)) == "corrupt");
  header = seal->header;
  header.epoch = 2;
  CHECK(outcome(open_directory(keys.admin(), header, sealed)) == "corrupt");
  CHECK(outcome(open_directory(TestKeys(2).admin(), seal->header, sealed)) == "corrupt");

  check_every_byte_counts(sealed, [&](const Bytes& directory) {
    return open_directory(keys.admin(), seal->header, directory).has_value();
  });
}

TEST_CASE("what was sealed in an old epoch opens while its keys are kept") {
  TestKeys keys;
  const KeyRing& old_ring = keys.admin();
  const auto id = keys.random_id<SnapshotId>();
  const Bytes plain = keys.random.bytes(50);
  const Bytes symmetric = seal_symmetric(old_ring, keys.random, Purpose::index, {}, plain);
  const auto manifest = seal_manifest(old_ring, keys.random, id, plain);
  const auto pack = make_pack_seal(old_ring, keys.random, BlockKind::data);
  REQUIRE(manifest);
  REQUIRE(pack);

  TestKeys others(2);
  repo::format::KeyBundle bundle = keys.bundle(Role::admin);
  bundle.epochs.push_back(std::move(others.bundle(Role::admin).epochs.back()));
  bundle.epochs.back().epoch = 2;
  const KeyRing both(keys.config, std::move(bundle));
  CHECK(outcome(open_symmetric(both, Purpose::index, {}, symmetric)) == "ok");
  CHECK(outcome(open_manifest(both, id, *manifest)) == "ok");
  CHECK(outcome(open_pack_key(both, BlockKind::data, record_of(*pack), &pack->header.commitment)) ==
        "ok");
  // New things are sealed under the new keys: the old ring has none for them.
  const Bytes newer = seal_symmetric(both, keys.random, Purpose::index, {}, plain);
  CHECK(outcome(open_symmetric(both, Purpose::index, {}, newer)) == "ok");
  CHECK(outcome(open_symmetric(old_ring, Purpose::index, {}, newer)) == "corrupt");
}

}  // namespace
}  // namespace cairn::test
