#include "cairn/core/id.h"

#include <algorithm>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "catch2.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

struct AppleTag;
struct PearTag;
using AppleId = Id<AppleTag>;
using PearId = Id<PearTag>;
using ShortId = Id<AppleTag, 8>;

// core/compile_fail shows that the compiler refuses the code; these are the same facts as traits.
static_assert(!std::is_convertible_v<AppleId, PearId>);
static_assert(!std::is_constructible_v<PearId, AppleId>);
static_assert(!std::is_assignable_v<PearId&, AppleId>);
static_assert(!std::is_constructible_v<AppleId, ShortId>);
static_assert(sizeof(AppleId) == AppleId::kSize);

TEST_CASE("an id goes through hexadecimal and back") {
  const AppleId id = AppleId::from(test::seeded_bytes(1, 32));
  CHECK(id.hex().size() == 64);
  CHECK(AppleId::from_hex(id.hex()) == id);
  CHECK(id.short_hex() == id.hex().substr(0, 8));
}

TEST_CASE("only the one spelling of an id is accepted") {
  const std::string good = "00112233445566ff";
  REQUIRE(ShortId::from_hex(good).has_value());
  CHECK_FALSE(ShortId::from_hex("").has_value());
  CHECK_FALSE(ShortId::from_hex(good.substr(1)).has_value());
  CHECK_FALSE(ShortId::from_hex(good.substr(2)).has_value());
  CHECK_FALSE(ShortId::from_hex(good + "0").has_value());
  CHECK_FALSE(ShortId::from_hex(good + "00").has_value());
  CHECK_FALSE(ShortId::from_hex("00112233445566FF").has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char bad : {'g', '/', ':', '`', ' ', '\0', '\xff', 'A'}) {
      std::string text = good;
      text[i] = bad;
      CAPTURE(i, bad);
      CHECK_FALSE(ShortId::from_hex(text).has_value());
    }
  }
}

TEST_CASE("ids are ordered as their bytes and their digits are") {
  std::vector<AppleId> ids;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ids.push_back(AppleId::from(test::seeded_bytes(seed, 32)));
  }
  std::sort(ids.begin(), ids.end());
  CHECK(std::is_sorted(ids.begin(), ids.end(),
                       [](const AppleId& a, const AppleId& b) { return a.hex() < b.hex(); }));
}

TEST_CASE("a new id is zero") {
  AppleId id;
  CHECK(id.is_zero());
  id.mutable_view()[31] = std::byte{1};
  CHECK_FALSE(id.is_zero());
}

TEST_CASE("ids live in hash tables") {
  std::unordered_set<AppleId> ids;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ids.insert(AppleId::from(test::seeded_bytes(seed % 60, 32)));
  }
  CHECK(ids.size() == 60);
}

}  // namespace
}  // namespace cairn::core
