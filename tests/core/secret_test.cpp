#include "cairn/core/secret.h"

#include <type_traits>

#include "cairn/core/id.h"
#include "catch2.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

struct DoorTag;
struct SafeTag;

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(std::is_nothrow_move_assignable_v<SecretBytes>);
static_assert(!std::is_copy_constructible_v<SecretKey<DoorTag>>);
static_assert(!std::is_convertible_v<SecretKey<DoorTag>, SecretKey<SafeTag>>);

TEST_CASE("a new secret is zero bytes") {
  const SecretBytes secret(40);
  CHECK(secret.size() == 40);
  CHECK_FALSE(secret.empty());
  CHECK(to_hex(secret.view()) == std::string(80, '0'));
  CHECK(SecretBytes().empty());
  CHECK(SecretBytes(0).empty());
}

TEST_CASE("moving a secret leaves nothing behind") {
  SecretBytes first = SecretBytes::copy_of(as_view("first secret"));
  const std::byte* const memory = first.view().data();
  SecretBytes second(std::move(first));
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): that is the question
  CHECK(first.view().data() == nullptr);
  CHECK(second.view().data() == memory);

  SecretBytes third = SecretBytes::copy_of(as_view("third"));
  third = std::move(second);
  CHECK(second.empty());  // NOLINT(bugprone-use-after-move)
  CHECK(to_string(third.view()) == "first secret");
  third = SecretBytes();
  CHECK(third.empty());
}

TEST_CASE("moving a secret onto itself keeps it") {
  SecretBytes secret = SecretBytes::copy_of(as_view("mine"));
  SecretBytes& same = secret;
  secret = std::move(same);
  CHECK(to_string(secret.view()) == "mine");
}

TEST_CASE("a duplicate lives in memory of its own") {
  SecretBytes secret = SecretBytes::copy_of(as_view("abc"));
  const SecretBytes copy = secret.duplicate();
  wipe(secret.mutable_view());
  CHECK(to_hex(secret.view()) == "000000");
  CHECK(to_string(copy.view()) == "abc");
  CHECK(SecretBytes().duplicate().empty());
}

TEST_CASE("a key is 32 bytes of one purpose") {
  const Bytes material = test::seeded_bytes(1, 32);
  auto key = SecretKey<DoorTag>::copy_of(material);
  CHECK(equal(key.view(), material));
  const auto copy = key.duplicate();
  key.mutable_view()[0] ^= std::byte{1};
  CHECK(equal(copy.view(), material));
  CHECK(to_hex(SecretKey<DoorTag>().view()) == std::string(64, '0'));
}

TEST_CASE("comparison in constant time sees every byte and the size") {
  const Bytes material = test::seeded_bytes(1, 33);
  CHECK(equal_constant_time(material, material));
  CHECK(equal_constant_time({}, {}));
  CHECK_FALSE(equal_constant_time(material, ByteView(material).first(32)));
  for (std::size_t i = 0; i < material.size(); ++i) {
    Bytes other = material;
    other[i] ^= std::byte{0x80};
    CHECK_FALSE(equal_constant_time(material, other));
  }
}

TEST_CASE("wiping nothing is fine") {
  wipe({});
  Bytes bytes = test::seeded_bytes(1, 100);
  wipe(MutableByteView(bytes).subspan(1, 98));
  CHECK(to_hex(ByteView(bytes).subspan(1, 98)) == std::string(196, '0'));
  CHECK(bytes[0] == test::seeded_bytes(1, 1)[0]);
}

}  // namespace
}  // namespace cairn::core
