#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "cairn/core/descriptor.h"
#include "ops/choice/source_choice.h"
#include "ops/source/folder_walk.h"
#include "ops/source/source_object.h"

namespace cairn::repo::ops {
namespace {

// Children in one step: bounds the step, and how long the pipeline hears nothing.
constexpr std::size_t kUnchangedRunMax = 512;
constexpr std::size_t kRefusedMax = 1000;  // of one folder

const std::string kRoot = "/";

constexpr std::string_view kReplaced =
    "each time it is looked at another object has taken its name";

}  // namespace

core::Status FolderWalk::start(std::string_view source) {
  if (!source.starts_with('/')) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("open source \"{}\": not an absolute path", source));
  }
  while (source.size() > 1 && source.back() == '/') {
    source.remove_suffix(1);
  }
  const std::size_t slash = source.rfind('/');
  const std::string parent(source.substr(0, std::max<std::size_t>(slash, 1)));
  source_.emplace();
  MetObject& object = std::get<MetObject>(*source_);
  WalkItem& item = object.item;
  item.file_name = source.size() == 1 ? "." : source.substr(slash + 1);
  item.path = recorded_as_.empty() ? source : recorded_as_;
  // O_PATH: a folder that may be passed through but not listed suffices. Links above the source are
  // the user's way to spell its place and are followed.
  const int descriptor =
      core::uninterrupted([&] { return ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) {
    return core::fail(core::errno_error(errno, fmt::format("open source {}", source)));
  }
  item.folder = std::make_shared<SourceFolder>(descriptor);
  Statx status{};
  if (const int error_number = stat_at(descriptor, item.file_name.c_str(), status);
      error_number != 0) {
    return core::fail(core::errno_error(error_number, fmt::format("open source {}", source)));
  }
  if (S_ISDIR(status.stx_mode)) {
    CAIRN_TRY(vouched_, comparison_.anchored_node(item.path));
  } else {
    Child child;
    child.status = status;
    CAIRN_TRY_STATUS(comparison_.look_at_lone_source(object, child));
    SourceComparison::describe(child, item);
  }
  CAIRN_TRY(const bool described, describe(item, status));
  if (!described) {
    return core::fail(
        core::ErrorCode::io,
        fmt::format("open source {}: it cannot be read or is being replaced", source));
  }
  complete(*source_);
  return {};
}

core::Result<std::optional<WalkStep>> FolderWalk::next() {
  core::Result<std::optional<WalkStep>> told(std::exchange(source_, std::nullopt));
  while (!told->has_value() && !levels_.empty()) {
    CAIRN_TRY_STATUS(next_child(*told));
    if (!told->has_value() && levels_.back().next == names_.size()) {
      CAIRN_TRY(told->emplace(), leave());
    }
  }
  return told;
}

void FolderWalk::end_early() {
  lookahead_.end();
  ahead_.reset();
  // The names of all levels are in one stack: those of one level end where the next level's begin.
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].cursor.reset();
    levels_[i].left_early = true;
    const bool is_top = i + 1 == levels_.size();
    levels_[i].next = is_top ? names_.size() : levels_[i + 1].mark.names;
  }
}

/// Returns the next child, or the next run of unchanged ones, of the folder on top. Nothing if
/// there are none left, or if a child had to be left out.
core::Status FolderWalk::next_child(std::optional<WalkStep>& told) {
  UnchangedRun* run = nullptr;
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
    if (ahead_->is_quiet()) {
      const std::uint32_t index = *ahead_->recorded_index;
      if (run == nullptr) {
        run =
            &std::get<UnchangedRun>(told.emplace(UnchangedRun{.first = index, .birth_times = {}}));
      } else if (index != run->first + run->birth_times.size() ||
                 run->birth_times.size() == kUnchangedRunMax) {
        return {};
      }
      run->birth_times.push_back(birth_time(ahead_->status));
      ahead_.reset();
      ++level.next;
      continue;
    }
    if (run != nullptr) {
      return {};
    }
    const Child child = std::move(*ahead_);
    ahead_.reset();
    ++level.next;
    auto& object = std::get<MetObject>(told.emplace());
    WalkItem& item = object.item;
    item.file_name = name;
    item.entry.name = name;
    item.path.reserve(path_.size() + 1 + name.size());
    item.path.append(path_).append(1, '/').append(name);
    item.folder = level.folder;
    SourceComparison::describe(child, item);
    object.is_log = child.is_log;
    vouched_ = SourceComparison::vouched_node(child, level.cursor ? &*level.cursor : nullptr);
    CAIRN_TRY(const bool described, describe(item, child.status));
    if (described) {
      complete(*told);
    } else {
      told.reset();
    }
    return {};
  }
  return {};
}

/// To be called when the object of a step has been described. A folder that was entered becomes a
/// step of its own kind.
void FolderWalk::complete(WalkStep& step) {
  MetObject& object = std::get<MetObject>(step);
  if (object.item.entry.type == EntryType::folder) {
    Level& level = levels_.back();
    step = EnteredFolder{.item = std::move(object.item),
                         .record = std::move(level.record),
                         .is_bare = level.is_bare};
  } else if (finds_links_ && object.item.link_count > 1 && !object.item.logs) {
    note_link(object.item);
  }
}

/// A further name of an object that came before need not be read again. As a sample the first name
/// suffices.
void FolderWalk::note_link(WalkItem& item) {
  const ObjectMark mark = mark_of(item);
  const auto [first, is_first] = linked_.emplace(item.inode, mark);
  if (!is_first && first->second.is_same(mark)) {
    const bool is_recorded = item.fate == Fate::as_recorded || item.fate == Fate::sample;
    item.fate = is_recorded ? Fate::as_recorded : Fate::link_to_first;
  }
  first->second = mark;
}

/// Looks at a child of the folder on top; false if it cannot be seen or is left out.
core::Result<bool> FolderWalk::look_ahead(std::string_view name) {
  feed_lookahead();
  Level& level = levels_.back();
  Child child;
  if (const auto planned = level.planned.find(name); planned != level.planned.end()) {
    const PlannedLog log = std::move(planned->second);
    level.planned.erase(planned);
    if (!log.status) {
      CAIRN_TRY_STATUS(refuse(ENOENT, path_of(name)));
      return false;
    }
    child.status = *log.status;
    child.logs = log.logs;
    child.is_log = log.logs != nullptr;
    ahead_is_way_only_ = false;
    CAIRN_TRY_STATUS(
        comparison_.look(name, level.listed_at, level.cursor ? &*level.cursor : nullptr, child));
    ahead_ = std::move(child);
    return true;
  }
  const bool asks_filter = choice_ != nullptr && !choice_->filter.empty();
  const std::string path = asks_filter ? path_of(name) : std::string();
  if (asks_filter && is_left_out_by_name(*choice_, path) && !leads_to_named(named_, path)) {
    return false;
  }
  const WatchedCall call = lookahead_.watch_some();
  const int error_number = stat_at(level.folder->descriptor(), name.data(), child.status);
  lookahead_.note(call);
  if (error_number != 0) {
    CAIRN_TRY_STATUS(refuse(error_number, path_of(name)));
    note_refused(name, error_number);
    return false;
  }
  const bool is_out =
      choice_ != nullptr &&
      is_left_out(*choice_, child.status, [&]() -> const std::string& { return path; });
  if (is_out && !leads_to_named(named_, path_of(name))) {
    return false;
  }
  ahead_is_way_only_ = is_out;
  CAIRN_TRY_STATUS(
      comparison_.look(name, level.listed_at, level.cursor ? &*level.cursor : nullptr, child));
  if (level.has_logs && S_ISREG(child.status.stx_mode)) {
    CAIRN_TRY_STATUS(plan_logs(name, child));
  }
  ahead_ = std::move(child);
  return true;
}

/// A database and its logs are looked at, and read, together: with other objects in between, a
/// transaction could end between them.
core::Status FolderWalk::plan_logs(std::string_view name, Child& child) {
  auto logs = std::make_shared<DatabaseLogs>();
  bool all_same = child.fate == Fate::as_recorded;
  for (const std::string_view suffix : {"-journal", "-wal"}) {
    const std::string log = std::string(name).append(suffix);
    if (names_.contains(levels_.back().next + 1, log)) {
      CAIRN_TRY_STATUS(plan_log(log, *logs, all_same));
    }
  }
  if (all_same || (logs->logs.empty() && logs->left_out.empty())) {
    return {};
  }
  for (const DatabaseLogs::Log& log : logs->logs) {
    levels_.back().planned.at(log.item.file_name).logs = logs;
  }
  child.logs = std::move(logs);
  return {};
}

/// `all_same` is cleared unless the log is as recorded.
core::Status FolderWalk::plan_log(const std::string& log, DatabaseLogs& logs, bool& all_same) {
  Level& level = levels_.back();
  const std::string path = path_of(log);
  Child child;
  const int error_number = choice_ != nullptr && is_left_out_by_name(*choice_, path)
                               ? EPERM
                               : stat_at(level.folder->descriptor(), log.c_str(), child.status);
  const bool is_out =
      error_number == EPERM ||
      (error_number == 0 && choice_ != nullptr &&
       is_left_out(*choice_, child.status, [&]() -> const std::string& { return path; }));
  if (is_out) {
    logs.left_out.emplace_back(log);
    return {};
  }
  if (error_number == ENOENT) {
    level.planned.emplace(log, PlannedLog{std::nullopt, nullptr});
    return {};
  }
  if (error_number != 0 || !S_ISREG(child.status.stx_mode)) {
    return {};  // the walk will see when it comes to it
  }
  std::optional<RecordCursor> ahead;
  if (level.cursor) {
    ahead.emplace(level.cursor->ahead());
  }
  CAIRN_TRY_STATUS(comparison_.look(log, level.listed_at, ahead ? &*ahead : nullptr, child));
  all_same = all_same && child.fate == Fate::as_recorded;
  DatabaseLogs::Log& planned = logs.logs.emplace_back();
  planned.item.file_name = log;
  planned.item.entry.name = log;
  planned.item.path = path;
  planned.item.folder = level.folder;
  planned.item.entry.type = EntryType::file;
  fill_item(planned.item, child.status, comparison_.owner(child.status));
  planned.item.size_bytes = child.status.stx_size;
  SourceComparison::describe(child, planned.item);
  level.planned.emplace(log, PlannedLog{child.status, nullptr});
  return {};
}

std::string FolderWalk::path_of(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

/// Offers the look-ahead threads, if they are working, the next names of the folder on top.
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

/// Fills `item`; false if it had to be left out. An object that was replaced since it was seen is
/// looked at again: a rename leaves no moment in which the name is missing.
core::Result<bool> FolderWalk::describe(WalkItem& item, Statx status) {
  for (int look = 1;; ++look) {
    CAIRN_TRY(const Described described, describe_once(item, status, look == kLooksMax));
    if (described != Described::look_again) {
      return described == Described::done;
    }
    if (const int error_number = stat_at(item.folder->descriptor(), item.file_name.c_str(), status);
        error_number != 0) {
      CAIRN_TRY_STATUS(refuse(error_number, item.path));
      return false;
    }
    forget_object(item);
  }
}

core::Result<FolderWalk::Described> FolderWalk::describe_once(WalkItem& item, const Statx& status,
                                                              bool is_last_look) {
  const std::optional<EntryType> type = entry_type(status);
  if (!type.has_value()) {
    report(ProblemKind::unreadable, item.path, "unknown type of object");
    return Described::left_out;
  }
  item.entry.type = *type;
  fill_item(item, status, comparison_.owner(status));
  if (*type == EntryType::file) {
    item.size_bytes = status.stx_size;
    return Described::done;
  }
  if (*type == EntryType::folder) {
    return enter(item, is_last_look);
  }
  if (const int error_number = describe_leaf(item, status, metadata_problems_); error_number != 0) {
    return give_up_on(item, error_number, "read link: ", is_last_look);
  }
  report_metadata_problems(item);
  return Described::done;
}

core::Result<FolderWalk::Described> FolderWalk::give_up_on(WalkItem& item, int error_number,
                                                           std::string_view action,
                                                           bool is_last_look) {
  if (is_worth_another_look(error_number)) {
    if (!is_last_look) {
      return Described::look_again;
    }
    report(ProblemKind::unreadable, item.path, std::string(kReplaced));
    return Described::left_out;
  }
  CAIRN_TRY_STATUS(refuse(error_number, item.path, action));
  note_refused(item.file_name, error_number);
  return Described::left_out;
}

core::Result<FolderWalk::Described> FolderWalk::enter(WalkItem& item, bool is_last_look) {
  if (levels_.size() == kFolderDepthMax) {
    report(ProblemKind::unreadable, item.path,
           fmt::format("more than {} folders in folders", kFolderDepthMax));
    return Described::left_out;
  }
  const int parent = item.folder->descriptor();
  const char* const name = item.file_name.c_str();
  lookahead_.pass(levels_.size(), levels_.empty() ? 0 : levels_.back().next);
  int descriptor = open_folder(parent, name);
  if (descriptor < 0 && is_shortage(errno) && spare_descriptors()) {
    descriptor = open_folder(parent, name);
  }
  if (descriptor < 0) {
    return enter_unopened(item, errno, is_last_look);
  }
  auto folder = std::make_shared<SourceFolder>(descriptor);
  // Another folder may have taken the name since the first stat, or opening it may have mounted a
  // file system: the folder that will be listed is the one to be described.
  Statx status{};
  if (const int error_number = stat_open(descriptor, status); error_number != 0) {
    return give_up_on(item, error_number, {}, is_last_look);
  }
  if (inode_id(status) != item.inode || to_timestamp(status.stx_ctime) != item.ctime) {
    item.must_be_read();
  }
  fill_item(item, status, comparison_.owner(status));
  if (std::ranges::find(own_folders_, item.inode) != own_folders_.end()) {
    if (levels_.empty()) {
      return core::fail(core::ErrorCode::io,
                        fmt::format("open source {}: it is the repository that is backed up to, "
                                    "or its cache",
                                    item.path));
    }
    if (on_own_folder_) {
      on_own_folder_(item.path, !levels_.back().cursor);
    }
    return Described::left_out;
  }
  const bool is_named_itself = levels_.empty() || is_named(named_, item.path);
  // In a folder of which only some names are kept, the others than those are its tags.
  const bool is_way_only =
      !is_named_itself &&
      (ahead_is_way_only_ || (levels_.back().is_way_only && leads_to_named(named_, item.path)));
  const std::uint64_t home = is_named_itself ? item.inode.device : levels_.back().home;
  push_level(item, std::move(folder));
  levels_.back().home = home;
  CAIRN_TRY(auto record, comparison_.recall(item, std::exchange(vouched_, std::nullopt)));
  if (record != nullptr) {
    levels_.back().cursor = comparison_.cursor(record, path_);
    levels_.back().record = std::move(record);
  }
  read_xattrs(descriptor, item.entry, {item.path, metadata_problems_});
  read_inode_flags(descriptor, item.entry, {item.path, metadata_problems_});
  report_metadata_problems(item);
  CAIRN_TRY_STATUS(list_chosen(descriptor, status, is_way_only));
  return Described::done;
}

/// Lists the folder on top, without what the choice leaves out because of the folder's own
/// properties.
core::Status FolderWalk::list_chosen(int descriptor, const Statx& status, bool is_way_only) {
  Level& level = levels_.back();
  level.is_way_only = is_way_only || (choice_ != nullptr && choice_->one_file_system &&
                                      level.id.device != level.home);
  const std::string& path = path_.empty() ? kRoot : path_;
  if (level.is_way_only && !leads_to_named(named_, path)) {
    return {};
  }
  const std::size_t first = names_.size();
  CAIRN_TRY_STATUS(list(descriptor, status));
  level.is_bare = names_.size() == first && !level.left_early;
  std::optional<std::vector<std::string>> kept;
  if (choice_ != nullptr) {
    kept = tags_of(*choice_, descriptor, names_, first);
  }
  if (level.is_way_only) {
    kept.emplace();
  }
  if (!kept) {
    return {};
  }
  level.is_way_only = true;
  if (named_ != nullptr) {
    for (std::size_t i = first; i < names_.size(); ++i) {
      if (leads_to_named(named_, path_of(names_[i])) &&
          std::ranges::find(*kept, names_[i]) == kept->end()) {
        kept->emplace_back(names_[i]);
      }
    }
    std::ranges::sort(*kept);
  }
  names_.replace_from(first, *kept);
  return {};
}

core::Result<FolderWalk::Described> FolderWalk::enter_unopened(WalkItem& item, int error_number,
                                                               bool is_last_look) {
  if (is_worth_another_look(error_number)) {
    return give_up_on(item, error_number, {}, is_last_look);
  }
  CAIRN_TRY_STATUS(refuse(error_number, item.path, "list folder: "));
  read_xattrs_at(item.folder->descriptor(), item.file_name, item.entry,
                 {item.path, metadata_problems_});
  report_metadata_problems(item);
  push_level(item, nullptr);
  // What is known about its children stays known.
  CAIRN_TRY(levels_.back().record, comparison_.recall(item, std::exchange(vouched_, std::nullopt)));
  levels_.back().left_early = true;
  return Described::done;
}

void FolderWalk::report(ProblemKind kind, const std::string& path, std::string reason) {
  problems_.add({kind, path.empty() ? "/" : path, std::move(reason)});
}

/// Returns an error if the walk cannot go on; otherwise the object at `path` becomes a problem.
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
  if (error_number != ENOENT && !levels_.empty() && levels_.back().refused.size() < kRefusedMax) {
    levels_.back().refused.emplace_back(name);
  }
}

/// Incomplete objects are looked at again next time.
void FolderWalk::report_metadata_problems(WalkItem& item) {
  if (!metadata_problems_.empty()) {
    item.must_be_read();
  }
  for (Problem& problem : metadata_problems_) {
    problems_.add(std::move(problem));
  }
  metadata_problems_.clear();
}

core::Result<std::unique_ptr<SourceWalk>> SourceWalk::open(std::string path, ProblemSink& problems,
                                                           WalkOptions options) {
  auto walk = std::make_unique<FolderWalk>(problems, std::move(options));
  CAIRN_TRY_STATUS(walk->start(path));
  return walk;
}

}  // namespace cairn::repo::ops
