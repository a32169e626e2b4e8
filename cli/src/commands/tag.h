#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshots.h"
#include "context/context.h"
#include "output/exit_code.h"

namespace cairn::cli {

struct TagArguments {
  bool remove = false;
  std::vector<std::string> tags;
  repo::SnapshotFilter filter;  ///< including names; paths as typed
};

using ChangeMarks = std::function<core::Result<repo::MarkReport>(
    repo::Repository& repository, const std::vector<std::string>& ids, repo::Observer& observer)>;

/// Changes the snapshots that `filter` names, and reports how many were `done`.
[[nodiscard]] core::Result<ExitCode> change_marks(const repo::SnapshotFilter& filter,
                                                  const ChangeMarks& change, std::string_view done,
                                                  Context& context);

}  // namespace cairn::cli
