#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cairn/core/result.h"
#include "ops/target/restore_target.h"

namespace cairn::repo::ops {

/// The name of a file while it is built as a whole. It follows from name and content, so that the
/// same restore finds it again.
[[nodiscard]] std::string temporary_name(const Entry& entry);
/// The same for a patch of an existing file.
[[nodiscard]] std::string patch_name(const Entry& entry);

/// What an earlier restore left of a file.
enum class Leftover : std::uint8_t {
  none,
  half_built,  ///< under its temporary name: to be continued
  useless,     ///< something else has that name: to be removed
};

/// What is known about a file's place before anything is done.
struct FilePlan {
  Verdict verdict = Verdict::create;  ///< create, replace, compare or metadata_only
  Standing standing;  ///< the regular file of that name, if it is compared or metadata_only
  Leftover leftover = Leftover::none;
  bool has_patch = false;  ///< an earlier restore left one, and perhaps a mixture

  /// True if some of the file's bytes may already be there.
  [[nodiscard]] bool is_compared() const noexcept {
    return leftover == Leftover::half_built || verdict == Verdict::compare;
  }
};

/// Looks at what exists. nullopt: the options say to keep it. Errors: already_exists, io.
[[nodiscard]] core::Result<std::optional<FilePlan>> plan_file(RestoreTarget& target,
                                                              const TargetFolder& folder,
                                                              const Entry& entry);

/// A file of the snapshot and its place in the target. Thread-safe.
struct PlannedFile {
  RestoreTarget& target;
  const std::shared_ptr<TargetFolder> folder;
  const Entry entry;
  const FilePlan plan;

  [[nodiscard]] std::string path() const;
  /// Opens the existing file, if it still is the one that was planned with.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open_standing(int flags) const;
  /// Opens what an earlier restore left under this name, if nobody else can have made it.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> open_leftover(
      const std::string& name) const;
};

}  // namespace cairn::repo::ops
