#include "cairn/core/file_system.h"

#include <algorithm>
#include <memory>

#include "catch2.h"
#include "fault_file_system.h"
#include "memory_file_system.h"
#include "outcome.h"
#include "seeded_data.h"
#include "temp_folder.h"

// The contract of core::FileSystem, for every implementation.
namespace cairn::core {
namespace {

using test::message_of;
using test::outcome;

struct Subject {
  std::string name;
  std::unique_ptr<FileSystem> inner;
  std::unique_ptr<FileSystem> decorator;
  std::string root;
  FileSystem& files() { return decorator != nullptr ? *decorator : *inner; }
};

std::vector<Subject> subjects(const test::TempFolder& folder) {
  std::vector<Subject> all;
  all.push_back({"posix", make_posix_file_system(), nullptr, folder / "a"});
  all.push_back(
      {"posix with link", make_posix_file_system({.use_renameat2 = false}), nullptr, folder / "b"});
  all.push_back({"memory", test::make_memory_file_system(), nullptr, "/a"});
  all.push_back({"fault", make_posix_file_system(), nullptr, folder / "c"});
  all.back().decorator = std::make_unique<test::FaultFileSystem>(*all.back().inner);
  for (Subject& subject : all) {
    REQUIRE(outcome(subject.files().make_folder(subject.root)) == "ok");
  }
  return all;
}

Status write_file(FileSystem& files, const std::string& path, std::string_view text) {
  CAIRN_TRY(const auto file, files.create(path));
  CAIRN_TRY_STATUS(file->append(as_view(text)));
  CAIRN_TRY_STATUS(file->sync());
  return file->close();
}

std::string read_file(FileSystem& files, const std::string& path) {
  const auto info = files.info(path);
  if (!info.has_value() || !info->has_value()) {
    return "(nothing)";
  }
  std::string text(static_cast<std::size_t>((*info)->size_bytes), '\0');
  const Status read = files.read_at(path, 0, std::as_writable_bytes(std::span<char>(text)));
  return read.has_value() ? text : outcome(read);
}

std::vector<std::string> sorted_names(FileSystem& files, const std::string& path) {
  auto names = files.list(path).value();
  std::sort(names.begin(), names.end());
  return names;
}

template <class Check>
void for_each_file_system(Check check) {
  const test::TempFolder folder;
  for (Subject& subject : subjects(folder)) {
    INFO("file system: " << subject.name);
    check(subject.files(), subject.root);
  }
}

TEST_CASE("file systems: what was written is read, whole and in pieces") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    const Bytes data = test::seeded_bytes(1, 300'000);
    const auto file = files.create(root + "/data");
    REQUIRE(outcome(file) == "ok");
    REQUIRE(outcome((*file)->append(ByteView(data).first(1))) == "ok");
    REQUIRE(outcome((*file)->append({})) == "ok");
    REQUIRE(outcome((*file)->append(ByteView(data).subspan(1))) == "ok");
    REQUIRE(outcome((*file)->sync()) == "ok");
    REQUIRE(outcome((*file)->close()) == "ok");
    for (const std::size_t offset : {0U, 1U, 4'096U, 299'999U, 300'000U}) {
      Bytes out(std::min<std::size_t>(5'000, data.size() - offset));
      REQUIRE(outcome(files.read_at(root + "/data", offset, out)) == "ok");
      CHECK(equal(out, ByteView(data).subspan(offset, out.size())));
    }
    Bytes all(data.size());
    REQUIRE(outcome(files.read_at(root + "/data", 0, all)) == "ok");
    CHECK(all == data);
  });
}

TEST_CASE("file systems: reading past the end is damage") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    REQUIRE(outcome(write_file(files, root + "/a", "hello")) == "ok");
    Bytes out(5);
    CHECK(outcome(files.read_at(root + "/a", 0, out)) == "ok");
    CHECK(outcome(files.read_at(root + "/a", 1, out)) == "corrupt");
    CHECK(outcome(files.read_at(root + "/a", 5, out)) == "corrupt");
    CHECK(outcome(files.read_at(root + "/a", 1'000'000, out)) == "corrupt");
    CHECK(outcome(files.read_at(root + "/a", UINT64_MAX, out)) == "corrupt");
    CHECK(outcome(files.read_at(root + "/a", UINT64_MAX / 2, out)) == "corrupt");
    CHECK(message_of(files.read_at(root + "/a", 1, out)).find(root + "/a") != std::string::npos);
  });
}

TEST_CASE("file systems: a file is created once") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    REQUIRE(outcome(write_file(files, root + "/a", "first")) == "ok");
    CHECK(outcome(files.create(root + "/a")) == "already_exists");
    CHECK(outcome(files.create(root)) == "already_exists");
    CHECK(outcome(files.create(root + "/none/a")) == "not_found");
    CHECK(read_file(files, root + "/a") == "first");
  });
}

TEST_CASE("file systems: what is not there is not found") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    Bytes out(1);
    CHECK(outcome(files.read_at(root + "/none", 0, out)) == "not_found");
    CHECK(outcome(files.list(root + "/none")) == "not_found");
    CHECK(outcome(files.remove(root + "/none")) == "not_found");
    CHECK(outcome(files.publish(root + "/none", root + "/to")) == "not_found");
    CHECK(outcome(files.sync_folder(root + "/none")) == "not_found");
    CHECK(outcome(files.make_folder(root + "/none/folder")) == "not_found");
    CHECK(files.info(root + "/none").value() == std::nullopt);
    CHECK(message_of(files.remove(root + "/none")) ==
          "remove " + root + "/none: No such file or directory");
  });
}

TEST_CASE("file systems: folders and files are told apart") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    REQUIRE(outcome(write_file(files, root + "/file", "abc")) == "ok");
    REQUIRE(outcome(files.make_folder(root + "/folder")) == "ok");
    CHECK_FALSE(files.info(root + "/file").value()->is_folder);
    CHECK(files.info(root + "/file").value()->size_bytes == 3);
    CHECK(files.info(root + "/folder").value()->is_folder);
    Bytes out(1);
    CHECK(outcome(files.read_at(root + "/folder", 0, out)) == "io");
    CHECK(outcome(files.list(root + "/file")) == "io");
    CHECK(outcome(files.make_folder(root + "/folder")) == "ok");
    CHECK(outcome(files.make_folder(root + "/file")) == "already_exists");
    CHECK(files.info(root + "/file/below").value() == std::nullopt);
  });
}

TEST_CASE("file systems: a list holds the names of one folder") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    CHECK(sorted_names(files, root).empty());
    REQUIRE(outcome(files.make_folder(root + "/folder")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/folder/inner", "")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/.hidden", "")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/a\xff\n", "")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/folder-2", "")) == "ok");
    CHECK(sorted_names(files, root) ==
          std::vector<std::string>{".hidden", "a\xff\n", "folder", "folder-2"});
    CHECK(sorted_names(files, root + "/folder") == std::vector<std::string>{"inner"});
  });
}

TEST_CASE("file systems: publishing moves and never replaces") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    REQUIRE(outcome(files.make_folder(root + "/to")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/temp-1", "one")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/temp-2", "two")) == "ok");
    CHECK(outcome(files.publish(root + "/temp-1", root + "/to/name")) == "ok");
    CHECK(files.info(root + "/temp-1").value() == std::nullopt);
    CHECK(outcome(files.publish(root + "/temp-2", root + "/to/name")) == "already_exists");
    CHECK(read_file(files, root + "/to/name") == "one");
    CHECK(read_file(files, root + "/temp-2") == "two");
    CHECK(outcome(files.publish(root + "/temp-2", root + "/none/name")) == "not_found");
    CHECK(outcome(files.sync_folder(root + "/to")) == "ok");
  });
}

TEST_CASE("file systems: files and empty folders are removed") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    REQUIRE(outcome(files.make_folder(root + "/folder")) == "ok");
    REQUIRE(outcome(write_file(files, root + "/folder/a", "x")) == "ok");
    CHECK(outcome(files.remove(root + "/folder")) == "io");
    CHECK(outcome(files.remove(root + "/folder/a")) == "ok");
    CHECK(outcome(files.remove(root + "/folder/a")) == "not_found");
    CHECK(outcome(files.remove(root + "/folder")) == "ok");
    CHECK(sorted_names(files, root).empty());
  });
}

TEST_CASE("file systems: a file knows whether it still has its name") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    const std::string path = root + "/a";
    auto file = files.create(path);
    REQUIRE(outcome(file) == "ok");
    CHECK((*file)->has_its_name().value());
    REQUIRE(outcome((*file)->append(as_view("half"))) == "ok");
    CHECK((*file)->has_its_name().value());
    REQUIRE(outcome(files.remove(path)) == "ok");
    CHECK_FALSE((*file)->has_its_name().value());
    REQUIRE(outcome(write_file(files, path, "somebody else's")) == "ok");
    CHECK_FALSE((*file)->has_its_name().value());
  });
}

TEST_CASE("file systems: a name that comes back is read anew") {
  for_each_file_system([](FileSystem& files, const std::string& root) {
    const std::string path = root + "/a";
    REQUIRE(outcome(write_file(files, path, "first")) == "ok");
    CHECK(read_file(files, path) == "first");
    REQUIRE(outcome(files.remove(path)) == "ok");
    CHECK(read_file(files, path) == "(nothing)");
    REQUIRE(outcome(write_file(files, path, "again")) == "ok");
    CHECK(read_file(files, path) == "again");
    REQUIRE(outcome(files.remove(path)) == "ok");
    REQUIRE(outcome(write_file(files, root + "/temp", "third")) == "ok");
    CHECK(read_file(files, root + "/temp") == "third");
    REQUIRE(outcome(files.publish(root + "/temp", path)) == "ok");
    CHECK(read_file(files, path) == "third");
    Bytes out(1);
    CHECK(outcome(files.read_at(root + "/temp", 0, out)) == "not_found");
  });
}

}  // namespace
}  // namespace cairn::core
