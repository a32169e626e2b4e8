#pragma once

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "ops/progress_meter.h"
#include "ops/source.h"
#include "ops/state.h"

namespace cairn::repo::ops {

/// What a backup takes: where walks begin, and what they must not leave out, or must.
struct BackupSources {
  std::vector<std::string> paths;  ///< absolute, in the order of bytes, none below another
  std::map<std::string, std::string> read_from = {};  ///< where some of them are read
  std::vector<std::string> named;    ///< below one of those, but named themselves; in order
  std::vector<InodeId> own_folders;  ///< where the repository lies, and its cache
};

/// Sorts out the paths that were named. `may_be_missing`: they are no paths of the file system.
/// Errors: invalid_argument (not absolute, or none at all; one within another, where some are read
/// elsewhere); not_found, permission_denied, io: not
/// one of them can be looked at. If only some cannot, the backup will name them.
[[nodiscard]] core::Result<BackupSources> find_sources(
    const std::vector<std::string>& paths, const std::map<std::string, std::string>& read_from,
    bool may_be_missing, Observer& observer);

/// The folders of an open repository and its catalogue.
[[nodiscard]] std::vector<InodeId> own_folders(const State& state);

/// What a walk of them has to know.
void set_sources(const BackupSources& sources, const Choice& choice, WalkOptions& walk);

/// Counts the sources beside the backup, for the totals of the progress display. Goes where the
/// backup goes, and nowhere else.
class Estimate {
 public:
  /// Everything must outlive it.
  Estimate(const BackupSources& sources, const Choice& choice, ProgressMeter& meter);

 private:
  std::jthread thread_;
};

}  // namespace cairn::repo::ops
