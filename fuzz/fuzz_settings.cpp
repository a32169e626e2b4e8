#include "format/settings.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(input, repo::format::decode_settings(input),
                             repo::format::encode_settings);
  return 0;
}
