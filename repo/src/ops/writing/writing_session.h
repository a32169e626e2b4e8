#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cairn/core/result.h"
#include "cairn/core/thread.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "format/session.h"
#include "ops/repository/write_view.h"

namespace cairn::repo::ops {

/// One run of a writer, from its announcement to its snapshot: steps W0 to W5 of
/// docs/design/0009-collection.md. While it is alive, no collector deletes what it may rely on,
/// unless the collector fences it first.
///
/// A separate thread puts a heartbeat every kHeartbeatSeconds. The destructor withdraws the
/// announcement, however the work ended: by then either the register is written, or it never will
/// be. Not thread-safe except for beat().
class WritingSession {
 public:
  struct Options {
    std::string program_version = {};
    /// False: nothing is announced or written, and nothing can be published (a dry run).
    bool announce = true;
  };
  static constexpr unsigned kHeartbeatSeconds = 30;
  /// How often a verb begins another session after a fence. A session is fenced only after it has
  /// shown no sign of life for minutes.
  static constexpr int kFencesMax = 16;

  /// Announces, reads the condemned records, brings the catalogue up to date and freezes which
  /// packs may be relied on. `repository` must outlive it.
  [[nodiscard]] static core::Result<std::unique_ptr<WritingSession>> begin(
      OpenRepository& repository, const Options& options, Observer& observer);
  ~WritingSession();
  WritingSession(const WritingSession&) = delete;
  WritingSession& operator=(const WritingSession&) = delete;

  /// The view that it stores with.
  [[nodiscard]] WriteView view() noexcept { return {*catalogue_, usable_packs_}; }

  [[nodiscard]] const SnapshotId& id() const noexcept { return session_.id; }
  [[nodiscard]] core::Timestamp start() const noexcept { return session_.start; }

  /// Decides the register: everything that the snapshot refers to must be durable. Errors: fenced
  /// (a collector has given the session up: begin another one, which finds again what was stored
  /// and still exists), and those of publish_snapshot(). `written_bytes` grows.
  core::Status publish(const Snapshot& snapshot, std::uint64_t& written_bytes, Observer& observer);

  /// Tells collectors that the session is alive. Errors: of the backend; they do not end the
  /// session.
  core::Status beat();

 private:
  WritingSession(const OpenRepository& repository, const Options& options);
  core::Status freeze_usable_packs(OpenRepository& repository, Observer& observer);
  void run_heart();
  void stop_heart();

  const OpenRepository& repository_;
  const Options options_;
  format::Session session_;                 ///< its heartbeat is the last one that was put
  std::optional<CatalogueView> catalogue_;  ///< set when begin() returns
  UsablePacks usable_packs_;
  std::mutex beat_mutex_;  ///< protects session_.heartbeat
  std::mutex stop_mutex_;  ///< protects stops_
  std::condition_variable stop_changed_;
  bool stops_ = false;
  core::GuardedThread heart_;
};

}  // namespace cairn::repo::ops
