#include "tidy/rooms.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "catch2.h"

namespace cairn::tidy {
namespace {

constexpr std::array kTwoFloors = std::to_array<Room>({
    {"repo/src/format", ""},
    {"repo/src/ops/tree", "format"},
    {"repo/src/ops/backup", "format ops/tree"},
    {"cli/src/text", ""},
    {"cli/src", "text", "main.cpp run.h"},
});

/// Files that use every permission of kTwoFloors, and no other.
std::vector<SourceFile> lawful_tree() {
  return {
      {"repo/src/format/node.h", "#include <cairn/core/bytes.h>\n"},
      {"repo/src/ops/tree/reader.h", "#include \"format/node.h\"\n"},
      {"repo/src/ops/tree/reader.cpp", "#include \"ops/tree/reader.h\"\n#include <memory>\n"},
      {"repo/src/ops/backup/backup.cpp",
       "#include \"cairn/repo/backup.h\"\n#include \"format/node.h\"\n"
       "#include \"ops/tree/reader.h\"\n// #include \"text/escape.h\"\n"},
      {"cli/src/text/escape.h", "#include <text>\n"},
      {"cli/src/run.h", "#include \"text/escape.h\"\n"},
      {"cli/src/main.cpp", "#include \"run.h\"\n"},
      {"core/src/a.cpp", "#include \"ops/tree/reader.h\"\n"},
      {"tests/repo/ops/a.cpp", "#include \"ops/backup/backup.h\"\n"},
  };
}

std::vector<std::string> lines_of(const Findings& findings) {
  std::vector<std::string> result;
  for (const auto& finding : findings) {
    result.push_back(to_string(finding));
  }
  return result;
}

SourceFile& file(std::vector<SourceFile>& tree, std::string_view path) {
  return *std::find_if(tree.begin(), tree.end(),
                       [path](const SourceFile& each) { return each.path == path; });
}

TEST_CASE("rooms: includes that are allowed are none of our business") {
  CHECK(lines_of(check_rooms(lawful_tree(), kTwoFloors)).empty());
}

TEST_CASE("rooms: an include that no row allows is found") {
  struct Case {
    const char* path;
    const char* include;
    const char* finding;
  };
  for (const auto& [path, include, finding] : {
           Case{"repo/src/format/node.h", "ops/tree/reader.h",
                "repo/src/format/node.h:2: includes ops/tree/reader.h: format may not include "
                "ops/tree"},
           Case{"repo/src/ops/tree/reader.cpp", "ops/backup/backup.h",
                "repo/src/ops/tree/reader.cpp:3: includes ops/backup/backup.h: ops/tree may not "
                "include ops/backup"},
           Case{"cli/src/text/escape.h", "run.h",
                "cli/src/text/escape.h:2: includes run.h: text may not include cli/src"},
           Case{"cli/src/text/escape.h", "ops/tree/reader.h",
                "cli/src/text/escape.h:2: includes ops/tree/reader.h: text may not include "
                "ops/tree"},
       }) {
    CAPTURE(path, include);
    auto tree = lawful_tree();
    file(tree, path).text += "#  include \"" + std::string(include) + "\"\n";
    CHECK(lines_of(check_rooms(tree, kTwoFloors)) == std::vector<std::string>{finding});
  }
}

TEST_CASE("rooms: a permission that nobody uses is found") {
  auto tree = lawful_tree();
  file(tree, "repo/src/ops/backup/backup.cpp").text = "#include \"ops/tree/reader.h\"\n";
  CHECK(lines_of(check_rooms(tree, kTwoFloors)) ==
        std::vector<std::string>{
            "tests/tidy/rooms.cpp:0: ops/backup may include format, but does not"});
}

TEST_CASE("rooms: a file or a folder without a row is found") {
  for (const char* path : {"repo/src/ops/stray.h", "repo/src/stray.cpp", "repo/src/ops/new/a.cpp",
                           "repo/src/ops/tree/below/a.cpp", "cli/src/stray.cpp"}) {
    CAPTURE(path);
    auto tree = lawful_tree();
    tree.push_back({path, ""});
    const auto findings = check_rooms(tree, kTwoFloors);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].path == path);
    CHECK(findings[0].message.starts_with("lies in no room"));
  }
}

TEST_CASE("rooms: a row without files is found") {
  auto tree = lawful_tree();
  std::erase_if(
      tree, [](const SourceFile& each) { return each.path.starts_with("repo/src/ops/backup"); });
  CHECK(lines_of(check_rooms(tree, kTwoFloors)) ==
        std::vector<std::string>{
            "tests/tidy/rooms.cpp:0: no file lies in repo/src/ops/backup",
            "tests/tidy/rooms.cpp:0: ops/backup may include format, but does not",
            "tests/tidy/rooms.cpp:0: ops/backup may include ops/tree, but does not"});
}

TEST_CASE("rooms: a row that names one that is not above it is found") {
  auto upside_down = kTwoFloors;
  std::swap(upside_down[1], upside_down[2]);
  CHECK(lines_of(check_rooms(lawful_tree(), upside_down)) ==
        std::vector<std::string>{"tests/tidy/rooms.cpp:0: ops/backup may include ops/tree, which "
                                 "is no room above it"});

  auto unknown = kTwoFloors;
  unknown[3].may_include = "nowhere";
  CHECK(lines_of(check_rooms(lawful_tree(), unknown)) ==
        std::vector<std::string>{
            "tests/tidy/rooms.cpp:0: text may include nowhere, which is no room above it",
            "tests/tidy/rooms.cpp:0: text may include nowhere, but does not"});
}

constexpr std::string_view kPicture =
    "```\n"
    "format\n"
    "ops/tree   <- format\n"
    "ops/backup <- format  ops: tree\n"
    "\n"
    "text\n"
    "cli/src    <- text\n"
    "```\n";

SourceFile document(std::string_view picture, std::string_view rows) {
  return {"docs/ARCHITECTURE.md", "# Architecture\n" + std::string(kPictureBegin) +
                                      std::string(picture) + std::string(kPictureEnd) +
                                      "\n| room | holds |\n|---|---|\n" + std::string(rows)};
}

TEST_CASE("rooms: the picture in the document is the table's") {
  CHECK(picture_of(kTwoFloors) == kPicture);
  const std::string rows =
      "| `format` | a |\n| `ops/tree` | b |\n| `ops/backup` | c |\n| `text` | d |\n"
      "| `cli/src` | e |\n";
  const auto good = document(kPicture, rows);
  CHECK(lines_of(check_picture({&good, 1}, kTwoFloors)).empty());

  const auto old = document("```\nformat\n```\n", rows);
  CHECK(lines_of(check_picture({&old, 1}, kTwoFloors)) ==
        std::vector<std::string>{"docs/ARCHITECTURE.md:0: does not show the rooms as they are"});

  const SourceFile unmarked{"docs/ARCHITECTURE.md", std::string(kPicture) + "\n" + rows};
  CHECK(check_picture({&unmarked, 1}, kTwoFloors).size() == 1);
  CHECK(check_picture({}, kTwoFloors).size() == 1);
}

TEST_CASE("rooms: one of which the document says nothing, or in another order, is found") {
  for (const char* rows :
       {"| `format` | a |\n| `ops/tree` | b |\n| `text` | d |\n| `cli/src` | e |\n",
        "| `format` | a |\n| `ops/backup` | c |\n| `ops/tree` | b |\n| `text` | d |\n"
        "| `cli/src` | e |\n"}) {
    CAPTURE(rows);
    const auto bad = document(kPicture, rows);
    CHECK(lines_of(check_picture({&bad, 1}, kTwoFloors)) ==
          std::vector<std::string>{"docs/ARCHITECTURE.md:0: has no line for ops/backup in its "
                                   "table of rooms, in their order"});
  }
}

}  // namespace
}  // namespace cairn::tidy
