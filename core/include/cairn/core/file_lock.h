#pragma once

#include <string>
#include <utility>

#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"

namespace cairn::core {

/// An exclusive advisory lock between processes of one machine (flock), held while the object
/// lives. The system releases it however the process ends, so it is never stale.
class FileLock {
 public:
  /// Waits at most `wait_ms_max`; busy if another process holds it for longer. Makes the file.
  [[nodiscard]] static Result<FileLock> acquire(const std::string& path, unsigned wait_ms_max);

 private:
  explicit FileLock(Descriptor file) noexcept : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace cairn::core
