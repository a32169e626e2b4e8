#pragma once

#include "format/config.h"
#include "format/index.h"
#include "format/key_slot.h"
#include "format/mark.h"
#include "format/node.h"
#include "format/pack.h"
#include "format/register.h"
#include "format/session.h"
#include "format/settings.h"
#include "seeded_random.h"

/// Records with random contents that keep all rules, with a liking for the edges.
namespace cairn::test {

template <class IdType>
[[nodiscard]] IdType random_id(SeededRandom& random) {
  IdType id;
  random.fill(id.mutable_view());
  return id;
}
/// Mostly small, sometimes at a power of two or next to it, at most `max`.
[[nodiscard]] std::uint64_t random_number(SeededRandom& random, std::uint64_t max);
/// Any bytes, `size_max` of them at most.
[[nodiscard]] std::string random_text(SeededRandom& random, std::size_t size_max);
[[nodiscard]] core::Timestamp random_time(SeededRandom& random);

[[nodiscard]] repo::format::Config random_config(SeededRandom& random);
[[nodiscard]] repo::format::Certificate random_certificate(SeededRandom& random, repo::Role role);
[[nodiscard]] repo::format::KeyBundle random_key_bundle(SeededRandom& random);
[[nodiscard]] repo::format::SlotLabel random_slot_label(SeededRandom& random);
[[nodiscard]] repo::format::KeySlot random_key_slot(SeededRandom& random);

[[nodiscard]] repo::format::PackHeader random_pack_header(SeededRandom& random);
[[nodiscard]] repo::format::PackDirectory random_pack_directory(SeededRandom& random);
[[nodiscard]] repo::format::PackFooter random_pack_footer(SeededRandom& random);
[[nodiscard]] repo::format::IndexSegment random_index_segment(SeededRandom& random);

[[nodiscard]] repo::format::Link random_link(SeededRandom& random);
[[nodiscard]] repo::format::Register random_register(SeededRandom& random);
[[nodiscard]] repo::Snapshot random_snapshot(SeededRandom& random);
[[nodiscard]] repo::format::Mark random_mark(SeededRandom& random);
[[nodiscard]] repo::format::Settings random_settings(SeededRandom& random);
[[nodiscard]] repo::format::Session random_session(SeededRandom& random);
[[nodiscard]] repo::format::Tombstone random_tombstone(SeededRandom& random);
[[nodiscard]] repo::format::Condemned random_condemned(SeededRandom& random);

[[nodiscard]] repo::Content random_content(SeededRandom& random);
/// With a name, of any type.
[[nodiscard]] repo::Entry random_entry(SeededRandom& random);
[[nodiscard]] repo::format::FolderLeaf random_folder_leaf(SeededRandom& random);
[[nodiscard]] repo::format::FolderInner random_folder_inner(SeededRandom& random);
[[nodiscard]] repo::format::ListLeaf random_list_leaf(SeededRandom& random);
[[nodiscard]] repo::format::ListInner random_list_inner(SeededRandom& random);

}  // namespace cairn::test
