#include "format/pack.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(input, repo::format::decode_pack_directory(input),
                             [](const repo::format::PackDirectory& directory) {
                               core::Encoder out;
                               repo::format::encode_pack_directory(out, directory);
                               return std::move(out).take();
                             });
  return 0;
}
