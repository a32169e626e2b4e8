#include "ops/restore/restore_walk.h"

#include <fmt/format.h>

#include <utility>

#include "ops/progress/ends_everything.h"
#include "ops/target/database_sides.h"
#include "ops/target/special_objects.h"

namespace cairn::repo::ops {

namespace {

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
  const std::string inside =
      selection.inside.empty() ? entry.name : join_path(selection.inside, entry.name);
  if (!target_.options().takes(join_path(selection.source_path, inside), false)) {
    return {};
  }
  if (!name.empty()) {
    entry.name = std::move(name);
  }
  return place(selection, selection.folder, std::move(entry), inside, true);
}

core::Status RestoreWalk::push_frame(Walk& walk, const ChunkId& node, std::string inside,
                                     Frame frame) {
  if (target_.options().delete_extra && frame.folder != nullptr) {
    if (auto names = target_.names().list(*frame.folder)) {
      frame.standing = std::move(*names);
    } else {
      frame.is_whole = false;
      target_.log().problem(ProblemKind::unreadable, frame.folder->path, names.error().message());
    }
  }
  return walk.enter(node, std::move(inside), std::move(frame));
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

void RestoreWalk::leave(Walk& walk) {
  Frame& frame = walk.level();
  if (frame.folder != nullptr) {
    pass_standing(frame, nullptr);
    frame.folder->is_recorded_empty = frame.is_empty;
    if (!frame.is_whole) {
      // What is missing from the list may be what could not be read.
      frame.folder->extras.clear();
    }
    target_.release(std::move(frame.folder));
  }
  walk.leave();
}

core::Status RestoreWalk::enter(const Selection& selection, Walk& walk, Entry entry,
                                std::string inside) {
  const std::string snapshot_path = join_path(selection.source_path, inside);
  const bool is_only_passed = target_.options().passes(snapshot_path);
  const bool may_stand = walk.level().folder != nullptr;
  const std::string path =
      may_stand ? join_path(walk.level().folder->path, entry.name) : snapshot_path;
  const std::uint64_t objects = 1 + entry.folder.entries_below;
  if (auto status = walk.check_depth(); !status) {
    return give_up(path, objects, std::move(status).error());
  }
  const ChunkId node = entry.folder.node;
  std::string name = entry.name;
  std::optional<Entry> metadata = std::move(entry);
  if (is_only_passed) {
    const auto standing = may_stand ? target_.names().look(*walk.level().folder, name)
                                    : core::Result<Standing>(Standing());
    if (!standing || !*standing || !S_ISDIR((*standing)->st_mode)) {
      return push_frame(walk, node, std::move(inside),
                        {.folder = nullptr, .later = std::move(metadata)});
    }
    metadata.reset();
  }
  CAIRN_TRY(const auto above, folder_on_top(selection, walk));
  if (above == nullptr) {
    return {};
  }
  auto folder = target_.make_folder(above, std::move(name), std::move(metadata), snapshot_path);
  if (!folder) {
    return give_up(path, objects, std::move(folder).error());
  }
  return *folder == nullptr
             ? core::Status()
             : push_frame(walk, node, std::move(inside), {.folder = std::move(*folder)});
}

core::Status RestoreWalk::make_frame(const Selection& selection, Frame& frame,
                                     const std::string& inside,
                                     const std::shared_ptr<TargetFolder>& above) {
  const std::string path = join_path(above->path, frame.later->name);
  const std::uint64_t objects = 1 + frame.later->folder.entries_below;
  std::string name = frame.later->name;
  auto made = target_.make_folder(above, std::move(name), std::move(frame.later),
                                  join_path(selection.source_path, inside));
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
                                                                       Walk& walk) {
  std::size_t made = walk.depth();
  while (walk.level(made - 1).folder == nullptr && !walk.level(made - 1).is_blocked) {
    --made;
  }
  for (; made < walk.depth() && !walk.level(made - 1).is_blocked; ++made) {
    CAIRN_TRY_STATUS(
        make_frame(selection, walk.level(made), walk.path(made), walk.level(made - 1).folder));
  }
  return walk.level().folder;
}

core::Status RestoreWalk::step(const Selection& selection, Walk& walk) {
  Frame& frame = walk.level();
  auto entry = walk.next();
  if (!entry) {
    if (ends_everything(entry.error().code())) {
      return core::fail(std::move(entry).error());
    }
    frame.is_whole = false;
    return give_up(
        frame.folder != nullptr ? frame.folder->path
                                : join_path(selection.source_path, walk.path()),
        1, std::move(entry).error().with_context("some of what it held cannot be restored"));
  }
  if (!*entry) {
    leave(walk);
    return {};
  }
  frame.is_empty = false;
  pass_standing(frame, &(*entry)->name);
  std::string inside = walk.path_of((*entry)->name);
  const bool is_folder = (*entry)->type == EntryType::folder;
  if (!target_.options().takes(join_path(selection.source_path, inside), is_folder)) {
    return {};
  }
  if (is_folder) {
    return enter(selection, walk, std::move(**entry), std::move(inside));
  }
  CAIRN_TRY(const auto folder, folder_on_top(selection, walk));
  return folder == nullptr ? core::Status() : place(selection, folder, std::move(**entry), inside);
}

core::Status RestoreWalk::restore_children(const Selection& selection,
                                           const FolderContent& content) {
  Walk walk(view_, target_.options().stop);
  CAIRN_TRY_STATUS(push_frame(walk, content.node, selection.inside, {.folder = selection.folder}));
  while (!walk.has_ended()) {
    CAIRN_TRY_STATUS(step(selection, walk));
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
