#include "io/absolute_path.h"

#include <filesystem>
#include <string>

#include "catch2.h"
#include "temp_folder.h"

namespace cairn::cli {
namespace {

TEST_CASE("paths become absolute without dots and doubled slashes") {
  CHECK(absolute_path("/", "/w") == "/");
  CHECK(absolute_path("/a/b", "/w") == "/a/b");
  CHECK(absolute_path("/a//b/./c/", "/w") == "/a/b/c");
  CHECK(absolute_path("a", "/w") == "/w/a");
  CHECK(absolute_path(".", "/w") == "/w");
  CHECK(absolute_path("./a", "/") == "/a");
  CHECK(absolute_path("//a", "/w") == "/a");
}

TEST_CASE("two dots lead to the folder above, and never above the root") {
  CHECK(absolute_path("/nowhere-1/x/../y", "/w") == "/nowhere-1/y");
  CHECK(absolute_path("/..", "/w") == "/");
  CHECK(absolute_path("../../../a", "/nowhere-1/w") == "/a");
}

TEST_CASE("a name that only begins with dots is a name") {
  CHECK(absolute_path("..a/...", "/w") == "/w/..a/...");
}

TEST_CASE("two dots after a link lead to where the link points") {
  const test::TempFolder folder;
  const std::filesystem::path root = std::filesystem::canonical(folder.path());
  std::filesystem::create_directories(root / "far/inside");
  std::filesystem::create_directory_symlink(root / "far/inside", root / "link");
  CHECK(absolute_path("link/../file", root.native()) == root.native() + "/far/file");
  CHECK(absolute_path("link/file", root.native()) == root.native() + "/link/file");
  CHECK(absolute_path("link", root.native()) == root.native() + "/link");
}

}  // namespace
}  // namespace cairn::cli
