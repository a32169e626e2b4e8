#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <stop_token>

#include "cairn/core/descriptor.h"

namespace cairn::cli {

/// Wakes a thread that waits for a descriptor when a stop is requested. For one thread.
class StopWake {
 public:
  explicit StopWake(const std::stop_token& stop) : stop_(stop), event_(::eventfd(0, EFD_CLOEXEC)) {
    if (works()) {
      on_stop_.emplace(stop_, [number = event_.number()] { ::eventfd_write(number, 1); });
    }
  }
  StopWake(const StopWake&) = delete;
  StopWake& operator=(const StopWake&) = delete;
  ~StopWake() = default;

  /// False if the system had no descriptor left; errno is set right after the constructor.
  [[nodiscard]] bool works() const noexcept { return event_.is_open(); }
  [[nodiscard]] bool stop_requested() const noexcept { return stop_.stop_requested(); }

  /// Waits until `descriptor` can be read, has ended or has failed, and returns true; false if a
  /// stop was requested.
  [[nodiscard]] bool wait_to_read(int descriptor) const noexcept {
    while (!stop_requested()) {
      std::array<::pollfd, 2> waits{{{descriptor, POLLIN, 0}, {event_.number(), POLLIN, 0}}};
      const int ready = ::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) {
        return false;
      }
      if ((ready < 0 && errno != EINTR) || waits[0].revents != 0) {
        return true;
      }
    }
    return false;
  }

 private:
  std::stop_token stop_;
  core::Descriptor event_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace cairn::cli
