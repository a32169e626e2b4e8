#include "format/key_slot.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  core::Decoder in(input, "certificate");
  const auto certificate = repo::format::decode_certificate(in);
  if (in.finish().has_value()) {
    core::Encoder out;
    repo::format::encode_certificate(out, certificate);
    fuzz::require(core::equal(out.view(), input));
  }
  return 0;
}
