#include "ops/target/database_sides.h"

#include <algorithm>
#include <array>

#include "cairn/core/bytes.h"
#include "ops/target/target_file.h"

namespace cairn::repo::ops {

namespace {

using namespace std::string_view_literals;

constexpr std::array kSuffixes{"-wal"sv, "-shm"sv, "-journal"sv};
constexpr auto kDatabaseMagic = "SQLite format 3\0"sv;
// Logs are written in either byte order; a finished journal begins with zeros.
constexpr std::array kLogMagics{"\x37\x7f\x06\x82"sv, "\x37\x7f\x06\x83"sv,
                                "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"sv};

bool begins_with(int file, std::string_view magic) {
  core::Bytes start(magic.size());
  const auto got = read_at(file, 0, start);
  return got && *got == magic.size() && core::to_string(start) == magic;
}

}  // namespace

std::vector<std::string> side_names(std::string_view database) {
  std::vector<std::string> names;
  for (const std::string_view suffix : kSuffixes) {
    names.push_back(std::string(database).append(suffix));
  }
  return names;
}

std::vector<std::string> sides_among(const std::vector<std::string>& names,
                                     std::string_view database) {
  if (names.empty()) {
    return {};
  }
  std::vector<std::string> sides = side_names(database);
  std::erase_if(sides,
                [&](const std::string& side) { return !std::ranges::binary_search(names, side); });
  return sides;
}

bool is_side_name(std::string_view name) {
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  });
}

bool is_database(int file) { return begins_with(file, kDatabaseMagic); }

bool is_database_log(int file) {
  return std::ranges::any_of(kLogMagics,
                             [&](std::string_view magic) { return begins_with(file, magic); });
}

}  // namespace cairn::repo::ops
