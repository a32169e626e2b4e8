#include "fault_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "parent_path.h"

namespace cairn::test {

using core::Bytes;
using core::ByteView;
using core::ErrorCode;
using core::fail;
using core::Result;
using core::Status;

namespace {

constexpr std::size_t kSectorBytes = 512;

std::string_view action(FileCall kind) {
  switch (kind) {
    case FileCall::create:
      return "create";
    case FileCall::append:
      return "write";
    case FileCall::sync:
      return "sync";
    case FileCall::close:
      return "close";
    case FileCall::read_at:
      return "read";
    case FileCall::info:
      return "look up";
    case FileCall::list:
      return "list";
    case FileCall::publish:
      return "publish";
    case FileCall::remove:
      return "remove";
    case FileCall::make_folder:
      return "create folder";
    case FileCall::sync_folder:
      return "sync folder";
    case FileCall::replace:
      return "replace";
  }
  return "use";
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

}  // namespace

/// How much of a new file is written, and how much of that is durable.
struct FaultFileSystem::Contents {
  std::uint64_t size_bytes = 0;
  std::uint64_t synced_bytes = 0;
};

struct FaultFileSystem::NameChange {
  /// Both halves of a rename share this, to keep it atomic.
  struct Rename {
    std::string to;
    bool to_lost = false;
    Bytes data;
  };

  bool added = false;  ///< else removed
  std::string path;
  bool was_durable = false;   ///< removed names only
  bool was_replaced = false;  ///< removed, and another file got the name in the same step
  Bytes data;                 ///< removed files only: as it was, torn at the crash
  std::shared_ptr<Contents> contents;
  std::shared_ptr<Rename> rename;
};

class FaultFileSystem::File final : public core::WritableFile {
 public:
  File(FaultFileSystem& owner, std::unique_ptr<core::WritableFile> real, std::string path,
       std::shared_ptr<Contents> contents)
      : owner_(owner),
        real_(std::move(real)),
        path_(std::move(path)),
        contents_(std::move(contents)),
        power_cuts_(owner.power_cuts_) {}

  Status append(ByteView data) override { return owner_.append_to(*this, data); }
  Status sync() override { return owner_.sync(*this); }
  Result<bool> has_its_name() const override { return real_->has_its_name(); }
  Status close() override { return owner_.close(*this); }

 private:
  friend class FaultFileSystem;

  FaultFileSystem& owner_;
  std::unique_ptr<core::WritableFile> real_;
  std::string path_;
  std::shared_ptr<Contents> contents_;
  std::uint64_t power_cuts_;  // at the time of creation
};

FaultFileSystem::FaultFileSystem(core::FileSystem& real) : real_(real) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::arm(const Fault& fault) {
  Expects(fault.at_call > 0);
  const std::scoped_lock lock(mutex_);
  fault_ = fault;
  calls_since_armed_ = 0;
  fault_hit_ = false;
}

void FaultFileSystem::disarm() {
  const std::scoped_lock lock(mutex_);
  fault_.reset();
}

bool FaultFileSystem::fault_hit() const {
  const std::scoped_lock lock(mutex_);
  return fault_hit_;
}

std::uint64_t FaultFileSystem::calls() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : calls_) {
    sum += count;
  }
  return sum;
}

std::uint64_t FaultFileSystem::calls(FileCall kind) const {
  const std::scoped_lock lock(mutex_);
  return calls_[static_cast<std::size_t>(kind)];
}

// --- Failures ------------------------------------------------------------------------------------

FaultFileSystem::Decision FaultFileSystem::decide(FileCall kind) {
  ++calls_[static_cast<std::size_t>(kind)];
  if (!fault_ || (fault_->only && *fault_->only != kind)) {
    return Decision::pass;
  }
  ++calls_since_armed_;
  const bool hit = fault_->sticky ? calls_since_armed_ >= fault_->at_call
                                  : calls_since_armed_ == fault_->at_call;
  if (!hit) {
    return Decision::pass;
  }
  fault_hit_ = true;
  return fault_->takes_effect ? Decision::fail_afterwards : Decision::fail;
}

Status FaultFileSystem::injected(FileCall kind, const std::string& path) const {
  return fail(fault_->code, fmt::format("{} {}: injected failure", action(kind), path));
}

template <class Operation>
Status FaultFileSystem::run(FileCall kind, const std::string& path, Operation operation) {
  const Decision decision = decide(kind);
  if (decision == Decision::fail) {
    return injected(kind, path);
  }
  CAIRN_TRY_STATUS(operation());
  return decision == Decision::pass ? Status() : injected(kind, path);
}

// --- Calls ---------------------------------------------------------------------------------------

Result<std::unique_ptr<core::WritableFile>> FaultFileSystem::create(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<core::WritableFile> file;
  CAIRN_TRY_STATUS(run(FileCall::create, path, [&]() -> Status {
    CAIRN_TRY(auto real, real_.create(path));
    auto contents = std::make_shared<Contents>();
    contents_[path] = contents;
    NameChange change;
    change.added = true;
    change.path = path;
    change.contents = contents;
    changes_.push_back(std::move(change));
    file = std::make_unique<File>(*this, std::move(real), path, std::move(contents));
    return {};
  }));
  return file;
}

Status FaultFileSystem::read_at(const std::string& path, std::uint64_t offset,
                                core::MutableByteView out) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::read_at, path, [&] { return real_.read_at(path, offset, out); });
}

Result<std::optional<core::FileInfo>> FaultFileSystem::info(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::optional<core::FileInfo> found;
  CAIRN_TRY_STATUS(run(FileCall::info, path, [&]() -> Status {
    CAIRN_TRY(found, real_.info(path));
    return {};
  }));
  return found;
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  CAIRN_TRY_STATUS(run(FileCall::list, path, [&]() -> Status {
    CAIRN_TRY(names, real_.list(path));
    return {};
  }));
  return names;
}

Status FaultFileSystem::publish(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::publish, to, [&]() -> Status {
    CAIRN_TRY_STATUS(real_.publish(from, to));
    const auto known = contents_.find(from);
    const auto contents = known == contents_.end() ? nullptr : known->second;
    contents_.erase(from);
    if (contents != nullptr) {
      contents_[to] = contents;
    }
    NameChange removed;
    removed.path = from;
    removed.was_durable = !is_pending_addition(from);
    removed.contents = contents;
    removed.rename = std::make_shared<NameChange::Rename>();
    removed.rename->to = to;
    NameChange added;
    added.added = true;
    added.path = to;
    added.contents = contents;
    added.rename = removed.rename;
    changes_.push_back(std::move(removed));
    changes_.push_back(std::move(added));
    return {};
  });
}

Status FaultFileSystem::replace(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::replace, to, [&]() -> Status {
    CAIRN_TRY(const std::optional<core::FileInfo> before, real_.info(to));
    NameChange replaced;
    replaced.path = to;
    replaced.was_replaced = true;
    replaced.was_durable = before && !is_pending_addition(to);
    if (replaced.was_durable) {
      CAIRN_TRY(replaced.data, read_all(to));
    }
    CAIRN_TRY_STATUS(real_.replace(from, to));
    contents_.erase(to);
    if (const auto known = contents_.find(from); known != contents_.end()) {
      auto contents = known->second;
      contents_.erase(known);
      contents_[to] = std::move(contents);
    }
    std::erase_if(changes_, [&](const NameChange& change) {
      return change.path == from || (change.path == to && !change.was_replaced);
    });
    if (replaced.was_durable) {
      changes_.push_back(std::move(replaced));
    }
    return {};
  });
}

Status FaultFileSystem::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::remove, path, [&]() -> Status {
    CAIRN_TRY(const std::optional<core::FileInfo> before, real_.info(path));
    NameChange change;
    change.path = path;
    change.was_durable = !is_pending_addition(path);
    if (before && !before->is_folder) {
      CAIRN_TRY(change.data, read_all(path));
    }
    CAIRN_TRY_STATUS(real_.remove(path));
    if (const auto known = contents_.find(path); known != contents_.end()) {
      change.contents = known->second;
      contents_.erase(known);
    }
    if (before && !before->is_folder) {
      changes_.push_back(std::move(change));
    }
    return {};
  });
}

Status FaultFileSystem::make_folder(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::make_folder, path, [&]() -> Status {
    CAIRN_TRY(const std::optional<core::FileInfo> before, real_.info(path));
    CAIRN_TRY_STATUS(real_.make_folder(path));
    if (!before) {
      NameChange change;
      change.added = true;
      change.path = without_trailing_slash(path);
      changes_.push_back(std::move(change));
    }
    return {};
  });
}

Status FaultFileSystem::sync_folder(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return run(FileCall::sync_folder, path, [&]() -> Status {
    CAIRN_TRY_STATUS(real_.sync_folder(path));
    const std::string folder = without_trailing_slash(path);
    const auto durable = [&](const NameChange& change) {
      return parent_path(change.path) == folder;
    };
    changes_.erase(std::remove_if(changes_.begin(), changes_.end(), durable), changes_.end());
    return {};
  });
}

Status FaultFileSystem::share(const std::string& path, core::Sharing sharing) {
  return real_.share(path, sharing);
}

Result<core::Sharing> FaultFileSystem::sharing_inside(const std::string& folder) {
  return real_.sharing_inside(folder);
}

Status FaultFileSystem::power_was_cut(const File& file) const {
  if (file.power_cuts_ == power_cuts_) {
    return {};
  }
  return fail(ErrorCode::io, fmt::format("write {}: the power was cut", file.path_));
}

Status FaultFileSystem::append_to(File& file, ByteView data) {
  const std::scoped_lock lock(mutex_);
  CAIRN_TRY_STATUS(power_was_cut(file));
  const Decision decision = decide(FileCall::append);
  const ByteView written = decision == Decision::fail ? data.first(data.size() / 2) : data;
  CAIRN_TRY_STATUS(file.real_->append(written));
  file.contents_->size_bytes += written.size();
  return decision == Decision::pass ? Status() : injected(FileCall::append, file.path_);
}

Status FaultFileSystem::sync(File& file) {
  const std::scoped_lock lock(mutex_);
  CAIRN_TRY_STATUS(power_was_cut(file));
  return run(FileCall::sync, file.path_, [&]() -> Status {
    CAIRN_TRY_STATUS(file.real_->sync());
    file.contents_->synced_bytes = file.contents_->size_bytes;
    return {};
  });
}

Status FaultFileSystem::close(File& file) {
  const std::scoped_lock lock(mutex_);
  CAIRN_TRY_STATUS(power_was_cut(file));
  // A failing close closes too.
  const Decision decision = decide(FileCall::close);
  CAIRN_TRY_STATUS(file.real_->close());
  return decision == Decision::pass ? Status() : injected(FileCall::close, file.path_);
}

// --- Power cuts ----------------------------------------------------------------------------------

Status FaultFileSystem::crash(std::uint64_t seed) {
  const std::scoped_lock lock(mutex_);
  SeededRandom random(seed);
  const Chance chance = seed == kLoseAll   ? Chance::lose_all
                        : seed == kKeepAll ? Chance::keep_all
                                           : Chance::random;
  CAIRN_TRY_STATUS(tear_unsynced(random, chance));
  // Newest first, so that each change finds the names as it left them.
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    const bool kept = survives(random, chance);
    if (change->added && !kept) {
      CAIRN_TRY_STATUS(undo_addition(*change));
    } else if (!change->added) {
      if (change->contents != nullptr && !change->data.empty()) {
        change->data = torn(change->data, *change->contents, random, chance);
      }
      const bool only_name = change->rename != nullptr && change->rename->to_lost;
      const bool come_back = only_name ? change->was_durable : !kept;
      // A name that never was durable only comes back by chance, not when everything is lost.
      if (come_back && (change->was_durable || chance == Chance::random)) {
        CAIRN_TRY_STATUS(undo_removal(*change));
      }
    }
  }
  changes_.clear();
  contents_.clear();
  fault_.reset();
  ++power_cuts_;
  return {};
}

bool FaultFileSystem::survives(SeededRandom& random, Chance chance) const {
  return chance == Chance::random ? random.below(2) == 0 : chance == Chance::keep_all;
}

bool FaultFileSystem::is_pending_addition(const std::string& path) const {
  return std::any_of(changes_.begin(), changes_.end(),
                     [&](const NameChange& change) { return change.added && change.path == path; });
}

// Some of what was never synced arrived: the file may be any length from the synced one on, and
// any sector beyond may hold zeros, as after delayed allocation.
Bytes FaultFileSystem::torn(ByteView data, const Contents& contents, SeededRandom& random,
                            Chance chance) const {
  const auto synced = static_cast<std::size_t>(contents.synced_bytes);
  if (chance == Chance::keep_all || synced >= data.size()) {
    return core::to_bytes(data);
  }
  if (chance == Chance::lose_all) {
    return core::to_bytes(data.first(synced));
  }
  const auto length = synced + static_cast<std::size_t>(random.below(data.size() - synced + 1));
  Bytes rest = core::to_bytes(data.first(length));
  std::size_t begin = synced;
  while (begin < length) {
    const std::size_t end = std::min(length, (begin / kSectorBytes + 1) * kSectorBytes);
    if (random.below(2) == 0) {
      std::fill(rest.begin() + static_cast<std::ptrdiff_t>(begin),
                rest.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
    }
    begin = end;
  }
  return rest;
}

Status FaultFileSystem::tear_unsynced(SeededRandom& random, Chance chance) {
  std::vector<std::string> paths;
  for (const auto& [path, contents] : contents_) {
    if (contents->synced_bytes < contents->size_bytes) {
      paths.push_back(path);
    }
  }
  // The map's order is not the same everywhere; the same seed must tear the same way.
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    CAIRN_TRY(const Bytes data, read_all(path));
    const Bytes rest = torn(data, *contents_[path], random, chance);
    CAIRN_TRY_STATUS(real_.remove(path));
    CAIRN_TRY_STATUS(write_all(path, rest));
  }
  return {};
}

Status FaultFileSystem::undo_addition(NameChange& change) {
  CAIRN_TRY(const std::optional<core::FileInfo> present, real_.info(change.path));
  if (!present) {
    return {};
  }
  if (change.rename != nullptr) {
    CAIRN_TRY(change.rename->data, read_all(change.path));
    change.rename->to_lost = true;
  }
  return remove_all(change.path);
}

Status FaultFileSystem::undo_removal(NameChange& change) {
  CAIRN_TRY(const std::optional<core::FileInfo> present, real_.info(change.path));
  if (change.was_replaced && present) {
    CAIRN_TRY_STATUS(real_.remove(change.path));
    return write_all(change.path, change.data);
  }
  CAIRN_TRY(const std::optional<core::FileInfo> folder, real_.info(parent_path(change.path)));
  if (present || !folder) {
    return {};
  }
  if (change.rename == nullptr) {
    return write_all(change.path, change.data);
  }
  if (change.rename->to_lost) {
    return write_all(change.path, change.rename->data);
  }
  CAIRN_TRY(const std::optional<core::FileInfo> moved, real_.info(change.rename->to));
  if (!moved) {
    return {};
  }
  CAIRN_TRY(const Bytes data, read_all(change.rename->to));
  return write_all(change.path, data);
}

Result<Bytes> FaultFileSystem::read_all(const std::string& path) {
  CAIRN_TRY(const std::optional<core::FileInfo> found, real_.info(path));
  if (!found) {
    return fail(ErrorCode::not_found, fmt::format("roll back {}: it is not there", path));
  }
  Bytes data;
  data.resize(static_cast<std::size_t>(found->size_bytes));
  CAIRN_TRY_STATUS(real_.read_at(path, 0, data));
  return data;
}

Status FaultFileSystem::write_all(const std::string& path, ByteView data) {
  CAIRN_TRY(const auto file, real_.create(path));
  CAIRN_TRY_STATUS(file->append(data));
  return file->close();
}

Status FaultFileSystem::remove_all(const std::string& path) {
  CAIRN_TRY(const std::optional<core::FileInfo> found, real_.info(path));
  if (found && found->is_folder) {
    CAIRN_TRY(const std::vector<std::string> names, real_.list(path));
    for (const std::string& name : names) {
      CAIRN_TRY_STATUS(remove_all(path + "/" + name));
    }
  }
  return real_.remove(path);
}

}  // namespace cairn::test
