#include "tree_spec.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>

#include "seeded_random.h"

namespace cairn::test {
namespace {

using repo::EntryType;

constexpr std::size_t kBlockBytes = 256 * 1024;

/// An open file of a test. -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

std::string last_error() { return std::generic_category().message(errno); }

bool write_all(int file, std::uint64_t offset, core::ByteView bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written =
        ::pwrite(file, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (written < 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool write_seeded(int file, const DataRun& run, SeededRandom& random) {
  std::uint64_t done = 0;
  while (done < run.length_bytes) {
    const std::uint64_t size = std::min<std::uint64_t>(kBlockBytes, run.length_bytes - done);
    if (!write_all(file, run.offset + done, random.bytes(static_cast<std::size_t>(size)))) {
      return false;
    }
    done += size;
  }
  return true;
}

bool make_file(const TreeObject& object, const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return false;
  }
  if (!object.content.empty()) {
    return write_all(file.number(), 0, core::as_view(object.content));
  }
  if (::ftruncate(file.number(), static_cast<::off_t>(object.size_bytes)) != 0) {
    return false;
  }
  SeededRandom random(object.seed);
  return std::all_of(object.runs.begin(), object.runs.end(),
                     [&](const DataRun& run) { return write_seeded(file.number(), run, random); });
}

bool make_socket(const std::string& path) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const Descriptor server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The C interface of bind() asks for this cast.
  const auto* generic = reinterpret_cast<const ::sockaddr*>(&address);
  return server.valid() && ::bind(server.number(), generic, sizeof(address)) == 0;
}

bool make_object(const TreeObject& object, const std::string& root, const std::string& path) {
  if (object.is_hard_link) {
    return ::link((root + "/" + object.target).c_str(), path.c_str()) == 0;
  }
  const ::dev_t device = makedev(object.device.major, object.device.minor);
  switch (object.type) {
    case EntryType::file:
      return make_file(object, path);
    case EntryType::folder:
      return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
    case EntryType::symlink:
      return ::symlink(object.target.c_str(), path.c_str()) == 0;
    case EntryType::char_device:
      return ::mknod(path.c_str(), S_IFCHR | 0600, device) == 0;
    case EntryType::block_device:
      return ::mknod(path.c_str(), S_IFBLK | 0600, device) == 0;
    case EntryType::fifo:
      return ::mkfifo(path.c_str(), 0600) == 0;
    case EntryType::socket:
      return make_socket(path);
  }
  return false;
}

bool set_attributes(const TreeObject& object, const std::string& path) {
  // The owner first: it clears setuid and capabilities.
  if (object.owner.has_value() &&
      ::lchown(path.c_str(), object.owner->first, object.owner->second) != 0) {
    return false;
  }
  const unsigned usual = object.type == EntryType::folder ? 0755 : 0644;
  if (object.type != EntryType::symlink &&
      ::chmod(path.c_str(), object.mode.value_or(usual)) != 0) {
    return false;
  }
  for (const repo::Xattr& xattr : object.xattrs) {
    if (::lsetxattr(path.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) !=
        0) {
      return false;
    }
  }
  if (!object.mtime.has_value()) {
    return true;
  }
  const ::timespec mtime{object.mtime->seconds, static_cast<long>(object.mtime->nanoseconds)};
  const std::array<::timespec, 2> times{mtime, mtime};
  return ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0;
}

/// One object of a tree that is compared.
struct Found {
  std::string path;  // to open it
  struct ::stat status {};

  [[nodiscard]] unsigned type() const { return status.st_mode & S_IFMT; }
};

using Names = std::vector<std::string>;

Names list_folder(const std::string& path, std::vector<std::string>& differences) {
  Names names;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(path, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    names.push_back(entry->path().filename().native());
  }
  if (failed) {
    differences.push_back(fmt::format("{}: {}", path, failed.message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> xattrs_of(const std::string& path) {
  std::map<std::string, std::string> xattrs;
  std::string list(64 * 1024, '\0');
  const ::ssize_t list_size = ::llistxattr(path.c_str(), list.data(), list.size());
  list.resize(static_cast<std::size_t>(std::max<::ssize_t>(list_size, 0)));
  for (std::size_t begin = 0; begin < list.size(); begin += std::strlen(&list[begin]) + 1) {
    const std::string name = &list[begin];
    std::string value(64 * 1024, '\0');
    const ::ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    value.resize(static_cast<std::size_t>(std::max<::ssize_t>(size, 0)));
    xattrs.emplace(name, size < 0 ? "unreadable: " + last_error() : value);
  }
  return xattrs;
}

std::string target_of(const std::string& path) {
  std::error_code failed;
  return std::filesystem::read_symlink(path, failed).native();
}

unsigned inode_flags_of(const std::string& path) {
  constexpr unsigned kKept = FS_APPEND_FL | FS_IMMUTABLE_FL | FS_NODUMP_FL | FS_NOCOW_FL |
                             FS_NOATIME_FL | FS_SYNC_FL | FS_PROJINHERIT_FL | FS_COMPR_FL;
  const Descriptor object(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  unsigned flags = 0;
  return object.valid() && ::ioctl(object.number(), FS_IOC_GETFLAGS, &flags) == 0 ? flags & kKept
                                                                                  : 0;
}

/// "0+4096 8192+100": the runs of data.
std::string data_runs_of(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string runs;
  ::off_t data = ::lseek(file.number(), 0, SEEK_DATA);
  while (data >= 0) {
    const ::off_t hole = ::lseek(file.number(), data, SEEK_HOLE);
    if (hole < 0) {
      break;
    }
    runs += fmt::format("{}+{} ", data, hole - data);
    data = ::lseek(file.number(), hole, SEEK_DATA);
  }
  return runs;
}

::ssize_t read_block(int file, std::string& block, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < block.size()) {
    const ::ssize_t got = ::pread(file, block.data() + done, block.size() - done,
                                  static_cast<::off_t>(offset + done));
    if (got < 0) {
      return -1;
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return static_cast<::ssize_t>(done);
}

/// Empty if the contents are equal.
std::string content_difference(const std::string& a, const std::string& b) {
  const Descriptor file_a(::open(a.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  const Descriptor file_b(::open(b.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file_a.valid() || !file_b.valid()) {
    return "cannot be opened: " + last_error();
  }
  std::string block_a(kBlockBytes, '\0');
  std::string block_b(kBlockBytes, '\0');
  for (std::uint64_t offset = 0;; offset += kBlockBytes) {
    const ::ssize_t size_a = read_block(file_a.number(), block_a, offset);
    const ::ssize_t size_b = read_block(file_b.number(), block_b, offset);
    if (size_a < 0 || size_b < 0) {
      return "cannot be read: " + last_error();
    }
    const auto common = static_cast<std::ptrdiff_t>(std::min(size_a, size_b));
    const auto differing =
        std::mismatch(block_a.begin(), block_a.begin() + common, block_b.begin()).first;
    if (differing != block_a.begin() + common || size_a != size_b) {
      return fmt::format("content differs from byte {} on",
                         offset + static_cast<std::uint64_t>(differing - block_a.begin()));
    }
    if (static_cast<std::size_t>(size_a) < kBlockBytes) {
      return {};
    }
  }
}

/// Compares two trees, depth first.
class Comparison {
 public:
  explicit Comparison(const TreeAspects& aspects) : aspects_(aspects) {}

  void compare(const std::string& name, const std::string& a, const std::string& b);
  [[nodiscard]] std::vector<std::string> take() { return std::move(differences_); }

 private:
  using FirstNames = std::map<std::pair<::dev_t, ::ino_t>, std::string>;

  void compare_attributes(const std::string& name, const Found& a, const Found& b);
  void compare_content(const std::string& name, const Found& a, const Found& b);
  void compare_children(const std::string& name, const Found& a, const Found& b);
  static const std::string& first_name(FirstNames& names, const Found& object,
                                       const std::string& name) {
    return names.try_emplace({object.status.st_dev, object.status.st_ino}, name).first->second;
  }
  void check(const std::string& name, std::string_view what, const std::string& a,
             const std::string& b) {
    if (a != b) {
      differences_.push_back(fmt::format("{}: {} {} != {}", name, what, a, b));
    }
  }

  const TreeAspects& aspects_;
  FirstNames first_names_a_;
  FirstNames first_names_b_;
  std::vector<std::string> differences_;
};

void Comparison::compare(const std::string& name, const std::string& a, const std::string& b) {
  Found found_a{a};
  Found found_b{b};
  if (::lstat(a.c_str(), &found_a.status) != 0 || ::lstat(b.c_str(), &found_b.status) != 0) {
    differences_.push_back(fmt::format("{}: {}", name, last_error()));
    return;
  }
  if (found_a.type() != found_b.type()) {
    check(name, "type", fmt::format("{:o}", found_a.type()), fmt::format("{:o}", found_b.type()));
    return;
  }
  compare_content(name, found_a, found_b);
  compare_attributes(name, found_a, found_b);
}

void Comparison::compare_content(const std::string& name, const Found& a, const Found& b) {
  if (S_ISREG(a.type())) {
    const std::string difference = content_difference(a.path, b.path);
    if (!difference.empty()) {
      differences_.push_back(fmt::format("{}: {}", name, difference));
    }
    if (aspects_.holes) {
      check(name, "data runs", data_runs_of(a.path), data_runs_of(b.path));
    }
  } else if (S_ISDIR(a.type())) {
    compare_children(name, a, b);
  } else if (S_ISLNK(a.type())) {
    check(name, "target", target_of(a.path), target_of(b.path));
  } else if (S_ISCHR(a.type()) || S_ISBLK(a.type())) {
    check(name, "device", fmt::format("{:x}", a.status.st_rdev),
          fmt::format("{:x}", b.status.st_rdev));
  }
  if (aspects_.hard_links && !S_ISDIR(a.type())) {
    check(name, "shares an object with", first_name(first_names_a_, a, name),
          first_name(first_names_b_, b, name));
  }
}

void Comparison::compare_attributes(const std::string& name, const Found& a, const Found& b) {
  const auto mode = [](const Found& object) {
    return fmt::format("{:o}", object.status.st_mode & 07777U);
  };
  const auto owner = [](const Found& object) {
    return fmt::format("{}:{}", object.status.st_uid, object.status.st_gid);
  };
  const auto mtime = [](const Found& object) {
    return fmt::format("{}.{:09}", object.status.st_mtim.tv_sec, object.status.st_mtim.tv_nsec);
  };
  if (aspects_.modes) {
    check(name, "mode", mode(a), mode(b));
  }
  if (aspects_.owners) {
    check(name, "owner", owner(a), owner(b));
  }
  if (aspects_.mtimes) {
    check(name, "mtime", mtime(a), mtime(b));
  }
  if (aspects_.xattrs) {
    auto in_a = xattrs_of(a.path);
    auto in_b = xattrs_of(b.path);
    for (const auto& [key, value] : in_a) {
      check(name, "xattr " + key, value, in_b.contains(key) ? in_b[key] : "(none)");
      in_b.erase(key);
    }
    for (const auto& [key, value] : in_b) {
      check(name, "xattr " + key, "(none)", value);
    }
  }
  if (aspects_.inode_flags && (S_ISREG(a.type()) || S_ISDIR(a.type()))) {
    check(name, "inode flags", fmt::format("{:x}", inode_flags_of(a.path)),
          fmt::format("{:x}", inode_flags_of(b.path)));
  }
}

void Comparison::compare_children(const std::string& name, const Found& a, const Found& b) {
  const Names names_a = list_folder(a.path, differences_);
  const Names names_b = list_folder(b.path, differences_);
  Names all;
  std::set_union(names_a.begin(), names_a.end(), names_b.begin(), names_b.end(),
                 std::back_inserter(all));
  for (const std::string& child : all) {
    const std::string child_name = name == "." ? child : name + "/" + child;
    if (!std::binary_search(names_a.begin(), names_a.end(), child)) {
      differences_.push_back(child_name + ": only in the second tree");
    } else if (!std::binary_search(names_b.begin(), names_b.end(), child)) {
      differences_.push_back(child_name + ": only in the first tree");
    } else {
      compare(child_name, a.path + "/" + child, b.path + "/" + child);
    }
  }
}

TreeObject object_of(EntryType type, std::string path) {
  TreeObject object;
  object.type = type;
  object.path = std::move(path);
  return object;
}

}  // namespace

TreeObject TreeObject::with_mode(unsigned bits) const {
  TreeObject changed = *this;
  changed.mode = bits;
  return changed;
}

TreeObject TreeObject::with_owner(std::uint32_t uid, std::uint32_t gid) const {
  TreeObject changed = *this;
  changed.owner = {uid, gid};
  return changed;
}

TreeObject TreeObject::with_mtime(core::Timestamp time) const {
  TreeObject changed = *this;
  changed.mtime = time;
  return changed;
}

TreeObject TreeObject::with_xattr(std::string name, std::string value) const {
  TreeObject changed = *this;
  changed.xattrs.push_back({std::move(name), std::move(value)});
  return changed;
}

namespace tree {

TreeObject folder(std::string path) { return object_of(EntryType::folder, std::move(path)); }

TreeObject file(std::string path, std::uint64_t size_bytes, std::uint64_t seed) {
  return sparse_file(std::move(path), size_bytes, {{0, size_bytes}}, seed);
}

TreeObject text_file(std::string path, std::string content) {
  TreeObject object = object_of(EntryType::file, std::move(path));
  object.content = std::move(content);
  return object;
}

TreeObject sparse_file(std::string path, std::uint64_t size_bytes, std::vector<DataRun> runs,
                       std::uint64_t seed) {
  TreeObject object = object_of(EntryType::file, std::move(path));
  object.size_bytes = size_bytes;
  object.runs = std::move(runs);
  object.seed = seed;
  return object;
}

TreeObject symlink(std::string path, std::string target) {
  TreeObject object = object_of(EntryType::symlink, std::move(path));
  object.target = std::move(target);
  return object;
}

TreeObject hard_link(std::string path, std::string first) {
  TreeObject object = object_of(EntryType::file, std::move(path));
  object.target = std::move(first);
  object.is_hard_link = true;
  return object;
}

TreeObject fifo(std::string path) { return object_of(EntryType::fifo, std::move(path)); }

TreeObject socket(std::string path) { return object_of(EntryType::socket, std::move(path)); }

TreeObject char_device(std::string path, repo::DeviceNumber number) {
  TreeObject object = object_of(EntryType::char_device, std::move(path));
  object.device = number;
  return object;
}

TreeObject block_device(std::string path, repo::DeviceNumber number) {
  TreeObject object = object_of(EntryType::block_device, std::move(path));
  object.device = number;
  return object;
}

}  // namespace tree

std::vector<std::string> make_tree(const std::string& root,
                                   const std::vector<TreeObject>& objects) {
  std::vector<std::string> failures;
  const auto fail = [&](const TreeObject& object, std::string_view action) {
    failures.push_back(fmt::format("{}: {}: {}", object.path, action, last_error()));
  };
  std::vector<const TreeObject*> made;
  for (const TreeObject& object : objects) {
    const std::filesystem::path path = root + "/" + object.path;
    std::error_code ignored;  // the object itself will say it
    std::filesystem::create_directories(path.parent_path(), ignored);
    if (!make_object(object, root, path.native())) {
      fail(object, "make");
    } else if (object.type == EntryType::folder) {
      made.push_back(&object);
    } else if (!object.is_hard_link && !set_attributes(object, path.native())) {
      fail(object, "set attributes");
    }
  }
  // Making a child changes its folder's time; taking permissions away ends access to it. The
  // longest path first is always below those that follow it.
  std::sort(made.begin(), made.end(), [](const TreeObject* a, const TreeObject* b) {
    return a->path.size() > b->path.size();
  });
  for (const TreeObject* const object : made) {
    if (!set_attributes(*object, root + "/" + object->path)) {
      fail(*object, "set attributes");
    }
  }
  return failures;
}

std::vector<std::string> compare_trees(const std::string& a, const std::string& b,
                                       const TreeAspects& aspects) {
  Comparison comparison(aspects);
  comparison.compare(".", a, b);
  return comparison.take();
}

}  // namespace cairn::test
