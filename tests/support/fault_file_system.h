#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/core/file_system.h"
#include "seeded_random.h"

namespace cairn::test {

/// What can be called on a file system and on its files.
enum class FileCall : unsigned char {
  create,
  append,
  sync,
  close,
  read_at,
  info,
  list,
  publish,
  remove,
  make_folder,
  sync_folder,
  replace,
};
inline constexpr std::size_t kFileCalls = 12;

/// Which call fails, and how. See fault_loop.h for running through all of them.
struct Fault {
  std::uint64_t at_call = 1;          ///< 1 is the first call after arm()
  std::optional<FileCall> only = {};  ///< count and fail only these
  bool sticky = false;                ///< so do all (matching) calls after it
  core::ErrorCode code = core::ErrorCode::io;
  /// The call does its work and reports failure all the same: an answer lost on the way.
  bool takes_effect = false;
};

/// Passes calls on to `real`, which must outlive it, and can
///  - count them,
///  - let a chosen one fail (a failing append writes the first half of its data),
///  - forget, as a power cut does, what was not made durable: crash().
///
/// The model of durability is the weakest that POSIX allows. Data lasts after WritableFile::sync();
/// a name that was added or removed lasts after sync_folder() of its folder; syncing a file does
/// not keep its name. Whatever is not durable may survive nevertheless, each piece by itself.
/// Renaming is atomic: after a crash a durable file is found under one of its names, or both.
///
/// Thread-safe: calls run one at a time.
class FaultFileSystem final : public core::FileSystem {
 public:
  explicit FaultFileSystem(core::FileSystem& real);
  ~FaultFileSystem() override;

  void arm(const Fault& fault);
  /// No failures any more. fault_hit() keeps its answer.
  void disarm();
  /// Whether the fault armed last has come true.
  [[nodiscard]] bool fault_hit() const;

  /// Calls since construction, failed ones included.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] std::uint64_t calls(FileCall kind) const;

  /// The power is cut and comes back: real files go back to what was durable, and each thing that
  /// was not is kept, lost or torn as `seed` decides; kLoseAll and kKeepAll are the two extremes.
  /// Faults are disarmed; files still open answer io for ever.
  core::Status crash(std::uint64_t seed);
  static constexpr std::uint64_t kLoseAll = 0;
  static constexpr std::uint64_t kKeepAll = 1;

  core::Result<std::unique_ptr<core::WritableFile>> create(const std::string& path) override;
  core::Status read_at(const std::string& path, std::uint64_t offset,
                       core::MutableByteView out) override;
  core::Result<std::optional<core::FileInfo>> info(const std::string& path) override;
  core::Result<std::vector<std::string>> list(const std::string& path) override;
  core::Status publish(const std::string& from, const std::string& to) override;
  /// Until the folder is synced a power cut may bring back what was replaced; one of both is there.
  core::Status replace(const std::string& from, const std::string& to) override;
  core::Status remove(const std::string& path) override;
  core::Status make_folder(const std::string& path) override;
  core::Status sync_folder(const std::string& path) override;
  // Not counted: modes are no part of what a fault loop is about.
  core::Status share(const std::string& path, core::Sharing sharing) override;
  core::Result<core::Sharing> sharing_inside(const std::string& folder) override;

 private:
  class File;
  struct Contents;
  struct NameChange;
  enum class Chance : unsigned char { lose_all, keep_all, random };

  /// What to do about a call that is about to happen.
  enum class Decision : unsigned char { pass, fail, fail_afterwards };
  Decision decide(FileCall kind);
  core::Status injected(FileCall kind, const std::string& path) const;
  template <class Operation>
  core::Status run(FileCall kind, const std::string& path, Operation operation);

  core::Status append_to(File& file, core::ByteView data);
  core::Status sync(File& file);
  core::Status close(File& file);
  core::Status power_was_cut(const File& file) const;

  bool is_pending_addition(const std::string& path) const;
  bool survives(SeededRandom& random, Chance chance) const;
  core::Bytes torn(core::ByteView data, const Contents& contents, SeededRandom& random,
                   Chance chance) const;
  core::Status tear_unsynced(SeededRandom& random, Chance chance);
  core::Status undo_addition(NameChange& change);
  core::Status undo_removal(NameChange& change);
  core::Result<core::Bytes> read_all(const std::string& path);
  core::Status write_all(const std::string& path, core::ByteView data);
  core::Status remove_all(const std::string& path);

  core::FileSystem& real_;
  mutable std::mutex mutex_;
  std::array<std::uint64_t, kFileCalls> calls_{};
  std::optional<Fault> fault_;
  std::uint64_t calls_since_armed_ = 0;
  bool fault_hit_ = false;
  std::uint64_t power_cuts_ = 0;
  /// Files created since the last crash, by their present path.
  std::unordered_map<std::string, std::shared_ptr<Contents>> contents_;
  /// Names added and removed since their folders were synced, oldest first.
  std::vector<NameChange> changes_;
};

}  // namespace cairn::test
