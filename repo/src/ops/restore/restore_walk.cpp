#include "ops/restore/restore_walk.h"

#include <fmt/format.h>

#include <utility>

#include "ops/progress/ends_everything.h"
#include "ops/target/database_sides.h"
#include "ops/target/special_objects.h"

namespace cairn::repo::ops {

namespace {

std::string path_inside(const std::string& inside, const std::string& name) {
  return inside.empty() ? name : inside + '/' + name;
}

/// `path` relative to the folder `inside`; nullopt if it is not in it.
std::optional<std::string> relative_to(const std::string& path, const std::string& inside) {
  if (inside.empty()) {
    return path;
  }
  if (path.starts_with(inside + '/')) {
    return path.substr(inside.size() + 1);
  }
  return std::nullopt;
}

}  // namespace

core::Status RestoreWalk::give_up(const std::string& path, std::uint64_t objects,
                                  core::Error error) {
  if (ends_everything(error.code())) {
    return core::fail(std::move(error));
  }
  target_.log().failed(objects, path, error.message());
  return {};
}

bool RestoreWalk::is_selected(const Selection& selection, const std::string& inside,
                              bool is_folder) const {
  if (!target_.options().selects) {
    return true;
  }
  const std::size_t begin = selection.inside.empty() ? 0 : selection.inside.size() + 1;
  for (auto slash = inside.find('/', begin); slash != std::string::npos;
       slash = inside.find('/', slash + 1)) {
    if (!target_.options().takes(join_path(selection.source_path, inside.substr(0, slash)), true)) {
      return false;
    }
  }
  return target_.options().takes(join_path(selection.source_path, inside), is_folder);
}

std::optional<std::string> RestoreWalk::first_name_here(const Selection& selection,
                                                        const Entry& entry,
                                                        const std::string& inside) {
  if (!entry.hard_link_to) {
    return std::nullopt;
  }
  auto first = relative_to(*entry.hard_link_to, selection.inside);
  if (first && is_selected(selection, *entry.hard_link_to, false) &&
      !keeps_another(target_, *selection.folder, *first, entry)) {
    return first;
  }
  // The first name is not restored: the first one that is takes its place.
  const auto [stand_in, is_new] =
      stand_ins_.emplace(join_path(selection.source_path, *entry.hard_link_to), inside);
  return is_new ? std::nullopt : relative_to(stand_in->second, selection.inside);
}

std::vector<std::string> RestoreWalk::stale_sides(const Selection& selection, TargetFolder& folder,
                                                  const Entry& entry, const std::string& inside,
                                                  bool is_alone) {
  std::vector<std::string> stale = sides_among(folder.sides, entry.name);
  std::erase_if(stale, [&](const std::string& name) {
    // Its own, as recorded, comes with it.
    const std::string its_inside = inside + name.substr(entry.name.size());
    const std::string path = join_path(selection.source_path, its_inside);
    const auto recorded = locate_if_there(view_, snapshot_, path);
    const bool is_recorded = !recorded || recorded->has_value();
    if (is_recorded && (is_alone || !is_selected(selection, its_inside, false))) {
      target_.log().warning(
          fmt::format("the snapshot has {}, too: if {} is a database, it lacks what is in there",
                      path, inside));
      return false;
    }
    return is_recorded;
  });
  return stale;
}

core::Status RestoreWalk::place(const Selection& selection,
                                const std::shared_ptr<TargetFolder>& folder, Entry entry,
                                const std::string& inside, bool is_alone) {
  if (auto first = first_name_here(selection, entry, inside)) {
    folder->pending += 1;
    entry.content.items.clear();
    links_.push_back({selection.folder, std::move(*first), folder, std::move(entry)});
    return {};
  }
  if (entry.type == EntryType::file) {
    folder->pending += 1;
    auto sides = stale_sides(selection, *folder, entry, inside, is_alone);
    return files_.add(folder, std::move(entry), std::move(sides));
  }
  if (auto status = make_special(target_, *folder, entry); !status) {
    return give_up(join_path(folder->path, entry.name), 1, std::move(status).error());
  }
  return {};
}

core::Status RestoreWalk::restore_object(const Selection& selection, Entry entry,
                                         std::string name) {
  entry.hard_link_to.reset();
  const std::string inside = path_inside(selection.inside, entry.name);
  if (!target_.options().takes(join_path(selection.source_path, inside), false)) {
    return {};
  }
  if (!name.empty()) {
    entry.name = std::move(name);
  }
  return place(selection, selection.folder, std::move(entry), inside, true);
}

void RestoreWalk::push_frame(std::vector<Frame>& stack, const ChunkId& node,
                             std::shared_ptr<TargetFolder> folder, std::string inside) {
  Frame frame{FolderCursor(view_, node), std::move(folder), std::move(inside)};
  if (target_.options().delete_extra && frame.folder != nullptr) {
    if (auto names = target_.names().list(*frame.folder)) {
      frame.standing = std::move(*names);
    } else {
      frame.is_whole = false;
      target_.log().problem(ProblemKind::unreadable, frame.folder->path, names.error().message());
    }
  }
  stack.push_back(std::move(frame));
}

void RestoreWalk::pass_standing(Frame& frame, const std::string* name) {
  while (frame.next_standing < frame.standing.size() &&
         (name == nullptr || frame.standing[frame.next_standing] < *name)) {
    frame.folder->extras.push_back(std::move(frame.standing[frame.next_standing++]));
  }
  if (name != nullptr && frame.next_standing < frame.standing.size() &&
      frame.standing[frame.next_standing] == *name) {
    ++frame.next_standing;
  }
}

void RestoreWalk::leave(std::vector<Frame>& stack) {
  Frame& frame = stack.back();
  if (frame.folder == nullptr) {
    stack.pop_back();
    return;
  }
  pass_standing(frame, nullptr);
  frame.folder->is_recorded_empty = frame.is_empty;
  if (!frame.is_whole) {
    // What is missing from the list may be what could not be read.
    frame.folder->extras.clear();
  }
  target_.release(std::move(frame.folder));
  stack.pop_back();
}

core::Status RestoreWalk::enter(const Selection& selection, std::vector<Frame>& stack, Entry entry,
                                std::string inside) {
  const std::string snapshot_path = join_path(selection.source_path, inside);
  const bool is_only_passed = target_.options().passes(snapshot_path);
  const bool may_stand = stack.back().folder != nullptr;
  const std::string path =
      may_stand ? join_path(stack.back().folder->path, entry.name) : snapshot_path;
  const std::uint64_t objects = 1 + entry.folder.entries_below;
  if (stack.size() >= kFolderDepthMax) {
    return give_up(path, objects,
                   {core::ErrorCode::limit_exceeded,
                    fmt::format("folders are nested more than {} deep", kFolderDepthMax)});
  }
  const ChunkId node = entry.folder.node;
  std::string name = entry.name;
  std::optional<Entry> metadata = std::move(entry);
  if (is_only_passed) {
    const auto standing = may_stand ? target_.names().look(*stack.back().folder, name)
                                    : core::Result<Standing>(Standing());
    if (!standing || !*standing || !S_ISDIR((*standing)->st_mode)) {
      push_frame(stack, node, nullptr, std::move(inside));
      stack.back().later = std::move(metadata);
      return {};
    }
    metadata.reset();
  }
  CAIRN_TRY(const auto above, folder_on_top(selection, stack));
  if (above == nullptr) {
    return {};
  }
  auto folder = target_.make_folder(above, std::move(name), std::move(metadata), snapshot_path);
  if (!folder) {
    return give_up(path, objects, std::move(folder).error());
  }
  if (*folder != nullptr) {
    push_frame(stack, node, std::move(*folder), std::move(inside));
  }
  return {};
}

core::Status RestoreWalk::make_frame(const Selection& selection, Frame& frame,
                                     const std::shared_ptr<TargetFolder>& above) {
  const std::string path = join_path(above->path, frame.later->name);
  const std::uint64_t objects = 1 + frame.later->folder.entries_below;
  std::string name = frame.later->name;
  auto made = target_.make_folder(above, std::move(name), std::move(frame.later),
                                  join_path(selection.source_path, frame.inside));
  frame.later.reset();
  if (!made) {
    frame.is_blocked = true;
    return give_up(path, objects, std::move(made).error());
  }
  frame.folder = std::move(*made);
  frame.is_blocked = frame.folder == nullptr;
  return {};
}

core::Result<std::shared_ptr<TargetFolder>> RestoreWalk::folder_on_top(const Selection& selection,
                                                                       std::vector<Frame>& stack) {
  if (stack.back().folder != nullptr) {
    return stack.back().folder;
  }
  std::size_t made = stack.size();
  while (stack[made - 1].folder == nullptr && !stack[made - 1].is_blocked) {
    --made;
  }
  for (; made < stack.size() && !stack[made - 1].is_blocked; ++made) {
    CAIRN_TRY_STATUS(make_frame(selection, stack[made], stack[made - 1].folder));
  }
  return stack.back().folder;
}

core::Status RestoreWalk::step(const Selection& selection, std::vector<Frame>& stack) {
  Frame& frame = stack.back();
  auto entry = frame.reader.next();
  if (!entry) {
    if (ends_everything(entry.error().code())) {
      return core::fail(std::move(entry).error());
    }
    frame.is_whole = false;
    return give_up(
        frame.folder != nullptr ? frame.folder->path
                                : join_path(selection.source_path, frame.inside),
        1, std::move(entry).error().with_context("some of what it held cannot be restored"));
  }
  if (!*entry) {
    leave(stack);
    return {};
  }
  frame.is_empty = false;
  pass_standing(frame, &(*entry)->name);
  std::string inside = path_inside(frame.inside, (*entry)->name);
  const bool is_folder = (*entry)->type == EntryType::folder;
  if (!target_.options().takes(join_path(selection.source_path, inside), is_folder)) {
    return {};
  }
  if (is_folder) {
    return enter(selection, stack, std::move(**entry), std::move(inside));
  }
  CAIRN_TRY(const auto folder, folder_on_top(selection, stack));
  return folder == nullptr ? core::Status() : place(selection, folder, std::move(**entry), inside);
}

core::Status RestoreWalk::restore_children(const Selection& selection,
                                           const FolderContent& content) {
  std::vector<Frame> stack;
  push_frame(stack, content.node, selection.folder, selection.inside);
  while (!stack.empty()) {
    CAIRN_TRY_STATUS(step(selection, stack));
  }
  return {};
}

core::Status RestoreWalk::make_links() {
  for (PendingLink& link : links_) {
    auto status = make_hard_link(target_, *link.root, link.first, *link.folder, link.entry);
    if (!status) {
      CAIRN_TRY_STATUS(
          give_up(join_path(link.folder->path, link.entry.name), 1, std::move(status).error()));
    }
    target_.release(std::move(link.folder));
  }
  links_.clear();
  return {};
}

}  // namespace cairn::repo::ops
