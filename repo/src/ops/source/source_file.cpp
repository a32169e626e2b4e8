#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <gsl/assert>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/posix/object_metadata.h"
#include "ops/posix/owner_names.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {
namespace {

// For a file that claims to be empty but is not.
constexpr std::uint64_t kUnannouncedBytesMax = 1024ULL * 1024 * 1024;

tl::unexpected<core::Error> fail_errno(int error_number, std::string_view action) {
  return core::fail(core::Error(core::errno_error(error_number, "").code(),
                                fmt::format("{}: {}", action, reason_of(error_number))));
}

tl::unexpected<core::Error> fail_changed() {
  return core::fail(core::ErrorCode::changed, "open file: it is a file no more");
}

/// Opens a file on which somebody (a file server) holds a lease: O_NONBLOCK returns EWOULDBLOCK at
/// once instead of waiting until the holder gives it up. Waiting is safe only after it is known
/// that this is a file and no FIFO.
int open_leased(int folder, const char* name) {
  const core::Descriptor place(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place.is_open()) {
    return -1;
  }
  Statx status{};
  int descriptor = -1;
  int error_number = stat_open(place.number(), status);
  if (error_number == 0) {
    if (entry_type(status) == EntryType::file) {
      const std::string path = fmt::format("/proc/self/fd/{}", place.number());
      descriptor = core::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
      error_number = errno;
    } else {
      error_number = ELOOP;
    }
  }
  errno = error_number;
  return descriptor;
}

/// True if opening failed because the name now belongs to a link, a socket or a device.
bool is_another_type(int error_number) noexcept {
  return error_number == ELOOP || error_number == ENXIO || error_number == ENODEV;
}

int open_file(const WalkItem& item) {
  const int folder = item.folder->descriptor();
  const char* const name = item.file_name.c_str();
  // O_NONBLOCK: a FIFO that has taken the place of the file must not block us for ever.
  const int descriptor = open_without_traces(folder, name, O_RDONLY | O_NONBLOCK);
  return descriptor < 0 && errno == EWOULDBLOCK ? open_leased(folder, name) : descriptor;
}

}  // namespace

core::Result<SourceFile> SourceFile::open(const WalkItem& item) {
  Expects(item.folder != nullptr);
  const int descriptor = open_file(item);
  if (descriptor < 0) {
    return is_another_type(errno) ? fail_changed() : fail_errno(errno, "open file");
  }
  core::Descriptor file(descriptor);
  Statx status{};
  if (const int error_number = stat_open(descriptor, status); error_number != 0) {
    return fail_errno(error_number, "stat file");
  }
  if (entry_type(status) != EntryType::file) {
    return fail_changed();
  }
  if (status.stx_size >= BorrowedPages::kLargeBytes) {
    // Only advice: it does not matter if the file system cannot do it.
    static_cast<void>(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL));
  }
  return SourceFile(std::move(file), status);
}

SourceFile::SourceFile(core::Descriptor file, const Statx& status)
    : file_(std::move(file)), pages_(file_.number(), status.stx_size) {
  take(status);
}

void SourceFile::take(const Statx& status) {
  const std::uint64_t blocks =
      status.stx_size / kStatBlockBytes + (status.stx_size % kStatBlockBytes != 0 ? 1 : 0);
  stamp_ = {.size_bytes = status.stx_size,
            .mtime = to_timestamp(status.stx_mtime),
            .ctime = to_timestamp(status.stx_ctime),
            .may_have_holes = status.stx_blocks < blocks,
            .inode = inode_id(status),
            .link_count = status.stx_nlink,
            .birth_time = birth_time(status),
            .mode = static_cast<std::uint16_t>(status.stx_mode & 07777),
            .uid = status.stx_uid,
            .gid = status.stx_gid};
}

bool SourceFile::is(const WalkItem& item) const noexcept {
  return mark_of(item).is_same({.inode = stamp_.inode,
                                .birth_time = stamp_.birth_time,
                                .type = EntryType::file,
                                .mtime = stamp_.mtime,
                                .size_bytes = stamp_.size_bytes});
}

void SourceFile::describe(WalkItem& item) const {
  item.entry.type = EntryType::file;
  item.entry.mtime = stamp_.mtime;
  item.birth_time = stamp_.birth_time;
  item.ctime = stamp_.ctime;
  item.inode = stamp_.inode;
  item.link_count = stamp_.link_count;
  item.size_bytes = stamp_.size_bytes;
  item.must_be_read();
}

bool SourceFile::has_made_up_size() const {
  constexpr std::array<std::uint32_t, 9> kKernelsOwn{
      PROC_SUPER_MAGIC,    SYSFS_MAGIC,      DEBUGFS_MAGIC,  TRACEFS_MAGIC, CGROUP_SUPER_MAGIC,
      CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, EFIVARFS_MAGIC, BPF_FS_MAGIC};
  struct ::statfs system {};
  return core::uninterrupted([&] { return ::fstatfs(file_.number(), &system); }) == 0 &&
         std::ranges::find(kKernelsOwn, static_cast<std::uint32_t>(system.f_type)) !=
             kKernelsOwn.end();
}

core::Status SourceFile::read_metadata(Entry& entry, const std::string& path,
                                       std::vector<Problem>& problems) {
  Expects(file_.is_open());
  entry.mode = stamp_.mode;
  entry.mtime = stamp_.mtime;
  if (entry.owner.uid != stamp_.uid || entry.owner.gid != stamp_.gid) {
    entry.owner.uid = stamp_.uid;
    entry.owner.gid = stamp_.gid;
    OwnerNames().fill(entry.owner);
  }
  const MetadataProblems sink{path, problems};
  read_xattrs(file_.number(), entry, sink);
  read_inode_flags(file_.number(), entry, sink);
  return {};
}

core::Result<std::optional<SourceFile::Extent>> SourceFile::next_extent(std::uint64_t offset) {
  Expects(file_.is_open());
  if (offset >= stamp_.size_bytes) {
    return stamp_.size_bytes == 0 && offset == 0 ? unannounced_extent() : std::nullopt;
  }
  const Extent rest{.offset = offset, .length_bytes = stamp_.size_bytes - offset, .is_hole = false};
  if (!stamp_.may_have_holes) {
    return rest;
  }
  const auto position = static_cast<::off_t>(offset);
  const ::off_t data = ::lseek(file_.number(), position, SEEK_DATA);
  if (data < 0 && errno != ENXIO) {
    // EINVAL: a file system without holes. Then zeros are read like other data.
    return rest;
  }
  const std::uint64_t data_begin =
      data < 0 ? stamp_.size_bytes : std::min(static_cast<std::uint64_t>(data), stamp_.size_bytes);
  if (data_begin > offset) {
    return Extent{.offset = offset, .length_bytes = data_begin - offset, .is_hole = true};
  }
  const ::off_t hole = ::lseek(file_.number(), position, SEEK_HOLE);
  // At or before the offset: a hole is being punched right now, which has_changed() will report.
  if (hole <= position) {
    return rest;
  }
  const std::uint64_t data_end = std::min(static_cast<std::uint64_t>(hole), stamp_.size_bytes);
  return Extent{.offset = offset, .length_bytes = data_end - offset, .is_hole = false};
}

core::Result<std::optional<SourceFile::Extent>> SourceFile::unannounced_extent() {
  std::array<std::byte, 1> first;
  CAIRN_TRY(const std::size_t there, read_at(0, first));
  return there > 0 ? std::optional(Extent{.length_bytes = kFileSizeMax}) : std::nullopt;
}

core::Result<std::size_t> SourceFile::read_at(std::uint64_t offset, core::MutableByteView out) {
  Expects(file_.is_open());
  if (stamp_.size_bytes == 0 && offset >= kUnannouncedBytesMax) {
    return core::fail(core::ErrorCode::limit_exceeded, "its size is given as 0, and it has no end");
  }
  std::size_t done = 0;
  while (done < out.size()) {
    const core::MutableByteView rest = out.subspan(done);
    const ::ssize_t got = pages_.read(rest, offset + done);
    if (got < 0) {
      return fail_errno(errno, "read file");
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

core::Result<SourceFile::Drift> SourceFile::drift() const {
  Expects(file_.is_open());
  Statx status{};
  if (const int error_number = stat_open(file_.number(), status); error_number != 0) {
    return fail_errno(error_number, "stat file");
  }
  if (status.stx_size > stamp_.size_bytes) {
    return Drift::grown;
  }
  const bool has_moved = status.stx_size != stamp_.size_bytes ||
                         to_timestamp(status.stx_mtime) != stamp_.mtime ||
                         to_timestamp(status.stx_ctime) != stamp_.ctime;
  return has_moved ? Drift::changed : Drift::none;
}

core::Result<bool> SourceFile::has_changed() {
  CAIRN_TRY(const Drift moved, drift());
  return moved != Drift::none;
}

core::Status SourceFile::restart() {
  Expects(file_.is_open());
  Statx status{};
  if (const int error_number = stat_open(file_.number(), status); error_number != 0) {
    return fail_errno(error_number, "stat file");
  }
  take(status);
  return {};
}

}  // namespace cairn::repo::ops
