#pragma once

#include <sys/stat.h>

#include <optional>

#include "cairn/repo/entry.h"
#include "cairn/repo/restore.h"

namespace cairn::repo::ops {

using Standing = std::optional<struct ::stat>;  ///< what has the name now; nullopt: nothing

/// What to do about one object.
enum class Verdict {
  create,         ///< nothing has the name
  compare,        ///< both are files: see which chunks differ
  metadata_only,  ///< the contents count as equal
  replace,        ///< one of the two is no file
  keep,
  refuse,
};
[[nodiscard]] Verdict judge(Overwrite overwrite, const Standing& standing, const Entry& entry);

/// True if an existing folder keeps its owner, mode, time, ...
[[nodiscard]] bool keeps_folder_metadata(Overwrite overwrite, const struct ::stat& standing,
                                         const Entry& entry);

[[nodiscard]] core::Timestamp mtime_of(const struct ::stat& status) noexcept;
/// True if the file type in st_mode is that of the entry.
[[nodiscard]] bool same_type(const struct ::stat& status, EntryType type) noexcept;

}  // namespace cairn::repo::ops
