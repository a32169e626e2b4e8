#include "store/catalogue/catalogue_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "cairn/core/codec.h"

namespace cairn::repo::store {
namespace {

using core::Status;

constexpr std::string_view kMarkMagic = "CAIRNCAT";
/// magic | u32 version | u8 clean | zeros 3 | repository | boot id | zeros.
constexpr std::size_t kMarkBytes = 128;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
constexpr std::string_view kFolderHint =
    "CAIRN_CACHE_DIR names another place for catalogues, on a local disk";

core::Error folder_error(int error_number, const std::string& what) {
  return core::errno_error(error_number, what).with_hint(kFolderHint);
}

core::Bytes encode_mark(const CatalogueMark& mark) {
  core::Encoder out;
  out.raw(core::as_view(kMarkMagic));
  out.u32(kCatalogueVersion);
  out.u8(mark.clean ? 1 : 0);
  out.raw(core::Bytes(3, std::byte{0}));
  out.raw(mark.repository.view());
  out.raw(core::as_view(mark.boot));
  out.raw(core::Bytes(kMarkBytes - out.size(), std::byte{0}));
  return std::move(out).take();
}

std::optional<CatalogueMark> decode_mark(core::ByteView bytes) {
  core::Decoder in(bytes, "catalogue mark");
  CatalogueMark mark;
  const bool ours = core::equal(in.raw(kMarkMagic.size()), core::as_view(kMarkMagic)) &&
                    in.u32() == kCatalogueVersion;
  const std::uint8_t clean = in.u8();
  in.expect_zeros(3);
  const core::ByteView repository = in.raw(RepositoryId::kSize);
  mark.boot = core::to_string(in.raw(kBootIdBytes));
  in.expect_zeros(in.left());
  if (!ours || clean > 1 || !in.finish()) {
    return std::nullopt;
  }
  mark.clean = clean == 1;
  mark.repository = RepositoryId::from(repository);
  return mark;
}

core::Result<core::Descriptor> open_lock_file(const std::string& path, bool read_only) {
  const int flags = (read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC;
  core::Descriptor file(
      core::uninterrupted([&] { return ::open(path.c_str(), flags, kFileMode); }));
  if (!file.is_open()) {
    return core::fail(folder_error(errno, "open " + path));
  }
  return file;
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return core::fail(folder_error(errno, "remove " + path));
  }
  return {};
}

}  // namespace

std::string current_boot_id() {
  std::string id(kBootIdBytes, '\0');
  const core::Descriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (file.is_open() && ::read(file.number(), id.data(), id.size()) != ssize_t{kBootIdBytes}) {
    id.assign(kBootIdBytes, '\0');
  }
  return id;
}

// --- locks ---

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(other.descriptor_) {
  other.descriptor_ = -1;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) {
    ::flock(descriptor_, LOCK_UN);
  }
}

core::Result<FolderLock> CatalogueFolder::lock(int descriptor, int operation) const {
  if (core::uninterrupted([&] { return ::flock(descriptor, operation); }) != 0) {
    return core::fail(folder_error(errno, "lock " + path_));
  }
  return FolderLock(descriptor);
}

core::Result<FolderLock> CatalogueFolder::share_files() {
  return lock(files_lock_.number(), LOCK_SH);
}
core::Result<FolderLock> CatalogueFolder::own_files() {
  return lock(files_lock_.number(), LOCK_EX);
}
core::Result<FolderLock> CatalogueFolder::own_writing() {
  return lock(write_lock_.number(), LOCK_EX);
}

core::Result<FolderLock> CatalogueFolder::try_share_writing() {
  if (::flock(write_lock_.number(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EINTR) {
      return core::fail(core::ErrorCode::busy,
                        fmt::format("the catalogue {} is being written", path_));
    }
    return core::fail(folder_error(errno, "lock " + path_));
  }
  return FolderLock(write_lock_.number());
}

core::Result<std::optional<FolderLock>> CatalogueFolder::try_own_writing() {
  if (::flock(write_lock_.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EINTR) {
      return std::nullopt;
    }
    return core::fail(folder_error(errno, "lock " + path_));
  }
  return FolderLock(write_lock_.number());
}

bool catalogue_folder_exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

// --- files ---

core::Result<std::unique_ptr<CatalogueFolder>> CatalogueFolder::open(const std::string& path,
                                                                     bool read_only) {
  if (!read_only && ::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return core::fail(folder_error(errno, "make the catalogue's folder " + path));
  }
  std::unique_ptr<CatalogueFolder> folder(new CatalogueFolder(path));
  CAIRN_TRY(folder->files_lock_, open_lock_file(path + "/files.lock", read_only));
  CAIRN_TRY(folder->write_lock_, open_lock_file(path + "/write.lock", read_only));
  return folder;
}

std::optional<CatalogueMark> CatalogueFolder::read_mark() const {
  const core::Descriptor file(::open((path_ + "/state").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<std::byte, kMarkBytes + 1> bytes{};
  if (!file.is_open() || ::read(file.number(), bytes.data(), bytes.size()) != ssize_t{kMarkBytes}) {
    return std::nullopt;
  }
  return decode_mark(core::ByteView(bytes).first(kMarkBytes));
}

Status CatalogueFolder::write_mark(const CatalogueMark& mark) {
  const std::string path = path_ + "/state";
  const core::Bytes bytes = encode_mark(mark);
  const core::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (!file.is_open()) {
    return core::fail(folder_error(errno, "open " + path));
  }
  const int descriptor = file.number();
  // In place, because a mark of an earlier time would vouch for a file that has changed since.
  const bool written = ::pwrite(descriptor, bytes.data(), bytes.size(), 0) == ssize_t{kMarkBytes} &&
                       ::ftruncate(descriptor, off_t{kMarkBytes}) == 0 && ::fsync(descriptor) == 0;
  return written ? Status() : Status(core::fail(folder_error(errno, "write " + path)));
}

Status CatalogueFolder::remove_environment() {
  CAIRN_TRY_STATUS(remove_file(path_ + "/data.mdb"));
  return remove_file(path_ + "/lock.mdb");
}

Status CatalogueFolder::remove_mark() { return remove_file(path_ + "/state"); }

bool CatalogueFolder::names_file(std::uint64_t device, std::uint64_t inode) const {
  struct stat info {};
  return ::stat((path_ + "/data.mdb").c_str(), &info) == 0 && info.st_dev == device &&
         info.st_ino == inode;
}

}  // namespace cairn::repo::store
