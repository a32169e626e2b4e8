#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "cairn/repo/keys.h"
#include "catch2.h"
#include "long_after.h"
#include "loop_disk.h"
#include "ops/incremental/stat_cache.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;
namespace fs = std::filesystem;

namespace {

std::vector<TreeObject> tree_of_folders() {
  return {tree::file("a/one", 3'000, 1),
          tree::file("a/two", 70'000, 2),
          tree::file("b/big", 2'000'000, 3),
          tree::symlink("b/link", "big"),
          tree::fifo("b/pipe"),
          tree::file("b/deep/er/file", 500, 4),
          tree::hard_link("c/also one", "a/one"),
          tree::folder("empty"),
          tree::sparse_file("sparse", 9'000'000, {{1'000'000, 5'000}}),
          tree::file("top", 100, 5)};
}

struct Incremental {
  explicit Incremental(const std::vector<TreeObject>& objects = tree_of_folders()) {
    fixture.clock.set_now(kLongAfter);
    source = fixture.at("source");
    fs::create_directories(source);
    REQUIRE(make_tree(source, objects).empty());
    auto made = fixture.init();
    REQUIRE(outcome(made) == "ok");
    repository.emplace(std::move(*made));
  }

  /// A backup; bytes_read are those of files, not those of the repository.
  repo::BackupReport run(const std::function<void(repo::BackupOptions&)>& change = nullptr) {
    repo::BackupOptions options = fixture.options({source});
    if (change) {
      change(options);
    }
    fixture.observer.changes.clear();
    auto report = fixture.backup(*repository, options);
    REQUIRE(outcome(report) == "ok");
    bytes_read = fixture.observer.last.bytes_done;
    return *report;
  }
  repo::BackupReport run_forced() {
    return run([](repo::BackupOptions& options) { options.force_rehash = true; });
  }
  void check_restores(const repo::BackupReport& report) {
    const std::string target = fixture.at("out");
    fs::remove_all(target);
    REQUIRE(outcome(fixture.restore(*repository, report.snapshot, source, target)) == "ok");
    CHECK(compare_trees(source, target, {.holes = true}) == std::vector<std::string>());
    const auto verified = fixture.verify(*repository);
    REQUIRE(outcome(verified) == "ok");
    CHECK_FALSE(verified->damaged());
  }

  RepoFixture fixture;
  std::string source;
  std::optional<repo::Repository> repository;
  std::uint64_t bytes_read = 0;
};

repo::ChunkId root_of(const repo::BackupReport& report) {
  return report.snapshot.sources.front().root;
}

/// Puts other bytes into a file and its modification time back.
void rewrite_unseen_by_mtime(const std::string& path) {
  struct stat before {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  flip_byte(path, 0);
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("a backup starts again if another one records the same folder meanwhile") {
  std::vector<TreeObject> objects;
  for (int i = 0; i < 1'500; ++i) {  // several pieces of the folder's record
    objects.push_back(tree::file(fmt::format("file {:04}", i), 40, static_cast<unsigned>(i)));
  }
  Incremental test(objects);
  test.run();
  fs::remove(test.source + "/file 0000");
  int interventions = 0;
  test.fixture.observer.on_change = [&] {
    test.fixture.observer.on_change = nullptr;
    interventions += 1;
    repo::ops::UsablePacks usable;
    const auto view = repo::ops::catalogue_if_open(repo::ops::opened(*test.repository));
    const auto other = repo::ops::StatCache::open({*view, usable}, {});
    REQUIRE(outcome(other) == "ok");
    REQUIRE(outcome((*other)->forget(test.source)) == "ok");
    REQUIRE(outcome((*other)->flush()) == "ok");
  };
  test.fixture.observer.details.clear();
  const auto report = test.run([](repo::BackupOptions& options) { options.tell_changes = true; });
  CHECK(interventions == 1);
  CHECK(std::ranges::any_of(test.fixture.observer.details, [](const std::string& text) {
    return text.find("starting again") != std::string::npos;
  }));
  CHECK(std::ranges::none_of(test.fixture.observer.details, [](const std::string& text) {
    return text.find("catalogue made new") != std::string::npos;
  }));
  CHECK(report.snapshot.sources[0].root == test.run_forced().snapshot.sources[0].root);
  test.check_restores(report);
}

TEST_CASE("a second backup reads nothing of what has not changed") {
  Incremental incremental;
  const auto first = incremental.run();
  CHECK(incremental.bytes_read > 2'000'000);
  CHECK(first.changes.files_new == 9);
  CHECK(first.changes.folders_new == 7);
  const auto second = incremental.run();
  CHECK(incremental.bytes_read == 0);
  CHECK(second.snapshot.sources == first.snapshot.sources);
  CHECK(second.changes.files_unmodified == 9);
  CHECK(second.changes.folders_unmodified == 7);
  CHECK(second.changes.files_new + second.changes.files_changed + second.changes.removed == 0);
  CHECK(second.snapshot.added_data.chunks + second.snapshot.added_metadata.chunks == 0);
  CHECK(second.data_packs + second.metadata_packs == 0);
  incremental.check_restores(second);

  incremental.run_forced();
  CHECK(incremental.bytes_read > 2'000'000);
}

TEST_CASE("whatever changes, the next snapshot is that of a full read") {
  struct Case {
    const char* what;
    std::function<void(const std::string&)> change;
    std::uint64_t bytes_read_max;
  };
  const auto case_of_change = GENERATE(values<Case>({
      {"content, with the old modification time",
       [](const std::string& root) { rewrite_unseen_by_mtime(root + "/a/two"); }, 70'000},
      {"content deep down", [](const std::string& root) { flip_byte(root + "/b/deep/er/file", 1); },
       500},
      {"a file grows",
       [](const std::string& root) { std::ofstream(root + "/top", std::ios::app) << "more"; }, 104},
      {"a mode", [](const std::string& root) { ::chmod((root + "/a/two").c_str(), 0600); }, 70'000},
      {"a folder's mode", [](const std::string& root) { ::chmod((root + "/b").c_str(), 0700); }, 0},
      {"an attribute",
       [](const std::string& root) {
         REQUIRE(::setxattr((root + "/top").c_str(), "user.x", "1", 1, 0) == 0);
       },
       100},
      {"a folder's attribute",
       [](const std::string& root) {
         REQUIRE(::setxattr((root + "/b/deep").c_str(), "user.x", "1", 1, 0) == 0);
       },
       0},
      {"a file goes", [](const std::string& root) { fs::remove(root + "/a/two"); }, 0},
      {"the last file of a folder goes", [](const std::string& root) { fs::remove(root + "/top"); },
       0},
      {"a folder goes", [](const std::string& root) { fs::remove_all(root + "/b/deep"); }, 0},
      {"a file comes",
       [](const std::string& root) {
         REQUIRE(make_tree(root, {tree::file("a/between", 10, 7)}).empty());
       },
       10},
      {"a folder comes",
       [](const std::string& root) {
         REQUIRE(make_tree(root, {tree::file("b/a/b/c", 10, 7)}).empty());
       },
       10},
      {"a file is renamed",
       [](const std::string& root) { fs::rename(root + "/b/big", root + "/b/aaa"); }, 2'000'000},
      {"a folder is renamed",
       [](const std::string& root) { fs::rename(root + "/b/deep", root + "/b/z"); }, 500},
      {"two files change places",
       [](const std::string& root) {
         fs::rename(root + "/a/two", root + "/x");
         fs::rename(root + "/top", root + "/a/two");
         fs::rename(root + "/x", root + "/top");
       },
       70'100},
      {"a link points elsewhere",
       [](const std::string& root) {
         fs::remove(root + "/b/link");
         fs::create_symlink("gib", root + "/b/link");
       },
       0},
      {"a file becomes a folder",
       [](const std::string& root) {
         fs::remove(root + "/top");
         fs::create_directory(root + "/top");
       },
       0},
      {"a folder becomes a file",
       [](const std::string& root) {
         fs::remove(root + "/empty");
         std::ofstream(root + "/empty") << "x";
       },
       1},
      {"the folder of a hard link's first name moves behind the second",
       [](const std::string& root) { fs::rename(root + "/a", root + "/d"); }, 73'000},
      {"a hard link's second name goes",
       [](const std::string& root) { fs::remove(root + "/c/also one"); }, 3'000},
      {"a third name comes",
       [](const std::string& root) { fs::create_hard_link(root + "/a/one", root + "/b/third"); },
       3'000},
      {"everything goes",
       [](const std::string& root) {
         for (const auto& entry : fs::directory_iterator(root)) {
           fs::remove_all(entry.path());
         }
       },
       0},
  }));
  INFO(case_of_change.what);
  Incremental incremental;
  const auto first = incremental.run();
  case_of_change.change(incremental.source);
  const auto second = incremental.run();
  CHECK(incremental.bytes_read <= case_of_change.bytes_read_max);
  CHECK(root_of(second) != root_of(first));
  CHECK(second.changes.files_changed + second.changes.files_new + second.changes.folders_changed +
            second.changes.removed >
        0);
  const auto third = incremental.run();
  CHECK(incremental.bytes_read == 0);
  CHECK(third.snapshot.sources == second.snapshot.sources);
  incremental.check_restores(third);
  const auto full = incremental.run_forced();
  CHECK(full.snapshot.sources == third.snapshot.sources);
}

TEST_CASE("the observer is told what changed") {
  Incremental incremental;
  incremental.run();
  fs::remove(incremental.source + "/a/two");
  fs::remove_all(incremental.source + "/b/deep");
  flip_byte(incremental.source + "/top", 3);
  REQUIRE(make_tree(incremental.source, {tree::file("new/file", 10, 7)}).empty());
  const auto preview = incremental.run([](repo::BackupOptions& options) {
    options.dry_run = true;
    options.tell_changes = true;
  });
  CHECK_FALSE(preview.id.has_value());
  std::vector<std::string> changes;
  for (const std::string& line : incremental.fixture.observer.changes) {
    changes.push_back(line.substr(0, 2) + line.substr(2 + incremental.source.size()));
  }
  std::ranges::sort(changes);  // what is gone is told by another thread
  CHECK(changes ==
        std::vector<std::string>{"+ /new", "+ /new/file", "- /a/two", "- /b/deep", "M /top"});
  CHECK(preview.changes.removed == 2);
  // The dry run has recorded nothing: all of it is news to the next backup.
  const auto report = incremental.run();
  CHECK(report.changes.removed == 2);
  CHECK(report.changes.files_new == 1);
}

TEST_CASE("a file that was changed a moment ago is read again") {
  Incremental incremental;
  struct stat status {};
  REQUIRE(::stat((incremental.source + "/b/big").c_str(), &status) == 0);
  incremental.fixture.clock.set_now({status.st_ctim.tv_sec + 40, 0});
  incremental.run();
  incremental.run();
  CHECK(incremental.bytes_read > 2'000'000);
  incremental.fixture.clock.set_now({status.st_ctim.tv_sec + 3600, 0});
  incremental.run();
  CHECK(incremental.bytes_read > 2'000'000);  // the run before was too early to tell
  incremental.run();
  CHECK(incremental.bytes_read == 0);
}

TEST_CASE("a source that is a single file is remembered too") {
  Incremental incremental;
  incremental.source += "/b/big";
  const auto first = incremental.run();
  CHECK(incremental.bytes_read == 2'000'000);
  const auto second = incremental.run();
  CHECK(incremental.bytes_read == 0);
  CHECK(second.snapshot.sources == first.snapshot.sources);
  flip_byte(incremental.source, 77);
  const auto third = incremental.run();
  CHECK(incremental.bytes_read == 2'000'000);
  CHECK(root_of(third) != root_of(first));
}

TEST_CASE("a role that cannot read old nodes is as quick") {
  Incremental incremental;
  REQUIRE(outcome(repo::add_key(*incremental.repository,
                                {.role = repo::Role::backup,
                                 .name = "writer",
                                 .credentials = RepoFixture::passphrase("writer"),
                                 .kdf = RepoFixture::cheap_kdf()})) == "ok");
  auto writer = incremental.fixture.open("writer");
  REQUIRE(outcome(writer) == "ok");
  incremental.repository.emplace(std::move(*writer));
  const auto first = incremental.run();
  flip_byte(incremental.source + "/top", 3);
  const auto second = incremental.run();
  CHECK(incremental.bytes_read == 100);
  const auto full = incremental.run_forced();
  CHECK(full.snapshot.sources == second.snapshot.sources);
}

TEST_CASE("a lost catalogue costs one full read") {
  Incremental incremental;
  const auto first = incremental.run();
  incremental.repository.reset();
  fs::remove_all(incremental.fixture.at("cache"));
  auto again = incremental.fixture.open();
  REQUIRE(outcome(again) == "ok");
  incremental.repository.emplace(std::move(*again));
  const auto second = incremental.run();
  CHECK(incremental.bytes_read > 2'000'000);
  CHECK(second.snapshot.sources == first.snapshot.sources);
  incremental.run();
  CHECK(incremental.bytes_read == 0);
}

TEST_CASE("what a lost pack held is read and stored again") {
  Incremental incremental;
  incremental.run();
  // The data's only pack; the listing of packs shows that it is gone.
  for (const std::string& pack : incremental.fixture.objects("packs")) {
    fs::remove(incremental.fixture.object_file(pack));
  }
  const auto second = incremental.run();
  CHECK(incremental.bytes_read > 2'000'000);
  const std::string target = incremental.fixture.at("out");
  incremental.fixture.observer.warnings.clear();
  incremental.repository.reset();
  for (const std::string& segment : incremental.fixture.objects("index")) {
    // As `repair index` will: without the lost pack. The living ones are found by their own
    // directories.
    fs::remove(incremental.fixture.object_file(segment));
  }
  auto again = incremental.fixture.open();
  REQUIRE(outcome(again) == "ok");
  REQUIRE(outcome(incremental.fixture.restore(*again, second.snapshot, incremental.source,
                                              target)) == "ok");
  CHECK(compare_trees(incremental.source, target) == std::vector<std::string>());
}

TEST_CASE("after a collection only what a standing snapshot refers to is trusted") {
  Incremental incremental(
      {tree::file("kept/file", 400'000, 1), tree::file("gone/file", 300'000, 2)});
  const std::string root = incremental.source;
  incremental.source = root + "/gone";
  incremental.run();
  const auto doomed = incremental.fixture.objects("");
  incremental.source = root + "/kept";
  incremental.run();
  // Everything of the first snapshot is collected, but not the keys and the like.
  for (const std::string& object : doomed) {
    if (object.starts_with("packs/") || object.starts_with("index/") ||
        object.starts_with("snapshots/")) {
      fs::remove(incremental.fixture.object_file(object));
    }
  }
  incremental.run();
  CHECK(incremental.bytes_read == 0);
  incremental.source = root + "/gone";
  const auto report = incremental.run();
  CHECK(incremental.bytes_read == 300'000);
  const std::string target = incremental.fixture.at("out");
  REQUIRE(outcome(incremental.fixture.restore(*incremental.repository, report.snapshot,
                                              incremental.source, target)) == "ok");
  CHECK(compare_trees(incremental.source, target) == std::vector<std::string>());
}

TEST_CASE("an interrupted backup is taken up where it stopped") {
  std::vector<TreeObject> objects;
  for (int i = 0; i < 60; ++i) {
    objects.push_back(tree::file(std::to_string(i / 10) + "/" + std::to_string(i), 300'000,
                                 static_cast<std::uint64_t>(i) + 1));
  }
  Incremental incremental(objects);
  std::stop_source stop;
  repo::BackupOptions options = incremental.fixture.options({incremental.source});
  options.stop = stop.get_token();
  incremental.fixture.observer.on_progress = [&](const repo::Progress& progress) {
    incremental.fixture.clock.advance(std::chrono::milliseconds(60));
    if (progress.bytes_done > 10'000'000) {
      stop.request_stop();
    }
  };
  CHECK(outcome(incremental.fixture.backup(*incremental.repository, options)) == "interrupted");
  incremental.fixture.observer.on_progress = nullptr;
  const auto report = incremental.run();
  CHECK(incremental.bytes_read < 8'000'000);
  CHECK(report.changes.files_unmodified > 30);
  CHECK(report.changes.files_unmodified + report.changes.files_new + report.changes.files_changed ==
        60);
  incremental.check_restores(report);
  const auto full = incremental.run_forced();
  CHECK(full.snapshot.sources == report.snapshot.sources);
}

TEST_CASE("a time limit ends with a partial snapshot that restores") {
  std::vector<TreeObject> objects;
  for (int i = 0; i < 60; ++i) {
    objects.push_back(tree::file(std::to_string(i / 10) + "/" + std::to_string(i), 600'000,
                                 static_cast<std::uint64_t>(i) + 1));
  }
  Incremental incremental(objects);
  incremental.fixture.observer.on_progress = [&](const repo::Progress& progress) {
    incremental.fixture.clock.advance(progress.bytes_done > 3'000'000 ? std::chrono::seconds(100)
                                                                      : std::chrono::seconds(1));
  };
  const auto report =
      incremental.run([](repo::BackupOptions& options) { options.time_limit_seconds = 60; });
  incremental.fixture.observer.on_progress = nullptr;
  CHECK(report.snapshot.partial);
  REQUIRE(report.id.has_value());
  const std::uint64_t files = report.snapshot.sources.front().counts.files;
  CHECK(files > 0);
  CHECK(files < 60);
  REQUIRE(outcome(incremental.fixture.restore(*incremental.repository, report.snapshot,
                                              incremental.source, incremental.fixture.at("out"))) ==
          "ok");
  for (const auto& entry : fs::recursive_directory_iterator(incremental.fixture.at("out"))) {
    if (entry.is_regular_file()) {
      const auto path = fs::relative(entry.path(), incremental.fixture.at("out"));
      CHECK(read_file(entry.path()) == read_file(incremental.source / path));
    }
  }
  const auto whole = incremental.run();
  CHECK_FALSE(whole.snapshot.partial);
  CHECK(whole.changes.files_unmodified == files);
  CHECK(whole.snapshot.sources.front().counts.files == 60);
  incremental.check_restores(whole);
}

TEST_CASE("a sample of the unchanged files is read again, and silent changes are found") {
  Incremental incremental({tree::folder("disk")});
  LoopDisk disk(incremental.source + "/disk", 8);
  if (!disk.is_mounted()) {
    WARN("skipped: needs root, mkfs.ext4 and a loop device");
    return;
  }
  const std::string file = incremental.source + "/disk/file";
  const std::string text = "a text that stands nowhere else on this disk";
  std::ofstream(file) << text;
  incremental.run();
  REQUIRE(disk.unmount());
  core::Bytes image = read_file(disk.image());
  const std::string_view bytes(reinterpret_cast<const char*>(image.data()), image.size());
  const std::size_t at = bytes.find(text);
  REQUIRE(at != std::string_view::npos);
  flip_byte(disk.image(), at);
  REQUIRE(disk.mount());

  const auto unaware = incremental.run();
  CHECK(unaware.snapshot.problem_count == 0);
  const auto sampled =
      incremental.run([](repo::BackupOptions& options) { options.rehash_sample = 1; });
  REQUIRE(sampled.snapshot.problem_count == 1);
  CHECK(sampled.snapshot.problems.front().kind == repo::ProblemKind::changed_unnoticed);
  CHECK(sampled.snapshot.problems.front().path == file);
  const auto again =
      incremental.run([](repo::BackupOptions& options) { options.rehash_sample = 1; });
  CHECK(again.snapshot.problem_count == 0);
  CHECK(root_of(again) == root_of(sampled));
  CHECK(root_of(again) != root_of(unaware));
}

TEST_CASE("a sample reads about its part of the files") {
  std::vector<TreeObject> objects;
  for (int i = 0; i < 200; ++i) {
    objects.push_back(tree::file(std::to_string(i), 1'000, static_cast<std::uint64_t>(i) + 1));
  }
  Incremental incremental(objects);
  incremental.run();
  const auto sampled =
      incremental.run([](repo::BackupOptions& options) { options.rehash_sample = 0.25; });
  CHECK(incremental.bytes_read >= 20'000);
  CHECK(incremental.bytes_read <= 80'000);
  CHECK(sampled.changes.files_unmodified == 200);
  CHECK(sampled.snapshot.problem_count == 0);
}

TEST_CASE("as a sample a file with several names is read under the first") {
  Incremental incremental({tree::file("a/first", 5'000, 1), tree::hard_link("a/second", "a/first"),
                           tree::hard_link("b/third", "a/first")});
  const auto before = incremental.run();
  const auto sampled =
      incremental.run([](repo::BackupOptions& options) { options.rehash_sample = 1; });
  CHECK(incremental.bytes_read == 5'000);
  CHECK(sampled.snapshot.problem_count == 0);
  CHECK(sampled.changes.files_unmodified == 3);
  CHECK(root_of(sampled) == root_of(before));
}

TEST_CASE("a writer that has mapped a file does not escape") {
  Incremental incremental({tree::file("file", 8192, 1)});
  const std::string path = incremental.source + "/file";
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  void* const map = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(map != MAP_FAILED);
  auto* const bytes = static_cast<volatile unsigned char*>(map);
  bytes[100] = 1;  // the page turns dirty, and the kernel moves the file's times
  struct stat before {};
  REQUIRE(::fstat(file, &before) == 0);
  incremental.fixture.clock.set_now({before.st_ctim.tv_sec + 1, 0});
  const auto first = incremental.run();
  bytes[100] = 2;  // it is dirty still: most kernels leave the times as they are
  const auto second = incremental.run();
  CHECK(incremental.bytes_read == 8192);
  CHECK(root_of(second) != root_of(first));
  incremental.check_restores(second);
  ::munmap(map, 8192);
  ::close(file);
}

TEST_CASE("a file system mounted between two backups is seen, and gone when it is gone") {
  Incremental incremental({tree::file("disk/hidden", 100, 1), tree::file("other", 100, 2)});
  const auto first = incremental.run();
  {
    LoopDisk disk(incremental.source + "/disk", 8);
    if (!disk.is_mounted()) {
      WARN("skipped: needs root, mkfs.ext4 and a loop device");
      return;
    }
    REQUIRE(make_tree(incremental.source + "/disk", {tree::file("mounted", 5000, 3)}).empty());
    const auto second = incremental.run();
    CHECK(second.changes.files_unmodified == 1);  // and the image beside it is new
    CHECK(second.changes.removed == 1);
    // Not the image: what the kernel has written back of it is another matter.
    const std::string target = incremental.fixture.at("out of the disk");
    REQUIRE(outcome(incremental.fixture.restore(*incremental.repository, second.snapshot,
                                                incremental.source + "/disk", target)) == "ok");
    CHECK(compare_trees(incremental.source + "/disk", target) == std::vector<std::string>());
    REQUIRE(disk.unmount());
    fs::remove(disk.image());
  }
  const auto third = incremental.run();
  CHECK(third.snapshot.sources.front().counts == first.snapshot.sources.front().counts);
  incremental.check_restores(third);
}
