#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/restore.h"
#include "ops/progress_meter.h"
#include "ops/tree_assembler.h"

/// The side of a restore that touches the target: folders, files under temporary names, metadata.
///
/// Everything is done relative to a descriptor of its folder, one name at a time, never through a
/// symbolic link; names were checked when they were decoded. A hostile snapshot, or somebody who
/// swaps folders for links meanwhile, cannot lead it out of the target.
namespace cairn::repo::ops {

/// An open descriptor, closed by the last holder.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

/// A folder of the target that still has work in it. Its metadata is set when the last of that
/// work is done, since every name made in a folder moves its time.
struct TargetFolder {
  std::shared_ptr<TargetFolder> parent;  ///< nullptr: the target itself
  std::string name;
  std::string path;                       ///< for messages
  std::optional<Entry> entry;             ///< metadata to set at the end; nullopt: none recorded
  std::atomic<std::uint64_t> pending{1};  ///< files and folders in it, and the walk
};

struct TargetCounts {
  std::atomic<std::uint64_t> skipped_owner{0};
  std::atomic<std::uint64_t> skipped_special{0};
  std::atomic<std::uint64_t> bytes_written{0};
};

/// Users and groups of this machine by name. Thread-safe.
class OwnerNumbers {
 public:
  explicit OwnerNumbers(bool numeric_only) : numeric_only_(numeric_only) {}
  struct Numbers {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };
  [[nodiscard]] Numbers numbers(const Owner& owner);

 private:
  bool numeric_only_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::optional<std::uint32_t>> users_;
  std::unordered_map<std::string, std::optional<std::uint32_t>> groups_;
};

struct TargetOptions {
  std::string path;
  bool overwrite = false;
  bool numeric_ids = false;
  std::string temporary_prefix;  ///< of names that no snapshot is likely to hold
};

/// Writes into one target folder. Thread-safe. Keeps at most kOpenFoldersMax folders open.
class RestoreTarget {
 public:
  /// Makes the target if it is missing. invalid_argument if it is not empty and may not be
  /// overwritten.
  [[nodiscard]] static core::Result<std::unique_ptr<RestoreTarget>> open(
      const TargetOptions& options, ProblemList& problems);

  [[nodiscard]] const std::shared_ptr<TargetFolder>& root() const noexcept { return root_; }
  [[nodiscard]] TargetCounts& counts() noexcept { return counts_; }
  /// True if the target was made, or empty, when it was opened.
  [[nodiscard]] bool was_empty() const noexcept { return was_empty_; }

  /// Makes (or takes over) a folder with one pending piece of work: the caller's.
  [[nodiscard]] core::Result<std::shared_ptr<TargetFolder>> make_folder(
      const std::shared_ptr<TargetFolder>& parent, std::string name, std::optional<Entry> entry);
  /// One piece of a folder's work is done. The last one sets its metadata, and so on upwards.
  void release(std::shared_ptr<TargetFolder> folder);

  /// Symlinks, devices, FIFOs, sockets: made with their metadata in one go.
  core::Status make_special(const TargetFolder& folder, const Entry& entry);
  /// `first` is the path of the object's first name below `root_folder`.
  core::Status make_hard_link(const TargetFolder& root_folder, std::string_view first,
                              const TargetFolder& folder, const std::string& name);

  /// A new file under a temporary name in the folder.
  struct TemporaryFile {
    std::shared_ptr<Descriptor> descriptor;
    std::string name;
  };
  [[nodiscard]] core::Result<TemporaryFile> create_file(const TargetFolder& folder);
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> reopen_file(const TargetFolder& folder,
                                                                      const std::string& name);
  core::Status write_at(const Descriptor& file, std::uint64_t offset, core::ByteView data);
  /// Gives the file its length where it ends in a hole.
  core::Status resize(const Descriptor& file, std::uint64_t size_bytes);
  /// Sets the metadata, then gives the file its final name.
  core::Status finish_file(const TargetFolder& folder, const TemporaryFile& file,
                           const Entry& entry);
  void discard_file(const TargetFolder& folder, const std::string& temporary_name);

  static constexpr std::size_t kOpenFoldersMax = 256;

 private:
  RestoreTarget(const TargetOptions& options, ProblemList& problems);
  struct OpenFolder {
    const TargetFolder* folder = nullptr;
    std::shared_ptr<Descriptor> descriptor;
  };
  [[nodiscard]] core::Result<std::shared_ptr<Descriptor>> descriptor_of(const TargetFolder& folder);
  void remember(const TargetFolder& folder, std::shared_ptr<Descriptor> descriptor);
  void forget(const TargetFolder& folder);
  core::Status clear_way(int folder, const std::string& name, bool for_folder);
  void set_folder_metadata(const TargetFolder& folder);
  core::Status set_metadata(int descriptor, const Entry& entry, const std::string& path);
  core::Status set_link_metadata(int folder, const Entry& entry, const std::string& path);
  core::Status set_owner(int descriptor, const std::string& name, const Entry& entry,
                         const std::string& path);

  TargetOptions options_;
  ProblemList& problems_;
  OwnerNumbers owners_;
  TargetCounts counts_;
  std::shared_ptr<TargetFolder> root_;
  std::shared_ptr<Descriptor> root_descriptor_;
  bool was_empty_ = true;
  bool is_superuser_ = false;
  std::atomic<std::uint64_t> next_temporary_{0};
  std::mutex mutex_;            ///< open_
  std::list<OpenFolder> open_;  ///< most recently used first
  std::unordered_map<const TargetFolder*, std::list<OpenFolder>::iterator> by_folder_;
};

}  // namespace cairn::repo::ops
