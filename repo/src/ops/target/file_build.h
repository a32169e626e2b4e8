#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "ops/target/file_plan.h"

/// The three ways to make a file. Each says what a crash leaves, which is what a restore promises:
/// docs/design/0005-restore-in-place.md.
namespace cairn::repo::ops {

/// What all files of a restore share.
struct OpenFiles {
  static constexpr std::size_t kMax = 256;
  std::atomic<std::size_t> count{0};
  std::atomic<bool> may_have_reflinks{true};  ///< false once the file system has refused a reflink
};

/// A range of a file, and where its bytes come from.
struct Run {
  enum class Bytes : std::uint8_t {
    new_ones,
    from_patch,  ///< new ones that the patch of an earlier restore holds, too
    hole
  };
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Bytes bytes = Bytes::new_ones;
};

/// A file that is built where nobody looks for it. Unless it is completed, or kept for the next
/// restore to continue, nothing is left of it. Not thread-safe.
class FileBuild {
 public:
  virtual ~FileBuild();
  FileBuild(const FileBuild&) = delete;
  FileBuild& operator=(const FileBuild&) = delete;

  /// The file to write this run into; nullptr: nothing need be written for it now.
  [[nodiscard]] virtual core::Result<std::shared_ptr<Descriptor>> place_of(const Run& run);
  /// Everything is written: gives the file its metadata and its place. To be called once.
  virtual core::Status complete() = 0;

  /// The file being built, reopened if it had to be closed.
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> file();
  /// Closes the file until it is needed again, if it has a name by which it can be found.
  void rest();
  void keep() noexcept { is_kept_ = true; }

 protected:
  FileBuild(const PlannedFile& planned, OpenFiles& open_files)
      : planned_(planned), open_files_(open_files) {}

  core::Status create(std::string name);
  core::Status go_on_with(std::string leftover);
  void hold(std::shared_ptr<Descriptor> file);
  /// The file is not opened again, and what has its temporary name is not discarded.
  void end();
  [[nodiscard]] core::Status set_recorded_size();

  const PlannedFile& planned_;
  OpenFiles& open_files_;
  std::shared_ptr<Descriptor> file_;
  std::string name_;  ///< temporary; empty: it has none

 private:
  bool is_kept_ = false;
};

/// A new file: without a name if all of it is written at once and the file system allows that, else
/// under a temporary name, or what an earlier restore left under that. A link or a rename gives it
/// its own name. After a crash the old file is unchanged. There may be a file with a temporary name
/// beside it: the next restore of the same snapshot compares it and goes on from there.
class NewFile : public FileBuild {
 public:
  NewFile(const PlannedFile& planned, OpenFiles& open_files) : FileBuild(planned, open_files) {}
  /// `in_one_go`: nothing will be written later than what is written now.
  core::Status begin(bool in_one_go);
  core::Status complete() override;

 private:
  core::Status give_name();
};

/// A new file that begins as a clone or copy of the existing one, under a temporary name. A crash
/// leaves the same as with any new file.
class ChangedClone final : public NewFile {
 public:
  using NewFile::NewFile;
  /// False: there are no reflinks, and a copy would be more than the differences: a patch is
  /// better.
  [[nodiscard]] core::Result<bool> begin_with(int standing);
};

/// A sparse file beside the existing one that holds only the differences, which are copied over at
/// the end. A crash before complete() leaves the existing file unchanged. One in complete() leaves
/// at worst a mixture and the patch beside it: the next restore of the same snapshot then compares
/// the file whatever its size and time are. The patch is removed after the file is on disk and has
/// its time.
class InPlacePatch final : public FileBuild {
 public:
  InPlacePatch(const PlannedFile& planned, OpenFiles& open_files)
      : FileBuild(planned, open_files) {}
  core::Status begin();
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> place_of(const Run& run) override;
  core::Status complete() override;

 private:
  core::Status apply(int standing);

  std::vector<Run> runs_;
};

}  // namespace cairn::repo::ops
