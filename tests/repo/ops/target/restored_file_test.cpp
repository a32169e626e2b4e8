#include "ops/target/restored_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cairn/repo/observer.h"
#include "catch2.h"
#include "fake_clock.h"
#include "ops/progress/progress_meter.h"
#include "ops/target/restore_log.h"
#include "ops/target/restore_target.h"
#include "outcome.h"
#include "temp_folder.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::repo::ops;
using cairn::test::FakeClock;
using cairn::test::outcome;
using cairn::test::TempFolder;

namespace {

constexpr std::string_view kBytes = "what the snapshot says";

/// One file called "file" that is restored into an empty folder, step by step.
class Building {
 public:
  Building(UnnamedFiles unnamed, Overwrite overwrite, std::string_view bytes = kBytes)
      : bytes_(bytes) {
    auto opened = RestoreTarget::open({.path = folder_.path(),
                                       .overwrite = overwrite,
                                       .selects = {},
                                       .stop = {},
                                       .unnamed = unnamed},
                                      log_);
    REQUIRE(opened);
    target_ = std::move(*opened);
    Entry entry;
    entry.name = "file";
    entry.mode = 0640;
    entry.owner = {.uid = ::geteuid(), .gid = ::getegid(), .user = {}, .group = {}};
    entry.content.size_bytes = bytes.size();
    file_ = std::make_unique<RestoredFile>(*target_, target_->root(), std::move(entry), FilePlan(),
                                           std::vector<std::string>(), open_files_);
  }

  [[nodiscard]] core::Status write() { return write(0, bytes_.size()); }
  [[nodiscard]] core::Status write(std::size_t begin, std::size_t length) {
    return file_->write(begin, core::as_view(bytes_.substr(begin, length)));
  }
  [[nodiscard]] core::Status complete() { return file_->complete(); }
  void give_up() { file_.reset(); }

  [[nodiscard]] std::string path() const { return folder_ / "file"; }
  /// Names in the target.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] std::string contents() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put_another() const { std::ofstream(path()) << "somebody else's"; }

 private:
  TempFolder folder_;
  FakeClock clock_;
  Observer observer_;
  ProgressMeter meter_{observer_, clock_};
  ProblemList problems_{meter_};
  RestoreLog log_{meter_, problems_};
  OpenFiles open_files_;
  std::string_view bytes_;
  std::unique_ptr<RestoreTarget> target_;
  std::unique_ptr<RestoredFile> file_;
};

const std::vector<std::string> kNothing;
const std::vector<std::string> kTheFile{"file"};

}  // namespace

TEST_CASE("a file that is written at once has no name before it is complete", "[restore]") {
  const auto unnamed = GENERATE(UnnamedFiles::best, UnnamedFiles::by_proc);
  Building building(unnamed, Overwrite::refuse);
  REQUIRE(building.write());
  CHECK(building.names() == kNothing);
  REQUIRE(building.complete());
  CHECK(building.names() == kTheFile);
  CHECK(building.contents() == kBytes);
  CHECK(std::filesystem::status(building.path()).permissions() ==
        static_cast<std::filesystem::perms>(0640));
}

TEST_CASE("a file that is written at once and given up leaves nothing", "[restore]") {
  const auto unnamed = GENERATE(UnnamedFiles::best, UnnamedFiles::by_proc, UnnamedFiles::are_named);
  Building building(unnamed, Overwrite::refuse);
  REQUIRE(building.write());
  building.give_up();
  CHECK(building.names() == kNothing);
}

TEST_CASE(
    "a file that comes in pieces, or whose system knows no nameless files, is built under a "
    "temporary name",
    "[restore]") {
  const bool in_pieces = GENERATE(false, true);
  Building building(in_pieces ? UnnamedFiles::best : UnnamedFiles::are_named, Overwrite::refuse);
  if (in_pieces) {
    REQUIRE(building.write(8, kBytes.size() - 8));
  } else {
    REQUIRE(building.write());
  }
  const auto names = building.names();
  REQUIRE(names.size() == 1);
  CHECK(names.front().starts_with(kTemporaryPrefix));
  if (in_pieces) {
    REQUIRE(building.write(0, 8));
  }
  REQUIRE(building.complete());
  CHECK(building.names() == kTheFile);
  CHECK(building.contents() == kBytes);
}

TEST_CASE("an empty file has no name before it is complete either", "[restore]") {
  Building building(UnnamedFiles::best, Overwrite::refuse, {});
  REQUIRE(building.complete());
  CHECK(building.names() == kTheFile);
  CHECK(building.contents().empty());
}

TEST_CASE("what has taken the name meanwhile is replaced only if the options say so", "[restore]") {
  const auto unnamed = GENERATE(UnnamedFiles::best, UnnamedFiles::by_proc, UnnamedFiles::are_named);
  const auto overwrite = GENERATE(Overwrite::refuse, Overwrite::always);
  Building building(unnamed, overwrite);
  REQUIRE(building.write());
  building.put_another();
  const auto completed = building.complete();
  building.give_up();
  CHECK(building.names() == kTheFile);
  if (overwrite == Overwrite::refuse) {
    CHECK(outcome(completed) == "already_exists");
    CHECK(building.contents() == "somebody else's");
  } else {
    CHECK(outcome(completed) == "ok");
    CHECK(building.contents() == kBytes);
  }
}
