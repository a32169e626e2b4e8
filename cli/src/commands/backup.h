#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/repo/backup.h"
#include "context/backup_sources.h"
#include "text/times.h"

namespace cairn::cli {

struct BackupArguments : SourceArguments {
  std::vector<std::string> tags;
  std::string name;
  std::string description;
  std::string host;                    ///< empty: CAIRN_HOST, or that of the machine
  std::optional<Moment> time;          ///< what to record instead of now
  std::vector<std::string> record_as;  ///< empty, or the path to record for each of the paths
  bool skip_if_unchanged = false;
  repo::SnapshotType type = repo::SnapshotType::manual;
  int compression_level = repo::kCompressionDefault;
  bool dry_run = false;

  bool ignore_ctime = false;
  bool ignore_inode = false;
  bool force_rehash = false;
  double rehash_sample = 0;
  std::uint64_t time_limit_seconds = 0;
};

}  // namespace cairn::cli
