#include "temp_folder.h"

#include <filesystem>
#include <fstream>

#include "catch2.h"

namespace cairn::test {
namespace {

TEST_CASE("a temporary folder is new, empty, and gone afterwards") {
  std::string path;
  {
    const TempFolder first;
    const TempFolder second;
    path = first.path();
    CHECK(first.path() != second.path());
    CHECK(std::filesystem::is_empty(path));
    CHECK(first / "a/b" == path + "/a/b");
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a temporary folder goes even if a test took permissions away") {
  std::string path;
  {
    const TempFolder folder;
    path = folder.path();
    std::filesystem::create_directories(folder / "a/b");
    std::ofstream(folder / "a/b/file") << "x";
    std::filesystem::create_directory_symlink("/", folder / "a/link");
    std::filesystem::permissions(folder / "a/b", std::filesystem::perms::none);
    std::filesystem::permissions(folder / "a", std::filesystem::perms::none);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace cairn::test
