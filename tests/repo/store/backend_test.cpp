#include "store/backend/backend.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch2.h"
#include "fault_backend.h"
#include "mem_backend.h"
#include "memory_file_system.h"
#include "outcome.h"
#include "seeded_random.h"
#include "stored_objects.h"
#include "temp_folder.h"

/// What every backend must do, and the doubles that tests rely on.
namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using repo::format::ObjectKind;
using repo::store::Backend;
using repo::store::ListedObject;
using repo::store::object_path;
using repo::store::ObjectName;

constexpr std::uint64_t kAbsent = UINT64_MAX;
constexpr std::array kNamedKinds = {
    ObjectKind::key_slot,  ObjectKind::pack,     ObjectKind::index,
    ObjectKind::session,   ObjectKind::snapshot, ObjectKind::forgotten,
    ObjectKind::condemned, ObjectKind::mark,     ObjectKind::settings};

std::uint64_t size_of(Backend& backend, const ObjectName& name) {
  const auto size = backend.size(name);
  REQUIRE(size);
  return size->value_or(kAbsent);
}

class InMemory {
 public:
  Backend& backend() { return backend_; }
  void add_foreign(ObjectKind kind, const std::string& path) { backend_.add_foreign(kind, path); }

 private:
  MemBackend backend_;
};

/// A folder of the system's.
class OnDisk {
 public:
  OnDisk() {
    REQUIRE(repo::store::create_local_layout(*files_, folder_ / "repository"));
    backend_ = repo::store::make_local_backend(*files_, folder_ / "repository/");
  }
  Backend& backend() { return *backend_; }
  void add_foreign(ObjectKind /*kind*/, const std::string& path) {
    auto file = files_->create(folder_ / "repository/" + path);
    REQUIRE(file);
    REQUIRE((*file)->close());
  }

 private:
  TempFolder folder_;
  std::unique_ptr<core::FileSystem> files_ = core::make_posix_file_system();
  std::unique_ptr<Backend> backend_;
};

/// The local backend over files in memory, as the fault tests use it.
class OnMemoryFiles {
 public:
  OnMemoryFiles() {
    REQUIRE(repo::store::create_local_layout(*files_, "/repository"));
    backend_ = repo::store::make_local_backend(*files_, "/repository");
  }
  Backend& backend() { return *backend_; }
  void add_foreign(ObjectKind /*kind*/, const std::string& path) {
    auto file = files_->create("/repository/" + path);
    REQUIRE(file);
    REQUIRE((*file)->close());
  }

 private:
  std::unique_ptr<core::FileSystem> files_ = make_memory_file_system();
  std::unique_ptr<Backend> backend_;
};

/// A decorator that was told to do nothing.
class Decorated {
 public:
  Backend& backend() { return backend_; }
  void add_foreign(ObjectKind kind, const std::string& path) { real_.add_foreign(kind, path); }

 private:
  MemBackend real_;
  FaultBackend backend_{real_};
};

std::vector<ObjectName> listed(Backend& backend, ObjectKind kind) {
  std::vector<ObjectName> names;
  REQUIRE(
      backend.list(kind, [&names](const ListedObject& object) { names.push_back(object.name); }));
  std::sort(names.begin(), names.end());
  return names;
}

#define BACKENDS InMemory, OnDisk, OnMemoryFiles, Decorated

TEST_CASE("object paths are what docs/FORMAT.md says") {
  core::Hash256 id;
  id.mutable_view().front() = std::byte{0xab};
  const std::string hex = "ab" + std::string(62, '0');
  CHECK(object_path(repo::store::config_name()) == "config");
  CHECK(object_path({ObjectKind::key_slot, id}) == "keys/" + hex);
  CHECK(object_path({ObjectKind::pack, id}) == "packs/ab/" + hex);
  CHECK(object_path({ObjectKind::index, id}) == "index/" + hex);
  CHECK(object_path({ObjectKind::session, id}) == "sessions/" + hex);
  CHECK(object_path({ObjectKind::snapshot, id}) == "snapshots/" + hex);
  CHECK(object_path({ObjectKind::forgotten, id}) == "forgotten/" + hex);
  CHECK(object_path({ObjectKind::condemned, id}) == "condemned/" + hex);
  CHECK(object_path({ObjectKind::mark, id}) == "marks/" + hex);
  CHECK(object_path({ObjectKind::settings, id}) == "settings/" + hex);
}

TEMPLATE_TEST_CASE("an object that was put is there, whole", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const Bytes data = content(1, 1000);
  std::vector<ObjectName> names = {repo::store::config_name()};
  for (const ObjectKind kind : kNamedKinds) {
    names.push_back(name_of(kind, 2));
  }
  for (const ObjectName& name : names) {
    INFO(object_path(name));
    CHECK(size_of(backend, name) == kAbsent);
    REQUIRE(backend.put(name, data));
    CHECK(size_of(backend, name) == 1000);
    const auto got = backend.get(name, 1000);
    REQUIRE(got);
    CHECK(*got == data);
    CHECK(listed(backend, name.kind) == std::vector<ObjectName>{name});
  }
}

TEMPLATE_TEST_CASE("an object may be empty, and may come in pieces", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const ObjectName empty = name_of(ObjectKind::index, 1);
  REQUIRE(backend.put(empty, {}));
  CHECK(size_of(backend, empty) == 0);
  CHECK(whole(backend, empty).empty());
  CHECK(backend.get_range(empty, 0, {}));

  const Bytes data = content(2, 300'000);
  const ObjectName large = name_of(ObjectKind::pack, 3);
  auto writer = backend.start();
  REQUIRE(writer);
  for (std::size_t at = 0; at < data.size(); at += 100'000) {
    REQUIRE((*writer)->append(ByteView(data).subspan(at, 100'000)));
    CHECK(outcome(backend.get(large, kNoLimit)) == "not_found");
  }
  REQUIRE((*writer)->publish(large));
  CHECK(whole(backend, large) == data);
}

TEMPLATE_TEST_CASE("a range is exact, or an error", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const ObjectName name = name_of(ObjectKind::pack, 1);
  const Bytes data = content(1, 1000);
  REQUIRE(backend.put(name, data));
  Bytes out(100);
  REQUIRE(backend.get_range(name, 0, out));
  CHECK(core::equal(out, ByteView(data).first(100)));
  REQUIRE(backend.get_range(name, 900, out));
  CHECK(core::equal(out, ByteView(data).last(100)));
  CHECK(outcome(backend.get_range(name, 901, out)) == "corrupt");
  CHECK(outcome(backend.get_range(name, 5000, out)) == "corrupt");
  CHECK(outcome(backend.get_range(name_of(ObjectKind::pack, 2), 0, out)) == "not_found");
}

TEMPLATE_TEST_CASE("an object above the limit is not fetched", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const ObjectName name = name_of(ObjectKind::session, 1);
  REQUIRE(backend.put(name, content(1, 1000)));
  CHECK(outcome(backend.get(name, 999)) == "limit_exceeded");
  CHECK(outcome(backend.get(name, 1000)) == "ok");
}

TEMPLATE_TEST_CASE("an object is never replaced", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  for (const ObjectName& name : {repo::store::config_name(), name_of(ObjectKind::pack, 1),
                                 name_of(ObjectKind::snapshot, 1)}) {
    INFO(object_path(name));
    const Bytes first = content(1, 100);
    REQUIRE(backend.put(name, first));
    CHECK(outcome(backend.put(name, content(2, 50))) == "already_exists");
    CHECK(outcome(backend.put(name, first)) == "already_exists");
    CHECK(whole(backend, name) == first);
  }
}

TEMPLATE_TEST_CASE("of two writers of one name the first to publish wins", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const ObjectName name = name_of(ObjectKind::snapshot, 1);
  const Bytes data = content(1, 100);
  auto early = backend.start();
  auto late = backend.start();
  REQUIRE(early);
  REQUIRE(late);
  REQUIRE((*early)->append(content(2, 100)));
  REQUIRE((*late)->append(data));
  REQUIRE((*late)->publish(name));
  CHECK(outcome((*early)->publish(name)) == "already_exists");
  CHECK(outcome((*early)->publish(name)) == "already_exists");
  CHECK(outcome((*early)->append(data)) == "already_exists");
  CHECK(whole(backend, name) == data);
}

TEMPLATE_TEST_CASE("a writer that is dropped leaves no object", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  {
    auto writer = backend.start();
    REQUIRE(writer);
    REQUIRE((*writer)->append(content(1, 100)));
  }
  for (const ObjectKind kind : kNamedKinds) {
    CHECK(listed(backend, kind).empty());
  }
  CHECK(backend.unfinished().value().empty());
}

TEMPLATE_TEST_CASE("a missing object is an error to get and to remove, not to ask for", "",
                   BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  for (const ObjectKind kind : kNamedKinds) {
    const ObjectName name = name_of(kind, 1);
    CHECK(outcome(backend.get(name, kNoLimit)) == "not_found");
    CHECK(outcome(backend.remove(name)) == "not_found");
    CHECK(size_of(backend, name) == kAbsent);
  }
  CHECK(outcome(backend.get(repo::store::config_name(), kNoLimit)) == "not_found");
  CHECK(listed(backend, ObjectKind::config).empty());
}

TEMPLATE_TEST_CASE("a removed object is gone, and its name is free", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  for (const ObjectKind kind : kNamedKinds) {
    const ObjectName kept = name_of(kind, 1);
    const ObjectName removed = name_of(kind, 2);
    REQUIRE(backend.put(kept, content(1, 10)));
    REQUIRE(backend.put(removed, content(2, 20)));
    Bytes out(10);
    REQUIRE(backend.get_range(removed, 0, out));
    REQUIRE(backend.remove(removed));
    CHECK(outcome(backend.get(removed, kNoLimit)) == "not_found");
    CHECK(outcome(backend.get_range(removed, 0, out)) == "not_found");
    CHECK(listed(backend, kind) == std::vector<ObjectName>{kept});
    REQUIRE(backend.put(removed, content(3, 30)));
    CHECK(whole(backend, removed) == content(3, 30));
  }
}

TEMPLATE_TEST_CASE("listing shows every object of the kind once, with its size", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  constexpr std::size_t kObjects = 300;  // more than there are folders for packs
  std::set<ObjectName> expected;
  for (std::uint64_t i = 0; i < kObjects; ++i) {
    const ObjectName name = name_of(ObjectKind::pack, i);
    REQUIRE(backend.put(name, content(i, static_cast<std::size_t>(i))));
    expected.insert(name);
  }
  REQUIRE(backend.put(name_of(ObjectKind::index, 1), content(1, 5)));
  std::set<ObjectName> found;
  std::uint64_t bytes = 0;
  REQUIRE(backend.list(ObjectKind::pack, [&](const ListedObject& object) {
    CHECK(found.insert(object.name).second);
    bytes += object.size_bytes;
  }));
  CHECK(found == expected);
  CHECK(bytes == kObjects * (kObjects - 1) / 2);
}

TEMPLATE_TEST_CASE("foreign names are told apart", "", BACKENDS) {
  TestType place;
  Backend& backend = place.backend();
  const ObjectName name = name_of(ObjectKind::index, 1);
  REQUIRE(backend.put(name, {}));
  const std::string upper(64, 'A');
  place.add_foreign(ObjectKind::index, "index/notes.txt");
  place.add_foreign(ObjectKind::index, "index/" + upper);
  std::set<std::string> foreign;
  std::vector<ObjectName> names;
  REQUIRE(backend.list(
      ObjectKind::index, [&](const ListedObject& object) { names.push_back(object.name); },
      [&](std::string_view path) { foreign.emplace(path); }));
  CHECK(names == std::vector<ObjectName>{name});
  CHECK(foreign == std::set<std::string>{"index/notes.txt", "index/" + upper});
  CHECK(listed(backend, ObjectKind::index) == names);
}

// --- The doubles themselves ---

TEST_CASE("a fault backend shows each kind of damage, and only to that object") {
  MemBackend real;
  FaultBackend backend(real);
  const ObjectName hurt = name_of(ObjectKind::pack, 1);
  const ObjectName well = name_of(ObjectKind::pack, 2);
  const Bytes data = content(1, 100);
  const Bytes other = content(2, 50);
  REQUIRE(backend.put(hurt, data));
  REQUIRE(backend.put(well, other));
  const auto seen = [&]() { return whole(backend, hurt); };

  backend.inflict(hurt, damage::Truncated{.bytes = 10});
  CHECK(core::equal(seen(), ByteView(data).first(90)));
  CHECK(size_of(backend, hurt) == 90);
  Bytes end(5);
  CHECK(outcome(backend.get_range(hurt, 88, end)) == "corrupt");

  backend.inflict(hurt, damage::Grown{.bytes = 3});
  CHECK(seen().size() == 103);
  CHECK(core::equal(ByteView(seen()).first(100), data));

  backend.inflict(hurt, damage::Flipped{.offset = 7, .mask = std::byte{0x81}});
  Bytes flipped = data;
  flipped[7] ^= std::byte{0x81};
  CHECK(seen() == flipped);
  REQUIRE(backend.get_range(hurt, 5, end));
  CHECK(core::equal(end, ByteView(flipped).subspan(5, 5)));

  backend.inflict(hurt, damage::Swapped{.with = well});
  CHECK(seen() == other);

  backend.inflict(hurt, damage::Missing{});
  CHECK(outcome(backend.get(hurt, kNoLimit)) == "not_found");
  CHECK(size_of(backend, hurt) == kAbsent);
  CHECK(listed(backend, ObjectKind::pack) == std::vector<ObjectName>{well});

  backend.heal(hurt);
  CHECK(seen() == data);
  CHECK(whole(backend, well) == other);
}

TEST_CASE("a fault backend fails one call, or all from one on") {
  MemBackend real;
  FaultBackend backend(real);
  const ObjectName name = name_of(ObjectKind::session, 1);
  backend.arm({.at_call = 2});
  CHECK(outcome(backend.put(name, content(1, 10))) == "io");  // start, append
  CHECK(backend.failure_hit());
  CHECK(outcome(backend.put(name, content(1, 10))) == "ok");

  backend.arm({.at_call = 1, .sticky = true, .code = core::ErrorCode::no_space});
  CHECK_FALSE(backend.failure_hit());
  CHECK(outcome(backend.get(name, kNoLimit)) == "no_space");
  CHECK(outcome(backend.get(name, kNoLimit)) == "no_space");
  backend.disarm();
  CHECK(outcome(backend.get(name, kNoLimit)) == "ok");
}

}  // namespace
}  // namespace cairn::test
