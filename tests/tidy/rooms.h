#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tidy/house_rules.h"

/// Which folder of the product's sources may include which: an allow-list, from which the picture
/// in docs/ARCHITECTURE.md is made as well.
namespace cairn::tidy {

struct Room {
  std::string_view folder;       ///< From the root of the repository.
  std::string_view may_include;  ///< Names of rooms above it in the table, apart by spaces.
  std::string_view files = {};   ///< Not empty: the only ones that may lie in it.
};

using Rooms = std::span<const Room>;

/// The product's, from the bottom up.
Rooms rooms();

/// As it stands in an include line: "ops/tree". The folders of sources themselves go by their own.
std::string_view name_of(const Room& room);

/// Includes that are not allowed, permissions that nobody uses, files and folders in no room, rooms
/// without files, and rooms that may include one that is not above them.
Findings check_rooms(Tree tree, Rooms rooms);

/// What stands in docs/ARCHITECTURE.md: the rooms, and what each may include.
std::string picture_of(Rooms rooms);

/// Whether it does, and whether each room has its line in the table of rooms, in their order.
Findings check_picture(Tree tree, Rooms rooms);

inline constexpr std::string_view kPictureBegin =
    "<!-- rooms: made from tests/tidy/rooms.cpp -->\n";
inline constexpr std::string_view kPictureEnd = "<!-- end of rooms -->\n";

}  // namespace cairn::tidy
