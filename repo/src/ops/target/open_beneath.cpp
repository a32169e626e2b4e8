#include "ops/target/open_beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "cairn/core/descriptor.h"

namespace cairn::repo::ops {

namespace {

constexpr int kFolderFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

int open_at_once(int folder, const std::string& path, int flags, ::mode_t mode) {
  ::open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;  // openat2 refuses a mode that is not used
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return core::uninterrupted([&] {
    return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how)));
  });
}

int open_by_component(int folder, const std::string& path, int flags, ::mode_t mode) {
  std::optional<Descriptor> above;
  std::size_t begin = 0;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    const std::string name = path.substr(begin, slash - begin);
    const int from = above ? above->number() : folder;
    const int next =
        core::uninterrupted([&] { return ::openat(from, name.c_str(), kFolderFlags); });
    if (next < 0) {
      return -1;
    }
    above.emplace(next);
    begin = slash + 1;
  }
  const int from = above ? above->number() : folder;
  const std::string name = path.substr(begin);
  return core::uninterrupted(
      [&] { return ::openat(from, name.c_str(), flags | O_NOFOLLOW, mode); });
}

}  // namespace

BeneathOpener::BeneathOpener(Way way) {
  if (way == Way::best) {
    const Descriptor probe(open_at_once(AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0));
    uses_openat2_ = probe.number() >= 0;
  }
}

int BeneathOpener::open(int folder, const std::string& path, int flags, ::mode_t mode) const {
  if (uses_openat2_) {
    const int descriptor = open_at_once(folder, path, flags | O_NOFOLLOW, mode);
    // EAGAIN: folders were renamed meanwhile. ENAMETOOLONG: deeper than one path can name.
    if (descriptor >= 0 || (errno != EAGAIN && errno != ENAMETOOLONG)) {
      return descriptor;
    }
  }
  return open_by_component(folder, path, flags, mode);
}

core::Result<std::vector<std::string>> list_names(int folder, const std::string& path) {
  Descriptor copy(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(
      copy.is_open() ? ::fdopendir(copy.number()) : nullptr, &::closedir);
  if (stream == nullptr) {
    return core::fail(core::errno_error(errno, "list " + path));
  }
  static_cast<void>(copy.release());  // the stream owns it now
  std::vector<std::string> names;
  errno = 0;
  while (const ::dirent* const entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return core::fail(core::errno_error(errno, "list " + path));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace cairn::repo::ops
