#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/restore.h"
#include "ops/target/open_beneath.h"
#include "ops/target/restore_log.h"
#include "ops/target/restore_metadata.h"
#include "ops/target/restore_policy.h"
#include "ops/target/restore_spared.h"

namespace cairn::repo::ops {

/// How to make files without a name until they are complete (O_TMPFILE).
enum class UnnamedFiles : std::uint8_t {
  best,      ///< named by their descriptors, which not every user may; else
  by_proc,   ///< through /proc; else
  are_named  ///< not at all: under a temporary name
};

/// Names of files being built. No snapshot is likely to hold such names.
inline constexpr std::string_view kTemporaryPrefix = ".cairn-restore-";

/// What a restore may do to its target. Const methods are thread-safe.
struct TargetOptions {
  std::string path;
  Overwrite overwrite = Overwrite::refuse;
  bool delete_extra = false;
  bool dry_run = false;
  MetadataOptions metadata = {};
  std::function<bool(std::string_view path, bool is_folder)> selects;
  ProtectedObjects protects = {};
  UnreadPaths unread = {};
  std::vector<Choice> left_out = {};
  std::function<bool(std::string_view path)> is_only_passed = {};
  std::stop_token stop;
  BeneathOpener::Way opening = BeneathOpener::Way::best;
  UnnamedFiles unnamed = UnnamedFiles::best;

  /// True if the object is to be restored: `in_snapshot` is its path there.
  [[nodiscard]] bool takes(std::string_view in_snapshot, bool is_folder) const {
    return !selects || selects(in_snapshot, is_folder);
  }
  /// True of a folder that is not selected itself, but for what may be in it.
  [[nodiscard]] bool passes(std::string_view in_snapshot) const {
    return is_only_passed && is_only_passed(in_snapshot);
  }
  [[nodiscard]] bool protects_what_stands(const Standing& standing) const {
    return standing && !protects.find(*standing).empty();
  }
  /// What to do about an object in whose place something stands. Tells it if that is something
  /// that must be kept in any case.
  [[nodiscard]] Verdict judge(const Standing& standing, const Entry& entry,
                              const std::string& place, RestoreLog& log) const {
    if (protects_what_stands(standing)) {
      log.warning(place + " is " + std::string(protects.find(*standing)) +
                  " that this restore works with: it is left as it is");
      return Verdict::keep;
    }
    return ops::judge(overwrite, standing, entry);
  }
};

}  // namespace cairn::repo::ops
