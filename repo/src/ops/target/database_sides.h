#pragma once

#include <string>
#include <string_view>
#include <vector>

/// The files that SQLite keeps beside a database: a write-ahead log and its index, a rollback
/// journal. What is in them belongs to the database: beside another version of it SQLite would
/// apply them all the same.
namespace cairn::repo::ops {

/// The names that they have beside a database of this name.
[[nodiscard]] std::vector<std::string> side_names(std::string_view database);
/// Those of them that are among `names`, which are sorted as bytes.
[[nodiscard]] std::vector<std::string> sides_among(const std::vector<std::string>& names,
                                                   std::string_view database);
/// True of a name that such a file may have.
[[nodiscard]] bool is_side_name(std::string_view name);

/// True if the open file begins as a database does. One that is encrypted does not.
[[nodiscard]] bool is_database(int file);
/// True if the open file begins as a write-ahead log or a rollback journal that is not done with.
[[nodiscard]] bool is_database_log(int file);

}  // namespace cairn::repo::ops
