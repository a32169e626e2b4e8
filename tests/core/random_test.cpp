#include "cairn/core/random.h"

#include "cairn/core/crypto.h"
#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::core {
namespace {

TEST_CASE("the system's randomness fills everything and does not repeat") {
  REQUIRE(test::outcome(init_crypto()) == "ok");
  SystemRandom random;
  Bytes first(64, std::byte{0});
  Bytes second(64, std::byte{0});
  random.fill(MutableByteView(first).subspan(1, 62));
  random.fill(second);
  random.fill({});
  CHECK(first.front() == std::byte{0});
  CHECK(first.back() == std::byte{0});
  CHECK_FALSE(equal(ByteView(first).subspan(1, 62), ByteView(second).subspan(1, 62)));
}

TEST_CASE("seeded randomness repeats by seed") {
  test::SeededRandom a(5);
  test::SeededRandom b(5);
  test::SeededRandom c(6);
  const Bytes bytes = a.bytes(1000);
  CHECK(bytes == b.bytes(1000));
  CHECK_FALSE(bytes == c.bytes(1000));
  for (int i = 0; i < 100; ++i) {
    CHECK(a.below(3) < 3);
  }
}

}  // namespace
}  // namespace cairn::core
