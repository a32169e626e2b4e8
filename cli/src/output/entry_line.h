#pragma once

#include <string>

#include "cairn/core/clock.h"
#include "cairn/repo/browse.h"

namespace cairn::cli {

/// "-rw-r--r-- ada      users       1.2 KiB 2026-01-01 14:30:05 /path", with the target of a
/// symbolic link or the first name of a hard link. Safe to print.
[[nodiscard]] std::string entry_line(const repo::ListedEntry& listed, core::Clock& clock);

}  // namespace cairn::cli
