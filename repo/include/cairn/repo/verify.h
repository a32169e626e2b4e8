#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

struct VerifyOptions {
  /// Snapshots to check; empty: all of them, and every object of the repository.
  std::vector<SnapshotId> snapshots = {};
  /// Read, decrypt, decompress and re-hash every byte (of the packs that the snapshots need).
  /// Without the data key (roles maintain, audit) the ciphertext is checked instead, which finds
  /// the same damage of storage. False: structure only.
  bool check_integrity = false;
  unsigned workers = 0;
  std::stop_token stop = {};
};

struct Finding {
  enum class Severity : std::uint8_t {
    damage,      ///< was read and is not what was written, or is missing
    unreadable,  ///< not known: the storage did not return it, or a newer program wrote it
    note,
  };
  Severity severity = Severity::damage;
  /// It was looked for and not found, as opposed to read and found wrong. While a prune runs, what
  /// it does looks the same.
  bool missing = false;
  std::string object;   ///< "packs/ab/abcd...", "snapshots/12..."
  std::string message;  ///< what is wrong with it
  std::string advice;   ///< what may help; may be empty
  /// "SNAPSHOT:/path" of what is lost or affected by it; the first kFindingPathsMax.
  std::vector<std::string> affected;
  std::uint64_t affected_count = 0;
};
inline constexpr std::size_t kFindingPathsMax = 100;
[[nodiscard]] std::string_view to_string(Finding::Severity severity) noexcept;

struct VerifyReport {
  std::vector<Finding> findings;
  std::uint64_t snapshots_checked = 0;
  /// The snapshots that cannot restore everything though nothing in them is damaged.
  std::vector<SnapshotId> partial;  ///< their backup ended early on request
  std::vector<SnapshotId> flawed;   ///< their backup could not record all, or not as it was
  std::uint64_t objects_checked = 0;
  std::uint64_t packs_checked = 0;
  std::uint64_t chunks_checked = 0;  ///< decrypted and re-hashed
  std::uint64_t bytes_read = 0;
  bool contents_opened = false;  ///< false: only ciphertext was checked, without the data key

  [[nodiscard]] bool damaged() const noexcept;
  /// Something could not be judged: neither damaged nor known to be intact.
  [[nodiscard]] bool unreadable() const noexcept;
};

/// Checks and reports; changes nothing. Collects all findings. Backups and prunes may run
/// meanwhile: what seems to be missing after packs have been deleted is looked for again. Errors
/// only for what stops the check itself: not_permitted, interrupted, io; busy if packs were deleted
/// each time it looked, so that it cannot tell what is missing from what was moved.
[[nodiscard]] core::Result<VerifyReport> verify(Repository& repository,
                                                const VerifyOptions& options, Observer& observer);

}  // namespace cairn::repo
