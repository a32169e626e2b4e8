#include "ops/target/special_objects.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "ops/posix/inode_flags.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

constexpr mode_t kNodeMode = 0600;

dev_t device_of(const Entry& entry) {
  const bool is_device =
      entry.type == EntryType::char_device || entry.type == EntryType::block_device;
  return is_device ? ::makedev(entry.device.major, entry.device.minor) : dev_t{0};
}

mode_t type_bits(EntryType type) {
  switch (type) {
    case EntryType::socket:
      return S_IFSOCK;
    case EntryType::char_device:
      return S_IFCHR;
    case EntryType::block_device:
      return S_IFBLK;
    default:
      return S_IFIFO;
  }
}

bool is_same_special(int folder, const struct ::stat& standing, const Entry& entry) {
  if (!same_type(standing, entry.type)) {
    return false;
  }
  if (entry.type == EntryType::symlink) {
    std::array<char, kLinkTargetBytesMax + 1> target{};
    const ssize_t size = ::readlinkat(folder, entry.name.c_str(), target.data(), target.size());
    return size >= 0 &&
           std::string_view(target.data(), static_cast<std::size_t>(size)) == entry.link_target;
  }
  return standing.st_rdev == device_of(entry);
}

core::Status make_node(RestoreTarget& target, int folder, const std::string& name,
                       const Entry& entry, const std::string& path) {
  const dev_t device = device_of(entry);
  const int result =
      entry.type == EntryType::symlink
          ? ::symlinkat(entry.link_target.c_str(), folder, name.c_str())
          : ::mknodat(folder, name.c_str(), type_bits(entry.type) | kNodeMode, device);
  if (result == 0) {
    target.metadata().set_at(folder, name, entry, path);
    return {};
  }
  if (errno == EPERM && device != 0 && !target.metadata().is_superuser()) {
    target.log().skip(Skipped::special, path, "device");
    return core::fail(core::ErrorCode::permission_denied, "only the superuser may make devices");
  }
  return core::fail(core::errno_error(errno, "make " + path));
}

struct LinkSource {
  std::shared_ptr<Descriptor> folder;
  std::string name;
};

core::Status link_as(RestoreTarget& target, const LinkSource& from, const TargetFolder& folder,
                     const std::string& name, bool is_new) {
  CAIRN_TRY(const auto above, target.folders().get(folder));
  const std::string as = is_new ? name : target.names().new_temporary_name("link");
  const auto link = [&] {
    return ::linkat(from.folder->number(), from.name.c_str(), above->number(), as.c_str(), 0) == 0;
  };
  if (!link() &&
      (is_new || errno != EEXIST || ::unlinkat(above->number(), as.c_str(), 0) != 0 || !link())) {
    return core::fail(core::errno_error(
        errno, fmt::format("link {} to {}", join_path(folder.path, name), from.name)));
  }
  if (is_new) {
    return {};
  }
  auto named = target.names().give(folder, as, name);
  if (!named) {
    target.names().discard(folder, as);
  }
  return named;
}

std::string below_target(const RestoreTarget& target, const TargetFolder& folder) {
  const std::string& path = target.options().path;
  return folder.path.substr(path.size() + (path.ends_with('/') ? 0 : 1));
}

core::Status replace_by_node(RestoreTarget& target, const TargetFolder& folder, const Entry& entry,
                             const std::string& path) {
  CAIRN_TRY(const auto above, target.folders().get(folder));
  const std::string temporary = target.names().new_temporary_name("node");
  static_cast<void>(::unlinkat(above->number(), temporary.c_str(), 0));
  auto made = make_node(target, above->number(), temporary, entry, path);
  if (made) {
    made = target.names().give(folder, temporary, entry.name);
  }
  if (!made) {
    target.names().discard(folder, temporary);
  }
  return made;
}

core::Result<RestoreAction> place_special(RestoreTarget& target, const TargetFolder& folder,
                                          const Entry& entry, const Standing& standing,
                                          const std::string& path) {
  const bool dry_run = target.options().dry_run;
  if (!standing && dry_run) {
    return RestoreAction::created;
  }
  CAIRN_TRY(const auto above, target.folders().get(folder));
  if (!standing) {
    CAIRN_TRY_STATUS(make_node(target, above->number(), entry.name, entry, path));
    return RestoreAction::created;
  }
  if (is_same_special(above->number(), *standing, entry)) {
    if (target.metadata().matches_at(above->number(), entry.name, entry)) {
      return RestoreAction::unchanged;
    }
    if (!dry_run) {
      target.metadata().set_at(above->number(), entry.name, entry, path);
    }
    return RestoreAction::metadata_set;
  }
  if (!dry_run) {
    CAIRN_TRY_STATUS(replace_by_node(target, folder, entry, path));
  }
  return RestoreAction::updated;
}

core::Result<LinkSource> open_link_source(RestoreTarget& target, const TargetFolder& root_folder,
                                          const std::string& first) {
  LinkSource from;
  CAIRN_TRY(from.folder, target.folders().get(root_folder));
  const auto slash = first.rfind('/');
  if (slash != std::string::npos) {
    from.folder = std::make_shared<Descriptor>(target.folders().opener().open(
        from.folder->number(), first.substr(0, slash), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  from.name = first.substr(slash == std::string::npos ? 0 : slash + 1);
  return from;
}

core::Result<RestoreAction> place_hard_link(RestoreTarget& target, const TargetFolder& root_folder,
                                            const std::string& first, const TargetFolder& folder,
                                            const Entry& entry, const Standing& standing) {
  const bool dry_run = target.options().dry_run;
  const auto action = standing ? RestoreAction::updated : RestoreAction::created;
  if (dry_run && (root_folder.is_missing || !standing)) {
    return action;
  }
  CAIRN_TRY(const LinkSource from, open_link_source(target, root_folder, first));
  struct ::stat status {};
  const bool is_there =
      ::fstatat(from.folder->number(), from.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_there && !dry_run) {
    return core::fail(core::errno_error(
        errno, fmt::format("link {} to {}", join_path(folder.path, entry.name), first)));
  }
  if (is_there && standing && standing->st_dev == status.st_dev &&
      standing->st_ino == status.st_ino) {
    return RestoreAction::unchanged;
  }
  if (dry_run) {
    return action;
  }
  auto linked = link_as(target, from, folder, entry.name, !standing);
  if (!linked && linked.error().code() == core::ErrorCode::permission_denied) {
    // Its flags are set already, and some forbid another name.
    const Descriptor object(::openat(from.folder->number(), from.name.c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (const unsigned lifted = lift_hindering_flags(object.number()); lifted != 0) {
      linked = link_as(target, from, folder, entry.name, !standing);
      put_back_flags(object.number(), lifted);
    }
  }
  CAIRN_TRY_STATUS(std::move(linked));
  return action;
}

}  // namespace

core::Status make_special(RestoreTarget& target, const TargetFolder& folder, const Entry& entry) {
  const std::string path = join_path(folder.path, entry.name);
  CAIRN_TRY(const Standing standing, target.names().look(folder, entry.name));
  const Verdict verdict = target.options().judge(standing, entry, path, target.log());
  if (verdict == Verdict::keep) {
    target.log().done(RestoreAction::kept, path);
    return {};
  }
  if (verdict == Verdict::refuse) {
    return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
  }
  CAIRN_TRY(const auto action, place_special(target, folder, entry, standing, path));
  target.log().placed(action, path, entry);
  return {};
}

core::Status make_hard_link(RestoreTarget& target, const TargetFolder& root_folder,
                            const std::string& first, const TargetFolder& folder,
                            const Entry& entry) {
  const std::string path = join_path(folder.path, entry.name);
  CAIRN_TRY(const Standing standing, target.names().look(folder, entry.name));
  if (target.options().judge(standing, entry, path, target.log()) == Verdict::keep) {
    target.log().done(RestoreAction::kept, path);
    return {};
  }
  CAIRN_TRY(const auto action,
            place_hard_link(target, root_folder, first, folder, entry, standing));
  target.log().placed(action, path, entry);
  return {};
}

bool keeps_another(RestoreTarget& target, const TargetFolder& root_folder, const std::string& first,
                   const Entry& entry) {
  if (!root_folder.existed || root_folder.is_missing ||
      (target.options().overwrite != Overwrite::never &&
       target.options().overwrite != Overwrite::if_newer)) {
    return false;
  }
  const Descriptor object(target.folders().opener().open(
      target.folders().root(),
      root_folder.parent == nullptr ? first : below_target(target, root_folder) + '/' + first,
      O_PATH | O_CLOEXEC));
  struct ::stat status {};
  if (object.number() < 0 || ::fstat(object.number(), &status) != 0 ||
      ops::judge(target.options().overwrite, Standing(status), entry) != Verdict::keep) {
    return false;
  }
  // It was just restored, or is equal to that: linking to it is right.
  const bool is_it = same_type(status, entry.type) && mtime_of(status) == entry.mtime &&
                     (entry.type != EntryType::file ||
                      static_cast<std::uint64_t>(status.st_size) == entry.content.size_bytes);
  return !is_it;
}

}  // namespace cairn::repo::ops
