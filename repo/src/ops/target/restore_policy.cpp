#include "ops/target/restore_policy.h"

namespace cairn::repo {

std::string_view to_string(Overwrite overwrite) noexcept {
  switch (overwrite) {
    case Overwrite::refuse:
      return "refuse";
    case Overwrite::always:
      return "always";
    case Overwrite::if_changed:
      return "if-changed";
    case Overwrite::if_newer:
      return "if-newer";
    case Overwrite::never:
      return "never";
  }
  return "unknown";
}

namespace ops {

core::Timestamp mtime_of(const struct ::stat& status) noexcept {
  return {status.st_mtim.tv_sec, static_cast<std::uint32_t>(status.st_mtim.tv_nsec)};
}

bool same_type(const struct ::stat& status, EntryType type) noexcept {
  switch (type) {
    case EntryType::file:
      return S_ISREG(status.st_mode);
    case EntryType::folder:
      return S_ISDIR(status.st_mode);
    case EntryType::symlink:
      return S_ISLNK(status.st_mode);
    case EntryType::char_device:
      return S_ISCHR(status.st_mode);
    case EntryType::block_device:
      return S_ISBLK(status.st_mode);
    case EntryType::fifo:
      return S_ISFIFO(status.st_mode);
    case EntryType::socket:
      return S_ISSOCK(status.st_mode);
  }
  return false;
}

Verdict judge(Overwrite overwrite, const Standing& standing, const Entry& entry) {
  if (!standing) {
    return Verdict::create;
  }
  if (overwrite == Overwrite::refuse) {
    return Verdict::refuse;
  }
  if (overwrite == Overwrite::never ||
      (overwrite == Overwrite::if_newer && entry.mtime <= mtime_of(*standing))) {
    return Verdict::keep;
  }
  if (entry.type != EntryType::file || !S_ISREG(standing->st_mode)) {
    return Verdict::replace;
  }
  const bool looks_equal =
      static_cast<std::uint64_t>(standing->st_size) == entry.content.size_bytes &&
      mtime_of(*standing) == entry.mtime;
  return overwrite == Overwrite::if_changed && looks_equal ? Verdict::metadata_only
                                                           : Verdict::compare;
}

bool keeps_folder_metadata(Overwrite overwrite, const struct ::stat& standing, const Entry& entry) {
  return overwrite == Overwrite::never ||
         (overwrite == Overwrite::if_newer && entry.mtime <= mtime_of(standing));
}

}  // namespace ops
}  // namespace cairn::repo
