#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <gsl/assert>
#include <string_view>
#include <utility>

#include "ops/folder_listing.h"
#include "ops/folder_lookahead.h"
#include "ops/source.h"
#include "ops/source_choice.h"
#include "ops/source_compare.h"
#include "ops/source_metadata.h"
#include "ops/source_names.h"

namespace cairn::repo::ops {
namespace {

constexpr std::size_t kListBufferBytes = 256 * 1024;
// Folders of the current path that stay open; those above are opened again on the way back. Few
// enough to leave most of the usual 1024 descriptors to others, more than real trees are deep.
constexpr std::size_t kOpenFoldersMax = 64;
// Above any real folder: ends a listing that a broken file system repeats without end.
constexpr std::size_t kFolderNamesMax = 100'000'000;
// Children that one step tells: bounds the step, and how long the pipeline hears nothing.
constexpr std::size_t kUnchangedRunMax = 512;
constexpr std::size_t kRefusedMax = 1000;  // of one folder

/// A folder on the current path.
struct Level {
  std::shared_ptr<SourceFolder> folder;  ///< null: closed to spare descriptors, or never opened
  InodeId id;
  std::size_t path_bytes;  ///< of its own path, at the front of the current one
  NameStack::Mark mark;    ///< its names begin here
  std::size_t next;        ///< the next name
  std::optional<SeenCursor> seen;
  core::Timestamp listed_at;              ///< or a little before
  std::size_t offered;                    ///< the first name that the look-ahead has not been told
  bool left_early = false;                ///< there may be children whose names were not come to
  std::vector<std::string> refused = {};  ///< children that could not be looked at
};

class FolderWalk final : public SourceWalk {
 public:
  FolderWalk(ProblemSink& problems, WalkOptions options)
      : problems_(problems),
        choice_(options.choice),
        lookahead_(options),
        comparison_(std::move(options)),
        buffer_(kListBufferBytes) {}

  core::Status start(std::string_view source);
  core::Result<std::optional<WalkItem>> next() override;
  void end_early() override;

 private:
  core::Result<bool> next_child(WalkItem& item);
  core::Result<bool> look_ahead(std::string_view name);
  void feed_lookahead();

  core::Result<bool> describe(WalkItem& item, const Statx& status);
  void fill(WalkItem& item, const Statx& status);
  core::Result<bool> read_link(WalkItem& item);

  core::Result<bool> enter(WalkItem& item);
  core::Result<bool> enter_unopened(WalkItem& item, int error_number);
  void push_level(const WalkItem& item, std::shared_ptr<SourceFolder> folder);
  core::Status list(int descriptor);
  void add_name(std::string_view name);
  core::Status leave(WalkItem& item);

  core::Status reopen_top(const SourceFolder* child);
  int open_from_root();
  bool close_ancestors();
  bool spare_descriptors();

  void report(ProblemKind kind, const std::string& path, std::string reason);
  core::Status refuse(int error_number, const std::string& path, std::string_view action = {});
  void note_refused(std::string_view name, int error_number);
  void report_metadata_problems(WalkItem& item);

  ProblemSink& problems_;
  const Choice* choice_;
  FolderLookahead lookahead_;
  SourceComparison comparison_;
  std::vector<char> buffer_;
  std::vector<Problem> metadata_problems_;
  NameStack names_;
  std::vector<Level> levels_;
  std::size_t first_open_ = 1;  // of the levels, the first and those from here on are open
  std::string path_;            // of the folder on top, without '/' at its end
  std::optional<WalkItem> source_;
  std::optional<Child> ahead_;      // the next child of the folder on top, looked at but not told
  std::optional<ChunkId> vouched_;  // the node of the folder about to be entered, if known
};

std::optional<core::Timestamp> birth_time(const Statx& status) {
  return (status.stx_mask & STATX_BTIME) != 0 ? std::optional(to_timestamp(status.stx_btime))
                                              : std::nullopt;
}

constexpr std::string_view kReplaced = "another object has taken its name while it was read";

core::Status FolderWalk::start(std::string_view source) {
  Expects(!source.empty() && source.front() == '/');
  while (source.size() > 1 && source.back() == '/') {
    source.remove_suffix(1);
  }
  const std::size_t slash = source.rfind('/');
  const std::string parent(source.substr(0, std::max<std::size_t>(slash, 1)));
  WalkItem item;
  item.file_name = source.size() == 1 ? "." : source.substr(slash + 1);
  item.path = source;
  // O_PATH: a folder that we may pass through but not list is enough. Links above the source are
  // the user's spelling of its place and are followed.
  const int descriptor =
      uninterrupted([&] { return ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) {
    return core::fail(core::errno_error(errno, "open source " + item.path));
  }
  item.folder = std::make_shared<SourceFolder>(descriptor);
  Statx status{};
  if (const int error_number = stat_at(descriptor, item.file_name.c_str(), status);
      error_number != 0) {
    return core::fail(core::errno_error(error_number, "open source " + item.path));
  }
  if (S_ISDIR(status.stx_mode)) {
    CAIRN_TRY(vouched_, comparison_.anchored_node(item.path));
  } else {
    Child child;
    child.status = status;
    CAIRN_TRY_STATUS(comparison_.look_at_lone_source(item, child));
    SourceComparison::describe(child, item);
  }
  CAIRN_TRY(const bool described, describe(item, status));
  if (!described) {
    return core::fail(
        core::ErrorCode::io,
        fmt::format("open source {}: it cannot be read or is being replaced", item.path));
  }
  source_ = std::move(item);
  return {};
}

core::Result<std::optional<WalkItem>> FolderWalk::next() {
  core::Result<std::optional<WalkItem>> step(std::exchange(source_, std::nullopt));
  if (step->has_value()) {
    return step;
  }
  WalkItem& item = step->emplace();
  while (!levels_.empty()) {
    CAIRN_TRY(const bool told, next_child(item));
    if (told) {
      return step;
    }
    item = WalkItem();
    if (levels_.back().next == names_.size()) {
      CAIRN_TRY_STATUS(leave(item));
      return step;
    }
  }
  step->reset();
  return step;
}

void FolderWalk::end_early() {
  lookahead_.end();
  ahead_.reset();
  // All names of all folders: each level's next is at its own end, where the names above begin.
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].seen.reset();
    levels_[i].left_early = true;
    const bool is_top = i + 1 == levels_.size();
    levels_[i].next = is_top ? names_.size() : levels_[i + 1].mark.names;
  }
}

/// Tells the next child, or the next run of unchanged ones, of the folder on top. False if that
/// has none left, or if a child had to be left out.
core::Result<bool> FolderWalk::next_child(WalkItem& item) {
  while (levels_.back().next < names_.size()) {
    Level& level = levels_.back();
    const std::string_view name = names_[level.next];
    if (!ahead_) {
      CAIRN_TRY(const bool there, look_ahead(name));
      if (!there) {
        ++level.next;
        continue;
      }
    }
    const bool in_run = item.step == WalkStep::unchanged;
    if (ahead_->is_quiet()) {
      const std::uint32_t index = *ahead_->match.index;
      if (in_run && (index != *item.seen_index + item.birth_times.size() ||
                     item.birth_times.size() == kUnchangedRunMax)) {
        return true;
      }
      if (!in_run) {
        item.step = WalkStep::unchanged;
        item.seen_index = index;
      }
      item.birth_times.push_back(birth_time(ahead_->status));
      ahead_.reset();
      ++level.next;
      continue;
    }
    if (in_run) {
      return true;
    }
    const Child child = std::move(*ahead_);
    ahead_.reset();
    ++level.next;
    item.file_name = name;
    item.entry.name = name;
    item.path.reserve(path_.size() + 1 + name.size());
    item.path.append(path_).append(1, '/').append(name);
    item.folder = level.folder;
    SourceComparison::describe(child, item);
    vouched_ = SourceComparison::vouched_node(child, level.seen ? &*level.seen : nullptr);
    return describe(item, child.status);
  }
  return item.step == WalkStep::unchanged;
}

/// Looks at a child of the folder on top; false if it cannot be seen or is left out.
core::Result<bool> FolderWalk::look_ahead(std::string_view name) {
  feed_lookahead();
  Level& level = levels_.back();
  Child child;
  const WatchedCall call = lookahead_.watch_some();
  const int error_number = stat_at(level.folder->descriptor(), name.data(), child.status);
  lookahead_.note(call);
  if (error_number != 0) {
    CAIRN_TRY_STATUS(refuse(error_number, fmt::format("{}/{}", path_, name)));
    note_refused(name, error_number);
    return false;
  }
  if (choice_ != nullptr &&
      is_left_out(*choice_, child.status, [&] { return fmt::format("{}/{}", path_, name); })) {
    return false;
  }
  CAIRN_TRY_STATUS(
      comparison_.look(name, level.listed_at, level.seen ? &*level.seen : nullptr, child));
  ahead_ = std::move(child);
  return true;
}

/// Tells the look-ahead threads, if they are at work, what comes next in the folder on top.
void FolderWalk::feed_lookahead() {
  Level& level = levels_.back();
  if (!lookahead_.is_running() || level.offered >= names_.size() ||
      level.offered + FolderLookahead::kNamesPerTask > level.next + FolderLookahead::kNamesAhead) {
    return;
  }
  if (!lookahead_.go_to({levels_.size(), level.folder, level.id, path_, level.next})) {
    level.offered = names_.size();
    return;
  }
  level.offered = std::max(level.offered, level.next);
  const std::size_t end = std::min(names_.size(), level.next + FolderLookahead::kNamesAhead);
  while (level.offered < end) {
    const std::size_t first = level.offered;
    std::vector<std::string> names;
    while (level.offered < std::min(end, first + FolderLookahead::kNamesPerTask)) {
      names.emplace_back(names_[level.offered]);
      ++level.offered;
    }
    lookahead_.offer(first, std::move(names));
  }
}

/// Fills `item`; false if it had to be left out.
core::Result<bool> FolderWalk::describe(WalkItem& item, const Statx& status) {
  const std::optional<EntryType> type = entry_type(status);
  if (!type.has_value()) {
    report(ProblemKind::unreadable, item.path, "unknown type of object");
    return false;
  }
  item.entry.type = *type;
  fill(item, status);
  switch (*type) {
    case EntryType::file:
      item.size_bytes = status.stx_size;
      return true;
    case EntryType::folder:
      return enter(item);
    case EntryType::symlink: {
      CAIRN_TRY(const bool read, read_link(item));
      if (!read) {
        return false;
      }
      break;
    }
    case EntryType::char_device:
    case EntryType::block_device:
      item.entry.device = {status.stx_rdev_major, status.stx_rdev_minor};
      break;
    case EntryType::fifo:
    case EntryType::socket:
      break;
  }
  read_xattrs_at(item.folder->descriptor(), item.file_name, item.entry,
                 {item.path, metadata_problems_});
  report_metadata_problems(item);
  return true;
}

void FolderWalk::fill(WalkItem& item, const Statx& status) {
  item.entry.mode = static_cast<std::uint16_t>(status.stx_mode & 07777);
  item.entry.owner = comparison_.owner(status);
  item.entry.mtime = to_timestamp(status.stx_mtime);
  item.birth_time = birth_time(status);
  item.ctime = to_timestamp(status.stx_ctime);
  item.inode = inode_id(status);
  item.link_count = status.stx_nlink;
}

core::Result<bool> FolderWalk::read_link(WalkItem& item) {
  std::array<char, kLinkTargetBytesMax + 1> target;
  const ::ssize_t size = uninterrupted([&] {
    return ::readlinkat(item.folder->descriptor(), item.file_name.c_str(), target.data(),
                        target.size());
  });
  if (size < 0) {
    if (errno == EINVAL) {
      report(ProblemKind::unreadable, item.path, std::string(kReplaced));
      return false;
    }
    CAIRN_TRY_STATUS(refuse(errno, item.path, "read link: "));
    return false;
  }
  if (static_cast<std::size_t>(size) > kLinkTargetBytesMax) {
    report(ProblemKind::unreadable, item.path, "target of the link is too long");
    return false;
  }
  item.entry.link_target.assign(target.data(), static_cast<std::size_t>(size));
  return true;
}

core::Result<bool> FolderWalk::enter(WalkItem& item) {
  if (levels_.size() == kFolderDepthMax) {
    report(ProblemKind::unreadable, item.path,
           fmt::format("more than {} folders in folders", kFolderDepthMax));
    return false;
  }
  item.step = WalkStep::enter_folder;
  const int parent = item.folder->descriptor();
  const char* const name = item.file_name.c_str();
  lookahead_.pass(levels_.size(), levels_.empty() ? 0 : levels_.back().next);
  int descriptor = open_folder(parent, name);
  if (descriptor < 0 && is_shortage(errno) && spare_descriptors()) {
    descriptor = open_folder(parent, name);
  }
  if (descriptor < 0) {
    return enter_unopened(item, errno);
  }
  auto folder = std::make_shared<SourceFolder>(descriptor);
  // Another folder may have taken the name since the first stat, or a file system was mounted on
  // it because we opened it: what will be listed is what is described.
  Statx status{};
  if (const int error_number = stat_open(descriptor, status); error_number != 0) {
    CAIRN_TRY_STATUS(refuse(error_number, item.path));
    note_refused(item.file_name, error_number);
    return false;
  }
  if (inode_id(status) != item.inode || to_timestamp(status.stx_ctime) != item.ctime) {
    item.stamp = kNoStamp;
    item.seen_index.reset();
  }
  fill(item, status);
  push_level(item, std::move(folder));
  CAIRN_TRY(levels_.back().seen, comparison_.recall(item, std::exchange(vouched_, std::nullopt)));
  read_xattrs(descriptor, item.entry, {item.path, metadata_problems_});
  read_inode_flags(descriptor, item.entry, {item.path, metadata_problems_});
  report_metadata_problems(item);
  const bool is_elsewhere = item.inode.device != levels_.front().id.device;
  if (choice_ != nullptr && choice_->one_file_system && is_elsewhere) {
    return true;
  }
  const std::size_t first = names_.size();
  CAIRN_TRY_STATUS(list(descriptor));
  if (choice_ != nullptr) {
    keep_tags_only(*choice_, descriptor, names_, first);
  }
  return true;
}

core::Result<bool> FolderWalk::enter_unopened(WalkItem& item, int error_number) {
  if (error_number == ENOTDIR || error_number == ELOOP) {
    report(ProblemKind::unreadable, item.path, std::string(kReplaced));
    return false;
  }
  CAIRN_TRY_STATUS(refuse(error_number, item.path, "list folder: "));
  if (error_number == ENOENT) {
    return false;
  }
  read_xattrs_at(item.folder->descriptor(), item.file_name, item.entry,
                 {item.path, metadata_problems_});
  report_metadata_problems(item);
  push_level(item, nullptr);
  // What is known of its children stays known.
  CAIRN_TRY(const auto unused, comparison_.recall(item, std::exchange(vouched_, std::nullopt)));
  levels_.back().left_early = true;
  return true;
}

void FolderWalk::push_level(const WalkItem& item, std::shared_ptr<SourceFolder> folder) {
  if (!levels_.empty()) {
    path_.append(1, '/').append(item.file_name);
  } else if (item.path != "/") {
    path_ = item.path;
  }
  levels_.push_back({.folder = std::move(folder),
                     .id = item.inode,
                     .path_bytes = path_.size(),
                     .mark = names_.mark(),
                     .next = names_.size(),
                     .seen = std::nullopt,
                     .listed_at = comparison_.now(),
                     .offered = names_.size()});
  if (levels_.size() - first_open_ >= kOpenFoldersMax) {
    levels_[first_open_].folder.reset();
    ++first_open_;
  }
}

/// Takes the names of the folder on top. Whatever goes wrong, those told before are used.
core::Status FolderWalk::list(int descriptor) {
  const std::size_t first = names_.size();
  const WatchedCall call = lookahead_.watch();
  while (true) {
    const ::ssize_t size = list_some(
        descriptor, buffer_, [this](std::string_view name, std::uint64_t) { add_name(name); });
    if (size < 0) {
      CAIRN_TRY_STATUS(refuse(errno, path_, "list folder: "));
      levels_.back().left_early = true;
      break;
    }
    if (size == 0) {
      break;
    }
    if (names_.size() - first > kFolderNamesMax) {
      report(ProblemKind::unreadable, path_,
             fmt::format("list folder: more than {} names", kFolderNamesMax));
      levels_.back().left_early = true;
      break;
    }
  }
  lookahead_.note(call, names_.size() - first);
  names_.sort_from(first);
  return {};
}

void FolderWalk::add_name(std::string_view name) {
  if (is_valid_name(name)) {
    names_.add(name);
  } else {
    report(ProblemKind::unreadable, fmt::format("{}/{}", path_, name),
           name.size() > kNameBytesMax ? "its name is too long" : "its name is not valid");
  }
}

core::Status FolderWalk::leave(WalkItem& item) {
  item.step = WalkStep::leave_folder;
  if (levels_.back().seen && !levels_.back().left_early) {
    CAIRN_TRY_STATUS(levels_.back().seen->finish());
  }
  const Level left = std::move(levels_.back());
  item.left_early = left.left_early;
  item.refused = left.refused;
  levels_.pop_back();
  names_.cut_back(left.mark);
  if (levels_.empty()) {
    return {};
  }
  path_.resize(levels_.back().path_bytes);
  return levels_.back().folder != nullptr ? core::Status() : reopen_top(left.folder.get());
}

/// Opens the folder on top again, which was closed to spare descriptors.
core::Status FolderWalk::reopen_top(const SourceFolder* child) {
  Level& level = levels_.back();
  first_open_ = std::max<std::size_t>(levels_.size() - 1, 1);
  int descriptor = child != nullptr ? open_folder_if(child->descriptor(), "..", level.id) : -1;
  if (descriptor < 0) {
    descriptor = open_from_root();
  }
  if (descriptor < 0 && is_shortage(errno) && lookahead_.end()) {
    descriptor = open_from_root();
  }
  if (descriptor >= 0) {
    level.folder = std::make_shared<SourceFolder>(descriptor);
    return {};
  }
  if (is_shortage(errno)) {
    return core::fail(core::errno_error(errno, "open folder " + path_));
  }
  if (level.next < names_.size()) {
    report(ProblemKind::unreadable, path_, "moved away while it was read; the rest is left out");
    level.next = level.mark.names;
    level.left_early = true;
    names_.cut_back(level.mark);
  }
  return {};
}

/// Goes down from the source to the folder on top by the names of the path. -1 if some folder on
/// the way is no longer the one that was entered.
int FolderWalk::open_from_root() {
  int descriptor = -1;
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    const std::size_t begin = levels_[i - 1].path_bytes + 1;
    const std::string name = path_.substr(begin, levels_[i].path_bytes - begin);
    const int parent = i == 1 ? levels_.front().folder->descriptor() : descriptor;
    const int next = open_folder_if(parent, name.c_str(), levels_[i].id);
    if (descriptor >= 0) {
      const int error_number = errno;
      ::close(descriptor);
      errno = error_number;
    }
    descriptor = next;
    if (descriptor < 0) {
      break;
    }
  }
  return descriptor;
}

/// Closes what can be opened again later; false if there is nothing.
bool FolderWalk::close_ancestors() {
  const std::size_t first = first_open_;
  while (first_open_ + 1 < levels_.size()) {
    levels_[first_open_].folder.reset();
    ++first_open_;
  }
  return first_open_ > first;
}

/// The same, and what the look-ahead holds.
bool FolderWalk::spare_descriptors() {
  const int error_number = errno;
  const bool ended = lookahead_.end();
  const bool closed = close_ancestors();
  errno = error_number;
  return ended || closed;
}

void FolderWalk::report(ProblemKind kind, const std::string& path, std::string reason) {
  problems_.add({kind, path.empty() ? "/" : path, std::move(reason)});
}

/// An error if the walk cannot go on; else the object at `path` becomes a problem.
core::Status FolderWalk::refuse(int error_number, const std::string& path,
                                std::string_view action) {
  if (is_shortage(error_number)) {
    return core::fail(core::errno_error(error_number, "read " + path));
  }
  report(error_number == ENOENT ? ProblemKind::vanished : ProblemKind::unreadable, path,
         fmt::format("{}{}", action, reason_of(error_number)));
  return {};
}

/// What is known below a child that could not be looked at is kept.
void FolderWalk::note_refused(std::string_view name, int error_number) {
  if (error_number != ENOENT && levels_.back().refused.size() < kRefusedMax) {
    levels_.back().refused.emplace_back(name);
  }
}

void FolderWalk::report_metadata_problems(WalkItem& item) {
  if (!metadata_problems_.empty()) {
    item.stamp = kNoStamp;
    item.seen_index.reset();
  }
  for (Problem& problem : metadata_problems_) {
    problems_.add(std::move(problem));
  }
  metadata_problems_.clear();
}

}  // namespace

SourceFolder::~SourceFolder() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

core::Result<std::unique_ptr<SourceWalk>> SourceWalk::open(std::string path, ProblemSink& problems,
                                                           WalkOptions options) {
  auto walk = std::make_unique<FolderWalk>(problems, std::move(options));
  CAIRN_TRY_STATUS(walk->start(path));
  return walk;
}

}  // namespace cairn::repo::ops
