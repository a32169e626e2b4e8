#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "cairn/core/descriptor.h"
#include "cairn/core/result.h"

/// Opens only what is below a folder, whatever links somebody puts in the way.
namespace cairn::repo::ops {

using core::Descriptor;

/// Opens paths of several names in one call of openat2(), which itself refuses links and ways out;
/// if the kernel lacks it, or a sandbox forbids it, one name at a time. Thread-safe.
class BeneathOpener {
 public:
  enum class Way { best, by_component };
  /// Asks the kernel once what it can do.
  explicit BeneathOpener(Way way = Way::best);

  /// `path` is relative, without "." and "..". -1: errno says why (ELOOP or ENOTDIR: a link).
  [[nodiscard]] int open(int folder, const std::string& path, int flags, ::mode_t mode = 0) const;
  [[nodiscard]] bool uses_openat2() const noexcept { return uses_openat2_; }

 private:
  bool uses_openat2_ = false;
};

/// All names in an open folder but "." and "..", ascending as bytes. `path` is for the message.
[[nodiscard]] core::Result<std::vector<std::string>> list_names(int folder,
                                                                const std::string& path);

}  // namespace cairn::repo::ops
