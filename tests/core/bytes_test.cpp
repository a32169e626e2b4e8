#include "cairn/core/bytes.h"

#include "catch2.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

TEST_CASE("hexadecimal digits are lower case, two a byte, high digit first") {
  const Bytes bytes = {std::byte{0x00}, std::byte{0x0f}, std::byte{0xa0}, std::byte{0xff}};
  CHECK(to_hex(bytes) == "000fa0ff");
  CHECK(to_hex({}).empty());
}

TEST_CASE("text and bytes convert without loss, also what is not UTF-8") {
  const std::string name("a\0\xff\xfe/", 5);
  CHECK(to_string(as_view(name)) == name);
  CHECK(to_string({}).empty());
}

TEST_CASE("equal compares sizes and contents") {
  CHECK(equal({}, {}));
  CHECK(equal(as_view("abc"), as_view("abc")));
  CHECK_FALSE(equal(as_view("abc"), as_view("abd")));
  CHECK_FALSE(equal(as_view("abc"), as_view("ab")));
}

TEST_CASE("appending keeps what is there through every growth") {
  const Bytes expected = test::seeded_bytes(1, 10'000);
  Bytes built;
  std::size_t step = 0;
  for (std::size_t done = 0; done < expected.size();) {
    const std::size_t size = std::min(step++ % 97, expected.size() - done);
    append(built, ByteView(expected).subspan(done, size));
    done += size;
  }
  CHECK(built == expected);
  CHECK(to_bytes(expected) == expected);
}

TEST_CASE("capacity doubles, so that appending stays linear") {
  Bytes out;
  std::size_t growths = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    const std::size_t before = out.capacity();
    append(out, as_view("x"));
    growths += out.capacity() != before ? 1U : 0U;
  }
  CHECK(growths < 20);
}

TEST_CASE("resizing with a value fills, as in every vector") {
  Bytes bytes(3, std::byte{7});
  bytes.resize(5, std::byte{9});
  CHECK(to_hex(bytes) == "0707070909");
}

}  // namespace
}  // namespace cairn::core
