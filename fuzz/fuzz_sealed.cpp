// Sealed objects: what is opened is what was sealed, and any change to it is refused. The input
// chooses the envelope, the change and the plaintext; without a change opening must succeed.

#include <array>
#include <cstdlib>

#include "cairn/core/crypto.h"
#include "format/config.h"
#include "seeded_random.h"
#include "store/objects/key_ring.h"
#include "store/objects/seal.h"

namespace {

using namespace cairn;
using namespace cairn::repo;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// What the first bytes of the input ask for.
struct Request {
  unsigned envelope = 0;
  std::size_t position = 0;
  std::byte change{};
  core::ByteView plaintext;
};

bool change_at(core::Bytes& sealed, const Request& request) {
  if (request.change == std::byte{0} || sealed.empty()) {
    return false;
  }
  sealed[request.position % sealed.size()] ^= request.change;
  return true;
}

void check(const core::Result<core::Bytes>& opened, bool changed, core::ByteView plaintext) {
  require(changed ? !opened.has_value() : opened.has_value() && core::equal(*opened, plaintext));
}

void try_symmetric(const store::KeyRing& keys, core::Random& random, const Request& request) {
  const core::Hash256 name = core::hash256(request.plaintext);
  auto sealed = store::seal_symmetric(keys, random, store::Purpose::index, name, request.plaintext);
  const bool changed = change_at(sealed, request);
  check(store::open_symmetric(keys, store::Purpose::index, name, sealed), changed,
        request.plaintext);
  require(!store::open_symmetric(keys, store::Purpose::session, name, sealed));
  // Bytes that were never sealed.
  require(!store::open_symmetric(keys, store::Purpose::index, name, request.plaintext));
}

void try_manifest(const store::KeyRing& keys, core::Random& random, const Request& request) {
  SnapshotId id;
  random.fill(id.mutable_view());
  auto sealed = *store::seal_manifest(keys, random, id, request.plaintext);
  const bool changed = change_at(sealed, request);
  check(store::open_manifest(keys, id, sealed), changed, request.plaintext);
  require(!store::open_manifest(keys, id, request.plaintext));
}

void try_directory(const store::KeyRing& keys, core::Random& random, const Request& request) {
  const auto seal = *store::make_pack_seal(keys, random, format::BlockKind::data);
  auto sealed = store::seal_directory(keys, seal.header, request.plaintext);
  const bool changed = change_at(sealed, request);
  check(store::open_directory(keys, seal.header, sealed), changed, request.plaintext);
  require(!store::open_directory(keys, seal.header, request.plaintext));
}

void try_block(const store::KeyRing& keys, core::Random& random, const Request& request) {
  const auto seal = *store::make_pack_seal(keys, random, format::BlockKind::metadata);
  const format::KeyRecord key{seal.header.epoch, seal.header.salt, seal.header.ephemeral};
  format::BlockRecord block;
  block.plain_bytes = static_cast<std::uint32_t>(request.plaintext.size());
  block.stored_bytes = static_cast<std::uint32_t>(request.plaintext.size() + core::kAeadTagBytes);
  core::Bytes sealed;
  store::seal_block(keys.repository(), format::BlockKind::metadata, key, block,
                    seal.cipher_key.view(), request.plaintext, sealed);
  const bool changed = change_at(sealed, request);
  const auto cipher_key =
      store::open_pack_key(keys, format::BlockKind::metadata, key, &seal.header.commitment);
  require(cipher_key.has_value());
  core::Bytes opened;
  const bool is_open = store::open_block(keys.repository(), format::BlockKind::metadata, key, block,
                                         cipher_key->view(), sealed, opened);
  require(changed ? !is_open : is_open && core::equal(opened, request.plaintext));
}

store::KeyRing make_keys(core::Random& random) {
  format::Config config;
  random.fill(config.repository_id.mutable_view());
  config.chunking = chunker::default_policy();
  auto bundle = store::make_admin_bundle(random, config, core::Timestamp());
  bundle.config_payload = format::encode_config(config);
  return {config, std::move(bundle)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kRequestBytes = 4;
  if (size < kRequestBytes) {
    return 0;
  }
  require(core::init_crypto().has_value());
  test::SeededRandom random(1);
  const store::KeyRing keys = make_keys(random);
  const auto input = std::as_bytes(std::span(data, size));
  Request request;
  request.envelope = std::to_integer<unsigned>(input[0]) % 4;
  request.position =
      std::to_integer<std::size_t>(input[1]) * 256 + std::to_integer<std::size_t>(input[2]);
  request.change = input[3];
  request.plaintext = input.subspan(kRequestBytes);
  constexpr std::array kTries = {try_symmetric, try_manifest, try_directory, try_block};
  kTries[request.envelope](keys, random, request);
  return 0;
}
