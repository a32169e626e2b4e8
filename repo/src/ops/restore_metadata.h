#pragma once

#include <sys/stat.h>

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/restore_log.h"

namespace cairn::repo::ops {

/// Users and groups of this machine by name. Thread-safe.
class OwnerNumbers {
 public:
  explicit OwnerNumbers(bool numeric_only) : numeric_only_(numeric_only) {}
  struct Numbers {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };
  [[nodiscard]] Numbers numbers(const Owner& owner);

 private:
  bool numeric_only_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::optional<std::uint32_t>> users_;
  std::unordered_map<std::string, std::optional<std::uint32_t>> groups_;
};

/// What a file has before anything is set: the same for all that are made in one folder.
struct NewFileTraits {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool is_plain = false;  ///< no flags, and no attributes that would have to be removed
};
/// Of a file that has just been made.
[[nodiscard]] NewFileTraits new_file_traits(int descriptor);

/// Gives objects their owner, attributes, mode, time and flags. What an ordinary user may not set
/// is skipped and counted; what else fails is a problem or, if nothing can be trusted any more, an
/// error. Thread-safe.
class MetadataWriter {
 public:
  MetadataWriter(bool numeric_ids, RestoreLog& log);

  /// An open file or folder. Attributes that are not recorded are removed. The flags that forbid
  /// changes, of the name too, are left to set_last().
  core::Status set(int descriptor, const Entry& entry, const std::string& path);
  /// The same for a new file, in fewer system calls. Requires that `traits` are those of its
  /// folder.
  core::Status set_new(int descriptor, const Entry& entry, const std::string& path,
                       const NewFileTraits& traits);
  /// Call when the object has its name and needs no more changes.
  void set_last(int descriptor, const Entry& entry, const std::string& path);
  /// What cannot be opened without side effects: links, devices, FIFOs, sockets.
  core::Status set_at(int folder, const std::string& name, const Entry& entry,
                      const std::string& path);
  /// True if set() and set_last() would change nothing.
  [[nodiscard]] bool matches(int descriptor, const Entry& entry);
  [[nodiscard]] bool matches_at(int folder, const std::string& name, const Entry& entry);

  [[nodiscard]] bool is_superuser() const noexcept { return is_superuser_; }

 private:
  void set_flags(int descriptor, const Entry& entry, std::uint8_t mask, const std::string& path);
  static core::Status set_mode_and_time(int descriptor, const Entry& entry,
                                        const std::string& path);
  core::Status set_owner(int descriptor, const std::string& name, const Entry& entry,
                         const std::string& path);
  template <class Object>
  core::Status set_xattrs(const Object& object, const Entry& present, const Entry& entry,
                          const std::string& path);
  [[nodiscard]] bool matches_status(const struct ::stat& status, const Entry& entry);

  RestoreLog& log_;
  OwnerNumbers owners_;
  bool is_superuser_;
};

}  // namespace cairn::repo::ops
