#include "ops/incremental/stat_cache.h"
#include "round_trip.h"

// A record of the stat cache. It lies on the client's own disk, and still must not be believed.

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  fuzz::require_one_encoding(input, repo::ops::decode_folder_record(input),
                             repo::ops::encode_folder_record);
  return 0;
}
