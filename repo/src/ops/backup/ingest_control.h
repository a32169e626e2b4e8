#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "cairn/core/clock.h"
#include "cairn/core/result.h"
#include "cairn/core/stop.h"

namespace cairn::repo::ops {

/// What ends the reading of a backup early: an error, the time limit, or the user. Thread-safe.
class IngestControl {
 public:
  /// `deadline_ns`: on the monotonic clock, which must outlive it.
  IngestControl(core::Clock& clock, std::optional<std::uint64_t> deadline_ns, std::stop_token stop)
      : clock_(clock), deadline_ns_(deadline_ns), stop_(std::move(stop)) {}

  /// The error that ended the work, if one did.
  [[nodiscard]] core::Status check() const {
    const std::scoped_lock lock(mutex_);
    if (error_) {
      return core::fail(*error_);
    }
    return {};
  }
  /// Only the first error counts.
  void fail_with(core::Error error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }
  /// Whether to go on reading an object of which `left_bytes` are left. Errors: interrupted (the
  /// work has ended), busy (it would take too long: the backup is partial).
  [[nodiscard]] core::Status check_read(std::uint64_t left_bytes) {
    if (!check()) {
      return core::interrupted();
    }
    if (left_bytes > kFinishedLateBytesMax && (is_out_of_time() || stop_.stop_requested())) {
      set_partial();
      return core::fail(core::ErrorCode::busy, "the time limit came before its end");
    }
    return {};
  }

  [[nodiscard]] bool is_out_of_time() const {
    return deadline_ns_ && clock_.monotonic_ns() >= *deadline_ns_;
  }
  void set_partial() noexcept { partial_ = true; }
  [[nodiscard]] bool is_partial() const noexcept { return partial_; }

 private:
  /// When the work is to end, a file is read to its end only if at most this much is left.
  static constexpr std::uint64_t kFinishedLateBytesMax = 64ULL * 1024 * 1024;

  core::Clock& clock_;
  const std::optional<std::uint64_t> deadline_ns_;
  const std::stop_token stop_;
  std::atomic<bool> partial_ = false;
  mutable std::mutex mutex_;  ///< protects error_
  std::optional<core::Error> error_;
};

}  // namespace cairn::repo::ops
