#include "cairn/core/hash_lanes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "catch2.h"
#include "counting_bytes.h"
#include "seeded_data.h"

namespace cairn::core {
namespace {

/// Those of this processor; says which are left out.
std::vector<HashKernel> kernels() {
  std::vector<HashKernel> available;
  for (const HashKernel kernel : kHashKernels) {
    if (is_available(kernel)) {
      available.push_back(kernel);
    } else {
      WARN("not tested, this processor lacks it: " << to_string(kernel));
    }
  }
  return available;
}

/// How many outputs are not what libsodium says.
std::size_t count_wrong(HashKernel kernel, const Bytes& key, const std::vector<ByteView>& inputs) {
  const LaneHasher hasher(key, kernel);
  std::vector<Hash256> hashes(inputs.size());
  hasher.hash_many(inputs, hashes);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (hashes[i] != (key.empty() ? hash256(inputs[i]) : keyed_hash256(key, inputs[i]))) {
      ++wrong;
    }
  }
  return wrong;
}

TEST_CASE("lanes: known answers of keyed BLAKE2b-256") {
  struct Vector {
    std::size_t size;
    const char* digest;
  };
  // Computed with Python's hashlib: blake2b(data, digest_size=32, key=bytes(range(32))).
  const std::vector<Vector> vectors{
      {0, "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d"},
      {1, "41ff93a4eaeebd3b78a93438a6f62a92ab5959c859e682b72c7def406197ca4d"},
      {3, "e14fc9161564dd081204f2dd6146a9ffbef66f95d5dc80e0a225e213c09dad7b"},
      {64, "7f46f043d63dfb3c9b1102c8824b632cae1fce453e3c0e9dc9e7113f3c1acc36"},
      {127, "12879e69734944f25f9ed95cbfdbb3659a307e485ed8ec118ce7c60f107357f1"},
      {128, "138893f1631ef3165629515d6ed800da3771b7926dced294205c7507351deebc"},
      {129, "ca60f75cbb714330c046d8f28b4ed351a3ee81776bb02a96abb646fe573e3d5c"},
      {255, "f60f5c4a575c43db6c93608515866ea998e04b35792f5a92b27aa5880cd6721e"},
      {256, "b42be36ea26392f67d1d3706ffa72b6c61c2ff38e1fabd9a49e154d54b967d83"},
      {257, "ef25ff378b8fd2009994d6e9a66470a059ca66aeac707b3742be5fe9bc578e58"},
      {383, "bde2b07d24843f96d061ca22e4d6017fc3fc5f0c1f6ea0a8a32862671b75c75d"},
      {384, "87ca7123fb6f225611b650e71bd50d48ae859855a205c3cf0fafe365703d676e"},
      {1000, "35ef19e1b0264b96e9d2f9c1ded07ab910b83e31c06559b5794ad4682e44f54a"},
      {4096, "6d4369b91743916ae2e13cfdf62c2fea52a53ffa89d65065c19f3dad420837df"},
      {16384, "2fbd229c5e1d080678115c6412ac92e8c5b2027b7ec4d2589aea2e4e51213378"},
      {65537, "1f79a4fa45fc45669e99f3cd7e6d3fc900b9829bb7ded66d7f281295ec21871b"},
      {262144, "516b16e4eac9f12b834b41e2f6b889b17c6fb9ab4410c1e45b8f43783abc2129"},
      {300000, "d69d6fd66a34e12ca7135ff2879bdf9284f60866a3ae7d43c4be058e21b1e6bd"}};
  const Bytes key = counting_bytes(32);
  const Bytes data = counting_bytes(vectors.back().size);
  std::vector<ByteView> inputs;
  for (const Vector& vector : vectors) {
    inputs.push_back(ByteView(data).first(vector.size));
  }
  for (const HashKernel kernel : kernels()) {
    const LaneHasher hasher(key, kernel);
    std::vector<Hash256> hashes(inputs.size());
    hasher.hash_many(inputs, hashes);
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      CAPTURE(to_string(kernel), vectors[i].size);
      CHECK(hashes[i].hex() == vectors[i].digest);
      CHECK(hasher.hash(inputs[i]).hex() == vectors[i].digest);
    }
  }
}

TEST_CASE("lanes: the kernel chosen is available, and the fastest") {
  CHECK(is_available(HashKernel::libsodium));
  const HashKernel best = best_hash_kernel();
  CHECK(is_available(best));
  CHECK(best != HashKernel::portable);
  CHECK((best == HashKernel::avx512) == is_available(HashKernel::avx512));
  CHECK(LaneHasher(counting_bytes(32)).kernel() == best);
}

TEST_CASE("lanes: all lengths from 0 to 600, together and one by one") {
  const Bytes key = GENERATE(test::seeded_bytes(1, 32), Bytes());
  const Bytes data = test::seeded_bytes(2, 600);
  std::vector<ByteView> inputs;
  for (std::size_t size = 0; size <= data.size(); ++size) {
    inputs.push_back(ByteView(data).first(size));
  }
  for (const HashKernel kernel : kernels()) {
    CAPTURE(to_string(kernel));
    CHECK(count_wrong(kernel, key, inputs) == 0);
    for (const ByteView input : inputs) {
      // Two and three of one length: lanes that end at once, and lanes that have nothing to do.
      CAPTURE(input.size());
      CHECK(count_wrong(kernel, key, {input}) == 0);
      CHECK(count_wrong(kernel, key, {input, input}) == 0);
      CHECK(count_wrong(kernel, key, {input, ByteView(data), input}) == 0);
    }
  }
}

TEST_CASE("lanes: lengths around multiples of a block, up to 300,000 bytes") {
  const Bytes key = GENERATE(test::seeded_bytes(3, 32), Bytes());
  const Bytes data = test::seeded_bytes(4, 300'002);
  std::vector<ByteView> inputs;
  for (std::size_t blocks = 5; blocks <= 2343; blocks += blocks / 4) {
    for (const std::size_t size : {blocks * 128 - 1, blocks * 128, blocks * 128 + 1}) {
      inputs.push_back(ByteView(data).first(size));
    }
  }
  for (const std::size_t size : {262'144U, 299'903U, 299'904U, 299'905U, 300'000U}) {
    inputs.push_back(ByteView(data).last(size));
  }
  for (const HashKernel kernel : kernels()) {
    CAPTURE(to_string(kernel));
    CHECK(count_wrong(kernel, key, inputs) == 0);
  }
}

TEST_CASE("lanes: 0 to 40 inputs, of one length and of mixed ones") {
  const Bytes key = test::seeded_bytes(5, 32);
  const Bytes data = test::seeded_bytes(6, 8192);
  test::SeededNumbers numbers(7);
  for (const HashKernel kernel : kernels()) {
    for (std::size_t count = 0; count <= 40; ++count) {
      CAPTURE(to_string(kernel), count);
      std::vector<ByteView> equal;
      std::vector<ByteView> mixed;
      for (std::size_t i = 0; i < count; ++i) {
        equal.push_back(ByteView(data).subspan(i, 1000));
        mixed.push_back(ByteView(data).subspan(i, numbers.between(0, 4000)));
      }
      CHECK(count_wrong(kernel, key, equal) == 0);
      CHECK(count_wrong(kernel, key, mixed) == 0);
    }
  }
}

TEST_CASE("lanes: random mixes under random keys, at any alignment") {
  const Bytes data = test::seeded_bytes(8, 400'000);
  for (const HashKernel kernel : kernels()) {
    test::SeededNumbers numbers(9);
    for (std::uint64_t round = 0; round < 60; ++round) {
      CAPTURE(to_string(kernel), round);
      const Bytes key = test::seeded_bytes(100 + round, 32);
      std::vector<ByteView> inputs(numbers.between(0, 50));
      for (ByteView& input : inputs) {
        // Many short ones, some long: each power of two is as likely as the others.
        const std::size_t size = numbers.between(0, std::size_t{1} << numbers.between(0, 17));
        input = ByteView(data).subspan(numbers.between(0, data.size() - size), size);
      }
      CHECK(count_wrong(kernel, key, inputs) == 0);
    }
  }
}

TEST_CASE("lanes: one key's hashes are not another's") {
  const Bytes data = test::seeded_bytes(10, 1000);
  const std::vector<ByteView> inputs(8, ByteView(data));
  std::vector<Hash256> first(8);
  std::vector<Hash256> second(8);
  LaneHasher(test::seeded_bytes(11, 32)).hash_many(inputs, first);
  LaneHasher(test::seeded_bytes(12, 32)).hash_many(inputs, second);
  CHECK(std::ranges::count(first, first[0]) == 8);
  CHECK(first[0] != second[0]);
}

/// Two pages, the second of which cannot be touched.
class GuardedPage {
 public:
  GuardedPage()
      : size_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        memory_(::mmap(nullptr, 2 * size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0)) {
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(::mprotect(static_cast<std::byte*>(memory_) + size_, size_, PROT_NONE) == 0);
  }
  ~GuardedPage() { ::munmap(memory_, 2 * size_); }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;

  [[nodiscard]] MutableByteView page() const noexcept {
    return {static_cast<std::byte*>(memory_), size_};
  }

 private:
  std::size_t size_;
  void* memory_;
};

TEST_CASE("lanes: nothing is read behind the end of an input") {
  const GuardedPage guarded;
  const Bytes data = test::seeded_bytes(13, guarded.page().size());
  std::ranges::copy(data, guarded.page().begin());
  const Bytes key = test::seeded_bytes(14, 32);
  const ByteView page = guarded.page();
  for (const HashKernel kernel : kernels()) {
    CAPTURE(to_string(kernel));
    std::vector<ByteView> all;
    for (std::size_t size = 0; size <= 520; ++size) {
      CAPTURE(size);
      all.push_back(page.last(size));
      // Fewer than there are lanes: the empty ones read along with the others.
      CHECK(count_wrong(kernel, key, {page.last(size), page.last(size), page.last(1)}) == 0);
    }
    all.push_back(page);
    CHECK(count_wrong(kernel, key, all) == 0);
  }
}

}  // namespace
}  // namespace cairn::core
