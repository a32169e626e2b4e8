#include "format/frame.h"
#include "round_trip.h"

using namespace cairn;
using namespace cairn::repo::format;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(input, decode_frame(input, ObjectKind::index), [](const Frame& frame) {
    return encode_frame(ObjectKind::index, frame.payload);
  });
  return 0;
}
