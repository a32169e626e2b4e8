#include "ops/incremental/source_stamp.h"

#include <sys/stat.h>

#include <utility>

#include "cairn/core/codec.h"
#include "cairn/core/crypto.h"

namespace cairn::repo::ops {
namespace {

void encode_time(core::Encoder& out, const ::statx_timestamp& time) {
  out.u64(static_cast<std::uint64_t>(time.tv_sec));
  out.u32(time.tv_nsec);
}

}  // namespace

Stamp StampMaker::make(std::string_view name, const Statx& status, const Owner& owner,
                       core::Timestamp before) {
  const ::statx_timestamp& changed = ignores_.ctime ? status.stx_mtime : status.stx_ctime;
  // This also covers times set with a clock that runs ahead of ours.
  if (to_timestamp(changed).seconds > before.seconds - kRacySeconds) {
    return kNoStamp;
  }
  buffer_.clear();
  core::Encoder out(std::move(buffer_));
  out.u64(ignores_.inode ? 0 : status.stx_ino);
  encode_time(out, status.stx_mtime);
  encode_time(out, ignores_.ctime ? ::statx_timestamp{} : status.stx_ctime);
  out.u16(status.stx_mode);
  out.u32(status.stx_uid);
  out.u32(status.stx_gid);
  if (!S_ISDIR(status.stx_mode)) {
    out.u64(status.stx_size);
    out.u32(status.stx_nlink);
    out.u32(status.stx_rdev_major);
    out.u32(status.stx_rdev_minor);
  }
  out.bytes(owner.user);
  out.bytes(owner.group);
  out.raw(core::as_view(name));
  buffer_ = std::move(out).take();
  const Stamp stamp = core::short_hash(key_, buffer_);
  return stamp == kNoStamp ? 1 : stamp;
}

}  // namespace cairn::repo::ops
