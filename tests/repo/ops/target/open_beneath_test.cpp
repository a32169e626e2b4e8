#include "ops/target/open_beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "catch2.h"
#include "temp_folder.h"

using namespace cairn;
using cairn::repo::ops::BeneathOpener;
using cairn::repo::ops::Descriptor;

TEST_CASE("opening beneath a folder never follows a link, with openat2 and without") {
  const auto way = GENERATE(BeneathOpener::Way::best, BeneathOpener::Way::by_component);
  const BeneathOpener opener(way);
  CAPTURE(opener.uses_openat2());
  const test::TempFolder folder;
  std::filesystem::create_directories(folder / "in/a/b");
  std::filesystem::create_directories(folder / "outside");
  std::ofstream(folder / "in/a/b/file") << "x";
  std::ofstream(folder / "outside/file") << "secret";
  std::filesystem::create_symlink("../outside", folder / "in/relative");
  std::filesystem::create_symlink(folder / "outside", folder / "in/absolute");
  std::filesystem::create_symlink("a", folder / "in/harmless");
  std::filesystem::create_symlink("../../../outside/file", folder / "in/a/b/link");
  const Descriptor root(::open((folder / "in").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));

  const auto outcome = [&](const std::string& path, int flags = O_RDONLY | O_CLOEXEC) {
    const Descriptor opened(opener.open(root.number(), path, flags));
    return opened.number() >= 0 ? 0 : errno;
  };
  CHECK(outcome("a/b/file") == 0);
  CHECK(outcome("a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC) == 0);
  CHECK(outcome("a/none") == ENOENT);
  for (const char* path : {"relative/file", "absolute/file", "harmless/b/file", "a/b/link"}) {
    CAPTURE(path);
    const int error = outcome(path);
    CHECK((error == ELOOP || error == ENOTDIR));
  }
  const Descriptor made(
      opener.open(root.number(), "a/new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  CHECK(made.number() >= 0);
  CHECK(std::filesystem::exists(folder / "in/a/new"));
}
