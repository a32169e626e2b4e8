#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/file_build.h"
#include "ops/target/file_plan.h"
#include "ops/target/stale_sides.h"

namespace cairn::repo::ops {

/// One file being restored: compared with what exists, built if something differs, and completed
/// with its last piece. Thread-safe.
class RestoredFile {
 public:
  /// `stale_sides`: as in StaleSides.
  RestoredFile(RestoreTarget& target, std::shared_ptr<TargetFolder> folder, Entry entry,
               const FilePlan& plan, std::vector<std::string> stale_sides, OpenFiles& open_files);
  /// Removes what is half built unless the restore was interrupted and much of it is done.
  ~RestoredFile();
  RestoredFile(const RestoredFile&) = delete;
  RestoredFile& operator=(const RestoredFile&) = delete;

  [[nodiscard]] const PlannedFile& planned() const noexcept { return planned_; }
  [[nodiscard]] std::string path() const { return planned_.path(); }

  /// Pieces of work not yet done; starts at 1, for the planning.
  std::atomic<std::uint64_t> outstanding{1};

  /// The existing file does not contain everything that it should.
  void set_differs() noexcept { differs_ = true; }

  /// Writes into the file being built. Does nothing if the file has failed.
  core::Status write(std::uint64_t offset, core::ByteView data,
                     Run::Bytes bytes = Run::Bytes::new_ones);
  core::Status make_hole(std::uint64_t offset, std::uint64_t length);

  void fail(const std::string& reason);
  /// All work is done: gives the file metadata and name. Errors: why it could not be restored.
  core::Status complete();

 private:
  static constexpr std::uint64_t kResumedMin = std::uint64_t{16} * 1024 * 1024;

  /// Where to write the run; nullptr: nowhere.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> place_of(const Run& run);
  /// What the file is built in: chosen, and begun, when it is first asked for.
  [[nodiscard]] core::Result<FileBuild*> build(bool in_one_go);
  [[nodiscard]] core::Result<RestoreAction> complete_unchanged();
  core::Status complete_changed();

  const PlannedFile planned_;
  OpenFiles& open_files_;
  std::atomic<bool> differs_;

  std::mutex mutex_;  ///< protects what follows
  StaleSides sides_;
  std::variant<std::monostate, NewFile, ChangedClone, InPlacePatch> build_room_;
  FileBuild* build_ = nullptr;  ///< in build_room_; nullptr: nothing had to be written so far
  std::optional<std::string> failure_;
};

}  // namespace cairn::repo::ops
