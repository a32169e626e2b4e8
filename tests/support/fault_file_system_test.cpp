#include "fault_file_system.h"

#include <map>
#include <set>
#include <string>

#include "catch2.h"
#include "fault_loop.h"
#include "memory_file_system.h"
#include "outcome.h"
#include "seeded_data.h"
#include "temp_folder.h"

namespace cairn::test {
namespace {

using core::as_view;
using core::Bytes;
using core::ErrorCode;
using core::FileSystem;
using core::Status;

std::string read_file(FileSystem& files, const std::string& path) {
  const auto info = files.info(path);
  if (!info.has_value() || !info->has_value()) {
    return "(nothing)";
  }
  std::string text(static_cast<std::size_t>((*info)->size_bytes), '\0');
  const Status read = files.read_at(path, 0, std::as_writable_bytes(std::span<char>(text)));
  return read.has_value() ? text : outcome(read);
}

Status write_file(FileSystem& files, const std::string& path, std::string_view text) {
  CAIRN_TRY(const auto file, files.create(path));
  CAIRN_TRY_STATUS(file->append(as_view(text)));
  return file->close();
}

// What Cairn does to store an object: written, synced, published, folder synced.
struct StoreSteps {
  bool sync_file = true;
  bool sync_folder = true;
};
Status store(FileSystem& files, const std::string& folder, std::string_view text,
             StoreSteps steps = {}) {
  CAIRN_TRY(const auto file, files.create(folder + "/temp"));
  CAIRN_TRY_STATUS(file->append(as_view(text)));
  if (steps.sync_file) {
    CAIRN_TRY_STATUS(file->sync());
  }
  CAIRN_TRY_STATUS(file->close());
  CAIRN_TRY_STATUS(files.publish(folder + "/temp", folder + "/object"));
  return steps.sync_folder ? files.sync_folder(folder) : Status();
}

struct World {
  std::unique_ptr<FileSystem> real = make_memory_file_system();
  FaultFileSystem files = FaultFileSystem(*real);
  World() { REQUIRE(outcome(real->make_folder("/r")) == "ok"); }
};

// --- Failures ------------------------------------------------------------------------------------

TEST_CASE("without a fault everything passes and is counted") {
  World world;
  REQUIRE(outcome(store(world.files, "/r", "hello")) == "ok");
  CHECK(read_file(world.files, "/r/object") == "hello");
  CHECK(outcome(world.files.list("/r")) == "ok");
  CHECK(outcome(world.files.make_folder("/r/x")) == "ok");
  CHECK(outcome(world.files.replace("/r/object", "/r/other")) == "ok");
  CHECK(outcome(world.files.remove("/r/other")) == "ok");
  for (const FileCall kind :
       {FileCall::create, FileCall::append, FileCall::sync, FileCall::close, FileCall::publish,
        FileCall::sync_folder, FileCall::info, FileCall::read_at, FileCall::list,
        FileCall::make_folder, FileCall::remove, FileCall::replace}) {
    CAPTURE(static_cast<int>(kind));
    CHECK(world.files.calls(kind) == 1);
  }
  CHECK(world.files.calls() == kFileCalls);
  CHECK_FALSE(world.files.fault_hit());
}

TEST_CASE("a single fault fails one call, a sticky one all from there on") {
  for (const bool sticky : {false, true}) {
    World world;
    world.files.arm({.at_call = 2, .sticky = sticky, .code = ErrorCode::no_space});
    CHECK(outcome(world.files.info("/r")) == "ok");
    CHECK_FALSE(world.files.fault_hit());
    const auto failed = world.files.list("/r");
    CHECK(outcome(failed) == "no_space");
    CHECK(message_of(failed) == "list /r: injected failure");
    CHECK(world.files.fault_hit());
    CHECK(outcome(world.files.info("/r")) == (sticky ? "no_space" : "ok"));
    world.files.disarm();
    CHECK(outcome(world.files.info("/r")) == "ok");
    CHECK(world.files.fault_hit());
  }
}

TEST_CASE("a fault of one kind lets other calls pass") {
  World world;
  world.files.arm({.at_call = 1, .only = FileCall::publish});
  CHECK(outcome(store(world.files, "/r", "hello")) == "io");
  CHECK(read_file(world.files, "/r/temp") == "hello");
  CHECK(read_file(world.files, "/r/object") == "(nothing)");
}

TEST_CASE("a failing call does nothing, except that an append writes half") {
  for (const auto kind : {FileCall::create, FileCall::publish, FileCall::append}) {
    World world;
    world.files.arm({.at_call = 1, .only = kind});
    CHECK(outcome(store(world.files, "/r", "hello!")) == "io");
    CHECK(read_file(*world.real, "/r/object") == "(nothing)");
    CHECK(read_file(*world.real, "/r/temp") == (kind == FileCall::create   ? "(nothing)"
                                                : kind == FileCall::append ? "hel"
                                                                           : "hello!"));
  }
}

TEST_CASE("a lost answer reports failure after the work was done") {
  World world;
  world.files.arm({.at_call = 1, .only = FileCall::publish, .takes_effect = true});
  CHECK(outcome(store(world.files, "/r", "hello")) == "io");
  CHECK(read_file(world.files, "/r/object") == "hello");
}

TEST_CASE("the fault loop meets every call three times and ends") {
  std::set<std::string> seen;
  const std::uint64_t met = for_each_fault([&](const Fault& fault) {
    World world;
    world.files.arm(fault);
    const Status stored = store(world.files, "/r", "hello");
    world.files.disarm();
    seen.insert(outcome(stored));
    CHECK(stored.has_value() == !world.files.fault_hit());
    return world.files.fault_hit();
  });
  CHECK(met == 3 * 6);
  CHECK(seen == std::set<std::string>{"ok", "io", "no_space"});
}

// --- Power cuts ----------------------------------------------------------------------------------

TEST_CASE("what was stored by the rules survives every power cut") {
  const std::uint64_t met = for_each_power_cut(20, [](const PowerCut& cut) {
    World world;
    world.files.arm(cut.fault);
    const Status stored = store(world.files, "/r", "hello");
    const bool hit = world.files.fault_hit();
    REQUIRE(outcome(world.files.crash(cut.seed)) == "ok");
    const std::string found = read_file(*world.real, "/r/object");
    if (stored.has_value()) {
      CHECK(found == "hello");
    } else {
      CHECK((found == "hello" || found == "(nothing)"));
    }
    return hit;
  });
  CHECK(met == 22 * 6);
}

// Runs the steps to their end, cuts the power with many seeds, and collects what is found.
std::map<std::string, int> found_after_crash(StoreSteps steps, std::string_view text) {
  std::map<std::string, int> found;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    World world;
    REQUIRE(outcome(store(world.files, "/r", text, steps)) == "ok");
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    ++found[read_file(*world.real, "/r/object")];
  }
  return found;
}

TEST_CASE("a folder that was not synced loses the name") {
  const auto found = found_after_crash({.sync_folder = false}, "hello");
  CHECK(found.count("hello") == 1);
  CHECK(found.count("(nothing)") == 1);
  CHECK(found.size() == 2);
}

TEST_CASE("a file that was not synced is torn under its durable name") {
  const std::string text(2'000, 'x');
  const auto found = found_after_crash({.sync_file = false}, text);
  CHECK(found.count("(nothing)") == 0);
  CHECK(found.count(text) == 1);
  CHECK(found.count("") == 1);
  bool shorter = false;
  bool with_zeros = false;
  for (const auto& [contents, times] : found) {
    static_cast<void>(times);
    shorter = shorter || (!contents.empty() && contents.size() < text.size());
    with_zeros = with_zeros || contents.find('\0') != std::string::npos;
  }
  CHECK(shorter);
  CHECK(with_zeros);
}

TEST_CASE("only what follows the last sync is torn") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    World world;
    const auto file = world.files.create("/r/a");
    REQUIRE(outcome(file) == "ok");
    REQUIRE(outcome((*file)->append(as_view("durable"))) == "ok");
    REQUIRE(outcome((*file)->sync()) == "ok");
    REQUIRE(outcome((*file)->append(as_view(" or not"))) == "ok");
    REQUIRE(outcome(world.files.sync_folder("/r")) == "ok");
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    const std::string found = read_file(*world.real, "/r/a");
    CHECK(found.substr(0, 7) == "durable");
    CHECK(found.size() <= 14);
    CHECK(outcome((*file)->append(as_view("x"))) == "io");
    CHECK(outcome((*file)->sync()) == "io");
    CHECK(outcome((*file)->close()) == "io");
  }
}

TEST_CASE("a sync that failed keeps nothing") {
  World world;
  const auto file = world.files.create("/r/a");
  REQUIRE(outcome(file) == "ok");
  REQUIRE(outcome((*file)->append(as_view("hello"))) == "ok");
  world.files.arm({.at_call = 1});
  CHECK(outcome((*file)->sync()) == "io");
  REQUIRE(outcome(world.files.sync_folder("/r")) == "ok");
  REQUIRE(outcome(world.files.crash(FaultFileSystem::kLoseAll)) == "ok");
  CHECK(read_file(*world.real, "/r/a").empty());
}

TEST_CASE("the extremes: everything kept, everything lost") {
  for (const std::uint64_t seed : {FaultFileSystem::kKeepAll, FaultFileSystem::kLoseAll}) {
    const bool keep = seed == FaultFileSystem::kKeepAll;
    World world;
    REQUIRE(outcome(store(world.files, "/r", "old")) == "ok");
    REQUIRE(outcome(write_file(world.files, "/r/new", "new")) == "ok");
    REQUIRE(outcome(world.files.remove("/r/object")) == "ok");
    REQUIRE(outcome(world.files.make_folder("/r/folder")) == "ok");
    REQUIRE(outcome(write_file(world.files, "/r/folder/inner", "x")) == "ok");
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    CHECK(read_file(*world.real, "/r/object") == (keep ? "(nothing)" : "old"));
    CHECK(read_file(*world.real, "/r/new") == (keep ? "new" : "(nothing)"));
    CHECK(read_file(*world.real, "/r/folder/inner") == (keep ? "x" : "(nothing)"));
    CHECK(world.real->info("/r/folder").value().has_value() == keep);
  }
}

TEST_CASE("a removal that was not synced may be undone; a synced one stays") {
  std::set<std::string> found;
  for (const bool sync : {false, true}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      World world;
      REQUIRE(outcome(store(world.files, "/r", "old")) == "ok");
      REQUIRE(outcome(world.files.remove("/r/object")) == "ok");
      if (sync) {
        REQUIRE(outcome(world.files.sync_folder("/r")) == "ok");
      }
      REQUIRE(outcome(world.files.crash(seed)) == "ok");
      found.insert((sync ? "synced " : "") + read_file(*world.real, "/r/object"));
    }
  }
  CHECK(found == std::set<std::string>{"old", "(nothing)", "synced (nothing)"});
}

TEST_CASE("renaming a durable file never loses it") {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    World world;
    REQUIRE(outcome(world.files.make_folder("/r/to")) == "ok");
    REQUIRE(outcome(store(world.files, "/r", "data")) == "ok");
    REQUIRE(outcome(world.files.publish("/r/object", "/r/to/name")) == "ok");
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    found.insert(read_file(*world.real, "/r/object") + " " + read_file(*world.real, "/r/to/name"));
  }
  CHECK(found == std::set<std::string>{"data (nothing)", "(nothing) data", "data data"});
}

TEST_CASE("a temporary name may be left over next to the published one") {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    World world;
    REQUIRE(outcome(world.files.make_folder("/r/temp")) == "ok");
    REQUIRE(outcome(world.files.make_folder("/r/to")) == "ok");
    REQUIRE(outcome(world.files.sync_folder("/r")) == "ok");
    const auto file = world.files.create("/r/temp/1");
    REQUIRE(outcome(file) == "ok");
    REQUIRE(outcome((*file)->append(as_view("data"))) == "ok");
    REQUIRE(outcome((*file)->sync()) == "ok");
    REQUIRE(outcome((*file)->close()) == "ok");
    REQUIRE(outcome(world.files.publish("/r/temp/1", "/r/to/1")) == "ok");
    REQUIRE(outcome(world.files.sync_folder("/r/to")) == "ok");
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    CHECK(read_file(*world.real, "/r/to/1") == "data");
    found.insert(read_file(*world.real, "/r/temp/1"));
  }
  CHECK(found == std::set<std::string>{"data", "(nothing)"});
}

TEST_CASE("the same seed decides the same way") {
  const auto run = [](std::uint64_t seed) {
    World world;
    for (const char* const name : {"a", "b", "c", "d", "e"}) {
      REQUIRE(outcome(write_file(world.files, std::string("/r/") + name,
                                 std::string(3'000, name[0]))) == "ok");
    }
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    std::string all;
    for (const char* const name : {"a", "b", "c", "d", "e"}) {
      all += read_file(*world.real, std::string("/r/") + name) + "|";
    }
    return all;
  };
  CHECK(run(7) == run(7));
  CHECK(run(7) != run(8));
}

TEST_CASE("what was replaced may come back until the folder is synced, and one of both is there") {
  const auto left_by = [](std::uint64_t seed, bool sync_file, bool sync_folder) {
    World world;
    REQUIRE(outcome(store(world.files, "/r", "the old one")) == "ok");
    const auto file = world.files.create("/r/temp");
    REQUIRE(outcome(file) == "ok");
    REQUIRE(outcome((*file)->append(as_view("the new"))) == "ok");
    if (sync_file) {
      REQUIRE(outcome((*file)->sync()) == "ok");
    }
    REQUIRE(outcome((*file)->close()) == "ok");
    REQUIRE(outcome(world.files.replace("/r/temp", "/r/object")) == "ok");
    if (sync_folder) {
      REQUIRE(outcome(world.files.sync_folder("/r")) == "ok");
    }
    REQUIRE(outcome(world.files.crash(seed)) == "ok");
    return read_file(*world.real, "/r/object");
  };
  std::set<std::string> unsynced_folder;
  std::set<std::string> unsynced_file;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(left_by(seed, true, true) == "the new");
    unsynced_folder.insert(left_by(seed, true, false));
    unsynced_file.insert(left_by(seed, false, true));
  }
  CHECK(unsynced_folder == std::set<std::string>{"the new", "the old one"});
  CHECK(unsynced_file.size() > 1);
  CHECK_FALSE(unsynced_file.contains("the old one"));
}

TEST_CASE("the power comes back: the same file system goes on") {
  World world;
  REQUIRE(outcome(store(world.files, "/r", "first")) == "ok");
  REQUIRE(outcome(world.files.crash(FaultFileSystem::kLoseAll)) == "ok");
  REQUIRE(outcome(world.files.remove("/r/object")) == "ok");
  REQUIRE(outcome(store(world.files, "/r", "second")) == "ok");
  REQUIRE(outcome(world.files.crash(FaultFileSystem::kLoseAll)) == "ok");
  CHECK(read_file(world.files, "/r/object") == "second");
}

TEST_CASE("power cuts roll back real folders too") {
  const TempFolder folder;
  const auto real = core::make_posix_file_system();
  FaultFileSystem files(*real);
  REQUIRE(outcome(store(files, folder.path(), "hello", {.sync_folder = false})) == "ok");
  REQUIRE(outcome(files.crash(FaultFileSystem::kLoseAll)) == "ok");
  CHECK(real->list(folder.path()).value().empty());
  REQUIRE(outcome(store(files, folder.path(), "hello")) == "ok");
  REQUIRE(outcome(files.crash(FaultFileSystem::kLoseAll)) == "ok");
  CHECK(read_file(*real, folder / "object") == "hello");
}

}  // namespace
}  // namespace cairn::test
