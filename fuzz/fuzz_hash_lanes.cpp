#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cairn/core/hash_lanes.h"
#include "seeded_data.h"

// Differential: every kernel that the processor has must hash as libsodium does. The input decides
// how many messages there are and how long each is; what is in them matters less, but comes from
// the input as well.

namespace {

using cairn::core::ByteView;

constexpr std::size_t kMessagesMax = 64;
constexpr std::size_t kDataBytes = 16 * 1024;

/// Two bytes a message: which kind of length, and the length.
std::vector<ByteView> choose_messages(std::span<const std::uint8_t> choices, ByteView data) {
  std::vector<ByteView> messages;
  for (std::size_t i = 0; i + 1 < choices.size() && messages.size() < kMessagesMax; i += 2) {
    const std::size_t kind = choices[i] % 4;
    const std::size_t number = choices[i + 1];
    const std::size_t offset = choices[i] / 4;
    // A short one; one around a multiple of the block; any; an empty one.
    const std::size_t sizes[] = {number, 128 * (number % 96) + number % 3, number * 31 + choices[i],
                                 0};
    messages.push_back(data.subspan(offset, std::min(sizes[kind], data.size() - offset)));
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = cairn::core;
  const std::span<const std::uint8_t> input(data, size);
  static const core::Bytes filler = cairn::test::seeded_bytes(1, kDataBytes);
  core::Bytes bytes = filler;
  std::ranges::copy(std::as_bytes(input.first(std::min(size, bytes.size()))), bytes.begin());
  const core::Bytes key = size % 4 == 0 ? core::Bytes() : cairn::test::seeded_bytes(size, 32);

  const auto messages = choose_messages(input, bytes);
  for (const core::HashKernel kernel : core::kHashKernels) {
    if (!core::is_available(kernel)) {
      continue;
    }
    std::vector<core::Hash256> hashes(messages.size());
    core::LaneHasher(key, kernel).hash_many(messages, hashes);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (hashes[i] !=
          (key.empty() ? core::hash256(messages[i]) : core::keyed_hash256(key, messages[i]))) {
        std::abort();
      }
    }
  }
  return 0;
}
