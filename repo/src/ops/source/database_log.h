#pragma once

#include <string>

#include "cairn/core/bytes.h"
#include "ops/source/source.h"

/// What has to be known of SQLite databases to read them while they are used. A database and its
/// log (https://www.sqlite.org/fileformat.html, sections 1.3, 3, 4) belong to one moment: of two
/// moments they make a database that is damaged.
namespace cairn::repo::ops {

/// True if a file that begins with these bytes is a database.
[[nodiscard]] bool is_sqlite(core::ByteView head) noexcept;

/// The name of a log with something in it that stands beside a file and that the walk has not told
/// of; empty: there is none.
[[nodiscard]] std::string log_beside(const WalkItem& item);

/// True of the index of a -wal that the programs that use a database share. It changes all the
/// time, and is made again by the first who opens the database.
[[nodiscard]] bool is_shared_memory(const WalkItem& item);

}  // namespace cairn::repo::ops
