#include "output/entry_line.h"

#include <fmt/format.h>

#include <array>

#include "text/escape.h"
#include "text/sizes.h"
#include "text/times.h"

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

}  // namespace

std::string entry_line(const repo::ListedEntry& listed, core::Clock& clock) {
  const repo::Entry& entry = listed.entry;
  if (!listed.is_recorded) {
    return fmt::format("{:<10} {:<8} {:<8} {:>10} {:<19} {}", "d", "-", "-", "-", "-",
                       escape_name(listed.path));
  }
  std::string line = fmt::format("{} {:<8} {:<8} {:>10} {} {}", mode_text(entry),
                                 owner_text(entry.owner.user, entry.owner.uid),
                                 owner_text(entry.owner.group, entry.owner.gid), size_text(entry),
                                 format_local_time(entry.mtime, clock), escape_name(listed.path));
  if (entry.type == repo::EntryType::symlink) {
    line += " -> " + escape_name(entry.link_target);
  }
  if (entry.hard_link_to) {
    line += " link to " + escape_name(*entry.hard_link_to);
  }
  return line;
}

}  // namespace cairn::cli
