#include <algorithm>
#include <array>
#include <cstdlib>

#include "cairn/chunker/chunker.h"
#include "cairn/chunker/policy.h"
#include "chunk_lengths.h"
#include "seeded_data.h"

// Differential: the kernel over the whole stream, the kernel over a split stream, and the naive
// implementation must cut alike. The first four bytes choose parameters and splits.

namespace {

using cairn::chunker::CutParameters;
using cairn::chunker::Kernel;

constexpr std::size_t kChoiceBytes = 4;

// Small sizes, so that inputs of a few KiB hold many chunks.
CutParameters choose_parameters(const std::array<std::uint32_t, kChoiceBytes>& choices) {
  if (choices[0] % 8 == 0) {
    const std::uint32_t size = 512 + choices[1];
    return {.kernel = Kernel::fixed, .size_min = size, .size_avg = size, .size_max = size};
  }
  const std::uint32_t size_avg = std::uint32_t{256} << choices[0] % 4;
  return {.kernel = Kernel::gear,
          .size_min = 64 + choices[1] * (size_avg - 64) / 255,
          .size_avg = size_avg,
          .size_max = size_avg + choices[2] * 16};
}

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoiceBytes) {
    return 0;
  }
  std::array<std::uint32_t, kChoiceBytes> choices{};
  std::copy_n(data, kChoiceBytes, choices.begin());
  const auto stream =
      std::as_bytes(std::span<const std::uint8_t>(data, size)).subspan(kChoiceBytes);

  const CutParameters parameters = choose_parameters(choices);
  require(valid(parameters));
  static const cairn::chunker::GearTable table(cairn::test::seeded_bytes(1, 32));

  cairn::chunker::Chunker whole(parameters, table);
  const auto expected = cairn::test::naive_chunk_lengths(parameters, stream, table);
  require(cairn::test::chunk_lengths(whole, stream) == expected);

  cairn::chunker::Chunker split(parameters, table);
  cairn::test::SeededNumbers numbers(choices[3]);
  const auto some_of = [&numbers, &choices](std::size_t left) {
    return std::min(left, numbers.between(1, 1 + choices[3] * 4));
  };
  require(cairn::test::chunk_lengths(split, stream, some_of) == expected);

  const auto head = stream.first(std::min(stream.size(), cairn::chunker::kClassifyBytes));
  const auto content_class = cairn::chunker::classify(head, stream.size());
  require(cairn::chunker::to_string(content_class) != "unknown");
  return 0;
}
