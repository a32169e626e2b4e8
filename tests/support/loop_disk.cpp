#include "loop_disk.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace cairn::test {
namespace {

bool runs(const std::string& command) { return ::system((command + " 2>/dev/null").c_str()) == 0; }

}  // namespace

LoopDisk::LoopDisk(std::string folder, unsigned mebibytes, const std::string& type)
    : mount_point_(std::move(folder)), image_(mount_point_ + ".img") {
  std::filesystem::create_directory(mount_point_);
  if (::geteuid() == 0 &&
      runs(fmt::format("truncate -s {}M '{}' && mkfs.{} -q {} '{}' >/dev/null", mebibytes, image_,
                       type, type == "ext4" ? "-m 0" : "", image_)) &&
      mount()) {
    std::filesystem::remove(mount_point_ + "/lost+found");
  }
}

LoopDisk::~LoopDisk() {
  if (is_mounted_) {
    ::umount2(mount_point_.c_str(), MNT_DETACH);
  }
}

bool LoopDisk::mount() {
  is_mounted_ = runs(fmt::format("mount -o loop '{}' '{}'", image_, mount_point_));
  return is_mounted_;
}

bool LoopDisk::unmount() {
  is_mounted_ = !runs(fmt::format("umount '{}'", mount_point_));
  return !is_mounted_;
}

MemoryDisk::MemoryDisk(std::string folder)
    : mount_point_(std::move(folder)),
      is_mounted_(::mount("tmpfs", mount_point_.c_str(), "tmpfs", 0, "size=1m") == 0) {}

MemoryDisk::~MemoryDisk() {
  if (is_mounted_) {
    ::umount2(mount_point_.c_str(), MNT_DETACH);
  }
}

}  // namespace cairn::test
