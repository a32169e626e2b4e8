#include <gsl/assert>

#include "format/fields.h"
#include "format/key_slot.h"

namespace cairn::repo::format {
namespace {

void encode_signed_part(core::Encoder& out, const Certificate& certificate) {
  encode_id(out, certificate.subject);
  out.u8(static_cast<std::uint8_t>(certificate.role));
  encode_timestamp(out, certificate.issued);
}

}  // namespace

void encode_certificate(core::Encoder& out, const Certificate& certificate) {
  Expects(is_known(certificate.role));
  encode_signed_part(out, certificate);
  encode_id(out, certificate.signature);
}

Certificate decode_certificate(core::Decoder& in) {
  Certificate certificate;
  certificate.subject = decode_id<core::SignPublicKey>(in);
  certificate.role = decode_role(in);
  certificate.issued = decode_timestamp(in);
  certificate.signature = decode_id<core::Signature>(in);
  return certificate;
}

core::Bytes certificate_message(const RepositoryId& repository, const Certificate& certificate) {
  core::Encoder out = start_message("cairn certificate v1", repository);
  encode_signed_part(out, certificate);
  return std::move(out).take();
}

}  // namespace cairn::repo::format
