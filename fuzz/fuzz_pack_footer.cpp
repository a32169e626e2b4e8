#include "format/pack.h"
#include "round_trip.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input = fuzz::view_of(data, size);
  // The first eight bytes are the size of the pack, which a reader knows from the storage.
  core::Decoder in(input, "pack size");
  const std::uint64_t pack_bytes = in.u64();
  const core::ByteView tail = in.rest();
  if (!in.ok()) {
    return 0;
  }
  fuzz::require_one_encoding(tail, repo::format::decode_pack_footer(tail, pack_bytes),
                             repo::format::encode_pack_footer);
  // A reader asks first how long the footer is, from its end alone.
  if (tail.size() >= repo::format::kPackFooterFixedBytes) {
    const auto footer_bytes =
        repo::format::pack_footer_size(tail.last(repo::format::kPackFooterFixedBytes), pack_bytes);
    fuzz::require(!footer_bytes.has_value() || *footer_bytes < pack_bytes);
  }
  return 0;
}
