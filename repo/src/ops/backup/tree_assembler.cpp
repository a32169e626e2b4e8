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
  if (!step.problems.empty()) {
    step.item.stamp = kNoStamp;  // what was incomplete is read again next time
  }
  for (Problem& problem : step.problems) {
    problems_.add(std::move(problem));
  }
  step.problems.clear();
}

/// A database's log was read with the database.
void TreeAssembler::take_log(IngestedStep& step) {
  for (DatabaseLogs::Log& log : step.item.logs->logs) {
    if (log.item.file_name == step.item.file_name) {
      step.problems = std::move(log.problems);
      step.error = std::move(log.error);
      log.item.known = step.item.known;
      log.item.known_index = step.item.known_index;
      step.item = WalkItem(std::move(log.item));
      return;
    }
  }
}

core::Status TreeAssembler::add(IngestedStep step) {
  if (step.item.logs && step.item.is_log) {
    take_log(step);
  }
  report_problems(step);
  switch (step.item.step) {
    case WalkStep::object:
      return add_object(std::move(step));
    case WalkStep::unchanged:
      return add_unchanged(step);
    case WalkStep::enter_folder: {
      CAIRN_TRY_STATUS(birth_times_.add(step.item.birth_time));
      if (!step.item.known) {
        changes_.add(Change::added, step.item.path);
      }
      auto assembly =
          std::make_unique<FolderAssembly>(parts_, step.item.path, std::move(step.item.seen));
      open_.push_back({std::move(step), std::move(assembly)});
      return {};
    }
    case WalkStep::leave_folder:
      return leave_folder(step.item);
  }
  return {};
}

core::Status TreeAssembler::add_unchanged(const IngestedStep& step) {
  Expects(!open_.empty() && step.item.seen_index.has_value());
  for (const auto& time : step.item.birth_times) {
    CAIRN_TRY_STATUS(birth_times_.add(time));
  }
  const std::size_t count = step.item.birth_times.size();
  changes_.counts.files_unmodified += count;
  return open_.back().assembly->add_unchanged(*step.item.seen_index, count);
}

core::Status TreeAssembler::leave_folder(const WalkItem& leaving) {
  Expects(!open_.empty());
  OpenFolder folder = std::move(open_.back());
  open_.pop_back();
  CAIRN_TRY(const FolderAssembly::Finished finished,
            folder.assembly->finish(folder.step.item.path,
                                    {.early = leaving.left_early, .refused = &leaving.refused}));
  folder.step.item.entry.folder = finished.content;
  counts_ += finished.own;
  if (open_.empty()) {
    note_emptiness(folder, finished.content);
  }
  CAIRN_TRY(const bool unchanged, is_folder_as_recorded(folder.step.item, finished.unchanged));
  count_change(folder.step.item, unchanged);
  return place(std::move(folder.step));
}

/// A source that held something at the last backup and holds nothing now is most often a file
/// system that is not mounted, and the snapshot worth nothing.
void TreeAssembler::note_emptiness(const OpenFolder& folder, const FolderContent& content) {
  if (!folder.step.item.is_bare || content.entries_below > 0) {
    return;
  }
  if (const std::uint64_t before = folder.assembly->seen_below(); before > 0) {
    problems_.add({ProblemKind::unreadable, folder.step.item.path,
                   fmt::format("it held {} object{} at the last backup and holds nothing now; is "
                               "its file system mounted?",
                               before, before == 1 ? "" : "s")});
  } else {
    is_new_and_empty_ = !folder.step.item.known;
  }
}

/// A folder that changed a short while ago has no stamp that would tell: its entry does.
core::Result<bool> TreeAssembler::is_folder_as_recorded(const WalkItem& item, bool same_children) {
  if (!same_children || item.seen_index || open_.empty()) {
    return same_children;
  }
  if (!item.known_index) {
    return false;
  }
  CAIRN_TRY(const Entry* const recorded, open_.back().assembly->seen_entry(*item.known_index));
  return *recorded == item.entry;
}

/// What the last backup recorded of an object, under the name that it has here.
core::Result<Entry> TreeAssembler::recorded_entry(const WalkItem& item, std::uint32_t index) {
  if (!open_.empty()) {
    CAIRN_TRY(const Entry* const entry, open_.back().assembly->seen_entry(index));
    return *entry;
  }
  SeenEntries lone(*parts_.cache, item.seen);
  CAIRN_TRY(const Entry* const entry, lone.at(index));
  Entry recorded = *entry;
  recorded.name = item.entry.name;
  return recorded;
}

/// Completes a file that is as it was at the last backup from what that recorded.
core::Status TreeAssembler::take_recorded(IngestedStep& step) {
  WalkItem& item = step.item;
  CAIRN_TRY(Entry recorded, recorded_entry(item, *item.seen_index));
  if (item.sampled) {
    if (recorded.content != item.entry.content) {
      problems_.add({ProblemKind::changed_unnoticed, item.path,
                     "its bytes are not those of the last backup, though nothing tells of a "
                     "change; stored as read now"});
      item.seen_index.reset();
    }
    return {};
  }
  item.entry = std::move(recorded);
  item.entry.hard_link_to.reset();
  return {};
}

/// True if an object that had to be read turns out to be what the last backup recorded.
core::Result<bool> TreeAssembler::is_as_recorded(const WalkItem& item) {
  if (item.seen_index) {
    return true;
  }
  if (!item.known_index) {
    return false;
  }
  CAIRN_TRY(const Entry recorded, recorded_entry(item, *item.known_index));
  return recorded == item.entry;
}

/// Finds the first name of an object that has several, or makes this one the first.
core::Status TreeAssembler::resolve_link(IngestedStep& step) {
  const auto find_first = [&] {
    const auto first = linked_.find(step.item.inode);
    return first != linked_.end() && first->second.mark.is_same(mark_of(step.item)) ? &first->second
                                                                                    : nullptr;
  };
  const Linked* first = find_first();
  const bool lacks_content =
      step.is_further_name && step.item.entry.type == EntryType::file && !step.item.seen_index;
  if (first == nullptr && lacks_content) {
    // The first name could not be read, or another object had taken it.
    CAIRN_TRY_STATUS(read_late_(step));
    report_problems(step);
    if (step.error || step.item.link_count < 2) {
      return {};
    }
    first = find_first();
  }
  Entry& entry = step.item.entry;
  if (first != nullptr) {
    // Too deep to be referred to: then each name is a file of its own.
    if (first->name.size() <= kPathBytesMax) {
      entry.hard_link_to = first->name;
    }
    entry.content = first->content;
    entry.changed_while_read = first->changed_while_read;
    return {};
  }
  const std::size_t source_bytes = open_.front().step.item.path.size();
  std::string name = step.item.path.substr(source_bytes);
  name.erase(0, name.starts_with('/') ? 1 : 0);
  linked_.insert_or_assign(step.item.inode, Linked{mark_of(step.item), std::move(name),
                                                   entry.content, entry.changed_while_read});
  return {};
}

core::Status TreeAssembler::add_object(IngestedStep step) {
  WalkItem& item = step.item;
  Entry& entry = item.entry;
  if (!step.error && item.seen_index && entry.type == EntryType::file) {
    CAIRN_TRY_STATUS(take_recorded(step));
  }
  if (!step.error && item.link_count > 1 && !open_.empty()) {
    CAIRN_TRY_STATUS(resolve_link(step));
  }
  item.folder.reset();
  if (step.error) {
    const bool vanished = step.error->code() == core::ErrorCode::not_found;
    problems_.add({vanished ? ProblemKind::vanished : ProblemKind::unreadable, std::move(item.path),
                   step.error->message()});
    return {};
  }
  CAIRN_TRY_STATUS(birth_times_.add(item.birth_time));
  CAIRN_TRY(const bool unchanged, is_as_recorded(item));
  if (!unchanged) {
    changes_.add(item.known ? Change::modified : Change::added, item.path);
  }
  count_change(item, unchanged);
  return place(std::move(step));
}

core::Status TreeAssembler::place(IngestedStep step) {
  WalkItem& item = step.item;
  const bool is_root = open_.empty();
  if (std::string defect = format::entry_defect(item.entry, is_root); !defect.empty()) {
    problems_.add({ProblemKind::unreadable, std::move(item.path), std::move(defect)});
    return {};
  }
  if (is_root) {
    count_entry(item.entry, counts_);
    root_ = std::move(item.entry);
    root_stamp_ = item.stamp;
    return {};
  }
  return open_.back().assembly->add(std::move(item.entry), item.stamp, item.seen_index);
}

void TreeAssembler::count_change(const WalkItem& item, bool unchanged) {
  const bool is_folder = item.entry.type == EntryType::folder;
  ChangeCounts& counts = changes_.counts;
  if (unchanged) {
    (is_folder ? counts.folders_unmodified : counts.files_unmodified) += 1;
  } else if (item.known) {
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
  SeenFolder record = parts_.cache->start_record();
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
