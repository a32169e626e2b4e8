#include "format/settings.h"

#include <gsl/assert>
#include <utility>

#include "format/fields.h"

namespace cairn::repo::format {
namespace {

void encode_signed_part(core::Encoder& out, const Settings& settings) {
  Expects(settings.number > 0);
  Expects(settings.signer.role == Role::admin);
  out.varint(settings.number);
  out.varint(settings.max_repo_bytes);
  encode_timestamp(out, settings.when);
  encode_certificate(out, settings.signer);
}

}  // namespace

core::Bytes encode_settings(const Settings& settings) {
  core::Encoder out;
  encode_signed_part(out, settings);
  encode_id(out, settings.signature);
  return std::move(out).take();
}

core::Result<Settings> decode_settings(core::ByteView input) {
  core::Decoder in(input, "settings");
  Settings settings;
  settings.number = in.varint();
  if (in.ok() && settings.number == 0) {
    in.fail_corrupt("their number is 0");
  }
  settings.max_repo_bytes = in.varint();
  settings.when = decode_timestamp(in);
  settings.signer = decode_certificate(in);
  if (in.ok() && settings.signer.role != Role::admin) {
    in.fail_corrupt(kWrongSigner);
  }
  settings.signature = decode_id<core::Signature>(in);
  CAIRN_TRY_STATUS(in.finish());
  return settings;
}

core::Bytes settings_message(const RepositoryId& repository, const Settings& settings) {
  core::Encoder out = start_message("cairn settings v1", repository);
  encode_signed_part(out, settings);
  return std::move(out).take();
}

}  // namespace cairn::repo::format
