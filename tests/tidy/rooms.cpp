#include "tidy/rooms.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace cairn::tidy {
namespace {

constexpr std::string_view kTablePath = "tests/tidy/rooms.cpp";
constexpr std::string_view kPicturePath = "docs/ARCHITECTURE.md";

// The folders from which include lines count.
constexpr std::array kSourceFolders = std::to_array<std::string_view>({"repo/src", "cli/src"});

// core, chunker and the public headers of repo are open to all of these but for what
// house_rules.cpp says.
constexpr std::array kRooms = std::to_array<Room>({
    {"repo/src", "", "entry.cpp environment.cpp roles.cpp snapshot.cpp"},
    {"repo/src/format", ""},
    {"repo/src/store/backend", "format"},
    {"repo/src/store/objects", "format store/backend"},
    {"repo/src/store/packs", "format store/backend store/objects"},
    {"repo/src/store/catalogue", "format store/packs"},
    {"repo/src/store/chunks", "store/backend store/objects store/packs store/catalogue"},
    {"repo/src/ops/progress", ""},
    {"repo/src/ops/posix", ""},
    {"repo/src/ops/choice", "ops/posix"},
    {"repo/src/ops/repository",
     "format store/backend store/objects store/packs store/catalogue store/chunks"},
    {"repo/src/ops/tree", "format store/catalogue ops/progress ops/repository"},
    {"repo/src/ops/incremental", "format store/catalogue ops/posix ops/repository"},
    {"repo/src/ops/source",
     "format ops/progress ops/posix ops/choice ops/repository ops/incremental"},
    {"repo/src/ops/snapshots", "format store/objects ops/progress ops/repository"},
    {"repo/src/ops/writing",
     "format store/objects store/packs ops/progress ops/repository ops/tree ops/snapshots"},
    {"repo/src/ops/backup",
     "format ops/progress ops/choice ops/repository ops/tree ops/incremental ops/source "
     "ops/snapshots ops/writing"},
    {"repo/src/ops/target", "ops/progress ops/posix ops/choice ops/tree"},
    {"repo/src/ops/restore",
     "store/objects store/catalogue ops/progress ops/posix ops/choice ops/repository ops/tree "
     "ops/target"},
    {"repo/src/ops/browse", "ops/choice ops/repository ops/tree ops/source"},
    {"repo/src/ops/archive", "ops/repository ops/tree"},
    {"repo/src/ops/verify",
     "format store/backend store/objects store/packs store/catalogue ops/progress ops/repository "
     "ops/tree ops/snapshots"},
    {"repo/src/ops/collect",
     "format store/objects store/packs ops/progress ops/repository ops/tree ops/snapshots "
     "ops/writing"},
    {"repo/src/ops/copy",
     "store/objects ops/progress ops/repository ops/tree ops/snapshots ops/writing"},
    {"repo/src/ops/rewrite",
     "ops/progress ops/choice ops/repository ops/tree ops/snapshots ops/writing ops/collect"},
    {"repo/src/ops/repair",
     "store/objects ops/progress ops/repository ops/snapshots ops/writing ops/backup ops/verify "
     "ops/collect ops/copy"},
    {"cli/src/text", ""},
    {"cli/src/io", ""},
    {"cli/src/output", "text io"},
    {"cli/src/command_line", "text"},
    {"cli/src/context", "io output command_line"},
    {"cli/src/commands", "text io output command_line context"},
    {"cli/src", "text io output command_line context commands",
     "main.cpp parse.cpp parse.h run.cpp run.h"},
});

/// "a/b" of "a/b/c"; "" of "c".
std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// Of a file or a room in it.
std::optional<std::string_view> source_folder_of(std::string_view path) {
  for (const auto folder : kSourceFolders) {
    if (path == folder ||
        (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'))) {
      return folder;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> words_in(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) {
      words.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool has_word(std::string_view text, std::string_view word) {
  const auto words = words_in(text);
  return std::find(words.begin(), words.end(), word) != words.end();
}

const Room* find_room(Rooms rooms, std::string_view folder) {
  const auto room = std::find_if(rooms.begin(), rooms.end(),
                                 [folder](const Room& each) { return each.folder == folder; });
  return room == rooms.end() ? nullptr : &*room;
}

/// The room of an included file; nullptr: it is none of ours. What has no folder in its name lies
/// where the includer's sources begin.
const Room* included_room(Rooms rooms, std::string_view source_folder, const Include& include) {
  const auto folder = folder_of(include.target);
  if (folder.empty()) {
    return include.is_quoted ? find_room(rooms, source_folder) : nullptr;
  }
  const auto room = std::find_if(rooms.begin(), rooms.end(),
                                 [folder](const Room& each) { return name_of(each) == folder; });
  return room == rooms.end() ? nullptr : &*room;
}

/// A row may name only what stands above it.
void check_order(Rooms rooms, Findings& findings) {
  std::set<std::string_view> above;
  for (const Room& room : rooms) {
    for (const auto other : words_in(room.may_include)) {
      if (!above.contains(other)) {
        findings.push_back(
            {std::string(kTablePath), 0,
             fmt::format("{} may include {}, which is no room above it", name_of(room), other)});
      }
    }
    above.insert(name_of(room));
  }
}

}  // namespace

Rooms rooms() { return kRooms; }

std::string_view name_of(const Room& room) {
  const auto folder = source_folder_of(room.folder);
  return folder && *folder != room.folder ? room.folder.substr(folder->size() + 1) : room.folder;
}

Findings check_rooms(Tree tree, Rooms rooms) {
  Findings findings;
  check_order(rooms, findings);
  std::set<std::string_view> inhabited;
  std::set<std::pair<std::string_view, std::string_view>> used;
  for (const auto& file : tree) {
    const auto source_folder = source_folder_of(file.path);
    if (!source_folder) {
      continue;
    }
    const Room* room = find_room(rooms, folder_of(file.path));
    const auto name = std::string_view(file.path).substr(folder_of(file.path).size() + 1);
    if (room == nullptr || (!room->files.empty() && !has_word(room->files, name))) {
      findings.push_back(
          {file.path, 0,
           fmt::format("lies in no room: see \"Where a line belongs\" in {}, or make "
                       "a row for {} in {}",
                       kPicturePath, folder_of(file.path), kTablePath)});
      continue;
    }
    inhabited.insert(room->folder);
    for (const auto& include : includes_of(blank_comments(file.text, Literals::keep))) {
      const Room* other = included_room(rooms, *source_folder, include);
      if (other == nullptr || other == room) {
        continue;
      }
      used.emplace(room->folder, name_of(*other));
      if (!has_word(room->may_include, name_of(*other))) {
        findings.push_back({file.path, include.line,
                            fmt::format("includes {}: {} may not include {}", include.target,
                                        name_of(*room), name_of(*other))});
      }
    }
  }
  for (const Room& room : rooms) {
    if (!inhabited.contains(room.folder)) {
      findings.push_back(
          {std::string(kTablePath), 0, fmt::format("no file lies in {}", room.folder)});
    }
    for (const auto other : words_in(room.may_include)) {
      if (!used.contains({room.folder, other})) {
        findings.push_back({std::string(kTablePath), 0,
                            fmt::format("{} may include {}, but does not", name_of(room), other)});
      }
    }
  }
  return findings;
}

std::string picture_of(Rooms rooms) {
  std::size_t width = 0;
  for (const Room& room : rooms) {
    width = std::max(width, name_of(room).size());
  }
  std::string picture = "```\n";
  std::optional<std::string_view> shown;
  for (const Room& room : rooms) {
    const auto source_folder = source_folder_of(room.folder);
    if (shown && shown != source_folder) {
      picture += '\n';
    }
    shown = source_folder;
    // "store/a store/b" is shown as "store: a b".
    std::map<std::string_view, std::string> groups;
    std::vector<std::string_view> order;
    std::string line;
    for (const auto other : words_in(room.may_include)) {
      const auto group = folder_of(other);
      if (group.empty()) {
        line += fmt::format(" {}", other);
        continue;
      }
      if (groups.try_emplace(group).second) {
        order.push_back(group);
      }
      groups[group] += fmt::format(" {}", other.substr(group.size() + 1));
    }
    for (const auto group : order) {
      line += fmt::format("{}{}:{}", line.empty() ? " " : "  ", group, groups[group]);
    }
    picture += line.empty() ? fmt::format("{}\n", name_of(room))
                            : fmt::format("{:<{}} <-{}\n", name_of(room), width, line);
  }
  return picture + "```\n";
}

Findings check_picture(Tree tree, Rooms rooms) {
  const auto document = std::find_if(
      tree.begin(), tree.end(), [](const SourceFile& file) { return file.path == kPicturePath; });
  if (document == tree.end()) {
    return {{std::string(kPicturePath), 0, "is missing"}};
  }
  Findings findings;
  const std::string_view text = document->text;
  const auto begin = text.find(kPictureBegin);
  const auto end = text.find(kPictureEnd);
  const auto picture = picture_of(rooms);
  if (begin == std::string_view::npos || end == std::string_view::npos ||
      end < begin + kPictureBegin.size() ||
      text.substr(begin + kPictureBegin.size(), end - begin - kPictureBegin.size()) != picture) {
    findings.push_back({document->path, 0, "does not show the rooms as they are"});
  }
  std::size_t place = 0;
  for (const Room& room : rooms) {
    const auto line = text.find(fmt::format("\n| `{}` |", name_of(room)), place);
    if (line == std::string_view::npos) {
      findings.push_back(
          {document->path, 0,
           fmt::format("has no line for {} in its table of rooms, in their order", name_of(room))});
    } else {
      place = line;
    }
  }
  return findings;
}

}  // namespace cairn::tidy
