#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "cairn/repo/backup.h"
#include "ops/progress/progress_meter.h"
#include "ops/repository/catalogue_view.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {

/// What a backup takes: where walks begin, and what they must not leave out, or must leave out.
struct BackupSources {
  std::vector<std::string> paths;  ///< absolute, in the order of bytes, none below another
  std::map<std::string, std::string> read_from = {};  ///< where some of them are read
  std::vector<std::string> named;    ///< below one of those, but also named themselves; in order
  std::vector<InodeId> own_folders;  ///< the folders of the repository and its cache
};

/// Checks and sorts the paths that were named. `may_be_missing`: they are no paths of the file
/// system. Errors: invalid_argument (not absolute; none at all; one within another, if some are
/// read elsewhere); not_found, permission_denied, io: none of them can be looked at;
/// limit_exceeded: more, or longer ones, than a snapshot can list. If only some cannot be looked
/// at, the backup reports them.
[[nodiscard]] core::Result<BackupSources> find_sources(
    const std::vector<std::string>& paths, const std::map<std::string, std::string>& read_from,
    bool may_be_missing, Observer& observer);

/// The folders of an open repository and its catalogue.
[[nodiscard]] std::vector<InodeId> own_folders(CatalogueView view);

/// Tells the options of a walk about the sources.
void set_sources(const BackupSources& sources, const Choice& choice, WalkOptions& walk);

/// Counts the sources while the backup runs, for the totals of the progress display. Looks only
/// where the backup does. If no thread can be started there are no totals.
class Estimate {
 public:
  /// Everything must outlive it.
  Estimate(const core::Threads& threads, const BackupSources& sources, const Choice& choice,
           ProgressMeter& meter);
  Estimate(const Estimate&) = delete;
  Estimate& operator=(const Estimate&) = delete;
  ~Estimate() { stop_.request_stop(); }

 private:
  std::stop_source stop_;
  core::GuardedThread thread_;
};

}  // namespace cairn::repo::ops
