#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "cairn/core/thread.h"

namespace cairn::test {

/// The system's threads, some of which it refuses. Thread-safe.
class FaultThreads final : public core::Threads {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  /// Starts are counted from 1 again; the one with the number `first` is refused, and with `sticky`
  /// all after it.
  void refuse(std::uint64_t first, bool sticky) {
    sticky_ = sticky;
    started_ = 0;
    refused_ = 0;
    first_ = first;
  }
  void allow_all() { first_ = kNever; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

  [[nodiscard]] core::Result<std::thread> start(std::function<void()> body) const override {
    const std::uint64_t number = ++started_;
    if (number == first_ || (sticky_ && number > first_)) {
      refused_ += 1;
      return core::fail(core::errno_error(EAGAIN, "cannot start a thread"));
    }
    return core::system_threads().start(std::move(body));
  }
  /// The same on every machine.
  [[nodiscard]] unsigned processors() const override { return 3; }

 private:
  std::atomic<std::uint64_t> first_ = kNever;
  std::atomic<bool> sticky_ = false;
  mutable std::atomic<std::uint64_t> started_ = 0;
  mutable std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace cairn::test
