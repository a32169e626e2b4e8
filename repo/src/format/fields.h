#pragma once

#include <iterator>
#include <string_view>

#include "cairn/core/clock.h"
#include "cairn/core/codec.h"
#include "cairn/core/id.h"
#include "cairn/repo/ids.h"
#include "cairn/repo/roles.h"

/// Fields that several records share. docs/FORMAT.md, "Primitive encodings".
namespace cairn::repo::format {

template <class Tag, std::size_t Size>
void encode_id(core::Encoder& out, const core::Id<Tag, Size>& id) {
  out.raw(id.view());
}
/// Zero if the input is too short.
template <class IdType>
[[nodiscard]] IdType decode_id(core::Decoder& in) {
  const core::ByteView bytes = in.raw(IdType::kSize);
  return bytes.size() == IdType::kSize ? IdType::from(bytes) : IdType();
}

[[nodiscard]] inline bool is_valid(const core::Timestamp& time) noexcept {
  return time.nanoseconds < core::kNanosecondsPerSecond;
}
/// svarint seconds, varint nanoseconds. Requires is_valid(time).
void encode_timestamp(core::Encoder& out, const core::Timestamp& time);
[[nodiscard]] core::Timestamp decode_timestamp(core::Decoder& in);

[[nodiscard]] bool is_known(Role role) noexcept;
[[nodiscard]] Role decode_role(core::Decoder& in);
/// True for the roles that may sign records that remove something from the repository, or decide
/// what may be removed.
[[nodiscard]] constexpr bool may_collect(Role role) noexcept {
  return role == Role::admin || role == Role::maintain;
}
inline constexpr std::string_view kWrongSigner = "its signer's role may not write it";

/// What encoders return if decoders would refuse the value: sizes and texts come from outside, and
/// whoever made the value may have checked too little. `record` as in "a snapshot"; an empty
/// `defect` means that there is none. Errors: internal.
[[nodiscard]] core::Status check_encodable(std::string_view record, std::string_view defect);

/// A u8 that is 0 or 1.
[[nodiscard]] bool decode_flag(core::Decoder& in);

/// The start of every message that is signed: the kind of record and its repository. Labels are
/// ASCII and end with a zero byte, so that no message of one kind is a message of another.
[[nodiscard]] core::Encoder start_message(std::string_view label, const RepositoryId& repository);

/// True if [first, last) ascends strictly: sorted, without duplicates.
template <class Iterator>
[[nodiscard]] bool ascends_strictly(Iterator first, Iterator last) {
  if (first == last) {
    return true;
  }
  for (Iterator next = std::next(first); next != last; ++first, ++next) {
    if (!(*first < *next)) {
      return false;
    }
  }
  return true;
}

}  // namespace cairn::repo::format
