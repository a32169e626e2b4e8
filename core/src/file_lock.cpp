#include "cairn/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace cairn::core {

Result<FileLock> FileLock::acquire(const std::string& path, unsigned wait_ms_max) {
  FileLock lock(Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  if (!lock.file_.is_open()) {
    return fail(errno_error(errno, "open lock file " + path));
  }
  constexpr unsigned kStepMs = 20;
  for (unsigned waited_ms = 0;; waited_ms += kStepMs) {
    if (::flock(lock.file_.number(), LOCK_EX | LOCK_NB) == 0) {
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

}  // namespace cairn::core
