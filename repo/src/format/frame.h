#pragma once

#include <cstdint>
#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/crypto.h"
#include "cairn/core/result.h"

/// The outermost layer of every object: what it is, which version, and a hash that anyone can
/// check without a key. docs/FORMAT.md, "Frames" and "Twins".
namespace cairn::repo::format {

/// The numbers are stored in objects; the order is that in which objects are first written.
enum class ObjectKind : std::uint8_t {
  config = 1,
  key_slot = 2,
  pack = 3,
  index = 4,
  session = 5,
  snapshot = 6,
  forgotten = 7,
  condemned = 8,
  mark = 9,
  settings = 10,
};
inline constexpr std::size_t kObjectKindCount = 10;
[[nodiscard]] std::string_view to_string(ObjectKind kind) noexcept;

inline constexpr std::uint16_t kFormatVersion = 1;
/// "CAIRN", kind, version (u16).
inline constexpr std::size_t kPreambleBytes = 8;
/// Preamble, payload length (u32).
inline constexpr std::size_t kFrameHeaderBytes = kPreambleBytes + 4;
inline constexpr std::size_t kFrameDigestBytes = 32;
inline constexpr std::size_t kFrameOverheadBytes = kFrameHeaderBytes + kFrameDigestBytes;

inline constexpr std::size_t kFramePayloadBytesMax = 64 * 1024 * 1024;

void encode_preamble(core::Bytes& out, ObjectKind kind);
/// corrupt: not one of our objects, or of another kind. unsupported_version: made by a newer Cairn.
core::Status check_preamble(core::ByteView object, ObjectKind kind);

/// preamble | u32 length | payload | BLAKE2b-256 of everything before.
/// Requires payload.size() <= kFramePayloadBytesMax.
[[nodiscard]] core::Bytes encode_frame(ObjectKind kind, core::ByteView payload);

/// A frame that was checked: views into the input.
struct Frame {
  core::ByteView payload;
  core::Hash256 digest;  ///< equals the name of an object that is named by its content
  bool intact = true;    ///< false: one copy of a twin is damaged, or there are other bytes
};
/// The whole input must be one intact frame.
[[nodiscard]] core::Result<Frame> decode_frame(core::ByteView object, ObjectKind kind);

/// Small objects that nothing can rebuild (config, key slots, snapshots, tombstones) are written
/// twice in a row, so that one bad sector does not destroy them.
[[nodiscard]] core::Bytes encode_twin(ObjectKind kind, core::ByteView payload);

/// Succeeds if at least one copy is intact.
[[nodiscard]] core::Result<Frame> decode_twin(core::ByteView object, ObjectKind kind);

}  // namespace cairn::repo::format
