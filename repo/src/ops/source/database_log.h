#pragma once

#include <string>

#include "cairn/core/bytes.h"
#include "ops/source/source.h"

/// What is needed to know about SQLite databases to read them while they are in use. A database and
/// its log (https://www.sqlite.org/fileformat.html, sections 1.3, 3, 4) must be of the same moment;
/// otherwise together they are a damaged database.
namespace cairn::repo::ops {

/// True if a file that begins with these bytes is a database.
[[nodiscard]] bool is_sqlite(core::ByteView head) noexcept;

/// The name of a non-empty log beside a file that the walk has not reported with it; empty: there
/// is none.
[[nodiscard]] std::string log_beside(const WalkItem& item);

/// True for the index of a -wal, which all programs that use the database share. It changes all the
/// time, and the first program to open the database makes it again.
[[nodiscard]] bool is_shared_memory(const WalkItem& item);

}  // namespace cairn::repo::ops
