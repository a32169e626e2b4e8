#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/file_plan.h"

namespace cairn::repo::ops {

/// Files beside a file that SQLite would use if the file is a database. They belong to another
/// state than the one restored, and are removed when the file is restored.
class StaleSides {
 public:
  /// `names` are in the folder. Only set_aside() does anything.
  StaleSides(const PlannedFile& planned, std::vector<std::string> names)
      : planned_(planned), names_(std::move(names)) {}

  [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
  /// Moves them away before a database gets its place. `standing`: the file that has it now, or -1.
  /// In a dry run only reports.
  core::Status set_aside(int restored, int standing);
  /// Removes them or, if the database could not be put into its place, moves them back.
  void remove_or_put_back(bool is_done);

 private:
  /// True if one of them is an unfinished log.
  [[nodiscard]] bool have_log();

  const PlannedFile& planned_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::string>> aside_;  ///< name, temporary name
};

}  // namespace cairn::repo::ops
