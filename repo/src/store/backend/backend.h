#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/file_system.h"
#include "cairn/core/id.h"
#include "cairn/core/process_identity.h"
#include "cairn/core/result.h"
#include "format/frame.h"

namespace cairn::repo::store {

/// The name of an object: its kind and 32 bytes (zero for the config, of which there is one).
struct ObjectName {
  format::ObjectKind kind = format::ObjectKind::config;
  core::Hash256 id;

  friend auto operator<=>(const ObjectName&, const ObjectName&) = default;
  friend bool operator==(const ObjectName&, const ObjectName&) = default;
};

/// The folder for objects of a kind: "packs". Empty for the config.
[[nodiscard]] std::string_view folder_of(format::ObjectKind kind) noexcept;
/// "packs/ab/abcd...": the same on every backend, and the object's name in messages.
[[nodiscard]] std::string object_path(const ObjectName& name);

template <class Tag>
[[nodiscard]] ObjectName object_name(format::ObjectKind kind, const core::Id<Tag>& id) {
  return {kind, core::Hash256::from(id.view())};
}
[[nodiscard]] inline ObjectName config_name() { return {}; }

struct ListedObject {
  ObjectName name;
  std::uint64_t size_bytes = 0;
};

/// An object being written, whose name is known only at the end. Not thread-safe. Must not outlive
/// its backend. Destroyed without publish() it leaves nothing behind under any object's name. After
/// its first error every later call returns the same error.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual core::Status append(core::ByteView data) = 0;
  /// Makes the object durable and visible in one step. already_exists if the name is taken: the
  /// object there is not touched. fenced if somebody has discarded it meanwhile.
  virtual core::Status publish(const ObjectName& name) = 0;
};

enum class Certainty : std::uint8_t { known, likely };

/// Where objects are stored. Knows names and bytes, nothing else. Objects are created once and
/// never changed, except by replace(). Thread-safe. Errors: not_found, already_exists, no_space,
/// permission_denied, io. A missing folder counts as empty as long as the repository's config
/// exists: tools that copy repositories drop empty folders.
class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual core::Result<std::unique_ptr<ObjectWriter>> start() = 0;
  /// The whole object; limit_exceeded if it has more than `size_max` bytes.
  [[nodiscard]] virtual core::Result<core::Bytes> get(const ObjectName& name,
                                                      std::uint64_t size_max) = 0;
  /// Exactly out.size() bytes at `offset`; corrupt if the object ends before.
  virtual core::Status get_range(const ObjectName& name, std::uint64_t offset,
                                 core::MutableByteView out) = 0;
  /// nullopt if there is no such object.
  [[nodiscard]] virtual core::Result<std::optional<std::uint64_t>> size(const ObjectName& name) = 0;
  /// All objects of a kind, in no particular order. Names that are not ours are passed to `foreign`
  /// if it is given.
  virtual core::Status list(format::ObjectKind kind,
                            const std::function<void(const ListedObject&)>& visit,
                            const std::function<void(std::string_view)>& foreign = {}) = 0;
  /// Rewrites an object that was read and found damaged: the one exception to "never changed".
  /// Atomic and durable: at any time there is the old one or the new one. Made if it is missing.
  virtual core::Status replace(const ObjectName& name, core::ByteView data);
  /// not_found if there is none. The removal survives a power cut, except that of a pack: a pack
  /// that comes back does no harm, and many of them are removed in a row.
  virtual core::Status remove(const ObjectName& name) = 0;

  /// Names of unfinished writes: those of living writers, and what dead ones left behind. None if
  /// the backend leaves nothing behind.
  [[nodiscard]] virtual core::Result<std::vector<std::string>> unfinished();
  /// Those of the unfinished writes whose writer has certainly ended; with Certainty::likely also
  /// those about whose writer nothing is known and to which nothing was added for a day by the
  /// storage's clock.
  [[nodiscard]] virtual core::Result<std::vector<std::string>> abandoned(Certainty certainty);
  /// Removes one. If its writer is alive after all, its publish() fails with `fenced`.
  virtual core::Status discard_unfinished(const std::string& name);

  /// Occupies some space on a disk that may become full, so that there is something to give up when
  /// nothing can be written any more, not even what leads to deletion. `seed` makes its content
  /// differ from that of other repositories. Does nothing if there is a reserve, or the storage has
  /// no such thing. Errors: no_space (nothing is occupied then), io.
  virtual core::Status make_reserve(core::ByteView seed);
  /// False if there is none.
  [[nodiscard]] virtual core::Result<bool> give_up_reserve();

  /// The folder of this machine that contains the objects; empty if there is none.
  [[nodiscard]] virtual std::string local_folder() const { return {}; }

  /// start, append and publish together.
  core::Status put(const ObjectName& name, core::ByteView data);
};

/// The names of all objects of a kind as ids, ascending. `foreign` and errors: as Backend::list().
template <class ObjectId>
[[nodiscard]] core::Result<std::vector<ObjectId>> list_ids(
    Backend& backend, format::ObjectKind kind,
    const std::function<void(std::string_view)>& foreign = {}) {
  std::vector<ObjectId> ids;
  CAIRN_TRY_STATUS(backend.list(
      kind,
      [&ids](const ListedObject& object) { ids.push_back(ObjectId::from(object.name.id.view())); },
      foreign));
  std::ranges::sort(ids);
  return ids;
}

/// Advice for a user who may not read or write a repository's files.
inline constexpr std::string_view kSharingHint =
    "run it as the user whom the repository belongs to, or share it with a group: chgrp -R GROUP "
    "and chmod -R g+rwX on it, then chmod g+s on its folders";

/// Makes the folders of a new repository in `location`, which is not empty. `location` is made if
/// missing, with those above it, and must contain nothing but lost+found and empty folders from an
/// interrupted init. already_exists if something else is there. What is made belongs to its owner
/// alone, or to a group: core::FileSystem::sharing_inside().
core::Status create_local_layout(core::FileSystem& file_system, const std::string& location);

/// Who writes: distinguishes what dead writers left from what living ones are writing.
struct WriterIdentity {
  core::ProcessIdentity process = {};
  std::uint64_t tag = 0;  ///< random: no other backend has the same
  /// True if a process has certainly ended. Empty: it is never known.
  std::function<bool(const core::ProcessIdentity&)> is_gone = {};
};

/// A repository in a local folder. Writes go to a temporary name in the same folder tree, are
/// fsynced, renamed without replacing, and the folder is fsynced. New files and folders are shared
/// with the group if the repository's config and root folder are. `location` is not empty.
/// `file_system` must outlive it.
[[nodiscard]] std::unique_ptr<Backend> make_local_backend(core::FileSystem& file_system,
                                                          std::string location,
                                                          WriterIdentity writer = {});

}  // namespace cairn::repo::store
