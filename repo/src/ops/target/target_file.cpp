#include "ops/target/target_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <gsl/gsl>

#include "cairn/core/descriptor.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kCopyBytes = 1024 * 1024;

off_t position(std::uint64_t offset) { return gsl::narrow_cast<off_t>(offset); }

core::Status write_zeros(int file, std::uint64_t offset, std::uint64_t length) {
  const core::Bytes zeros(static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopyBytes)));
  while (length > 0) {
    const auto piece = std::min<std::uint64_t>(length, zeros.size());
    CAIRN_TRY_STATUS(write_at(file, offset, core::ByteView(zeros).first(piece)));
    offset += piece;
    length -= piece;
  }
  return {};
}

}  // namespace

core::Status write_at(int file, std::uint64_t offset, core::ByteView data) {
  while (!data.empty()) {
    const ssize_t written = core::uninterrupted(
        [&] { return ::pwrite(file, data.data(), data.size(), position(offset)); });
    if (written < 0) {
      return core::fail(core::errno_error(errno, "write"));
    }
    offset += static_cast<std::uint64_t>(written);
    data = data.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

core::Result<std::size_t> read_at(int file, std::uint64_t offset, core::MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto rest = out.subspan(done);
    const ssize_t got = core::uninterrupted(
        [&] { return ::pread(file, rest.data(), rest.size(), position(offset + done)); });
    if (got < 0) {
      return core::fail(core::errno_error(errno, "read what is there"));
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

core::Status sync_data(int file) {
  if (core::uninterrupted([&] { return ::fdatasync(file); }) != 0) {
    return core::fail(core::errno_error(errno, "write to the disk"));
  }
  return {};
}

core::Status set_size(int file, std::uint64_t size) {
  if (core::uninterrupted([&] { return ::ftruncate(file, position(size)); }) != 0) {
    return core::fail(core::errno_error(errno, "set the length"));
  }
  return {};
}

core::Status make_hole(int file, std::uint64_t offset, std::uint64_t length) {
  const int result = core::uninterrupted([&] {
    return ::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position(offset),
                       position(length));
  });
  if (result == 0) {
    return {};
  }
  if (errno != EOPNOTSUPP && errno != ENOSYS) {
    return core::fail(core::errno_error(errno, "make a hole"));
  }
  // Beyond the end there is nothing to remove.
  const off_t end = ::lseek(file, 0, SEEK_END);
  const auto size = static_cast<std::uint64_t>(std::max<off_t>(end, 0));
  return offset >= size ? core::Status()
                        : write_zeros(file, offset, std::min(length, size - offset));
}

bool is_hole(int file, std::uint64_t offset, std::uint64_t length) {
  const off_t data = ::lseek(file, position(offset), SEEK_DATA);
  return data < 0 ? errno == ENXIO : static_cast<std::uint64_t>(data) >= offset + length;
}

bool has_hole(int file, std::uint64_t offset, std::uint64_t length) {
  const off_t hole = ::lseek(file, position(offset), SEEK_HOLE);
  return hole >= 0 && static_cast<std::uint64_t>(hole) < offset + length;
}

Cloned clone_file(int from, int to) {
  if (core::uninterrupted([&] { return ::ioctl(to, FICLONE, from); }) == 0) {
    return Cloned::yes;
  }
  const bool never = errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS || errno == EXDEV;
  return never ? Cloned::not_supported : Cloned::no;
}

core::Status copy_range(int from, int to, std::uint64_t offset, std::uint64_t length) {
  core::Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopyBytes)));
  while (length > 0) {
    const auto piece = std::min<std::uint64_t>(length, buffer.size());
    const auto out = core::MutableByteView(buffer).first(piece);
    CAIRN_TRY(const std::size_t got, read_at(from, offset, out));
    if (got == 0) {
      return core::fail(core::ErrorCode::changed, "it became shorter while it was copied");
    }
    CAIRN_TRY_STATUS(write_at(to, offset, out.first(got)));
    offset += got;
    length -= got;
  }
  return {};
}

core::Result<std::uint64_t> copy_file(int from, int to, std::uint64_t size) {
  std::uint64_t written = 0;
  std::uint64_t offset = 0;
  while (offset < size) {
    const off_t data = ::lseek(from, position(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break;  // a hole up to the end
    }
    // A file system without holes: all of it is data.
    const auto begin = data < 0 ? offset : static_cast<std::uint64_t>(data);
    const off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    const auto end = hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size);
    if (begin >= end) {
      break;
    }
    CAIRN_TRY_STATUS(copy_range(from, to, begin, end - begin));
    written += end - begin;
    offset = end;
  }
  CAIRN_TRY_STATUS(set_size(to, size));
  return written;
}

}  // namespace cairn::repo::ops
