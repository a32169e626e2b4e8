#include "ops/backup/tree_assembler.h"

#include <fmt/format.h>

#include <gsl/gsl>
#include <utility>

#include "format/node.h"

namespace cairn::repo::ops {

TreeAssembler::TreeAssembler(const AssemblyParts& parts, ProblemList& problems, ChangeLog& changes,
                             ReadLate read_late)
    : parts_(parts),
      problems_(problems),
      changes_(changes),
      read_late_(std::move(read_late)),
      birth_times_(parts.sink) {}

void TreeAssembler::report_problems(IngestedStep& step) {
  if (step.problems.empty()) {
    return;
  }
  if (WalkItem* const item = item_of(step.step)) {
    item->stamp = kNoStamp;  // incomplete objects are read again next time
  }
  for (Problem& problem : step.problems) {
    problems_.add(std::move(problem));
  }
  step.problems.clear();
}

/// A database's log was read together with the database.
void TreeAssembler::take_log(IngestedStep& step, MetObject& object) {
  const std::shared_ptr<DatabaseLogs> logs = object.item.logs;
  for (DatabaseLogs::Log& log : logs->logs) {
    if (log.item.file_name == object.item.file_name) {
      step.problems = std::move(log.problems);
      step.error = std::move(log.error);
      object.item = std::move(log.item);
      return;
    }
  }
}

core::Status TreeAssembler::add(IngestedStep step) {
  if (auto* const object = std::get_if<MetObject>(&step.step)) {
    if (object->item.logs && object->is_log) {
      take_log(step, *object);
    }
    report_problems(step);
    return add_object(std::move(step));
  }
  if (auto* const run = std::get_if<UnchangedRun>(&step.step)) {
    return add_unchanged(*run);
  }
  if (auto* const folder = std::get_if<EnteredFolder>(&step.step)) {
    return enter_folder(std::move(*folder));
  }
  return leave_folder(std::get<LeftFolder>(step.step));
}

core::Status TreeAssembler::add_unchanged(const UnchangedRun& run) {
  Expects(!open_.empty());
  for (const auto& time : run.birth_times) {
    CAIRN_TRY_STATUS(birth_times_.add(time));
  }
  changes_.counts.files_unmodified += run.birth_times.size();
  return open_.back().assembly->add_unchanged(run.first, run.birth_times.size());
}

core::Status TreeAssembler::enter_folder(EnteredFolder folder) {
  CAIRN_TRY_STATUS(birth_times_.add(folder.item.birth_time));
  if (!folder.item.is_known()) {
    changes_.add(Change::added, folder.item.path);
  }
  auto assembly =
      std::make_unique<FolderAssembly>(parts_, folder.item.path, std::move(folder.record));
  path_ = std::exchange(folder.item.path, {});
  open_.push_back({std::move(folder.item), path_.size(), folder.is_bare, std::move(assembly)});
  return {};
}

core::Status TreeAssembler::leave_folder(const LeftFolder& leaving) {
  Expects(!open_.empty());
  OpenFolder folder = std::move(open_.back());
  open_.pop_back();
  WalkItem& item = folder.item;
  CAIRN_TRY(
      const FolderAssembly::Finished finished,
      folder.assembly->finish(path_, {.early = leaving.is_early, .refused = &leaving.refused}));
  item.entry.folder = finished.content;
  counts_ += finished.own;
  if (open_.empty()) {
    note_emptiness(folder, finished.content);
    count_change(item, finished.unchanged);
    return place(std::move(item), path_, false);
  }
  // Equal stamps vouch for everything except what is below. A folder that changed a short while ago
  // has no stamp to compare; its entry is compared instead.
  FolderAssembly& parent = *open_.back().assembly;
  const bool is_recorded = item.fate == Fate::as_recorded;
  bool is_unchanged = finished.unchanged;
  if (is_unchanged && !is_recorded) {
    CAIRN_TRY(const Entry* const recorded, recorded_entry(item));
    is_unchanged = recorded != nullptr && *recorded == item.entry;
  }
  count_change(item, is_unchanged);
  const bool continues =
      is_recorded && parent.has_node(*item.recorded_index, item.entry.folder.node);
  CAIRN_TRY_STATUS(place(std::move(item), path_, continues));
  path_.resize(open_.back().path_bytes);
  return {};
}

/// A source that is empty but was not at the last backup is usually a file system that is not
/// mounted, and the snapshot is worthless.
void TreeAssembler::note_emptiness(const OpenFolder& folder, const FolderContent& content) {
  if (!folder.is_bare || content.entries_below > 0) {
    return;
  }
  if (const std::uint64_t before = folder.assembly->recorded_below(); before > 0) {
    problems_.add({ProblemKind::unreadable, path_,
                   fmt::format("it held {} object{} at the last backup and holds nothing now; is "
                               "its file system mounted?",
                               before, before == 1 ? "" : "s")});
  } else {
    is_new_and_empty_ = !folder.item.is_known();
  }
}

/// The last backup's entry for the name that the object has here; nullptr: there is none. Valid
/// until the folder's next child.
core::Result<const Entry*> TreeAssembler::recorded_entry(
    const WalkItem& item, const std::shared_ptr<const RecalledFolder>& lone) {
  if (!item.recorded_index) {
    return nullptr;
  }
  if (!open_.empty()) {
    return open_.back().assembly->recorded_entry(*item.recorded_index);
  }
  RecordEntries entries(*parts_.cache, lone);
  CAIRN_TRY(const Entry* const entry, entries.at(*item.recorded_index));
  lone_record_ = *entry;
  lone_record_->name = item.entry.name;
  return &*lone_record_;
}

/// Finds the first name of an object that has several, or makes this one the first.
core::Status TreeAssembler::resolve_link(IngestedStep& step, WalkItem& item) {
  const auto find_first = [&] {
    const auto first = linked_.find(item.inode);
    return first != linked_.end() && first->second.mark.is_same(mark_of(item)) ? &first->second
                                                                               : nullptr;
  };
  const Linked* first = find_first();
  if (first == nullptr && item.fate == Fate::link_to_first && item.entry.type == EntryType::file) {
    // The first name could not be read, or belonged to another object by then.
    CAIRN_TRY_STATUS(read_late_(step));
    report_problems(step);
    if (step.error || item.link_count < 2) {
      return {};
    }
    first = find_first();
  }
  Entry& entry = item.entry;
  if (first != nullptr) {
    // If the path is too long to refer to, each name becomes a file of its own.
    if (first->name.size() <= kPathBytesMax) {
      entry.hard_link_to = first->name;
    }
    entry.content = first->content;
    entry.changed_while_read = first->changed_while_read;
    return {};
  }
  const std::size_t source_bytes = open_.front().path_bytes;
  std::string name = item.path.substr(source_bytes);
  name.erase(0, name.starts_with('/') ? 1 : 0);
  linked_.insert_or_assign(
      item.inode, Linked{mark_of(item), std::move(name), entry.content, entry.changed_while_read});
  return {};
}

core::Status TreeAssembler::add_object(IngestedStep step) {
  auto& object = std::get<MetObject>(step.step);
  WalkItem& item = object.item;
  const Entry* recorded = nullptr;
  if (!step.error) {
    CAIRN_TRY(recorded, recorded_entry(item, object.record));
    obey(item, recorded);
    if (item.link_count > 1 && !open_.empty()) {
      CAIRN_TRY_STATUS(resolve_link(step, item));
    }
  }
  item.folder.reset();
  if (step.error) {
    const bool vanished = step.error->code() == core::ErrorCode::not_found;
    problems_.add({vanished ? ProblemKind::vanished : ProblemKind::unreadable, std::move(item.path),
                   step.error->message()});
    return {};
  }
  CAIRN_TRY_STATUS(birth_times_.add(item.birth_time));
  const bool is_record = recorded != nullptr && *recorded == item.entry;
  const bool is_stamped = item.fate == Fate::as_recorded || item.fate == Fate::sample;
  const bool is_unchanged = is_stamped || is_record;
  if (!is_unchanged) {
    changes_.add(item.is_known() ? Change::modified : Change::added, item.path);
  }
  count_change(item, is_unchanged);
  const std::string path = std::move(item.path);
  return place(std::move(item), path, is_stamped && is_record);
}

/// Completes a file that was not read from its record; one that was read as a sample must be as
/// recorded.
void TreeAssembler::obey(WalkItem& item, const Entry* recorded) {
  if (item.entry.type != EntryType::file) {
    return;
  }
  if (item.fate == Fate::as_recorded) {
    item.entry = *recorded;
    item.entry.hard_link_to.reset();
  } else if (item.fate == Fate::sample && recorded->content != item.entry.content) {
    problems_.add({ProblemKind::changed_unnoticed, item.path,
                   "its bytes are not those of the last backup, though nothing tells of a "
                   "change; stored as read now"});
    item.fate = Fate::read_again;
  }
}

/// `continues`: it equals its record, including the stamp.
core::Status TreeAssembler::place(WalkItem item, const std::string& path, bool continues) {
  const bool is_root = open_.empty();
  if (std::string defect = format::entry_defect(item.entry, is_root); !defect.empty()) {
    problems_.add({ProblemKind::unreadable, path, std::move(defect)});
    return {};
  }
  if (is_root) {
    count_entry(item.entry, counts_);
    root_ = std::move(item.entry);
    root_stamp_ = item.stamp;
    return {};
  }
  return open_.back().assembly->add(std::move(item.entry), item.stamp,
                                    continues ? item.recorded_index : std::nullopt);
}

void TreeAssembler::count_change(const WalkItem& item, bool unchanged) {
  const bool is_folder = item.entry.type == EntryType::folder;
  ChangeCounts& counts = changes_.counts;
  if (unchanged) {
    (is_folder ? counts.folders_unmodified : counts.files_unmodified) += 1;
  } else if (item.is_known()) {
    (is_folder ? counts.folders_changed : counts.files_changed) += 1;
  } else {
    (is_folder ? counts.folders_new : counts.files_new) += 1;
  }
}

core::Status TreeAssembler::record_progress() {
  for (OpenFolder& folder : open_) {
    CAIRN_TRY_STATUS(folder.assembly->record_progress());
  }
  return {};
}

core::Status TreeAssembler::record_lone_source(const std::string& path) {
  if (parts_.cache == nullptr) {
    return {};
  }
  format::FolderLeaf leaf;
  leaf.entries.push_back(*root_);
  leaf.entries.back().name = kLoneSourceName;
  FolderRecord record = parts_.cache->start_record();
  record.stamps.push_back(root_stamp_);
  const FolderKey key = lone_source_key(path);
  CAIRN_TRY(const core::Bytes encoded, format::encode_folder_leaf(leaf));
  CAIRN_TRY_STATUS(parts_.cache->put_piece(key, record, encoded, 1));
  return parts_.cache->put(key, record);
}

core::Result<std::optional<AssembledSource>> TreeAssembler::finish(std::string path) {
  Expects(open_.empty());
  if (!root_) {
    return std::nullopt;
  }
  AssembledSource assembled;
  Source& source = assembled.source;
  CAIRN_TRY(const core::Bytes root, format::encode_root(*root_));
  CAIRN_TRY(source.root, parts_.sink.put_node(root));
  CAIRN_TRY(source.birth_times, birth_times_.finish());
  source.counts = counts_;
  if (root_->type == EntryType::folder) {
    assembled.folder_node = root_->folder.node;
  } else {
    CAIRN_TRY_STATUS(record_lone_source(path));
  }
  source.path = std::move(path);
  assembled.is_new_and_empty = is_new_and_empty_;
  return std::optional(std::move(assembled));
}

}  // namespace cairn::repo::ops
