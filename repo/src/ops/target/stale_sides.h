#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/file_plan.h"

namespace cairn::repo::ops {

/// What stands beside a file and would be taken for its own if the file is a database: that belongs
/// to another state of it than the one restored, and goes when the file comes.
class StaleSides {
 public:
  /// `names` stand in the folder. Nothing is done but by set_aside().
  StaleSides(const PlannedFile& planned, std::vector<std::string> names)
      : planned_(planned), names_(std::move(names)) {}

  [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
  /// Takes them out of the way before a database gets its place. `standing`: the file that has it
  /// now, or -1. In a dry run only tells.
  core::Status set_aside(int restored, int standing);
  /// For good, or, if the database could not be put into its place, back.
  void settle(bool is_done);

 private:
  /// True if one of them is a log that a database has not done with.
  [[nodiscard]] bool have_log();

  const PlannedFile& planned_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::string>> aside_;  ///< name, temporary name
};

}  // namespace cairn::repo::ops
