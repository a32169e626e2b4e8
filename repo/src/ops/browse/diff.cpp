#include "cairn/repo/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "cairn/core/stop.h"
#include "ops/browse/diff_trees.h"
#include "ops/repository/access.h"
#include "ops/tree/tree_counts.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::CatalogueView;
using ops::DiffEntry;
using ops::DiffHead;
using ops::DiffTree;
using ops::LiveTree;

/// How the metadata of two objects of one type differ, as far as it is known on both sides.
void compare_metadata(const DiffEntry& before, const DiffEntry& after,
                      std::vector<ChangedField>& fields) {
  const Entry& a = before.entry;
  const Entry& b = after.entry;
  const auto add_if = [&fields](bool differs, ChangedField field) {
    if (differs) {
      fields.push_back(field);
    }
  };
  add_if(a.link_target != b.link_target, ChangedField::link_target);
  add_if(a.device != b.device, ChangedField::device);
  add_if(a.mode != b.mode, ChangedField::mode);
  const bool same_numbers = a.owner.uid == b.owner.uid && a.owner.gid == b.owner.gid;
  add_if(!same_numbers, ChangedField::owner);
  add_if(same_numbers && a.owner != b.owner, ChangedField::owner_names);
  add_if(a.mtime != b.mtime, ChangedField::mtime);
  if (before.has_attributes && after.has_attributes) {
    add_if(a.xattrs != b.xattrs, ChangedField::xattrs);
    add_if(a.inode_flags != b.inode_flags, ChangedField::inode_flags);
  }
}

/// Reads both trees in step: the name that comes first is taken from the side that has it.
class Differ {
 public:
  Differ(CatalogueView view, const DiffOptions& options, Observer& observer,
         const std::function<core::Status(const Difference&)>& visit)
      : options_(options), visit_(visit) {
    before_ = make_side(view, options.before, observer);
    after_ = make_side(view, options.after, observer);
  }

  core::Result<DiffReport> run();

 private:
  /// A folder that has been entered on one side or on both.
  struct Frame {
    std::string path;  ///< relative to the two roots
    bool in_before = false;
    bool in_after = false;
  };
  enum class Side : std::uint8_t { before, after };

  std::unique_ptr<DiffTree> make_side(CatalogueView view, const DiffSide& side, Observer& observer);
  core::Status step();
  core::Status open_piece(DiffTree& tree) {
    ++report_.pieces_read;
    return tree.open_piece();
  }
  core::Status advance_both(const DiffHead& before, const DiffHead& after);
  core::Status advance_one(const DiffHead& head, Side side);
  core::Status pair(DiffEntry before, DiffEntry after, std::string path);
  core::Status take_one(DiffEntry entry, Side side, std::string path);
  core::Status enter(Frame frame, const DiffEntry* before, const DiffEntry* after);
  core::Status leave();
  core::Status compare_files(DiffEntry& before, DiffEntry& after,
                             std::vector<ChangedField>& fields);
  core::Status tell(DifferenceType type, const std::string& path, DiffEntry* before,
                    DiffEntry* after, std::vector<ChangedField> fields);

  [[nodiscard]] std::string in_before(const std::string& path) const {
    return path.empty() ? options_.before.path : ops::join_path(options_.before.path, path);
  }
  [[nodiscard]] std::string in_after(const std::string& path) const {
    return path.empty() ? options_.after.path : ops::join_path(options_.after.path, path);
  }
  [[nodiscard]] static std::string child_of(const Frame& frame, const std::string& name) {
    return frame.path.empty() ? name : frame.path + '/' + name;
  }

  const DiffOptions& options_;
  const std::function<core::Status(const Difference&)>& visit_;
  std::unique_ptr<DiffTree> before_;
  std::unique_ptr<DiffTree> after_;
  LiveTree* live_ = nullptr;  ///< the side that is live, if one is
  std::vector<Frame> frames_;
  DiffReport report_;
};

std::unique_ptr<DiffTree> Differ::make_side(CatalogueView view, const DiffSide& side,
                                            Observer& observer) {
  if (side.snapshot != nullptr) {
    return std::make_unique<ops::StoredTree>(view, *side.snapshot, side.path);
  }
  auto live = std::make_unique<LiveTree>(view, side.path, observer, options_.stop);
  live_ = live.get();
  return live;
}

core::Result<DiffReport> Differ::run() {
  CAIRN_TRY(DiffEntry before, before_->take_root());
  CAIRN_TRY(DiffEntry after, after_->take_root());
  CAIRN_TRY_STATUS(pair(std::move(before), std::move(after), std::string()));
  while (!frames_.empty()) {
    if (options_.stop.stop_requested()) {
      return core::interrupted();
    }
    CAIRN_TRY_STATUS(step());
  }
  report_.problem_count = live_ == nullptr ? 0 : live_->problem_count();
  return report_;
}

core::Status Differ::step() {
  const Frame& frame = frames_.back();
  DiffHead before;
  DiffHead after;
  if (frame.in_before) {
    CAIRN_TRY(before, before_->head());
  }
  if (frame.in_after) {
    CAIRN_TRY(after, after_->head());
  }
  if (before.type == DiffHead::Type::end && after.type == DiffHead::Type::end) {
    return leave();
  }
  if (after.type == DiffHead::Type::end ||
      (before.type != DiffHead::Type::end && before.name < after.name)) {
    return advance_one(before, Side::before);
  }
  if (before.type == DiffHead::Type::end || after.name < before.name) {
    return advance_one(after, Side::after);
  }
  return advance_both(before, after);
}

core::Status Differ::advance_one(const DiffHead& head, Side side) {
  DiffTree& tree = side == Side::before ? *before_ : *after_;
  if (head.type == DiffHead::Type::piece) {
    return open_piece(tree);
  }
  CAIRN_TRY(DiffEntry entry, tree.take());
  std::string path = child_of(frames_.back(), entry.entry.name);
  return take_one(std::move(entry), side, std::move(path));
}

/// Both sides are at the same name.
core::Status Differ::advance_both(const DiffHead& before, const DiffHead& after) {
  if (before.piece != nullptr && after.piece != nullptr) {
    if (before.piece->node == after.piece->node) {
      before_->skip_piece();
      after_->skip_piece();
      return {};
    }
    // The larger piece first: the smaller one may appear inside it.
    return open_piece(before.piece->level_below >= after.piece->level_below ? *before_ : *after_);
  }
  if (before.piece != nullptr) {
    return open_piece(*before_);
  }
  if (after.piece != nullptr) {
    return open_piece(*after_);
  }
  CAIRN_TRY(DiffEntry old_entry, before_->take());
  CAIRN_TRY(DiffEntry new_entry, after_->take());
  std::string path = child_of(frames_.back(), new_entry.entry.name);
  return pair(std::move(old_entry), std::move(new_entry), std::move(path));
}

core::Status Differ::enter(Frame frame, const DiffEntry* before, const DiffEntry* after) {
  if (frames_.size() >= kFolderDepthMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("folders are nested more than {} deep", kFolderDepthMax));
  }
  if (before != nullptr) {
    CAIRN_TRY_STATUS(before_->enter(*before, in_before(frame.path)));
  }
  if (after != nullptr) {
    CAIRN_TRY_STATUS(after_->enter(*after, in_after(frame.path)));
  }
  frame.in_before = before != nullptr;
  frame.in_after = after != nullptr;
  frames_.push_back(std::move(frame));
  return {};
}

core::Status Differ::leave() {
  if (frames_.back().in_before) {
    CAIRN_TRY_STATUS(before_->leave());
  }
  if (frames_.back().in_after) {
    CAIRN_TRY_STATUS(after_->leave());
  }
  frames_.pop_back();
  return {};
}

core::Status Differ::take_one(DiffEntry entry, Side side, std::string path) {
  const bool is_before = side == Side::before;
  const Frame& frame = frames_.back();
  DiffTree* const other = is_before ? after_.get() : before_.get();
  if (live_ != nullptr && live_ == other) {
    const std::string there = is_before ? in_after(path) : in_before(path);
    const std::string folder = is_before ? in_after(frame.path) : in_before(frame.path);
    if (live_->is_unreadable(there, folder)) {
      return {};
    }
  }
  ops::count_entry(entry.entry, is_before ? report_.removed : report_.added);
  const bool is_folder = entry.entry.type == EntryType::folder;
  const DiffEntry* const folder = is_folder ? &entry : nullptr;
  // The change moves the entry away; the folder below it is still needed.
  DiffEntry told = entry;
  CAIRN_TRY_STATUS(tell(is_before ? DifferenceType::removed : DifferenceType::added, path,
                        is_before ? &told : nullptr, is_before ? nullptr : &told, {}));
  if (!is_folder) {
    return {};
  }
  return enter({.path = std::move(path)}, is_before ? folder : nullptr,
               is_before ? nullptr : folder);
}

core::Status Differ::pair(DiffEntry before, DiffEntry after, std::string path) {
  const bool was_folder = before.entry.type == EntryType::folder;
  const bool is_folder = after.entry.type == EntryType::folder;
  if (before.entry.type != after.entry.type) {
    ++report_.type_changed;
    DiffEntry old_entry = before;
    DiffEntry new_entry = after;
    CAIRN_TRY_STATUS(tell(DifferenceType::type, path, &old_entry, &new_entry, {}));
    if (!was_folder && !is_folder) {
      return {};
    }
    return enter({.path = std::move(path)}, was_folder ? &before : nullptr,
                 is_folder ? &after : nullptr);
  }
  std::vector<ChangedField> fields;
  if (before.is_recorded && after.is_recorded) {
    if (before.entry.type == EntryType::file) {
      CAIRN_TRY_STATUS(compare_files(before, after, fields));
    }
    compare_metadata(before, after, fields);
    if (live_ == nullptr && before.entry.hard_link_to != after.entry.hard_link_to) {
      fields.push_back(ChangedField::hard_link);
    }
  }
  const bool same_below = !is_folder || (before.has_folder && after.has_folder &&
                                         before.entry.folder.node == after.entry.folder.node);
  if (!fields.empty()) {
    const bool has_content = std::ranges::any_of(fields, is_content);
    ++(has_content ? report_.content_changed : report_.metadata_changed);
    DiffEntry old_entry = before;
    DiffEntry new_entry = after;
    CAIRN_TRY_STATUS(
        tell(DifferenceType::modified, path, &old_entry, &new_entry, std::move(fields)));
  }
  if (same_below) {
    return {};
  }
  return enter({.path = std::move(path)}, &before, &after);
}

core::Status Differ::compare_files(DiffEntry& before, DiffEntry& after,
                                   std::vector<ChangedField>& fields) {
  if (live_ == nullptr) {
    if (before.entry.content != after.entry.content) {
      fields.push_back(ChangedField::content);
    }
    return {};
  }
  DiffEntry& live = before.has_content ? after : before;
  const DiffEntry& stored = before.has_content ? before : after;
  const bool same_size = live.entry.content.size_bytes == stored.entry.content.size_bytes;
  const bool must_read =
      same_size && (options_.compare_contents || live.entry.mtime != stored.entry.mtime);
  bool is_same = same_size;
  CAIRN_TRY(const bool was_read,
            live_->look_into(live, must_read ? &stored.entry.content : nullptr, is_same));
  // A file that cannot be read differs only if its stat says so.
  if (!is_same && (was_read || !same_size)) {
    fields.push_back(ChangedField::content);
  }
  return {};
}

core::Status Differ::tell(DifferenceType type, const std::string& path, DiffEntry* before,
                          DiffEntry* after, std::vector<ChangedField> fields) {
  Difference change{
      .type = type, .path = {}, .before = {}, .after = {}, .fields = std::move(fields)};
  change.path = after != nullptr ? in_after(path) : in_before(path);
  if (before != nullptr) {
    change.before = std::move(before->entry);
  }
  if (after != nullptr) {
    change.after = std::move(after->entry);
  }
  return visit_(change);
}

}  // namespace

std::string_view to_string(DifferenceType type) noexcept {
  switch (type) {
    case DifferenceType::added:
      return "added";
    case DifferenceType::removed:
      return "removed";
    case DifferenceType::modified:
      return "modified";
    case DifferenceType::type:
      return "type";
  }
  return "unknown";
}

std::string_view to_string(ChangedField field) noexcept {
  switch (field) {
    case ChangedField::content:
      return "content";
    case ChangedField::link_target:
      return "link_target";
    case ChangedField::device:
      return "device";
    case ChangedField::mode:
      return "mode";
    case ChangedField::owner:
      return "owner";
    case ChangedField::owner_names:
      return "owner_names";
    case ChangedField::mtime:
      return "mtime";
    case ChangedField::xattrs:
      return "xattrs";
    case ChangedField::inode_flags:
      return "inode_flags";
    case ChangedField::hard_link:
      return "hard_link";
  }
  return "unknown";
}

bool is_content(ChangedField field) noexcept {
  return field == ChangedField::content || field == ChangedField::link_target ||
         field == ChangedField::device;
}

static core::Result<DiffReport> diff_once(
    CatalogueView view, const DiffOptions& options, Observer& observer,
    const std::function<core::Status(const Difference&)>& visit) {
  DiffOptions normal = options;
  for (DiffSide* const side : {&normal.before, &normal.after}) {
    CAIRN_TRY(side->path, ops::normal_path(side->path.empty() ? "/" : side->path));
  }
  return Differ(view, normal, observer, visit).run();
}

core::Result<DiffReport> diff(Repository& repository, const DiffOptions& options,
                              Observer& observer,
                              const std::function<core::Status(const Difference&)>& visit) {
  if (options.before.snapshot == nullptr && options.after.snapshot == nullptr) {
    return core::fail(ErrorCode::invalid_argument, "at least one side must be a snapshot");
  }
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  bool shown = false;
  const auto note = [&](const Difference& difference) {
    shown = true;
    return visit(difference);
  };
  return ops::with_catalogue(
      open, observer, [&](CatalogueView view) { return diff_once(view, options, observer, note); },
      &shown);
}

}  // namespace cairn::repo
