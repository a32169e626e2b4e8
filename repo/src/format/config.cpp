#include "format/config.h"

#include <gsl/assert>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

constexpr std::uint8_t kCryptoSuite = 1;

bool is_known(chunker::Kernel kernel) noexcept {
  switch (kernel) {
    case chunker::Kernel::fixed:
    case chunker::Kernel::gear:
      return true;
  }
  return false;
}

chunker::CutParameters decode_cut_parameters(core::Decoder& in) {
  chunker::CutParameters parameters;
  parameters.kernel = static_cast<chunker::Kernel>(in.u8());
  parameters.size_min = in.u32();
  parameters.size_avg = in.u32();
  parameters.size_max = in.u32();
  if (in.ok() && !is_known(parameters.kernel)) {
    in.fail_unsupported("it needs a chunking kernel that this program does not know");
  }
  return parameters;
}

}  // namespace

core::Bytes encode_config(const Config& config) {
  Expects(config.features == kKnownFeatures);
  Expects(config.crypto_suite == kCryptoSuite);
  Expects(chunker::valid(config.chunking));
  core::Encoder out;
  encode_id(out, config.repository_id);
  out.varint(config.features);
  out.u8(config.crypto_suite);
  encode_id(out, config.admin_key);
  out.u8(chunker::kContentClassCount);
  for (const chunker::CutParameters& parameters : config.chunking.classes) {
    out.u8(static_cast<std::uint8_t>(parameters.kernel));
    out.u32(parameters.size_min);
    out.u32(parameters.size_avg);
    out.u32(parameters.size_max);
  }
  Ensures(out.size() <= kConfigBytesMax);
  return std::move(out).take();
}

core::Result<Config> decode_config(core::ByteView payload) {
  core::Decoder in(payload, "config");
  if (payload.size() > kConfigBytesMax) {
    in.fail_limit("it is too long");
  }
  Config config;
  config.repository_id = decode_id<RepositoryId>(in);
  // Features of a newer program change the meaning of everything after them: check these first.
  config.features = in.varint();
  if ((config.features & ~kKnownFeatures) != 0) {
    in.fail_unsupported("it needs features that this program does not know");
  }
  config.crypto_suite = in.u8();
  if (in.ok() && config.crypto_suite != kCryptoSuite) {
    in.fail_unsupported("it needs a crypto suite that this program does not know");
  }
  config.admin_key = decode_id<core::SignPublicKey>(in);
  in.expect_u8(chunker::kContentClassCount, "the number of content classes");
  for (chunker::CutParameters& parameters : config.chunking.classes) {
    parameters = decode_cut_parameters(in);
  }
  if (in.ok() && !chunker::valid(config.chunking)) {
    in.fail_corrupt("its chunk sizes make no sense");
  }
  CAIRN_TRY_STATUS(in.finish());
  return config;
}

}  // namespace cairn::repo::format
