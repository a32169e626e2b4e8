#pragma once

#include <string_view>

#include "cairn/core/bytes.h"
#include "cairn/core/clock.h"
#include "cairn/repo/entry.h"
#include "ops/incremental/stat_cache.h"
#include "ops/posix/object_metadata.h"

namespace cairn::repo::ops {

/// For how long a change may leave no trace. A program that writes through a mapping updates the
/// file's times only when a page becomes dirty; until the page is written back (30 s by default,
/// and a few more) it can change it again unseen. Two changes within a tick of the kernel's clock
/// look like one. An object whose ctime is less than this before the time of the look is therefore
/// "racily clean" (the term is git's, Documentation/technical/racy-git): it gets no stamp and is
/// read again next time.
inline constexpr std::int64_t kRacySeconds = 60;

/// Makes stamps: SipHash-2-4 under a secret key over the name and the result of statx(). The device
/// number is left out, since it may differ after every boot; so are size and link count of folders,
/// which their ctime covers. Not thread-safe.
class StampMaker {
 public:
  /// `key16` must outlive it.
  explicit StampMaker(core::ByteView key16, StampIgnores ignores = {})
      : key_(key16), ignores_(ignores) {}

  /// `owner`: the owner in `status`, with names. `before`: a time before the status was taken.
  [[nodiscard]] Stamp make(std::string_view name, const Statx& status, const Owner& owner,
                           core::Timestamp before);

 private:
  core::ByteView key_;
  StampIgnores ignores_;
  core::Bytes buffer_;
};

}  // namespace cairn::repo::ops
