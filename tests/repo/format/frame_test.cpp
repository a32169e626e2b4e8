#include "format/frame.h"

#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"

using namespace cairn;
using namespace cairn::repo::format;

namespace {

constexpr auto kKind = ObjectKind::snapshot;

core::Bytes payload() { return core::to_bytes(core::as_view("twelve bytes")); }

void check_recovered(const core::Bytes& object, bool intact) {
  const auto twin = decode_twin(object, kKind);
  REQUIRE(test::outcome(twin) == "ok");
  CHECK(core::equal(twin->payload, payload()));
  CHECK(twin->digest == decode_frame(encode_frame(kKind, payload()), kKind)->digest);
  CHECK(twin->intact == intact);
}

}  // namespace

TEST_CASE("frame: payloads of any size survive, and the digest is the hash of what is before it") {
  test::SeededRandom random(1);
  for (const std::size_t size : {0U, 1U, 255U, 256U, 70'000U}) {
    const core::Bytes bytes = random.bytes(size);
    const core::Bytes object = encode_frame(ObjectKind::index, bytes);
    CHECK(object.size() == size + kFrameOverheadBytes);
    const auto frame = decode_frame(object, ObjectKind::index);
    REQUIRE(test::outcome(frame) == "ok");
    CHECK(core::equal(frame->payload, bytes));
    CHECK(frame->digest == core::hash256(core::ByteView(object).first(object.size() - 32)));
    CHECK(core::equal(frame->digest.view(), core::ByteView(object).last(32)));
  }
}

TEST_CASE("frame: every flipped bit is noticed") {
  const core::Bytes good = encode_frame(kKind, payload());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    core::Bytes object = good;
    object[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    CAPTURE(bit);
    REQUIRE_FALSE(decode_frame(object, kKind).has_value());
  }
}

TEST_CASE("frame: an object of another kind is called by its name") {
  const core::Bytes object = encode_frame(ObjectKind::condemned, payload());
  for (unsigned number = 1; number <= kObjectKindCount; ++number) {
    const auto kind = static_cast<ObjectKind>(number);
    const auto frame = decode_frame(object, kind);
    if (kind == ObjectKind::condemned) {
      CHECK(test::outcome(frame) == "ok");
      continue;
    }
    CHECK(test::outcome(frame) == "corrupt");
    CHECK(test::message_of(frame).find(to_string(kind)) == 0);
    CHECK(test::message_of(frame).find("this is a condemned record") != std::string::npos);
  }
}

TEST_CASE("frame: a newer version is told apart from damage, with a hint what to do") {
  core::Bytes object = encode_frame(kKind, payload());
  object[6] = std::byte{2};
  const auto status = check_preamble(object, kKind);
  REQUIRE(test::outcome(status) == "unsupported_version");
  CHECK(status.error().message() ==
        "snapshot: has format version 2; this program reads versions up to 1");
  CHECK_FALSE(status.error().hint().empty());
}

TEST_CASE("twin: two equal copies are intact") {
  const core::Bytes object = encode_twin(kKind, payload());
  CHECK(object.size() == 2 * (payload().size() + kFrameOverheadBytes));
  check_recovered(object, true);
}

TEST_CASE("twin: any damaged byte of either copy is survived and noticed") {
  const core::Bytes good = encode_twin(kKind, payload());
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    core::Bytes object = good;
    object[i] ^= std::byte{0xff};
    check_recovered(object, false);
  }
}

TEST_CASE("twin: a copy that is gone altogether is survived") {
  const core::Bytes good = encode_twin(kKind, payload());
  const std::size_t half = good.size() / 2;
  core::Bytes zeroed = good;
  SECTION("first") { std::fill_n(zeroed.begin(), half, std::byte{0}); }
  SECTION("second") {
    std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(half), zeroed.end(), std::byte{0});
  }
  check_recovered(zeroed, false);
}

TEST_CASE("twin: cut off anywhere in the second copy, the first is there") {
  const core::Bytes good = encode_twin(kKind, payload());
  for (std::size_t size = good.size() / 2; size < good.size(); ++size) {
    CAPTURE(size);
    core::Bytes object = good;
    object.resize(size);
    check_recovered(object, false);
  }
}

TEST_CASE("twin: cut off in the first copy, nothing is left") {
  const core::Bytes good = encode_twin(kKind, payload());
  for (std::size_t size = 0; size < good.size() / 2; ++size) {
    CAPTURE(size);
    REQUIRE(test::outcome(decode_twin(core::ByteView(good).first(size), kKind)) == "corrupt");
  }
}

TEST_CASE("twin: bytes added at the end are noticed, and do not hide either copy") {
  const core::Bytes good = encode_twin(kKind, payload());
  for (const std::size_t added : {1U, 2U, 55U, 56U, 57U, 4096U}) {
    CAPTURE(added);
    core::Bytes object = good;
    object.resize(good.size() + added, std::byte{0x43});
    check_recovered(object, false);
    object[20] ^= std::byte{1};  // the first copy's payload
    check_recovered(object, false);
  }
}

TEST_CASE("twin: with one byte damaged in each copy nothing is believed") {
  const core::Bytes good = encode_twin(kKind, payload());
  const std::size_t half = good.size() / 2;
  for (std::size_t i = 0; i < half; ++i) {
    for (std::size_t j = half; j < good.size(); ++j) {
      core::Bytes object = good;
      object[i] ^= std::byte{0x10};
      object[j] ^= std::byte{0x10};
      CAPTURE(i, j);
      const auto twin = decode_twin(object, kKind);
      REQUIRE_FALSE(twin.has_value());
      // The same damage may hit both versions, or both lengths at their highest byte.
      const bool alike = j == half + i || (i / 2 == 3 && (j - half) / 2 == 3);
      REQUIRE((test::outcome(twin) == "corrupt" || alike));
    }
  }
}

TEST_CASE("twin: two different records, each whole, are not intact") {
  const core::Bytes other = core::to_bytes(core::as_view("twelve BYTES"));
  core::Bytes object = encode_frame(kKind, payload());
  core::append(object, encode_frame(kKind, other));
  check_recovered(object, false);
}
