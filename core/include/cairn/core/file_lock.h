#pragma once

#include <string>

#include "cairn/core/result.h"

namespace cairn::core {

/// An exclusive advisory lock between processes of one machine (flock), held while the object
/// lives. The system releases it when the process ends, however it ends: none is ever stale.
class FileLock {
 public:
  /// Waits at most `wait_ms_max`; busy if somebody else holds it for longer. Makes the file.
  [[nodiscard]] static Result<FileLock> acquire(const std::string& path, unsigned wait_ms_max);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace cairn::core
