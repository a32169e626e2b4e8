#include "cairn/chunker/chunker.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "catch2.h"
#include "chunk_lengths.h"
#include "seeded_data.h"

namespace cairn::chunker {
namespace {

using test::chunk_lengths;
using test::naive_chunk_lengths;
using test::seeded_bytes;
using test::SeededNumbers;
using Sizes = std::vector<std::size_t>;

constexpr CutParameters gear(std::uint32_t size_min, std::uint32_t size_avg,
                             std::uint32_t size_max) {
  return {.kernel = Kernel::gear, .size_min = size_min, .size_avg = size_avg, .size_max = size_max};
}

constexpr CutParameters fixed(std::uint32_t size) {
  return {.kernel = Kernel::fixed, .size_min = size, .size_avg = size, .size_max = size};
}

const GearTable& table() {
  static const GearTable table(seeded_bytes(1, 32));
  return table;
}

std::set<std::size_t> boundaries(const std::vector<std::size_t>& lengths) {
  std::set<std::size_t> ends;
  std::size_t end = 0;
  for (const std::size_t length : lengths) {
    ends.insert(end += length);
  }
  return ends;
}

const std::vector<CutParameters> kSmallParameters = {
    gear(64, 256, 1024),  gear(64, 256, 256),   gear(256, 256, 256), gear(256, 256, 4096),
    gear(65, 512, 513),   gear(128, 512, 2048), gear(64, 256, 257),  gear(63 + 64, 1024, 16384),
    gear(64, 4096, 4097), fixed(512),           fixed(513),
};

}  // namespace

TEST_CASE("parameters outside the documented bounds are not valid", "[chunker]") {
  CHECK(valid(gear(64, 256, 256)));
  CHECK(valid(gear(4096, 16384, kChunkSizeMax)));
  CHECK(valid(gear(64, kChunkSizeMax, kChunkSizeMax)));
  CHECK_FALSE(valid(gear(63, 256, 1024)));
  CHECK_FALSE(valid(gear(64, 128, 1024)));
  CHECK_FALSE(valid(gear(64, 768, 1024)));
  CHECK_FALSE(valid(gear(512, 256, 1024)));
  CHECK_FALSE(valid(gear(64, 1024, 512)));
  CHECK_FALSE(valid(gear(64, 256, kChunkSizeMax + 1)));
  CHECK_FALSE(valid(gear(0, 0, 0)));

  CHECK(valid(fixed(512)));
  CHECK(valid(fixed(5000)));
  CHECK(valid(fixed(kChunkSizeMax)));
  CHECK_FALSE(valid(fixed(511)));
  CHECK_FALSE(valid(fixed(kChunkSizeMax + 1)));
  CHECK_FALSE(valid(
      CutParameters{.kernel = Kernel::fixed, .size_min = 512, .size_avg = 1024, .size_max = 1024}));
  CHECK_FALSE(valid(CutParameters{
      .kernel = Kernel::fixed, .size_min = 1024, .size_avg = 1024, .size_max = 2048}));
  CHECK_FALSE(valid(CutParameters{.kernel = static_cast<Kernel>(2)}));
}

TEST_CASE("the kernel cuts where the documented definition says", "[chunker]") {
  const core::Bytes noise = seeded_bytes(2, 20000);
  // Few distinct values: many hashes repeat, runs and near-runs occur.
  core::Bytes text = noise;
  for (std::byte& byte : text) {
    byte &= std::byte{3};
  }
  for (const CutParameters& parameters : kSmallParameters) {
    CAPTURE(parameters.size_min, parameters.size_avg, parameters.size_max);
    for (const core::Bytes& data : {noise, text}) {
      for (const std::size_t size :
           Sizes{0,   1,   63,   64,   65,   127,  255,  256,  257,   511,
                 512, 513, 1023, 1024, 1025, 4096, 4097, 4098, 19999, 20000}) {
        const auto stream = core::ByteView(data).first(size);
        Chunker chunker(parameters, table());
        CHECK(chunk_lengths(chunker, stream) == naive_chunk_lengths(parameters, stream, table()));
      }
    }
  }
}

TEST_CASE("cuts do not depend on how the stream is split over calls", "[chunker]") {
  const core::Bytes data = seeded_bytes(3, 30000);
  for (const CutParameters& parameters : kSmallParameters) {
    CAPTURE(parameters.size_min, parameters.size_avg, parameters.size_max);
    Chunker whole(parameters, table());
    const auto expected = chunk_lengths(whole, data);

    for (const std::size_t piece : Sizes{1, 2, 3, 5, 63, 64, 65, 255, 256, 1000, 4096}) {
      Chunker split(parameters, table());
      CHECK(expected == chunk_lengths(split, data,
                                      [piece](std::size_t left) { return std::min(left, piece); }));
    }
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SeededNumbers numbers(seed);
      const std::size_t longest = numbers.between(1, 3000);
      Chunker split(parameters, table());
      CHECK(expected == chunk_lengths(split, data, [&numbers, longest](std::size_t left) {
              return std::min(left, numbers.between(1, longest));
            }));
    }
  }
}

TEST_CASE("chunks keep to their bounds and their average on random data", "[chunker]") {
  const core::Bytes data = seeded_bytes(4, 8 << 20);
  const CutParameters parameters = gear(4096, 16384, 256 * 1024);
  Chunker chunker(parameters, table());
  auto lengths = chunk_lengths(chunker, data);

  CHECK(std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}) == data.size());
  lengths.pop_back();
  CHECK(*std::min_element(lengths.begin(), lengths.end()) >= parameters.size_min);
  CHECK(*std::max_element(lengths.begin(), lengths.end()) <= parameters.size_max);
  // Normalised level 2 with min = avg / 4: 1.14 x avg is expected.
  const double mean = static_cast<double>(data.size()) / static_cast<double>(lengths.size());
  CHECK(mean > 1.05 * parameters.size_avg);
  CHECK(mean < 1.25 * parameters.size_avg);
  // Normalisation keeps the sizes together: 89 % are expected within a factor of two.
  const auto near = std::count_if(lengths.begin(), lengths.end(), [](std::size_t length) {
    return length >= 8192 && length <= 32768;
  });
  CHECK(static_cast<double>(near) > 0.8 * static_cast<double>(lengths.size()));
}

TEST_CASE("data without a cut point is cut at the maximum", "[chunker]") {
  const CutParameters parameters = gear(1024, 4096, 10000);
  const core::Bytes zeros(100001, std::byte{0});
  Chunker chunker(parameters, table());
  auto expected = std::vector<std::size_t>(10, 10000);
  expected.push_back(1);
  CHECK(chunk_lengths(chunker, zeros) == expected);
}

TEST_CASE("after an insertion most cuts come back", "[chunker]") {
  const core::Bytes before = seeded_bytes(5, 4 << 20);
  const CutParameters parameters = gear(1024, 4096, 65536);
  Chunker chunker(parameters, table());
  const auto old_ends = boundaries(chunk_lengths(chunker, before));

  for (const std::size_t place : Sizes{0, 1, 5000, 1 << 20}) {
    core::Bytes after = before;
    after.insert(after.begin() + static_cast<std::ptrdiff_t>(place), std::byte{0x5A});
    chunker.reset();
    const auto new_ends = boundaries(chunk_lengths(chunker, after));
    const auto lost = std::count_if(old_ends.begin(), old_ends.end(), [&](std::size_t end) {
      return !new_ends.contains(end <= place ? end : end + 1);
    });
    CAPTURE(place, lost, old_ends.size());
    CHECK(lost <= 16);
  }
}

TEST_CASE("the key decides where gear cuts", "[chunker]") {
  const core::Bytes data = seeded_bytes(6, 1 << 20);
  const CutParameters parameters = gear(1024, 4096, 65536);
  const GearTable other(seeded_bytes(7, 32));
  Chunker one(parameters, table());
  Chunker two(parameters, other);
  CHECK(chunk_lengths(one, data) != chunk_lengths(two, data));
}

TEST_CASE("fixed cuts count from the start of the stream", "[chunker]") {
  const core::Bytes data = seeded_bytes(8, 2500);
  Chunker chunker(fixed(1000), table());
  CHECK(chunk_lengths(chunker, data) == std::vector<std::size_t>{1000, 1000, 500});
  // 500 bytes are pending.
  CHECK(chunker.scan(data) == 500);
  CHECK(chunker.scan(core::ByteView(data).first(999)) == std::nullopt);
  CHECK(chunker.scan(core::ByteView(data).first(1)) == 1);
}

TEST_CASE("a reset chunker starts a new stream", "[chunker]") {
  const core::Bytes first = seeded_bytes(9, 777);
  const core::Bytes second = seeded_bytes(10, 50000);
  for (const CutParameters& parameters : kSmallParameters) {
    Chunker fresh(parameters, table());
    const auto expected = chunk_lengths(fresh, second);

    Chunker used(parameters, table());
    (void)chunk_lengths(used, first);
    used.reset();
    CHECK(chunk_lengths(used, second) == expected);

    Chunker other(gear(128, 2048, 8192), table());
    (void)chunk_lengths(other, first);
    other.reset(parameters);
    CHECK(chunk_lengths(other, second) == expected);
  }
}

}  // namespace cairn::chunker
