#include "format/frame.h"
#include "round_trip.h"

using namespace cairn;
using namespace cairn::repo::format;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  const auto twin = decode_twin(input, ObjectKind::config);
  fuzz::require_one_encoding(input, twin, [input](const Frame& found) {
    const core::Bytes whole = encode_twin(ObjectKind::config, found.payload);
    // A damaged twin was not encoded so; but what is left of it must be one of its copies.
    const bool is_whole = core::equal(whole, input);
    fuzz::require(is_whole == found.intact);
    const auto again = decode_twin(whole, ObjectKind::config);
    fuzz::require(again.has_value() && again->intact && again->digest == found.digest);
    return core::to_bytes(input);
  });
  return 0;
}
