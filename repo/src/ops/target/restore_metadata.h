#pragma once

#include <sys/stat.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "ops/target/restore_log.h"

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

/// What a new file has before anything is set: the same for all files made in one folder.
struct NewFileTraits {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool is_plain = false;  ///< no flags, and no attributes that would have to be removed
};
/// For a newly made file.
[[nodiscard]] NewFileTraits new_file_traits(int descriptor);

/// Which part of the recorded owner an object has.
struct OwnerMatch {
  bool user = true;
  bool group = true;
};
/// The recorded mode without bits that need the recorded owner: a program must not run with the
/// rights of the user who restored it because it once ran with somebody else's.
[[nodiscard]] ::mode_t mode_with_owner(const Entry& entry, OwnerMatch owner) noexcept;

struct MetadataOptions {
  bool numeric_ids = false;
  bool no_owner = false;  ///< owners stay as they are
  /// Which extended attributes are set and removed; empty: all.
  std::function<bool(std::string_view name)> selects_xattr;
};

/// Gives objects their owner, attributes, mode, time and flags. No file is given up because of
/// these: what cannot be set is never an error. What an ordinary user may not set, and an owner
/// that is refused for any reason, is skipped and counted; everything else is a problem.
/// Thread-safe.
class MetadataWriter {
 public:
  MetadataWriter(MetadataOptions options, RestoreLog& log);

  /// For an open file or folder. Attributes that are not recorded are removed. Flags that forbid
  /// changes, even of the name, are left to set_last().
  void set(int descriptor, const Entry& entry, const std::string& path);
  /// The same for a new file, in fewer system calls. Requires that `traits` are those of its
  /// folder.
  void set_new(int descriptor, const Entry& entry, const std::string& path,
               const NewFileTraits& traits);
  /// To be called when the object has its name and needs no more changes.
  void set_last(int descriptor, const Entry& entry, const std::string& path);
  /// For what cannot be opened without side effects: links, devices, FIFOs, sockets.
  void set_at(int folder, const std::string& name, const Entry& entry, const std::string& path);
  /// True if set() and set_last() would change nothing.
  [[nodiscard]] bool matches(int descriptor, const Entry& entry);
  [[nodiscard]] bool matches_at(int folder, const std::string& name, const Entry& entry);

  [[nodiscard]] bool is_superuser() const noexcept { return is_superuser_; }

 private:
  void set_flags(int descriptor, const Entry& entry, std::uint8_t mask, const std::string& path);
  void set_mode_and_time(int descriptor, const Entry& entry, OwnerMatch owner,
                         const std::string& path);
  OwnerMatch set_owner(int descriptor, const std::string& name, const Entry& entry,
                       const std::string& path);
  template <class Object>
  void set_xattrs(const Object& object, const Entry& present, const Entry& entry,
                  const std::string& path);
  void report(const std::string& path, int error_number, std::string_view what);
  [[nodiscard]] OwnerNumbers::Numbers wanted_owner(const struct ::stat& present,
                                                   const Entry& entry);
  /// True if no attribute would have to be changed.
  [[nodiscard]] bool same_xattrs(const Entry& present, const Entry& entry) const;
  [[nodiscard]] bool selects_xattr(std::string_view name) const {
    return !options_.selects_xattr || options_.selects_xattr(name);
  }
  [[nodiscard]] bool matches_status(const struct ::stat& status, const Entry& entry);

  MetadataOptions options_;
  RestoreLog& log_;
  OwnerNumbers owners_;
  bool is_superuser_;
};

}  // namespace cairn::repo::ops
