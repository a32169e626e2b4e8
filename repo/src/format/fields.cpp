#include "format/fields.h"

#include <fmt/format.h>

#include <gsl/assert>

namespace cairn::repo::format {

void encode_timestamp(core::Encoder& out, const core::Timestamp& time) {
  Expects(is_valid(time));
  out.svarint(time.seconds);
  out.varint(time.nanoseconds);
}

core::Status check_encodable(std::string_view record, std::string_view defect) {
  if (!defect.empty()) {
    return core::fail(core::ErrorCode::internal, fmt::format("encode {}: {}", record, defect));
  }
  return {};
}

core::Timestamp decode_timestamp(core::Decoder& in) {
  core::Timestamp time;
  time.seconds = in.svarint();
  time.nanoseconds = static_cast<std::uint32_t>(in.varint(core::kNanosecondsPerSecond - 1));
  return time;
}

bool is_known(Role role) noexcept {
  switch (role) {
    case Role::admin:
    case Role::backup:
    case Role::restore:
    case Role::maintain:
    case Role::audit:
      return true;
  }
  return false;
}

Role decode_role(core::Decoder& in) {
  const auto role = static_cast<Role>(in.u8());
  if (in.ok() && !is_known(role)) {
    in.fail_corrupt("unknown role");
  }
  return role;
}

bool decode_flag(core::Decoder& in) {
  const std::uint8_t flag = in.u8();
  if (flag > 1) {
    in.fail_corrupt("a flag is neither 0 nor 1");
  }
  return flag == 1;
}

core::Encoder start_message(std::string_view label, const RepositoryId& repository) {
  core::Encoder out;
  out.raw(core::as_view(label));
  out.u8(0);
  encode_id(out, repository);
  return out;
}

}  // namespace cairn::repo::format
