#include "format/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>

#include "cairn/core/codec.h"

namespace cairn::repo::format {
namespace {

using core::ErrorCode;

constexpr std::string_view kMagic = "CAIRN";
static_assert(kMagic.size() + 1 + 2 == kPreambleBytes);
static_assert(core::Hash256::kSize == kFrameDigestBytes);

std::uint32_t payload_length(core::ByteView object) {
  core::Decoder in(object.subspan(kPreambleBytes), "frame header");
  return in.u32();
}

/// The bytes of a frame with the given header, or 0 if there is no whole header of this kind.
std::size_t claimed_frame_size(core::ByteView object, ObjectKind kind) {
  if (!check_preamble(object, kind) || object.size() < kFrameOverheadBytes) {
    return 0;
  }
  return std::size_t{payload_length(object)} + kFrameOverheadBytes;
}

}  // namespace

std::string_view to_string(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::config:
      return "config";
    case ObjectKind::key_slot:
      return "key slot";
    case ObjectKind::pack:
      return "pack";
    case ObjectKind::index:
      return "index segment";
    case ObjectKind::session:
      return "session";
    case ObjectKind::snapshot:
      return "snapshot";
    case ObjectKind::forgotten:
      return "tombstone";
    case ObjectKind::condemned:
      return "condemned record";
    case ObjectKind::mark:
      return "mark";
    case ObjectKind::settings:
      return "settings";
  }
  return "unknown object";
}

void encode_preamble(core::Bytes& out, ObjectKind kind) {
  core::Encoder encoder(std::move(out));
  encoder.raw(core::as_view(kMagic));
  encoder.u8(static_cast<std::uint8_t>(kind));
  encoder.u16(kFormatVersion);
  out = std::move(encoder).take();
}

core::Status check_preamble(core::ByteView object, ObjectKind kind) {
  const std::string_view name = to_string(kind);
  core::Decoder in(object, name);
  const core::ByteView magic = in.raw(kMagic.size());
  if (in.ok() && !core::equal(magic, core::as_view(kMagic))) {
    in.fail_corrupt("this is not an object of a Cairn repository");
  }
  const std::uint8_t found_kind = in.u8();
  if (in.ok() && found_kind != static_cast<std::uint8_t>(kind)) {
    in.fail_corrupt(fmt::format("this is a {}", to_string(static_cast<ObjectKind>(found_kind))));
  }
  const std::uint16_t version = in.u16();
  CAIRN_TRY_STATUS(in.check());
  if (version == 0) {
    return core::fail(ErrorCode::corrupt, fmt::format("{}: format version 0 does not exist", name));
  }
  if (version > kFormatVersion) {
    return core::fail(ErrorCode::unsupported_version,
                      fmt::format("{}: has format version {}; this program reads versions up to {}",
                                  name, version, kFormatVersion),
                      "use a newer version of Cairn");
  }
  return {};
}

core::Bytes encode_frame(ObjectKind kind, core::ByteView payload) {
  Expects(payload.size() <= kFramePayloadBytesMax);
  core::Bytes frame;
  frame.reserve(payload.size() + kFrameOverheadBytes);
  encode_preamble(frame, kind);
  core::Encoder out(std::move(frame));
  out.u32(static_cast<std::uint32_t>(payload.size()));
  out.raw(payload);
  const core::Hash256 digest = core::hash256(out.view());
  out.raw(digest.view());
  return std::move(out).take();
}

core::Result<Frame> decode_frame(core::ByteView object, ObjectKind kind) {
  CAIRN_TRY_STATUS(check_preamble(object, kind));
  const std::string_view name = to_string(kind);
  if (object.size() < kFrameOverheadBytes) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{}: {} bytes are too few for a frame", name, object.size()));
  }
  const std::size_t length = payload_length(object);
  if (length > kFramePayloadBytesMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("{}: a payload of {} bytes is above the limit of {}", name,
                                  length, kFramePayloadBytesMax));
  }
  if (object.size() != length + kFrameOverheadBytes) {
    return core::fail(ErrorCode::corrupt, fmt::format("{}: has {} bytes, its header says {}", name,
                                                      object.size(), length + kFrameOverheadBytes));
  }
  Frame frame;
  frame.payload = object.subspan(kFrameHeaderBytes, length);
  frame.digest = core::hash256(object.first(object.size() - kFrameDigestBytes));
  if (!core::equal(frame.digest.view(), object.last(kFrameDigestBytes))) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{}: its bytes do not match its checksum", name));
  }
  return frame;
}

core::Bytes encode_twin(ObjectKind kind, core::ByteView payload) {
  core::Bytes twin = encode_frame(kind, payload);
  const std::size_t size = twin.size();
  twin.resize(2 * size);
  core::copy_exact(core::MutableByteView(twin).subspan(size), core::ByteView(twin).first(size));
  return twin;
}

core::Result<Frame> decode_twin(core::ByteView object, ObjectKind kind) {
  const std::size_t claimed = claimed_frame_size(object, kind);
  auto first = decode_frame(
      object.first(claimed == 0 ? object.size() : std::min(claimed, object.size())), kind);
  if (first) {
    first->intact =
        object.size() == 2 * claimed && core::equal(object.first(claimed), object.subspan(claimed));
    return first;
  }
  // The second copy starts in the middle. If bytes were added at the end, it starts where the
  // length of the first copy says, if that is undamaged.
  const std::size_t middle = object.size() / 2;
  auto second = decode_frame(object.subspan(middle), kind);
  if (second) {
    second->intact = false;
    return second;
  }
  if (claimed != 0 && claimed < object.size()) {
    const core::ByteView rest = object.subspan(claimed);
    const std::size_t size = std::min(claimed_frame_size(rest, kind), rest.size());
    if (auto shifted = decode_frame(rest.first(size), kind)) {
      shifted->intact = false;
      return shifted;
    }
  }
  // Both copies have a preamble in every version: a version that only one shows is damage.
  const ErrorCode code = first.error().code();
  if (code != ErrorCode::corrupt && code == second.error().code()) {
    return core::fail(std::move(first).error());
  }
  return core::fail(ErrorCode::corrupt, fmt::format("{}: both copies are damaged; the first: {}",
                                                    to_string(kind), first.error().message()));
}

}  // namespace cairn::repo::format
