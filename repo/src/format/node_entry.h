#pragma once

#include <string_view>
#include <vector>

#include "cairn/core/codec.h"
#include "cairn/repo/entry.h"

/// Entries inside folder leaves and root nodes. docs/FORMAT.md, "Entries".
namespace cairn::repo::format {

/// uid, gid, user, group.
inline constexpr std::size_t kOwnerBytesMin = 4;

void encode_owner(core::Encoder& out, const Owner& owner);
[[nodiscard]] Owner decode_owner(core::Decoder& in);

/// A list of extended attributes without more. `count_min`: fewer are corrupt.
void encode_xattrs(core::Encoder& out, const std::vector<Xattr>& xattrs);
[[nodiscard]] std::vector<Xattr> decode_xattrs(core::Decoder& in, std::size_t count_min);
/// What is wrong with them; empty: nothing.
[[nodiscard]] std::string_view xattrs_defect(const std::vector<Xattr>& xattrs) noexcept;

/// The parts of an entry before and after its owner's number, which only leaves contain.
struct EntryHead {
  std::uint8_t flags = 0;
};
void encode_entry_head(core::Encoder& out, const Entry& entry);
[[nodiscard]] EntryHead decode_entry_head(core::Decoder& in, Entry& entry);
void encode_entry_tail(core::Encoder& out, const Entry& entry);
void decode_entry_tail(core::Decoder& in, EntryHead head, Entry& entry);

/// The smallest entry: a name of one byte, type, flags, mode, owner, time.
inline constexpr std::size_t kEntryBytesMin = 2 + 1 + 1 + 2 + 1 + 2;

}  // namespace cairn::repo::format
