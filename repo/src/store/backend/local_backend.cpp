#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstring>
#include <gsl/assert>
#include <mutex>
#include <optional>
#include <utility>

#include "cairn/core/path.h"
#include "cairn/core/thread.h"
#include "store/backend/backend.h"
#include "store/backend/local_layout.h"
#include "store/backend/temporary_name.h"

/// A repository as files. Every path is "<location>/" + object_path(name); objects are written in
/// "<location>/tmp" and moved from there to their names in one step.
namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;
using format::ObjectKind;

/// Every attempt costs a system call; this many names are taken only if something is wrong.
constexpr int kTemporaryNamesMax = 100'000;

bool has_code(const Status& status, ErrorCode code) noexcept {
  return !status && status.error().code() == code;
}

/// No living writer leaves a file unchanged for so long.
constexpr std::int64_t kStaleSeconds = 24 * 60 * 60;
constexpr std::size_t kReserveBytes = 1024 * 1024;

/// Bytes that compression and deduplication by the file system cannot reduce.
core::Bytes reserve_content(core::ByteView seed) {
  std::uint64_t state = 0;
  for (const std::byte byte : seed) {
    state = (state ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3;
  }
  core::Bytes content(kReserveBytes);
  for (std::size_t at = 0; at < content.size(); at += sizeof(state)) {
    state += 0x9e3779b97f4a7c15;  // splitmix64
    std::uint64_t value = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    value ^= value >> 31;
    std::memcpy(&content[at], &value, sizeof(value));
  }
  return content;
}

class LocalBackend final : public Backend {
 public:
  LocalBackend(core::FileSystem& file_system, std::string location, WriterIdentity writer)
      : file_system_(file_system),
        location_(without_trailing_slashes(std::move(location))),
        writer_(std::move(writer)) {}

  core::Result<std::unique_ptr<ObjectWriter>> start() override;
  core::Result<core::Bytes> get(const ObjectName& name, std::uint64_t size_max) override;
  Status get_range(const ObjectName& name, std::uint64_t offset,
                   core::MutableByteView out) override;
  core::Result<std::optional<std::uint64_t>> size(const ObjectName& name) override;
  Status list(ObjectKind kind, const std::function<void(const ListedObject&)>& visit,
              const std::function<void(std::string_view)>& foreign) override;
  Status replace(const ObjectName& name, core::ByteView data) override;
  Status remove(const ObjectName& name) override;
  core::Result<std::vector<std::string>> unfinished() override;
  core::Result<std::vector<std::string>> abandoned(Certainty certainty) override;
  Status discard_unfinished(const std::string& name) override;
  Status make_reserve(core::ByteView seed) override;
  core::Result<bool> give_up_reserve() override;
  std::string local_folder() const override { return root(); }

  /// Moves a complete, synced file to its name and makes that durable. `moved` is set once the file
  /// has left its temporary path.
  Status publish(const std::string& temporary, const ObjectName& name, bool& moved);
  /// The same, replacing what is there.
  Status move_over(const std::string& temporary, const ObjectName& name, bool& moved);
  core::FileSystem& file_system() noexcept { return file_system_; }
  Status share_file(const std::string& path);
  /// Adds to an error in a temporary file what it means for the user.
  [[nodiscard]] core::Error explained(core::Error error) const;

 private:
  using Visit = std::function<void(const ListedObject&)>;
  using Foreign = std::function<void(std::string_view)>;

  [[nodiscard]] std::string path_of(std::string_view relative) const {
    return fmt::format("{}/{}", location_, relative);
  }
  [[nodiscard]] std::string path_of(const ObjectName& name) const {
    return path_of(object_path(name));
  }
  [[nodiscard]] std::string root() const { return location_.empty() ? "/" : location_; }
  Status sync_folder_of(const ObjectName& name) {
    return file_system_.sync_folder(
        name.kind == ObjectKind::config ? root() : core::parent_of(path_of(name)));
  }

  /// With whom new files and folders are shared.
  struct SharedAs {
    core::Sharing files = core::Sharing::owner_only;
    core::Sharing folders = core::Sharing::owner_only;
  };
  SharedAs sharing();
  struct Temporary {
    std::unique_ptr<core::WritableFile> file;
    std::string path;
  };
  core::Result<Temporary> create_temporary();
  core::Result<std::int64_t> storage_time();
  Status make_pack_folder(const ObjectName& name);
  Status make_folder_again(std::string_view folder);
  core::Result<std::vector<std::string>> names_in(const std::string& folder);
  Status list_folder(ObjectKind kind, const std::string& folder, std::string_view prefix,
                     const Visit& visit, const Foreign& foreign);
  Status list_packs(const Visit& visit, const Foreign& foreign);
  Status list_config(const Visit& visit);

  core::FileSystem& file_system_;
  const std::string location_;  ///< without a trailing '/'
  const WriterIdentity writer_;
  std::mutex sharing_mutex_;         ///< protects sharing_
  std::optional<SharedAs> sharing_;  ///< nullopt: not looked up yet
  std::atomic<std::uint64_t> next_temporary_{0};
  /// Folders packs/xx known to be durable: by the value of xx.
  std::array<std::atomic<bool>, 256> pack_folders_{};
};

core::Error discarded_error(const ObjectName& name) {
  return {ErrorCode::fenced,
          fmt::format("publish {}: its unfinished file was removed, by a prune that took this run "
                      "for dead or by hand",
                      object_path(name)),
          "run it again: what it has stored is used as far as it is still there"};
}

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(LocalBackend& backend, std::unique_ptr<core::WritableFile> file, std::string path)
      : backend_(backend), file_(std::move(file)), path_(std::move(path)) {}
  LocalWriter(const LocalWriter&) = delete;
  LocalWriter& operator=(const LocalWriter&) = delete;
  ~LocalWriter() override {
    if (!moved_) {
      file_.reset();
      // A file that cannot be removed stays in tmp, where it does no harm.
      static_cast<void>(core::guarded("discarding a file",
                                      [this] { return backend_.file_system().remove(path_); }));
    }
  }

  Status append(core::ByteView data) override {
    CAIRN_TRY_STATUS(state_);
    Expects(file_ != nullptr);  // not published yet
    state_ = explained(file_->append(data));
    return state_;
  }

  Status publish(const ObjectName& name) override {
    CAIRN_TRY_STATUS(state_);
    Expects(file_ != nullptr);  // publish() is called once
    state_ = explained(publish_file(name));
    return state_;
  }
  /// publish(), replacing what is there.
  Status replace(const ObjectName& name) {
    CAIRN_TRY_STATUS(state_);
    CAIRN_TRY_STATUS(explained(finish(name)));
    return explained(backend_.move_over(path_, name, moved_));
  }

 private:
  Status publish_file(const ObjectName& name) {
    CAIRN_TRY_STATUS(finish(name));
    return backend_.publish(path_, name, moved_);
  }

  Status finish(const ObjectName& name) {
    const std::unique_ptr<core::WritableFile> file = std::move(file_);
    CAIRN_TRY_STATUS(backend_.share_file(path_));
    CAIRN_TRY_STATUS(file->sync());
    CAIRN_TRY(const bool is_ours, file->has_its_name());
    CAIRN_TRY_STATUS(file->close());
    if (!is_ours) {
      moved_ = true;  // whatever has its name now belongs to somebody else
      return core::fail(discarded_error(name));
    }
    return {};
  }

  [[nodiscard]] Status explained(Status status) const {
    return status ? Status() : Status(core::fail(backend_.explained(std::move(status).error())));
  }

  LocalBackend& backend_;
  std::unique_ptr<core::WritableFile> file_;
  std::string path_;
  Status state_;
  bool moved_ = false;
};

LocalBackend::SharedAs LocalBackend::sharing() {
  const std::scoped_lock lock(sharing_mutex_);
  if (sharing_) {
    return *sharing_;
  }
  const auto config = file_system_.info(path_of(config_name()));
  const auto folder = file_system_.info(root());
  sharing_ = SharedAs();
  if (config && !*config) {
    // A new repository.
    sharing_->files = file_system_.sharing_inside(root()).value_or(core::Sharing::owner_only);
    sharing_->folders = sharing_->files;
  } else if (config && folder && *folder && (**config).sharing != core::Sharing::owner_only) {
    sharing_ = SharedAs{.files = (**config).sharing, .folders = (**folder).sharing};
  }
  return *sharing_;
}

Status LocalBackend::share_file(const std::string& path) {
  const core::Sharing with = sharing().files;
  if (with == core::Sharing::owner_only) {
    return {};
  }
  Status shared = file_system_.share(path, with);
  // If no mode can be set, the file system alone decides who may read.
  return has_code(shared, ErrorCode::permission_denied) ? Status() : shared;
}

core::Error LocalBackend::explained(core::Error error) const {
  if (error.code() == ErrorCode::permission_denied) {
    return std::move(error).with_hint(kSharingHint);
  }
  if (error.code() != ErrorCode::no_space) {
    return error;
  }
  return std::move(error).with_context(
      fmt::format("the disk of the repository {} is full", root()));
}

core::Result<LocalBackend::Temporary> LocalBackend::create_temporary() {
  // A dead process may have left the folder behind: that it exists is no error.
  bool made_folder = false;
  for (int attempt = 0; attempt < kTemporaryNamesMax; ++attempt) {
    std::string path =
        path_of(fmt::format("{}/{}", kTemporaryFolder,
                            temporary_name(writer_.process, writer_.tag, next_temporary_++)));
    auto file = file_system_.create(path);
    if (file) {
      return Temporary{.file = *std::move(file), .path = std::move(path)};
    }
    const ErrorCode code = file.error().code();
    if (code == ErrorCode::not_found && !made_folder) {
      CAIRN_TRY_STATUS(make_folder_again(kTemporaryFolder));
      made_folder = true;
    } else if (code != ErrorCode::already_exists) {
      return core::fail(explained(std::move(file).error()));
    }
  }
  return core::fail(
      ErrorCode::io, fmt::format("write to {}: all temporary names are taken", root()),
      fmt::format("remove {} while no other Cairn uses the repository", path_of(kTemporaryFolder)));
}

core::Result<std::unique_ptr<ObjectWriter>> LocalBackend::start() {
  CAIRN_TRY(Temporary made, create_temporary());
  return std::make_unique<LocalWriter>(*this, std::move(made.file), std::move(made.path));
}

core::Result<core::Bytes> LocalBackend::get(const ObjectName& name, std::uint64_t size_max) {
  CAIRN_TRY(const std::optional<std::uint64_t> found, size(name));
  if (!found) {
    return core::fail(ErrorCode::not_found, fmt::format("read {}: it is missing", path_of(name)));
  }
  if (*found > size_max) {
    return core::fail(ErrorCode::limit_exceeded, fmt::format("read {}: it has {} bytes, at most {} "
                                                             "are allowed",
                                                             path_of(name), *found, size_max));
  }
  core::Bytes data;
  data.resize(static_cast<std::size_t>(*found));
  CAIRN_TRY_STATUS(file_system_.read_at(path_of(name), 0, data));
  return data;
}

Status LocalBackend::get_range(const ObjectName& name, std::uint64_t offset,
                               core::MutableByteView out) {
  return file_system_.read_at(path_of(name), offset, out);
}

core::Result<std::optional<std::uint64_t>> LocalBackend::size(const ObjectName& name) {
  CAIRN_TRY(const std::optional<core::FileInfo> info, file_system_.info(path_of(name)));
  if (!info) {
    return std::nullopt;
  }
  if (info->is_folder) {
    return core::fail(ErrorCode::io, fmt::format("read {}: it is a folder", path_of(name)));
  }
  return info->size_bytes;
}

Status LocalBackend::publish(const std::string& temporary, const ObjectName& name, bool& moved) {
  const std::string path = path_of(name);
  if (name.kind == ObjectKind::pack) {
    CAIRN_TRY_STATUS(make_pack_folder(name));
  }
  Status published = file_system_.publish(temporary, path);
  if (has_code(published, ErrorCode::not_found) && !folder_of(name.kind).empty()) {
    // Tools that copy repositories drop empty folders.
    CAIRN_TRY_STATUS(make_folder_again(folder_of(name.kind)));
    if (name.kind == ObjectKind::pack) {
      pack_folders_[std::to_integer<std::size_t>(name.id.view().front())] = false;
      CAIRN_TRY_STATUS(make_pack_folder(name));
    }
    published = file_system_.publish(temporary, path);
  }
  if (has_code(published, ErrorCode::not_found)) {
    CAIRN_TRY(const std::optional<core::FileInfo> unfinished, file_system_.info(temporary));
    if (!unfinished) {
      return core::fail(discarded_error(name));
    }
  }
  CAIRN_TRY_STATUS(published);
  moved = true;
  return sync_folder_of(name);
}

// The folder may have been made by a process that died before it was durable, so the first use by
// this backend always syncs its parent.
Status LocalBackend::make_pack_folder(const ObjectName& name) {
  std::atomic<bool>& is_durable =
      pack_folders_[std::to_integer<std::size_t>(name.id.view().front())];
  if (is_durable) {
    return {};
  }
  const std::string folder = core::parent_of(path_of(name));
  Status made = make_shared_folder(file_system_, folder, sharing().folders);
  if (has_code(made, ErrorCode::not_found)) {
    CAIRN_TRY_STATUS(make_folder_again(folder_of(ObjectKind::pack)));
    made = make_shared_folder(file_system_, folder, sharing().folders);
  }
  CAIRN_TRY_STATUS(made);
  CAIRN_TRY_STATUS(file_system_.sync_folder(path_of(folder_of(ObjectKind::pack))));
  is_durable = true;
  return {};
}

// Only if there is a repository: in an empty mount point nothing must be made, or what follows
// would be written below it.
Status LocalBackend::make_folder_again(std::string_view folder) {
  CAIRN_TRY(const std::optional<core::FileInfo> config, file_system_.info(path_of(config_name())));
  if (!config) {
    return core::fail(ErrorCode::not_found,
                      fmt::format("write to {}: there is no repository", root()));
  }
  CAIRN_TRY_STATUS(make_shared_folder(file_system_, path_of(folder), sharing().folders));
  return file_system_.sync_folder(root());
}

core::Result<std::vector<std::string>> LocalBackend::names_in(const std::string& folder) {
  auto names = file_system_.list(folder);
  if (!names && names.error().code() == ErrorCode::not_found) {
    CAIRN_TRY(const std::optional<core::FileInfo> config,
              file_system_.info(path_of(config_name())));
    if (config) {
      return std::vector<std::string>();
    }
  }
  return names;
}

Status LocalBackend::list_folder(ObjectKind kind, const std::string& folder,
                                 std::string_view prefix, const Visit& visit,
                                 const Foreign& foreign) {
  CAIRN_TRY(const std::vector<std::string> names, names_in(path_of(folder)));
  for (const std::string& name : names) {
    const std::string relative = fmt::format("{}/{}", folder, name);
    const auto id = core::Hash256::from_hex(name);
    CAIRN_TRY(const std::optional<core::FileInfo> info, file_system_.info(path_of(relative)));
    if (!info) {
      continue;  // removed by another process since it was listed
    }
    if (id && name.starts_with(prefix) && !info->is_folder) {
      visit({.name = {.kind = kind, .id = *id}, .size_bytes = info->size_bytes});
    } else if (foreign) {
      foreign(relative);
    }
  }
  return {};
}

Status LocalBackend::list_packs(const Visit& visit, const Foreign& foreign) {
  CAIRN_TRY(const std::vector<std::string> names, names_in(path_of(folder_of(ObjectKind::pack))));
  for (const std::string& name : names) {
    const std::string folder = fmt::format("{}/{}", folder_of(ObjectKind::pack), name);
    std::byte first{};
    if (core::parse_hex(name, {&first, 1})) {
      CAIRN_TRY(const std::optional<core::FileInfo> info, file_system_.info(path_of(folder)));
      if (info && info->is_folder) {
        CAIRN_TRY_STATUS(list_folder(ObjectKind::pack, folder, name, visit, foreign));
        continue;
      }
    }
    if (foreign) {
      foreign(folder);
    }
  }
  return {};
}

Status LocalBackend::list_config(const Visit& visit) {
  CAIRN_TRY(const std::optional<std::uint64_t> found, size(config_name()));
  if (found) {
    visit({.name = config_name(), .size_bytes = *found});
  }
  return {};
}

Status LocalBackend::list(ObjectKind kind, const Visit& visit, const Foreign& foreign) {
  switch (kind) {
    case ObjectKind::config:
      return list_config(visit);
    case ObjectKind::pack:
      return list_packs(visit, foreign);
    default:
      return list_folder(kind, std::string(folder_of(kind)), {}, visit, foreign);
  }
}

Status LocalBackend::replace(const ObjectName& name, core::ByteView data) {
  CAIRN_TRY(const std::unique_ptr<ObjectWriter> writer, start());
  CAIRN_TRY_STATUS(writer->append(data));
  // start() returns no other writers.
  return static_cast<LocalWriter&>(*writer).replace(name);
}

Status LocalBackend::move_over(const std::string& temporary, const ObjectName& name, bool& moved) {
  CAIRN_TRY_STATUS(file_system_.replace(temporary, path_of(name)));
  moved = true;
  return sync_folder_of(name);
}

Status LocalBackend::remove(const ObjectName& name) {
  CAIRN_TRY_STATUS(file_system_.remove(path_of(name)));
  return name.kind == ObjectKind::pack ? Status() : sync_folder_of(name);
}

core::Result<std::vector<std::string>> LocalBackend::unfinished() {
  return names_in(path_of(kTemporaryFolder));
}

/// The time of the storage's clock; clocks of other machines are not used.
core::Result<std::int64_t> LocalBackend::storage_time() {
  CAIRN_TRY(const Temporary probe, create_temporary());
  const auto info = file_system_.info(probe.path);
  static_cast<void>(file_system_.remove(probe.path));
  if (!info) {
    return core::fail(info.error());
  }
  return *info ? (**info).modified_seconds : 0;
}

core::Result<std::vector<std::string>> LocalBackend::abandoned(Certainty certainty) {
  CAIRN_TRY(const std::vector<std::string> names, unfinished());
  std::vector<std::string> found;
  std::vector<std::pair<std::string, std::int64_t>> unknown;
  for (const std::string& name : names) {
    const auto writer = writer_in_place_of(name, writer_.process);
    if (writer && writer_.is_gone && writer_.is_gone(*writer)) {
      found.push_back(name);
    } else if (!writer && certainty == Certainty::likely) {
      CAIRN_TRY(const std::optional<core::FileInfo> info,
                file_system_.info(path_of(fmt::format("{}/{}", kTemporaryFolder, name))));
      if (info && !info->is_folder) {
        unknown.emplace_back(name, info->modified_seconds);
      }
    }
  }
  if (unknown.empty()) {
    return found;
  }
  const auto now = storage_time();
  for (const auto& [name, modified_seconds] : unknown) {
    if (now && *now - modified_seconds > kStaleSeconds) {
      found.push_back(name);
    }
  }
  return found;
}

Status LocalBackend::discard_unfinished(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("discard {}: not the name of an unfinished object", name));
  }
  return file_system_.remove(path_of(fmt::format("{}/{}", kTemporaryFolder, name)));
}

Status LocalBackend::make_reserve(core::ByteView seed) {
  const std::string path = path_of(kReserveFile);
  CAIRN_TRY(const std::optional<core::FileInfo> found, file_system_.info(path));
  if (found) {
    return {};
  }
  CAIRN_TRY(Temporary made, create_temporary());
  const auto take = [&]() -> Status {
    CAIRN_TRY_STATUS(made.file->append(reserve_content(seed)));
    CAIRN_TRY_STATUS(share_file(made.path));
    CAIRN_TRY_STATUS(made.file->sync());
    CAIRN_TRY_STATUS(made.file->close());
    return file_system_.publish(made.path, path);
  };
  Status taken = take();
  if (!taken) {
    made.file.reset();
    static_cast<void>(file_system_.remove(made.path));
  }
  return has_code(taken, ErrorCode::already_exists) ? Status() : taken;
}

core::Result<bool> LocalBackend::give_up_reserve() {
  const Status removed = file_system_.remove(path_of(kReserveFile));
  if (!removed && removed.error().code() != ErrorCode::not_found) {
    return core::fail(removed.error());
  }
  return removed.has_value();
}

}  // namespace

std::unique_ptr<Backend> make_local_backend(core::FileSystem& file_system, std::string location,
                                            WriterIdentity writer) {
  Expects(!location.empty());
  return std::make_unique<LocalBackend>(file_system, std::move(location), std::move(writer));
}

}  // namespace cairn::repo::store
