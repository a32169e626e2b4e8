#pragma once

#include <string>

namespace cairn::test {

/// A small file system in a file, mounted through a loop device; not mounted where that cannot be
/// had (it needs root, mkfs and a loop device): the test then says that it skips.
class LoopDisk {
 public:
  /// `folder` is made; the image lies beside it. `type`: ext4, btrfs (from 128 MiB on) or xfs (from
  /// 320 MiB on).
  LoopDisk(std::string folder, unsigned mebibytes, const std::string& type = "ext4");
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;
  ~LoopDisk();

  [[nodiscard]] bool is_mounted() const noexcept { return is_mounted_; }
  [[nodiscard]] const std::string& image() const noexcept { return image_; }
  /// Both answer whether it worked.
  bool unmount();
  bool mount();

 private:
  std::string mount_point_;
  std::string image_;
  bool is_mounted_ = false;
};

/// A file system in memory (tmpfs) on a folder that is there already; not mounted without root.
class MemoryDisk {
 public:
  explicit MemoryDisk(std::string folder);
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;
  ~MemoryDisk();

  [[nodiscard]] bool is_mounted() const noexcept { return is_mounted_; }

 private:
  std::string mount_point_;
  bool is_mounted_ = false;
};

}  // namespace cairn::test
