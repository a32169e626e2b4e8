#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <gsl/assert>
#include <utility>

#include "cairn/core/crypto.h"
#include "store/backend.h"

/// A repository as files. Every path is "<location>/" + object_path(name); what is being written
/// lies in "<location>/tmp" and moves from there to its name in one step.
namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;
using format::ObjectKind;

constexpr std::string_view kTemporaryFolder = "tmp";
constexpr std::string_view kPacksFolder = "packs";
constexpr std::array<std::string_view, 10> kFolders = {
    "keys",      "packs",     "index", "sessions", "snapshots",
    "forgotten", "condemned", "marks", "settings", kTemporaryFolder};
/// Every attempt costs a system call; so many names are taken only if something is wrong.
constexpr int kTemporaryNamesMax = 100'000;

std::string_view folder_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::key_slot:
      return "keys";
    case ObjectKind::pack:
      return kPacksFolder;
    case ObjectKind::index:
      return "index";
    case ObjectKind::session:
      return "sessions";
    case ObjectKind::snapshot:
      return "snapshots";
    case ObjectKind::forgotten:
      return "forgotten";
    case ObjectKind::condemned:
      return "condemned";
    case ObjectKind::mark:
      return "marks";
    case ObjectKind::settings:
      return "settings";
    case ObjectKind::config:
      break;
  }
  return {};
}

/// "/" becomes empty, so that joining with '/' gives a path in any case.
std::string without_trailing_slashes(std::string path) {
  while (!path.empty() && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool has_code(const Status& status, ErrorCode code) noexcept {
  return !status && status.error().code() == code;
}

/// "<host>-<process>-": begins the temporary names of a process, so that those of dead ones can be
/// told. Machines with one name are taken for one.
std::string host_mark() {
  std::array<char, 256> name{};
  // Without a name all machines would look like one that has none.
  if (gethostname(name.data(), name.size() - 1) != 0) {
    return {};
  }
  return core::hash256(core::as_view(std::string_view(name.data()))).hex().substr(0, 8);
}

std::string writer_mark() { return fmt::format("{}-{}-", host_mark(), getpid()); }

/// False if the name does not say so.
bool is_abandoned(std::string_view name, std::string_view host) {
  if (host.empty() || !name.starts_with(host) || name.size() <= host.size() ||
      name[host.size()] != '-') {
    return false;
  }
  name.remove_prefix(host.size() + 1);
  pid_t process = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), process);
  return parsed.ec == std::errc() && process > 0 && kill(process, 0) != 0 && errno == ESRCH;
}

class LocalBackend final : public Backend {
 public:
  LocalBackend(core::FileSystem& file_system, std::string location)
      : file_system_(file_system),
        location_(without_trailing_slashes(std::move(location))),
        writer_mark_(writer_mark()) {}

  core::Result<std::unique_ptr<ObjectWriter>> start() override;
  core::Result<core::Bytes> get(const ObjectName& name, std::uint64_t size_max) override;
  Status get_range(const ObjectName& name, std::uint64_t offset,
                   core::MutableByteView out) override;
  core::Result<std::optional<std::uint64_t>> size(const ObjectName& name) override;
  Status list(ObjectKind kind, const std::function<void(const ListedObject&)>& visit,
              const std::function<void(std::string_view)>& foreign) override;
  Status remove(const ObjectName& name) override;
  core::Result<std::vector<std::string>> unfinished() override;
  core::Result<std::vector<std::string>> abandoned() override;
  Status discard_unfinished(const std::string& name) override;

  /// Moves a complete, synced file to its name and makes that durable. `moved` tells whether the
  /// file has left its temporary path.
  Status publish(const std::string& temporary, const ObjectName& name, bool& moved);
  core::FileSystem& file_system() noexcept { return file_system_; }

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

  Status make_pack_folder(const ObjectName& name);
  Status make_folder_again(std::string_view folder);
  core::Result<std::vector<std::string>> names_in(const std::string& folder);
  Status list_folder(ObjectKind kind, const std::string& folder, std::string_view prefix,
                     const Visit& visit, const Foreign& foreign);
  Status list_packs(const Visit& visit, const Foreign& foreign);
  Status list_config(const Visit& visit);

  core::FileSystem& file_system_;
  const std::string location_;  ///< without a trailing '/'
  const std::string writer_mark_;
  std::atomic<std::uint64_t> next_temporary_{0};
  /// Folders packs/xx known to be durable: by the value of xx.
  std::array<std::atomic<bool>, 256> pack_folders_{};
};

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(LocalBackend& backend, std::unique_ptr<core::WritableFile> file, std::string path)
      : backend_(backend), file_(std::move(file)), path_(std::move(path)) {}
  LocalWriter(const LocalWriter&) = delete;
  LocalWriter& operator=(const LocalWriter&) = delete;
  ~LocalWriter() override {
    if (!moved_) {
      file_.reset();
      // What cannot be removed stays in tmp, where it is in nobody's way.
      static_cast<void>(backend_.file_system().remove(path_));
    }
  }

  Status append(core::ByteView data) override {
    CAIRN_TRY_STATUS(state_);
    Expects(file_ != nullptr);  // not published yet
    state_ = file_->append(data);
    return state_;
  }

  Status publish(const ObjectName& name) override {
    CAIRN_TRY_STATUS(state_);
    Expects(file_ != nullptr);  // publish() is called once
    state_ = publish_file(name);
    return state_;
  }

 private:
  Status publish_file(const ObjectName& name) {
    const std::unique_ptr<core::WritableFile> file = std::move(file_);
    CAIRN_TRY_STATUS(file->sync());
    CAIRN_TRY_STATUS(file->close());
    return backend_.publish(path_, name, moved_);
  }

  LocalBackend& backend_;
  std::unique_ptr<core::WritableFile> file_;
  std::string path_;
  Status state_;
  bool moved_ = false;
};

core::Result<std::unique_ptr<ObjectWriter>> LocalBackend::start() {
  // Other processes count too, and what died left its files behind: a taken name is no error.
  bool made_folder = false;
  for (int attempt = 0; attempt < kTemporaryNamesMax; ++attempt) {
    std::string path =
        path_of(fmt::format("{}/{}{}", kTemporaryFolder, writer_mark_, next_temporary_++));
    auto file = file_system_.create(path);
    if (file) {
      return std::make_unique<LocalWriter>(*this, *std::move(file), std::move(path));
    }
    const ErrorCode code = file.error().code();
    if (code == ErrorCode::not_found && !made_folder) {
      CAIRN_TRY_STATUS(make_folder_again(kTemporaryFolder));
      made_folder = true;
    } else if (code != ErrorCode::already_exists) {
      return core::fail(std::move(file).error());
    }
  }
  return core::fail(
      ErrorCode::io, fmt::format("write to {}: all temporary names are taken", root()),
      fmt::format("remove {} while no other Cairn uses the repository", path_of(kTemporaryFolder)));
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
  CAIRN_TRY_STATUS(published);
  moved = true;
  const std::string folder = name.kind == ObjectKind::config ? root() : parent_of(path);
  return file_system_.sync_folder(folder);
}

// The folder may be there because a process made it that died before it was durable: so the first
// use by this backend syncs its parent in any case.
Status LocalBackend::make_pack_folder(const ObjectName& name) {
  std::atomic<bool>& is_durable =
      pack_folders_[std::to_integer<std::size_t>(name.id.view().front())];
  if (is_durable) {
    return {};
  }
  const std::string folder = parent_of(path_of(name));
  Status made = file_system_.make_folder(folder);
  if (has_code(made, ErrorCode::not_found)) {
    CAIRN_TRY_STATUS(make_folder_again(kPacksFolder));
    made = file_system_.make_folder(folder);
  }
  CAIRN_TRY_STATUS(made);
  CAIRN_TRY_STATUS(file_system_.sync_folder(path_of(kPacksFolder)));
  is_durable = true;
  return {};
}

// Only where there is a repository: in an empty mount point nothing must be made, or what follows
// would be written below it.
Status LocalBackend::make_folder_again(std::string_view folder) {
  CAIRN_TRY(const std::optional<core::FileInfo> config, file_system_.info(path_of(config_name())));
  if (!config) {
    return core::fail(ErrorCode::not_found,
                      fmt::format("write to {}: there is no repository", root()));
  }
  CAIRN_TRY_STATUS(file_system_.make_folder(path_of(folder)));
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
  CAIRN_TRY(const std::vector<std::string> names, names_in(path_of(kPacksFolder)));
  for (const std::string& name : names) {
    const std::string folder = fmt::format("{}/{}", kPacksFolder, name);
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
    case ObjectKind::key_slot:
    case ObjectKind::index:
    case ObjectKind::session:
    case ObjectKind::snapshot:
    case ObjectKind::forgotten:
    case ObjectKind::condemned:
    case ObjectKind::mark:
    case ObjectKind::settings:
      break;
  }
  return list_folder(kind, std::string(folder_of(kind)), {}, visit, foreign);
}

Status LocalBackend::remove(const ObjectName& name) {
  const std::string path = path_of(name);
  CAIRN_TRY_STATUS(file_system_.remove(path));
  if (name.kind == ObjectKind::pack) {
    return {};
  }
  return file_system_.sync_folder(name.kind == ObjectKind::config ? root() : parent_of(path));
}

core::Result<std::vector<std::string>> LocalBackend::unfinished() {
  return names_in(path_of(kTemporaryFolder));
}

core::Result<std::vector<std::string>> LocalBackend::abandoned() {
  CAIRN_TRY(std::vector<std::string> names, unfinished());
  const std::string host = host_mark();
  std::erase_if(names, [&host](const std::string& name) { return !is_abandoned(name, host); });
  return names;
}

Status LocalBackend::discard_unfinished(const std::string& name) {
  Expects(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos);
  return file_system_.remove(path_of(fmt::format("{}/{}", kTemporaryFolder, name)));
}

/// What init may find in a folder and still call it empty: a disk's own lost+found, and folders of
/// an init that was cut off before it wrote anything.
core::Result<bool> may_stay(core::FileSystem& file_system, const std::string& location,
                            const std::string& name) {
  if (name == "lost+found") {
    return true;
  }
  if (std::find(kFolders.begin(), kFolders.end(), name) == kFolders.end()) {
    return false;
  }
  const std::string path = fmt::format("{}/{}", location, name);
  CAIRN_TRY(const std::optional<core::FileInfo> info, file_system.info(path));
  if (!info || !info->is_folder) {
    return false;
  }
  CAIRN_TRY(const std::vector<std::string> names, file_system.list(path));
  return names.empty();
}

}  // namespace

core::Status create_local_layout(core::FileSystem& file_system, const std::string& location) {
  Expects(!location.empty());
  const std::string base = without_trailing_slashes(location);
  const std::string root = base.empty() ? "/" : base;
  CAIRN_TRY(const std::optional<core::FileInfo> found, file_system.info(root));
  if (found && !found->is_folder) {
    return core::fail(ErrorCode::already_exists,
                      fmt::format("make a repository in {}: it is a file", root));
  }
  CAIRN_TRY_STATUS(file_system.make_folder(root));
  CAIRN_TRY(const std::vector<std::string> names, file_system.list(root));
  for (const std::string& name : names) {
    CAIRN_TRY(const bool harmless, may_stay(file_system, base, name));
    if (!harmless) {
      return core::fail(
          ErrorCode::already_exists,
          fmt::format("make a repository in {}: the folder is not empty ({})", root, name),
          "choose a new or an empty folder");
    }
  }
  for (const std::string_view folder : kFolders) {
    CAIRN_TRY_STATUS(file_system.make_folder(fmt::format("{}/{}", base, folder)));
  }
  CAIRN_TRY_STATUS(file_system.sync_folder(root));
  if (found) {
    return {};
  }
  // Who may make a folder in the parent need not be allowed to open it.
  Status synced = file_system.sync_folder(parent_of(root));
  if (has_code(synced, ErrorCode::permission_denied)) {
    return {};
  }
  return synced;
}

std::unique_ptr<Backend> make_local_backend(core::FileSystem& file_system, std::string location) {
  Expects(!location.empty());
  return std::make_unique<LocalBackend>(file_system, std::move(location));
}

}  // namespace cairn::repo::store
