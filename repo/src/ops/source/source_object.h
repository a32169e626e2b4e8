#pragma once

#include <optional>
#include <vector>

#include "ops/posix/object_metadata.h"
#include "ops/source/source.h"

/// Describing one object of a source. The tree is alive: a name may belong to another object a
/// moment later. The object that has the name now is the one that counts, so whoever comes too late
/// looks again.
namespace cairn::repo::ops {

/// How often. A program that keeps replacing an object may win that often by chance, but not more.
inline constexpr int kLooksMax = 10;

/// Removes from an item what it says about an object that no longer has its name.
void forget_object(WalkItem& item);
/// Fills in what statx() says about any object.
void fill_item(WalkItem& item, const Statx& status, const Owner& owner);

/// Completes the item of an object that is neither file nor folder: a link's target, a device's
/// number, attributes. Returns 0 or an errno, for which is_worth_another_look() says whether the
/// name may have passed to another object. Unreadable attributes go to `problems`.
[[nodiscard]] int describe_leaf(WalkItem& item, const Statx& status,
                                std::vector<Problem>& problems);

/// True if an object could not be opened or read because it does not exist any more, or has another
/// type now.
[[nodiscard]] bool is_worth_another_look(int error_number) noexcept;

/// Opens the file of a walk's item. If another file has its name now, the item is changed to that
/// one; if a link, a device, a FIFO or a socket has it, the item is changed to that, and nullopt is
/// returned. Errors: as SourceFile::open; changed: a folder has its name, or something keeps
/// replacing it.
[[nodiscard]] core::Result<std::optional<SourceFile>> open_what_is_there(
    WalkItem& item, std::vector<Problem>& problems);

}  // namespace cairn::repo::ops
