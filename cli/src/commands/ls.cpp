#include <fmt/format.h>

#include <array>

#include "cairn/repo/browse.h"
#include "commands/commands.h"
#include "escape.h"
#include "sizes.h"
#include "times.h"

namespace cairn::cli {
namespace {

char type_letter(repo::EntryType type) {
  switch (type) {
    case repo::EntryType::file:
      return '-';
    case repo::EntryType::folder:
      return 'd';
    case repo::EntryType::symlink:
      return 'l';
    case repo::EntryType::char_device:
      return 'c';
    case repo::EntryType::block_device:
      return 'b';
    case repo::EntryType::fifo:
      return 'p';
    case repo::EntryType::socket:
      return 's';
  }
  return '?';
}

/// "drwxr-xr-x", as ls(1) writes it.
std::string mode_text(const repo::Entry& entry) {
  struct Special {
    unsigned bit;
    std::size_t position;
    char with_x;
    char without_x;
  };
  constexpr std::string_view kLetters = "rwxrwxrwx";
  constexpr std::array<Special, 3> kSpecials{
      {{04000, 3, 's', 'S'}, {02000, 6, 's', 'S'}, {01000, 9, 't', 'T'}}};
  std::string text(1, type_letter(entry.type));
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    text += (entry.mode & (0400U >> i)) != 0 ? kLetters[i] : '-';
  }
  for (const Special& special : kSpecials) {
    if ((entry.mode & special.bit) != 0) {
      char& letter = text[special.position];
      letter = letter == 'x' ? special.with_x : special.without_x;
    }
  }
  return text;
}

std::string owner_text(const std::string& name, std::uint32_t number) {
  return name.empty() ? fmt::format("{}", number) : escape_name(name);
}

std::string size_text(const repo::Entry& entry) {
  switch (entry.type) {
    case repo::EntryType::file:
      return format_size(entry.content.size_bytes);
    case repo::EntryType::char_device:
    case repo::EntryType::block_device:
      return fmt::format("{}, {}", entry.device.major, entry.device.minor);
    case repo::EntryType::folder:
    case repo::EntryType::symlink:
    case repo::EntryType::fifo:
    case repo::EntryType::socket:
      break;
  }
  return "-";
}

std::string long_line(const repo::ListedEntry& listed, core::Clock& clock) {
  const repo::Entry& entry = listed.entry;
  std::string line = fmt::format("{} {:<8} {:<8} {:>10} {} {}", mode_text(entry),
                                 owner_text(entry.owner.user, entry.owner.uid),
                                 owner_text(entry.owner.group, entry.owner.gid), size_text(entry),
                                 format_local_time(entry.mtime, clock), escape_name(listed.path));
  if (entry.type == repo::EntryType::symlink) {
    line += " -> " + escape_name(entry.link_target);
  }
  return line;
}

void show(const repo::ListedEntry& listed, const LsArguments& arguments, Context& context) {
  Console& console = context.console;
  if (console.json()) {
    console.print_json(entry_view(listed));
  } else if (arguments.print0) {
    console.write(listed.path);
    console.write(std::string_view("\0", 1));
  } else if (arguments.long_format) {
    console.print(long_line(listed, context.streams.clock));
  } else {
    console.print(escape_name(listed.path));
  }
}

}  // namespace

core::Result<ExitCode> execute(const LsArguments& arguments, Context& context) {
  Console& console = context.console;
  ConsoleObserver observer(console);
  CAIRN_TRY(repo::Repository repository, open_repository(context, observer));
  CAIRN_TRY(const repo::ListedSnapshot listed,
            choose_snapshot(repository, arguments.choice, context, observer));
  if (console.json()) {
    Json json{{"type", "snapshot"}};
    json.update(listed_snapshot_view(listed));
    console.print_json(json);
  }
  std::uint64_t entries = 0;
  const auto visit = [&](const repo::ListedEntry& entry) -> core::Status {
    CAIRN_TRY_STATUS(check_stop(context.streams));
    show(entry, arguments, context);
    ++entries;
    return console.check_output();
  };
  CAIRN_TRY_STATUS(repo::list_entries(
      repository, listed.snapshot,
      {.path = arguments.choice.path, .recursive = arguments.recursive}, observer, visit));
  if (console.json()) {
    console.print_json({{"type", "summary"}, {"entries", entries}});
  }
  return ExitCode::ok;
}

}  // namespace cairn::cli
