#pragma once

#include <optional>
#include <vector>

#include "ops/posix/object_metadata.h"
#include "ops/source/source.h"

/// Describing one object of a source. The tree is alive: what has a name may be another object a
/// moment later. Then what has the name now is what is wanted, so whoever comes too late looks
/// again.
namespace cairn::repo::ops {

/// How often. Somebody who replaces an object all the time may win that often by chance, not more.
inline constexpr int kLooksMax = 10;

/// Takes out of an item what it says of an object that has its name no more.
void forget_object(WalkItem& item);
/// Fills what statx() tells of any object.
void fill_item(WalkItem& item, const Statx& status, const Owner& owner);

/// Completes the item of what is neither file nor folder: a link's target, a device's number,
/// attributes. Answers 0 or errno; `is_worth_another_look` of that is true if the name may have
/// gone over to another object. Unreadable attributes go to `problems`.
[[nodiscard]] int describe_leaf(WalkItem& item, const Statx& status,
                                std::vector<Problem>& problems);

/// True if an object could not be opened or read because it is not there, or not of its type, any
/// more.
[[nodiscard]] bool is_worth_another_look(int error_number) noexcept;

/// Opens the file of a walk's item. If another file has its name now, the item tells of that one;
/// if a link, a device, a FIFO or a socket has it, the item tells of that, and nullopt is answered.
/// Errors: as SourceFile::open; changed: a folder has its name, or somebody replaces it all the
/// time.
[[nodiscard]] core::Result<std::optional<SourceFile>> open_what_is_there(
    WalkItem& item, std::vector<Problem>& problems);

}  // namespace cairn::repo::ops
