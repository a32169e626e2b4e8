#include "format/pack.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(input, repo::format::decode_pack_header(input),
                             repo::format::encode_pack_header);
  return 0;
}
