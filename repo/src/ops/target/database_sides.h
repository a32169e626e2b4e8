#pragma once

#include <string>
#include <string_view>
#include <vector>

/// The files that SQLite keeps beside a database: a write-ahead log and its index, a rollback
/// journal. Their contents belong to that state of the database: beside another one SQLite would
/// apply them all the same.
namespace cairn::repo::ops {

/// The names that they have beside a database of this name.
[[nodiscard]] std::vector<std::string> side_names(std::string_view database);
/// Those that are among `names`, which are sorted as bytes.
[[nodiscard]] std::vector<std::string> sides_among(const std::vector<std::string>& names,
                                                   std::string_view database);
/// True for a name that such a file can have.
[[nodiscard]] bool is_side_name(std::string_view name);

/// True if the open file begins as a database does. An encrypted one does not.
[[nodiscard]] bool is_database(int file);
/// True if the open file begins as a write-ahead log or an unfinished rollback journal.
[[nodiscard]] bool is_database_log(int file);

}  // namespace cairn::repo::ops
