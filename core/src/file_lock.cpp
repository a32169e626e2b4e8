#include "cairn/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace cairn::core {

Result<FileLock> FileLock::acquire(const std::string& path, unsigned wait_ms_max) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(errno_error(errno, "open lock file " + path));
  }
  FileLock lock(descriptor);
  constexpr unsigned kStepMs = 20;
  for (unsigned waited_ms = 0;; waited_ms += kStepMs) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      return lock;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(errno_error(errno, "lock " + path));
    }
    if (waited_ms >= wait_ms_max) {
      return fail(ErrorCode::busy, path + " is locked by another cairn process",
                  "wait for the other process to end, then try again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
  }
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace cairn::core
