#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch2.h"
#include "fault_file_system.h"
#include "fault_loop.h"
#include "memory_file_system.h"
#include "outcome.h"
#include "seeded_random.h"
#include "store/backend/backend.h"
#include "store/backend/temporary_name.h"
#include "stored_objects.h"

/// What only a backend on a file system has to do: folders, temporary names, durability.
namespace cairn::test {
namespace {

using core::Bytes;
using repo::format::ObjectKind;
using repo::store::Backend;
using repo::store::create_local_layout;
using repo::store::ListedObject;
using repo::store::make_local_backend;
using repo::store::ObjectName;

const std::string kLocation = "/repository";

void make_file(core::FileSystem& files, const std::string& path) {
  auto file = files.create(path);
  REQUIRE(file);
  REQUIRE((*file)->close());
}

std::set<std::string> names_in(core::FileSystem& files, const std::string& path) {
  const auto names = files.list(path);
  REQUIRE(names);
  return {names->begin(), names->end()};
}

/// Absent, or exactly `data`: nothing in between.
bool is_absent_or_whole(Backend& backend, const ObjectName& name, const Bytes& data) {
  const auto got = backend.get(name, kNoLimit);
  return got ? *got == data : got.error().code() == core::ErrorCode::not_found;
}

TEST_CASE("a new layout has the folders of docs/FORMAT.md and nothing else") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  CHECK(names_in(*files, kLocation) == std::set<std::string>{"condemned", "forgotten", "index",
                                                             "keys", "marks", "packs", "sessions",
                                                             "settings", "snapshots", "tmp"});
  CHECK(names_in(*files, kLocation + "/packs").empty());
}

TEST_CASE("a repository is made in a new or an empty folder only") {
  const auto files = make_memory_file_system();
  SECTION("an existing, empty folder") {
    REQUIRE(files->make_folder(kLocation));
    CHECK(outcome(create_local_layout(*files, kLocation)) == "ok");
  }
  SECTION("the root of a disk has its own folder") {
    REQUIRE(files->make_folder(kLocation));
    REQUIRE(files->make_folder(kLocation + "/lost+found"));
    CHECK(outcome(create_local_layout(*files, kLocation)) == "ok");
  }
  SECTION("a layout that was cut off") {
    REQUIRE(files->make_folder(kLocation));
    REQUIRE(files->make_folder(kLocation + "/keys"));
    CHECK(outcome(create_local_layout(*files, kLocation)) == "ok");
  }
  SECTION("somebody's file") {
    REQUIRE(files->make_folder(kLocation));
    make_file(*files, kLocation + "/thesis.txt");
    const auto made = create_local_layout(*files, kLocation);
    CHECK(outcome(made) == "already_exists");
    CHECK(message_of(made).find("thesis.txt") != std::string::npos);
    CHECK(names_in(*files, kLocation) == std::set<std::string>{"thesis.txt"});
  }
  SECTION("a repository") {
    REQUIRE(create_local_layout(*files, kLocation));
    REQUIRE(make_local_backend(*files, kLocation)->put(repo::store::config_name(), {}));
    const auto made = create_local_layout(*files, kLocation);
    CHECK(outcome(made) == "already_exists");
    CHECK(message_of(made) == "there is a Cairn repository in /repository already");
  }
  SECTION("the remains of one") {
    REQUIRE(create_local_layout(*files, kLocation));
    REQUIRE(make_local_backend(*files, kLocation)->put(name_of(ObjectKind::key_slot, 1), {}));
    CHECK(outcome(create_local_layout(*files, kLocation)) == "already_exists");
  }
  SECTION("a file of that name") {
    make_file(*files, kLocation);
    CHECK(outcome(create_local_layout(*files, kLocation)) == "already_exists");
  }
  SECTION("folders above it that are missing are made") {
    CHECK(outcome(create_local_layout(*files, "/no/such/repository")) == "ok");
    CHECK(names_in(*files, "/no/such").contains("repository"));
  }
}

TEST_CASE("temporary names of others are stepped around") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  for (int i = 0; i < 20; ++i) {
    make_file(*files, kLocation + "/tmp/" + std::to_string(i));
  }
  const auto one = make_local_backend(*files, kLocation);
  const auto two = make_local_backend(*files, kLocation);
  auto writer_one = one->start();
  auto writer_two = two->start();
  REQUIRE(writer_one);
  REQUIRE(writer_two);
  CHECK(one->unfinished().value().size() == 22);
  REQUIRE((*writer_one)->append(content(1, 10)));
  REQUIRE((*writer_two)->append(content(2, 20)));
  REQUIRE((*writer_one)->publish(name_of(ObjectKind::pack, 1)));
  REQUIRE((*writer_two)->publish(name_of(ObjectKind::pack, 2)));
  CHECK(whole(*two, name_of(ObjectKind::pack, 1)) == content(1, 10));
  CHECK(whole(*one, name_of(ObjectKind::pack, 2)) == content(2, 20));
  // What is not ours stays.
  CHECK(one->unfinished().value().size() == 20);
}

TEST_CASE("unfinished writes can be listed and discarded") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  auto writer = backend->start();
  REQUIRE(writer);
  const auto names = backend->unfinished();
  REQUIRE(names);
  REQUIRE(names->size() == 1);
  CHECK(outcome(backend->discard_unfinished(names->front())) == "ok");
  CHECK(outcome(backend->discard_unfinished(names->front())) == "not_found");
  const auto published = (*writer)->publish(name_of(ObjectKind::index, 1));
  CHECK(outcome(published) == "fenced");
  CHECK(message_of(published).find("its unfinished file was removed") != std::string::npos);
}

TEST_CASE("a file of somebody else's under a writer's temporary name is not published") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  auto writer = backend->start();
  REQUIRE(writer);
  const std::string name = backend->unfinished().value().front();
  REQUIRE(backend->discard_unfinished(name));
  make_file(*files, kLocation + "/tmp/" + name);
  CHECK(outcome((*writer)->publish(name_of(ObjectKind::index, 1))) == "fenced");
  CHECK_FALSE(backend->size(name_of(ObjectKind::index, 1)).value());
  writer->reset();
  CHECK(backend->unfinished().value().size() == 1);
}

TEST_CASE("an unfinished write is abandoned only if its own writer is known to be over") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto place = core::hash256(core::as_view("here"));
  const core::ProcessIdentity dead{.place = place, .number = 7, .start = 100};
  const core::ProcessIdentity other_dead{
      .place = core::hash256(core::as_view("there")), .number = 7, .start = 100};
  const core::ProcessIdentity self{.place = place, .number = 7, .start = 200};
  const auto is_gone = [&](const core::ProcessIdentity& process) { return process != self; };
  const std::string ours = repo::store::temporary_name(dead, 1, 0);
  make_file(*files, kLocation + "/tmp/" + ours);
  make_file(*files, kLocation + "/tmp/" + repo::store::temporary_name(other_dead, 2, 0));
  make_file(*files, kLocation + "/tmp/68716d1e-27401-1");
  const auto backend =
      make_local_backend(*files, kLocation, {.process = self, .tag = 3, .is_gone = is_gone});
  const auto living = backend->start();
  REQUIRE(living);
  CHECK(backend->unfinished().value().size() == 4);
  for (const auto certainty : {repo::store::Certainty::known, repo::store::Certainty::likely}) {
    CHECK(backend->abandoned(certainty).value() == std::vector<std::string>{ours});
  }
}

TEST_CASE("the reserve is taken once, is no object, and can be given up") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  CHECK_FALSE(backend->give_up_reserve().value());
  const Bytes seed = content(1, 32);
  REQUIRE(backend->make_reserve(seed));
  REQUIRE(backend->make_reserve(seed));
  CHECK(files->info(kLocation + "/reserve").value()->size_bytes == 1024 * 1024);
  CHECK(names_in(*files, kLocation + "/tmp").empty());
  CHECK(backend->give_up_reserve().value());
  CHECK_FALSE(files->info(kLocation + "/reserve").value());
}

TEST_CASE("folders that a copying tool dropped are made again") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  REQUIRE(backend->put(repo::store::config_name(), content(1, 10)));
  for (const std::string& folder : names_in(*files, kLocation)) {
    if (folder != "config") {
      REQUIRE(files->remove(kLocation + "/" + folder));
    }
  }
  for (const ObjectKind kind : {ObjectKind::key_slot, ObjectKind::pack, ObjectKind::index,
                                ObjectKind::session, ObjectKind::snapshot, ObjectKind::forgotten,
                                ObjectKind::condemned, ObjectKind::mark, ObjectKind::settings}) {
    const ObjectName name = name_of(kind, 1);
    INFO(object_path(name));
    std::size_t found = 0;
    const auto count = [&found](const ListedObject& /*object*/) { ++found; };
    CHECK(outcome(backend->list(kind, count)) == "ok");
    CHECK(found == 0);
    CHECK(outcome(backend->put(name, content(1, 10))) == "ok");
    CHECK(outcome(backend->list(kind, count)) == "ok");
    CHECK(found == 1);
  }
}

TEST_CASE("a folder of packs that vanished meanwhile is made again") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  REQUIRE(backend->put(repo::store::config_name(), {}));
  const ObjectName name = name_of(ObjectKind::pack, 1);
  REQUIRE(backend->put(name, content(1, 10)));
  REQUIRE(backend->remove(name));
  REQUIRE(files->remove(kLocation + "/packs/" + name.id.hex().substr(0, 2)));
  CHECK(outcome(backend->put(name, content(1, 10))) == "ok");
  CHECK(outcome(backend->get(name, kNoLimit)) == "ok");
}

TEST_CASE("nothing is made where there is no repository, such as below an empty mount point") {
  const auto files = make_memory_file_system();
  REQUIRE(files->make_folder(kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  CHECK(outcome(backend->start()) == "not_found");
  CHECK(outcome(backend->list(ObjectKind::pack, [](const ListedObject&) {})) == "not_found");
  CHECK(outcome(backend->list(ObjectKind::snapshot, [](const ListedObject&) {})) == "not_found");
  CHECK(names_in(*files, kLocation).empty());
}

TEST_CASE("what is not a pack in its place is foreign") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  const std::string packs = kLocation + "/packs";
  const ObjectName pack = name_of(ObjectKind::pack, 1);
  const std::string hex = pack.id.hex();
  const std::string folder = hex.substr(0, 2);
  const std::string wrong_folder = folder == "00" ? "01" : "00";
  REQUIRE(backend->put(pack, content(1, 10)));
  REQUIRE(files->make_folder(packs + "/" + wrong_folder));
  make_file(*files, packs + "/" + wrong_folder + "/" + hex);
  make_file(*files, packs + "/readme");
  REQUIRE(files->make_folder(packs + "/xyz"));
  REQUIRE(files->make_folder(packs + "/" + folder + "/" + folder + std::string(62, 'e')));
  make_file(*files, packs + "/" + folder + "/" + hex + ".part");
  make_file(*files, packs + "/ff");  // the name of a folder, but a file

  std::set<std::string> foreign;
  std::vector<ObjectName> found;
  REQUIRE(backend->list(
      ObjectKind::pack, [&](const ListedObject& object) { found.push_back(object.name); },
      [&](std::string_view path) { foreign.emplace(path); }));
  CHECK(found == std::vector<ObjectName>{pack});
  CHECK(foreign == std::set<std::string>{"packs/" + wrong_folder + "/" + hex, "packs/readme",
                                         "packs/xyz",
                                         "packs/" + folder + "/" + folder + std::string(62, 'e'),
                                         "packs/" + folder + "/" + hex + ".part", "packs/ff"});
}

TEST_CASE("a folder under an object's name is an error, not an object") {
  const auto files = make_memory_file_system();
  REQUIRE(create_local_layout(*files, kLocation));
  const auto backend = make_local_backend(*files, kLocation);
  const ObjectName name = name_of(ObjectKind::index, 1);
  REQUIRE(files->make_folder(kLocation + "/" + object_path(name)));
  CHECK(outcome(backend->get(name, kNoLimit)) == "io");
  CHECK(outcome(backend->size(name)) == "io");
}

// --- Failures ---

/// A repository with one object, on files that fail and forget.
struct Disk {
  Disk() {
    REQUIRE(create_local_layout(files, kLocation));
    REQUIRE(open()->put(repo::store::config_name(), config));
    REQUIRE(open()->put(old_name, old_data));
  }
  [[nodiscard]] std::unique_ptr<Backend> open() { return make_local_backend(files, kLocation); }

  std::unique_ptr<core::FileSystem> memory = make_memory_file_system();
  FaultFileSystem files{*memory};
  Bytes config = content(1, 50);
  ObjectName old_name = name_of(ObjectKind::pack, 1);
  Bytes old_data = content(2, 500);
};

/// Puts in several appends, as the pack writer does.
core::Status put_in_pieces(Backend& backend, const ObjectName& name, const Bytes& data) {
  CAIRN_TRY(auto writer, backend.start());
  const core::ByteView all(data);
  CAIRN_TRY_STATUS(writer->append(all.first(all.size() / 3)));
  CAIRN_TRY_STATUS(writer->append(all.subspan(all.size() / 3)));
  return writer->publish(name);
}

TEST_CASE("whatever call fails, no name shows half an object") {
  const ObjectKind kind = GENERATE(ObjectKind::pack, ObjectKind::index, ObjectKind::config);
  const Bytes data = content(3, 1000);
  const std::uint64_t met = for_each_fault([&](const Fault& fault) {
    const auto memory = make_memory_file_system();
    FaultFileSystem files(*memory);
    REQUIRE(create_local_layout(files, kLocation));
    const auto backend = make_local_backend(files, kLocation);
    const ObjectName old_name = name_of(ObjectKind::pack, 1);
    REQUIRE(backend->put(old_name, content(2, 500)));
    const ObjectName name =
        kind == ObjectKind::config ? repo::store::config_name() : name_of(kind, 2);

    files.arm(fault);
    const core::Status put = put_in_pieces(*backend, name, data);
    files.disarm();

    CHECK(is_absent_or_whole(*backend, name, data));
    if (put) {
      CHECK(outcome(backend->get(name, kNoLimit)) == "ok");
    }
    CHECK(whole(*backend, old_name) == content(2, 500));
    // A second try gets through, whatever the first one left behind.
    const core::Status again = put_in_pieces(*backend, name, data);
    CHECK((again || again.error().code() == core::ErrorCode::already_exists));
    CHECK(whole(*backend, name) == data);
    return files.fault_hit();
  });
  CHECK(met >= 3 * 7);  // create, 2 appends, sync, close, publish, sync_folder
}

TEST_CASE("after a failed append nothing is published, and the error stays") {
  Disk disk;
  const auto backend = disk.open();
  const ObjectName name = name_of(ObjectKind::pack, 2);
  auto writer = backend->start();
  REQUIRE(writer);
  REQUIRE((*writer)->append(content(1, 100)));
  disk.files.arm({.at_call = 1, .code = core::ErrorCode::no_space});
  CHECK(outcome((*writer)->append(content(2, 100))) == "no_space");
  disk.files.disarm();
  CHECK(outcome((*writer)->append(content(2, 100))) == "no_space");
  CHECK(outcome((*writer)->publish(name)) == "no_space");
  CHECK(outcome(backend->get(name, kNoLimit)) == "not_found");
  writer->reset();
  CHECK(backend->unfinished().value().empty());
}

TEST_CASE("after a power cut at any call, what was published is intact") {
  const ObjectKind kind = GENERATE(ObjectKind::pack, ObjectKind::snapshot);
  const ObjectName name = name_of(kind, 3);
  const Bytes data = content(4, 1000);
  for_each_power_cut(8, [&](const PowerCut& cut) {
    Disk disk;
    disk.files.arm(cut.fault);
    const core::Status put = put_in_pieces(*disk.open(), name, data);
    const bool hit = disk.files.fault_hit();
    REQUIRE(disk.files.crash(cut.seed));

    const auto backend = disk.open();
    CHECK(whole(*backend, repo::store::config_name()) == disk.config);
    CHECK(whole(*backend, disk.old_name) == disk.old_data);
    CHECK(is_absent_or_whole(*backend, name, data));
    if (put) {
      CHECK(outcome(backend->get(name, kNoLimit)) == "ok");
    }
    CHECK(outcome(backend->list(kind, [](const ListedObject&) {})) == "ok");
    return hit;
  });
}

TEST_CASE("whatever call fails while an object is replaced, the old or the new one is there") {
  const ObjectKind kind = GENERATE(ObjectKind::config, ObjectKind::key_slot);
  const ObjectName name =
      kind == ObjectKind::config ? repo::store::config_name() : name_of(kind, 3);
  const Bytes before = content(5, 2000);
  const Bytes after = content(6, 3000);
  const std::uint64_t met = for_each_fault([&](const Fault& fault) {
    const auto memory = make_memory_file_system();
    FaultFileSystem files(*memory);
    REQUIRE(create_local_layout(files, kLocation));
    const auto backend = make_local_backend(files, kLocation);
    REQUIRE(backend->put(name, before));
    files.arm(fault);
    const core::Status replaced = backend->replace(name, after);
    files.disarm();

    const Bytes found = whole(*backend, name);
    CHECK((found == before || found == after));
    CHECK((!replaced || found == after));
    CHECK((replaced || files.fault_hit()));
    // A second try gets through, and leaves nothing behind that a first one did not.
    CHECK(outcome(backend->replace(name, after)) == "ok");
    CHECK(whole(*backend, name) == after);
    return files.fault_hit();
  });
  CHECK(met >= 3 * 6);  // create, append, sync, close, replace, sync_folder
}

TEST_CASE("after a power cut while an object is replaced, the old or the new one is there, whole") {
  const ObjectKind kind = GENERATE(ObjectKind::config, ObjectKind::key_slot);
  const Bytes before = content(5, 2000);
  const Bytes after = content(6, 3000);
  bool was_old = false;
  bool was_new = false;
  const std::uint64_t met = for_each_power_cut(8, [&](const PowerCut& cut) {
    Disk disk;
    const ObjectName name =
        kind == ObjectKind::config ? repo::store::config_name() : name_of(kind, 3);
    if (kind == ObjectKind::config) {
      disk.config = after;
      REQUIRE(disk.open()->replace(name, before));
    } else {
      REQUIRE(disk.open()->put(name, before));
    }
    disk.files.arm(cut.fault);
    const core::Status replaced = disk.open()->replace(name, after);
    const bool hit = disk.files.fault_hit();
    REQUIRE(disk.files.crash(cut.seed));

    const auto backend = disk.open();
    const Bytes found = whole(*backend, name);
    CHECK((found == before || found == after));
    CHECK((!replaced || found == after));
    was_old = was_old || found == before;
    was_new = was_new || found == after;
    if (kind != ObjectKind::config) {
      CHECK(whole(*backend, repo::store::config_name()) == disk.config);
    }
    CHECK(whole(*backend, disk.old_name) == disk.old_data);
    // Whoever repairs begins again.
    CHECK(outcome(backend->replace(name, after)) == "ok");
    CHECK(whole(*backend, name) == after);
    return hit;
  });
  CHECK(met >= 10 * 6);
  CHECK(was_old);
  CHECK(was_new);
}

TEST_CASE("a folder of packs that a dead process left behind is made durable too") {
  Disk disk;
  const ObjectName name = name_of(ObjectKind::pack, 3);
  REQUIRE(disk.files.make_folder(kLocation + "/packs/" + name.id.hex().substr(0, 2)));
  REQUIRE(disk.open()->put(name, content(4, 100)));
  REQUIRE(disk.files.crash(FaultFileSystem::kLoseAll));
  CHECK(whole(*disk.open(), name) == content(4, 100));
}

TEST_CASE("what was removed stays removed after a power cut, but for packs") {
  Disk disk;
  const auto backend = disk.open();
  for (const ObjectKind kind :
       {ObjectKind::key_slot, ObjectKind::index, ObjectKind::session, ObjectKind::snapshot,
        ObjectKind::forgotten, ObjectKind::condemned, ObjectKind::mark, ObjectKind::settings}) {
    const ObjectName name = name_of(kind, 3);
    INFO(object_path(name));
    REQUIRE(backend->put(name, content(4, 100)));
    REQUIRE(backend->remove(name));
    REQUIRE(disk.files.crash(FaultFileSystem::kLoseAll));
    CHECK(outcome(backend->get(name, kNoLimit)) == "not_found");
  }
}

TEST_CASE("making a layout that failed or was cut off can be repeated") {
  const auto check_usable = [](core::FileSystem& files) {
    REQUIRE(create_local_layout(files, kLocation));
    const auto backend = make_local_backend(files, kLocation);
    CHECK(outcome(backend->put(name_of(ObjectKind::pack, 1), content(1, 10))) == "ok");
  };
  for_each_fault([&](const Fault& fault) {
    const auto memory = make_memory_file_system();
    FaultFileSystem files(*memory);
    files.arm(fault);
    const core::Status made = create_local_layout(files, kLocation);
    CHECK((made.has_value() || files.fault_hit()));
    files.disarm();
    check_usable(files);
    return files.fault_hit();
  });
  for_each_power_cut(8, [&](const PowerCut& cut) {
    const auto memory = make_memory_file_system();
    FaultFileSystem files(*memory);
    files.arm(cut.fault);
    const core::Status made = create_local_layout(files, kLocation);
    const bool hit = files.fault_hit();
    REQUIRE(files.crash(cut.seed));
    if (made) {
      CHECK(names_in(files, kLocation).size() == 10);
    }
    check_usable(files);
    return hit;
  });
}

}  // namespace
}  // namespace cairn::test
