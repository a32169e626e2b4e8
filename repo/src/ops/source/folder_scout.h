#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/core/clock.h"
#include "ops/posix/object_metadata.h"
#include "ops/source/source.h"

/// The work of one thread of ops/source/folder_lookahead.h.
namespace cairn::repo::ops {

/// Watches one call that may have to wait for a disk, or does nothing.
class WatchedCall {
 public:
  WatchedCall() = default;
  explicit WatchedCall(core::Clock& clock)
      : clock_(&clock), began_ns_(clock.monotonic_ns()), waits_(clock.thread_waits()) {}

  [[nodiscard]] bool is_watched() const noexcept { return clock_ != nullptr; }
  /// How long the call has taken; 0 if the thread never stopped by itself. Losing the processor to
  /// others, as is usual while a backup compresses, is not waiting for a disk.
  [[nodiscard]] std::uint64_t waited_ns() const {
    return clock_->thread_waits() == waits_ ? 0 : clock_->monotonic_ns() - began_ns_;
  }

 private:
  core::Clock* clock_ = nullptr;
  std::uint64_t began_ns_ = 0;
  std::uint64_t waits_ = 0;
};

/// Counts how often calls had to wait: what is in the kernel's cache takes a few microseconds, what
/// comes from a disk or a server takes longer. A wait counts once for each 50 microseconds, eight
/// times at most, since part of it may be waiting for the processor. Not thread-safe.
class WaitMeter {
 public:
  void note(std::uint64_t waited_ns, std::size_t names) noexcept {
    calls_ += 1;
    if (waited_ns > kWaitNs + names * kNameNs) {
      waits_ += static_cast<unsigned>(std::min(waited_ns / kWaitNs, kWaitCountsMax));
    }
  }
  void restart() noexcept { calls_ = waits_ = 0; }
  [[nodiscard]] unsigned calls() const noexcept { return calls_; }
  [[nodiscard]] unsigned waits() const noexcept { return waits_; }

 private:
  static constexpr std::uint64_t kWaitNs = 50'000;
  static constexpr std::uint64_t kWaitCountsMax = 8;
  static constexpr std::uint64_t kNameNs = 500;  ///< per name of a listing
  unsigned calls_ = 0;
  unsigned waits_ = 0;
};

/// Folders that were looked into recently: at least the last 4,096, at most 8,192. Thread-safe.
class RecentFolders {
 public:
  enum class Extent : std::uint8_t {
    children,    ///< those that one read of the folder returned
    everything,  ///< everything below
  };
  void insert(const InodeId& id, Extent extent);
  [[nodiscard]] std::optional<Extent> find(const InodeId& id) const;

 private:
  mutable std::mutex mutex_;
  std::map<InodeId, Extent> newer_;
  std::map<InodeId, Extent> older_;
};

/// Looks at objects, only to bring them into the kernel's cache. Failures are left to the walk,
/// which will meet them too. Not thread-safe.
class FolderScout {
 public:
  /// An open folder. `path` is needed only if the choice has patterns.
  struct Place {
    int descriptor;
    std::uint64_t device;
    std::string path;
  };
  struct Subfolder {
    std::string name;
    InodeId id;
  };
  struct Options {
    const Choice* choice;
    core::Clock& clock;
    const std::atomic<bool>& stopping;  ///< once set: return soon
    RecentFolders& recent;
  };
  explicit FolderScout(const Options& options);

  /// Stats these children. Returns the subfolders among them that may be looked into, with their
  /// numbers in `names`.
  [[nodiscard]] std::vector<std::pair<std::size_t, Subfolder>> look_at(
      const Place& place, const std::vector<std::string>& names);
  /// Lists a subfolder, stats its children, and goes on below until it has seen enough.
  void look_into(const Place& parent, const Subfolder& subfolder);

  [[nodiscard]] WaitMeter& meter() noexcept { return meter_; }

  static constexpr std::size_t kObjectsMax = 512;  ///< no further folder after so many
  static constexpr unsigned kDepthMax = 4;

 private:
  [[nodiscard]] std::optional<Subfolder> stat_child(const Place& place, const std::string& name);
  bool look_below(const Place& parent, const Subfolder& subfolder, unsigned depth);
  /// Names of a folder with their inode numbers; nullopt if it is to be left alone.
  struct Listing {
    std::vector<std::pair<std::uint64_t, std::string>> names;
    bool is_whole = false;
  };
  [[nodiscard]] std::optional<Listing> list(int descriptor);
  [[nodiscard]] std::string path_below(const Place& place, const std::string& name) const;

  Options options_;
  int descriptors_max_;
  std::vector<char> buffer_;
  std::size_t seen_ = 0;  ///< objects, since look_into() was called
  WaitMeter meter_;
};

}  // namespace cairn::repo::ops
