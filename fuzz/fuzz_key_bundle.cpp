#include "format/key_slot.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(
      input, repo::format::decode_key_bundle(input), [](const repo::format::KeyBundle& bundle) {
        return core::to_bytes(repo::format::encode_key_bundle(bundle).view());
      });
  return 0;
}
