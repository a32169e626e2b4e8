#include "cairn/core/compress.h"

#include <zstd.h>

#include <algorithm>

#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"

namespace cairn::core {
namespace {

using test::message_of;
using test::outcome;

// Words of a small vocabulary: compresses to about a third, as text does.
Bytes text_like(std::uint64_t seed, std::size_t size) {
  test::SeededRandom random(seed);
  std::vector<Bytes> words;
  for (int i = 0; i < 200; ++i) {
    words.push_back(random.bytes(2 + random.below(9)));
  }
  Bytes text;
  while (text.size() < size) {
    append(text, words[random.below(words.size())]);
  }
  text.resize(size);
  return text;
}

Bytes compressed(ByteView input, int level = 3) {
  Compressor compressor(level, input.size());
  Bytes out;
  REQUIRE(compressor.compress(input, out));
  return out;
}

std::string decompress_outcome(ByteView frame, std::size_t size) {
  Decompressor decompressor;
  Bytes out(size);
  return outcome(decompressor.decompress(frame, out));
}

TEST_CASE("what was compressed expands to the same bytes") {
  Decompressor decompressor;
  for (const int level : {1, 3, 9}) {
    Compressor compressor(level, std::size_t{1} << 20);
    Bytes out;
    for (const std::size_t size : {600U, 1'000U, 4'096U, 65'535U, 65'536U, 200'000U, 1U << 20U}) {
      CAPTURE(level, size);
      const Bytes input = text_like(size, size);
      REQUIRE(compressor.compress(input, out));
      CHECK(out.size() < input.size());
      Bytes back(size);
      REQUIRE(outcome(decompressor.decompress(out, back)) == "ok");
      CHECK(back == input);
    }
  }
}

TEST_CASE("inputs beyond the size hint still round-trip") {
  Compressor compressor(3, 1'000);
  const Bytes input = text_like(1, 300'000);
  Bytes out;
  REQUIRE(compressor.compress(input, out));
  Bytes back(input.size());
  Decompressor decompressor;
  REQUIRE(outcome(decompressor.decompress(out, back)) == "ok");
  CHECK(back == input);
}

TEST_CASE("a reused context gives the bytes that a new one gives") {
  const Bytes first = text_like(1, 50'000);
  const Bytes second = text_like(2, 50'000);
  Compressor compressor(3, 50'000);
  Bytes out;
  REQUIRE(compressor.compress(first, out));
  REQUIRE(compressor.compress(second, out));
  CHECK(out == compressed(second));
}

TEST_CASE("data that saves too little is left raw") {
  Compressor compressor(3, 100'000);
  Bytes out;
  CHECK_FALSE(compressor.compress({}, out));
  CHECK_FALSE(compressor.compress(as_view("a"), out));
  test::SeededRandom random(1);
  for (const std::size_t size : {1U, 63U, 64U, 65U, 1'000U, 100'000U}) {
    CHECK_FALSE(compressor.compress(random.bytes(size), out));
  }
  // Afterwards the context works as before.
  CHECK(compressor.compress(text_like(1, 10'000), out));
}

TEST_CASE("one part in 64 is what must be saved") {
  // Random bytes with a run of zeros: what is saved is the run, less some overhead.
  const auto saves = [](std::size_t zeros) {
    test::SeededRandom random(1);
    Bytes input = random.bytes(64'000);
    std::fill_n(input.begin(), zeros, std::byte{0});
    Compressor compressor(3, input.size());
    Bytes out;
    const bool worth_it = compressor.compress(input, out);
    CHECK((!worth_it || out.size() + 1'000 <= input.size()));
    return worth_it;
  };
  CHECK_FALSE(saves(900));
  CHECK(saves(1'200));
}

TEST_CASE("level 0 never compresses") {
  Compressor compressor(0, 1'000);
  Bytes out;
  CHECK_FALSE(compressor.compress(Bytes(1'000, std::byte{0}), out));
}

TEST_CASE("frames say their length and carry no checksum") {
  const Bytes frame = compressed(text_like(1, 5'000));
  CHECK(ZSTD_getFrameContentSize(frame.data(), frame.size()) == 5'000);
  CHECK((std::to_integer<unsigned>(frame[4]) & 4U) == 0);
}

TEST_CASE("any other length than the frame's is refused") {
  const Bytes frame = compressed(text_like(1, 5'000));
  CHECK(decompress_outcome(frame, 5'000) == "ok");
  CHECK(decompress_outcome(frame, 4'999) == "corrupt");
  CHECK(decompress_outcome(frame, 5'001) == "corrupt");
  CHECK(decompress_outcome(frame, 0) == "corrupt");
}

TEST_CASE("every truncation of a frame is refused") {
  const Bytes frame = compressed(text_like(1, 600));
  for (std::size_t size = 0; size < frame.size(); ++size) {
    CAPTURE(size);
    CHECK(decompress_outcome(ByteView(frame).first(size), 600) == "corrupt");
  }
}

TEST_CASE("what follows a frame is refused, be it a frame or not") {
  const Bytes frame = compressed(text_like(1, 600));
  Bytes padded = frame;
  append(padded, as_view(std::string_view("\0", 1)));
  CHECK(decompress_outcome(padded, 600) == "corrupt");
  Bytes twice = frame;
  append(twice, frame);
  CHECK(decompress_outcome(twice, 600) == "corrupt");
  CHECK(decompress_outcome(twice, 1'200) == "corrupt");
  Bytes skippable = to_bytes(as_view(std::string_view("\x50\x2a\x4d\x18\0\0\0\0", 8)));
  append(skippable, frame);
  CHECK(decompress_outcome(skippable, 600) == "corrupt");
}

TEST_CASE("garbage is refused or gives the promised length, and never more") {
  const Bytes input = text_like(1, 2'000);
  const Bytes frame = compressed(input);
  Decompressor decompressor;
  test::SeededRandom random(1);
  for (int round = 0; round < 2'000; ++round) {
    Bytes damaged = frame;
    damaged[random.below(damaged.size())] ^= static_cast<std::byte>(1 + random.below(255));
    Bytes out(input.size());  // the address sanitizer watches its end
    const std::string result = outcome(decompressor.decompress(damaged, out));
    CHECK((result == "ok" || result == "corrupt"));
  }
  for (int round = 0; round < 200; ++round) {
    Bytes out(100);
    CHECK(outcome(decompressor.decompress(random.bytes(random.below(200)), out)) == "corrupt");
  }
  Bytes out(input.size());
  CHECK(outcome(decompressor.decompress(frame, out)) == "ok");
  CHECK(out == input);
}

TEST_CASE("messages say what is wrong with a frame") {
  Decompressor decompressor;
  const Bytes frame = compressed(text_like(1, 600));
  Bytes out(601);
  CHECK(message_of(decompressor.decompress(frame, out)) ==
        "expand compressed data: its length is not 601 bytes");
  CHECK(message_of(decompressor.decompress(as_view("not zstd"), out)) ==
        "expand compressed data: it does not start like a zstd frame");
}

TEST_CASE("contexts move") {
  Compressor first(3, 1'000);
  Compressor second(std::move(first));
  first = Compressor(1, 500);
  const Bytes input = text_like(1, 1'000);
  Bytes out;
  CHECK(first.compress(input, out));
  CHECK(second.compress(input, out));
  Decompressor third;
  Decompressor fourth(std::move(third));
  Bytes back(input.size());
  CHECK(outcome(fourth.decompress(out, back)) == "ok");
}

}  // namespace
}  // namespace cairn::core
