// Cut positions are part of the repository format: if one of these numbers changes, every existing
// repository stops finding its old chunks. Checked against the Python in docs/CHUNKING.md.

#include <string_view>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/core/crypto.h"
#include "catch2.h"
#include "chunk_lengths.h"
#include "seeded_data.h"

namespace cairn::chunker {
namespace {

core::Bytes counting_key() {
  core::Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::byte>(i);
  }
  return key;
}

/// BLAKE2b-256 of all chunk ends, each eight bytes, little-endian.
std::string hash_of_ends(const std::vector<std::size_t>& lengths) {
  core::Bytes message;
  std::uint64_t end = 0;
  for (const std::size_t length : lengths) {
    end += length;
    for (int i = 0; i < 8; ++i) {
      message.push_back(static_cast<std::byte>(end >> (8 * i)));
    }
  }
  return core::hash256(message).hex();
}

struct GoldenCuts {
  CutParameters parameters;
  std::size_t count;
  std::vector<std::size_t> first_lengths;
  std::string_view ends_hash;
};

const std::vector<GoldenCuts> kGoldenCuts = {
    {{.kernel = Kernel::gear, .size_min = 64, .size_avg = 256, .size_max = 1024},
     14422,
     {300, 262, 253, 285, 331, 156},
     "9bfc15af5f5aaa45811e42a9251b02ecb25760fdb555c4c81e854ddaa16e85c0"},
    {{.kernel = Kernel::gear, .size_min = 1024, .size_avg = 4096, .size_max = 16384},
     905,
     {4750, 4936, 1814, 2316, 7214, 5660},
     "d6d78724ddbc173648860dbf4f7f8a77e0bd2ee3522521bdcceef44581fa48e5"},
    {{.kernel = Kernel::gear, .size_min = 4096, .size_avg = 16384, .size_max = 262144},
     225,
     {13816, 20465, 16721, 20347, 20055, 16737},
     "f2a154f189acfe62315719732c1596a2234ac8a1b2b37b5fb31f712905f32b13"},
    {{.kernel = Kernel::gear, .size_min = 16384, .size_avg = 65536, .size_max = 262144},
     58,
     {71349, 75685, 66511, 66541, 90946, 67576},
     "8528e930fec586634168092a892fdca49ae2cb46cc5c4ecfb2da9a3bc8cb770f"},
    {{.kernel = Kernel::gear, .size_min = 65536, .size_avg = 262144, .size_max = 1048576},
     14,
     {276827, 289846, 299924, 293595, 400634, 284636},
     "ff4f5f1e4c051b814e4a6871fa239fb804ac5e30ec50bdacef059a36f4fd4813"},
    {{.kernel = Kernel::gear, .size_min = 4096, .size_avg = 4096, .size_max = 4096},
     1024,
     {4096, 4096, 4096, 4096, 4096, 4096},
     "09482d28bb902b4017bd5819d5e84364272d0b6739abb740daaab0b2a7f17fbd"},
    {{.kernel = Kernel::fixed, .size_min = 8192, .size_avg = 8192, .size_max = 8192},
     512,
     {8192, 8192, 8192, 8192, 8192, 8192},
     "35a400d1b1d89be5b1cb058d898176a752d2f07d57c744315aec54ab326ef5d6"},
    {{.kernel = Kernel::fixed, .size_min = 5000, .size_avg = 5000, .size_max = 5000},
     839,
     {5000, 5000, 5000, 5000, 5000, 5000},
     "f9d69af169b4431b65f14c3786796e06a9d388490e9aa17cc82e091b14335952"},
};

}  // namespace

TEST_CASE("golden: the expansion of a chunker key", "[chunker][golden]") {
  const GearTable table(counting_key());
  CHECK(table.values()[0] == 0xAD04F75333AE7940);
  CHECK(table.values()[1] == 0x2C8DC74661F5463);
  CHECK(table.values()[127] == 0xBAEABE3BF6327B3D);
  CHECK(table.values()[255] == 0x27E7705BB6B88544);
}

TEST_CASE("golden: cut positions", "[chunker][golden]") {
  const GearTable table(counting_key());
  const core::Bytes data = test::seeded_bytes(42, 4 << 20);
  for (const GoldenCuts& golden : kGoldenCuts) {
    CAPTURE(golden.parameters.size_min, golden.parameters.size_avg, golden.parameters.size_max);
    Chunker chunker(golden.parameters, table);
    auto lengths = test::chunk_lengths(chunker, data);
    CHECK(lengths.size() == golden.count);
    CHECK(hash_of_ends(lengths) == golden.ends_hash);
    lengths.resize(golden.first_lengths.size());
    CHECK(lengths == golden.first_lengths);
  }
}

}  // namespace cairn::chunker
