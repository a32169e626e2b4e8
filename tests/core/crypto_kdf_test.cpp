#include "cairn/core/crypto.h"
#include "catch2.h"
#include "hex.h"
#include "outcome.h"

namespace cairn::core {
namespace {

using test::from_hex;
using test::outcome;

std::string derived(std::string_view passphrase, ByteView salt, KdfParameters parameters) {
  const auto key = derive_from_passphrase(as_view(passphrase), salt, parameters);
  return key.has_value() ? to_hex(key->view()) : outcome(key);
}

TEST_CASE("passphrases go through Argon2id, version 1.3, parallelism 1") {
  REQUIRE(outcome(init_crypto()) == "ok");
  // The known answer of libsodium's own tests: $argon2id$v=19$m=4882,t=2,p=1.
  CHECK(derived("", from_hex("6c0f356abb225f2b1ddd66d34739843b"),
                {.passes = 2, .memory_kib = 4882}) ==
        "366f1004cfbb447d435e8f6bbe9e5cc0a10e38e7c3da0e89bb19578a1a0d7291");
  // Computed with OpenSSL.
  CHECK(derived("password", from_hex("000102030405060708090a0b0c0d0e0f"),
                {.passes = 2, .memory_kib = 64}) ==
        "716882821df77bc6414358b07159fb63ca1c90beaeb9d0ca0e43bd887dcf2ca9");
  CHECK(derived("correct horse", as_view("0123456789abcdef"), {.passes = 3, .memory_kib = 1024}) ==
        "7879645409224416c7fb41bc02819d5d41b9cd146cf501794daf608db30fcd57");
}

TEST_CASE("every parameter changes the key") {
  const Bytes salt(kKdfSaltBytes, std::byte{1});
  const Bytes other_salt(kKdfSaltBytes, std::byte{2});
  const KdfParameters cheap = {.passes = 1, .memory_kib = 8};
  const std::string key = derived("secret", salt, cheap);
  CHECK(key.size() == 64);
  CHECK(derived("secret", salt, cheap) == key);
  CHECK(derived("secreT", salt, cheap) != key);
  CHECK(derived(std::string_view("secret\0", 7), salt, cheap) != key);
  CHECK(derived("secret", other_salt, cheap) != key);
  CHECK(derived("secret", salt, {.passes = 2, .memory_kib = 8}) != key);
  CHECK(derived("secret", salt, {.passes = 1, .memory_kib = 9}) != key);
}

TEST_CASE("parameters out of bounds are refused before any memory is taken") {
  const Bytes salt(kKdfSaltBytes, std::byte{1});
  for (const KdfParameters& parameters :
       {KdfParameters{0, 8}, KdfParameters{kKdfPassesMax + 1, 8}, KdfParameters{UINT32_MAX, 8},
        KdfParameters{1, 0}, KdfParameters{1, kKdfMemoryKibMin - 1},
        KdfParameters{1, kKdfMemoryKibMax + 1}, KdfParameters{1, UINT32_MAX}}) {
    CAPTURE(parameters.passes, parameters.memory_kib);
    CHECK(derived("secret", salt, parameters) == "limit_exceeded");
  }
  CHECK(test::message_of(derive_from_passphrase(as_view("x"), salt, {.passes = 33})) ==
        "derive a key: 33 passes, allowed 1 to 32");
}

}  // namespace
}  // namespace cairn::core
