#include <unistd.h>

#include <filesystem>
#include <map>

#include "cairn/repo/backup.h"
#include "cairn/repo/restore.h"
#include "catch2.h"
#include "child_process.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::vector<TreeObject> ordinary_tree() {
  return {tree::folder("empty").with_mtime({1, 5}),
          tree::file("small", 10),
          tree::file("docs/one", 100'000, 2).with_mtime({1'000'000'000, 123'456'789}),
          tree::file("docs/two", 1'500'000, 3),
          tree::file("docs/same as two", 1'500'000, 3),
          tree::text_file("docs/nothing", ""),
          tree::hard_link("again/one", "docs/one"),
          tree::symlink("dangling", "/nowhere/at all"),
          tree::fifo("pipe"),
          tree::socket("socket"),
          tree::text_file("a\nname\xff", "not UTF-8").with_mode(0),
          tree::sparse_file("sparse", 50'000'000, {{8'192, 5'000}, {40'000'000, 100}}),
          tree::text_file("before 1970", "x").with_mtime({-2, 500'000'000})};
}

void make(const std::string& root, const std::vector<TreeObject>& objects) {
  std::filesystem::create_directories(root);
  REQUIRE(make_tree(root, objects) == std::vector<std::string>());
}

}  // namespace

TEST_CASE("a restored tree is the tree that was backed up") {
  RepoFixture fixture;
  const std::string source = fixture.at("source");
  make(source, ordinary_tree());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  const auto report = fixture.backup(*repository, {source});
  REQUIRE(outcome(report) == "ok");
  CHECK(report->snapshot.problem_count == 0);
  CHECK(report->snapshot.sources.front().counts.files == 9);

  SECTION("whole, under its absolute path") {
    const auto restored = fixture.restore(*repository, report->snapshot, "", fixture.at("out"));
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->problem_count == 0);
    CHECK(restored->restored.files == 9);
    CHECK(compare_trees(source, fixture.at("out") + source, {.holes = true}) ==
          std::vector<std::string>());
  }
  SECTION("the folder's contents into the target") {
    const auto restored = fixture.restore(*repository, report->snapshot, source, fixture.at("out"));
    REQUIRE(outcome(restored) == "ok");
    CHECK(compare_trees(source, fixture.at("out"), {.holes = true}) == std::vector<std::string>());
  }
  SECTION("a folder inside: a hard link whose first name is outside becomes a file") {
    const auto restored =
        fixture.restore(*repository, report->snapshot, source + "/docs", fixture.at("out"));
    REQUIRE(outcome(restored) == "ok");
    CHECK(compare_trees(source + "/docs", fixture.at("out"), {.hard_links = false}) ==
          std::vector<std::string>());
  }
  SECTION("one file") {
    const auto restored =
        fixture.restore(*repository, report->snapshot, source + "/small", fixture.at("out"));
    REQUIRE(outcome(restored) == "ok");
    CHECK(restored->restored.files == 1);
    CHECK(read_file(fixture.at("out/small")) == read_file(source + "/small"));
  }
  SECTION("a dry run counts and writes nothing") {
    repo::RestoreOptions options;
    options.target = fixture.at("out");
    options.dry_run = true;
    const auto planned = repo::restore(*repository, report->snapshot, options, fixture.observer);
    REQUIRE(outcome(planned) == "ok");
    CHECK(planned->restored.files == 9);
    CHECK_FALSE(std::filesystem::exists(fixture.at("out")));
  }
  SECTION("a path that is not there names what is") {
    const auto restored =
        fixture.restore(*repository, report->snapshot, source + "/docs/three", fixture.at("out"));
    REQUIRE(outcome(restored) == "not_found");
    CHECK_THAT(restored.error().message(), Catch::Contains("no three in " + source + "/docs"));
  }
}

TEST_CASE("attributes that only root may give come back") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root for owners, devices and trusted attributes");
    return;
  }
  RepoFixture fixture;
  const std::string source = fixture.at("source");
  make(source, {tree::text_file("owned", "x").with_owner(1234, 5678).with_mode(06755),
                tree::char_device("null", {1, 3}), tree::block_device("loop", {7, 200}),
                tree::text_file("attributes", "x").with_xattr("trusted.cairn", "secret")});
  auto repository = fixture.init();
  const auto report = fixture.backup(*repository, {source});
  REQUIRE(outcome(report) == "ok");
  const auto restored = fixture.restore(*repository, report->snapshot, source, fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(source, fixture.at("out")) == std::vector<std::string>());
}

TEST_CASE("an ordinary user gets back what may be given, and is told the rest") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root to make what an ordinary user cannot");
    return;
  }
  RepoFixture fixture;
  const std::string source = fixture.at("source");
  make(source, {tree::text_file("owned", "x").with_owner(1234, 5678).with_mode(0644),
                tree::char_device("null", {1, 3})});
  {
    auto repository = fixture.init();
    REQUIRE(outcome(fixture.backup(*repository, {source})) == "ok");
  }
  std::filesystem::permissions(fixture.at("."), std::filesystem::perms::all);
  REQUIRE(::system(("chmod -R a+rwX " + fixture.at("repo")).c_str()) == 0);
  const std::string told = run_as_ordinary_user([&]() -> std::string {
    auto repository = fixture.open("correct horse", fixture.at("cache of nobody"));
    if (!repository) {
      return message_of(repository);
    }
    const auto snapshot = repo::find_snapshot(*repository, "latest", fixture.observer);
    const auto restored =
        fixture.restore(*repository, snapshot->snapshot, source, fixture.at("out"));
    if (!restored) {
      return message_of(restored);
    }
    return "owner " + std::to_string(restored->skipped_owner) + " special " +
           std::to_string(restored->skipped_special) + " problems " +
           std::to_string(restored->problem_count);
  });
  // The folder itself belongs to root too.
  CHECK(told == "owner 2 special 1 problems 1");
  CHECK(read_file(fixture.at("out/owned")) == read_file(source + "/owned"));
}

TEST_CASE("equal trees have equal roots wherever they lie and however many workers read them") {
  RepoFixture fixture;
  make(fixture.at("source"), ordinary_tree());
  REQUIRE(::system(
              ("cp -a '" + fixture.at("source") + "' '" + fixture.at("third") + "'").c_str()) == 0);

  auto repository = fixture.init();
  fixture.workers = 1;
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  fixture.workers = 4;
  const auto second = fixture.backup(*repository, {fixture.at("third")});
  REQUIRE(outcome(first) == "ok");
  REQUIRE(outcome(second) == "ok");
  CHECK(first->snapshot.sources[0].root == second->snapshot.sources[0].root);
  CHECK(second->data_packs == 0);
}

TEST_CASE("a second backup of the same tree stores next to nothing") {
  RepoFixture fixture;
  make(fixture.at("source"), ordinary_tree());
  auto repository = fixture.init();
  const auto first = fixture.backup(*repository, {fixture.at("source")});
  const auto second = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(second) == "ok");
  CHECK(second->data_packs == 0);
  CHECK(second->metadata_packs == 0);
  CHECK(second->snapshot.added_data.chunks == 0);
  CHECK(second->written_bytes < 8192);
  CHECK(first->snapshot.sources == second->snapshot.sources);
}

TEST_CASE("the stages of a backup say what went through them") {
  RepoFixture fixture;
  REQUIRE(
      make_tree(fixture.at("source"), {tree::file("a", 300'000, 1), tree::file("same", 300'000, 1),
                                       tree::file("d/b", 5'000, 2)})
          .empty());
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  repo::BackupOptions options = fixture.options({fixture.at("source")});
  options.measure_stages = true;
  const auto bytes_of = [&](const repo::BackupReport& report) {
    std::map<std::string, std::uint64_t> bytes;
    for (const repo::StageTime& stage : report.stages) {
      bytes[stage.name] = stage.bytes;
    }
    return bytes;
  };
  const auto first = fixture.backup(*repository, options);
  REQUIRE(outcome(first) == "ok");
  auto bytes = bytes_of(*first);
  CHECK(bytes.size() == 10);
  CHECK(bytes["read"] == 605'000);
  CHECK(bytes["cut"] == 605'000);
  CHECK(bytes["hash"] == 605'000);
  CHECK(bytes["group"] == first->snapshot.added_data.plain_bytes);
  CHECK(bytes["compress"] ==
        first->snapshot.added_data.plain_bytes + first->snapshot.added_metadata.plain_bytes);
  CHECK(bytes["seal"] > 305'000);  // random bytes do not get smaller
  CHECK(bytes["pack"] > bytes["seal"]);

  options.force_rehash = true;
  const auto again = fixture.backup(*repository, options);
  REQUIRE(outcome(again) == "ok");
  bytes = bytes_of(*again);
  CHECK(bytes["hash"] == 605'000);
  CHECK(bytes["group"] == 0);

  options.measure_stages = false;
  const auto unmeasured = fixture.backup(*repository, options);
  REQUIRE(outcome(unmeasured) == "ok");
  CHECK(unmeasured->stages.empty());
}

TEST_CASE("a file is cut into the same chunks whatever is read with it") {
  // Sizes around those of the read buffer (512 KiB), which small files share.
  const std::vector<std::uint64_t> sizes{0,       1,       300'000, 224'288,   5,         524'288,
                                         1,       524'287, 524'289, 7,         1'048'576, 100'000,
                                         400'000, 30'000,  0,       2'000'000, 3};
  std::vector<TreeObject> together;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string name = std::string(1, static_cast<char>('a' + static_cast<int>(i)));
    together.push_back(tree::file("all/" + name, sizes[i], i + 1));
    together.push_back(tree::sparse_file("all/" + name + " with holes", 900'000,
                                         {{65'536, 50'000}, {500'000, 20'000 + i}}, 100 + i));
  }
  RepoFixture fixture;
  fixture.workers = 1;
  make(fixture.at("together"), together);
  auto repository = fixture.init();
  const auto first = fixture.backup(*repository, {fixture.at("together")});
  REQUIRE(outcome(first) == "ok");
  const auto restored =
      fixture.restore(*repository, first->snapshot, fixture.at("together"), fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(fixture.at("together"), fixture.at("out"), {.holes = true}) ==
        std::vector<std::string>());

  // Each as a source of its own: nothing is left in the buffer from one to the next.
  for (const TreeObject& object : together) {
    CAPTURE(object.path);
    const auto alone = fixture.backup(*repository, {fixture.at("together/" + object.path)});
    REQUIRE(outcome(alone) == "ok");
    CHECK(alone->data_packs == 0);
  }
}

TEST_CASE("a changed byte stores its chunk again and not the file") {
  RepoFixture fixture;
  make(fixture.at("source"), {tree::file("big", 8'000'000, 7)});
  auto repository = fixture.init();
  REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  flip_byte(fixture.at("source/big"), 4'000'000);
  const auto second = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(second) == "ok");
  CHECK(second->snapshot.added_data.chunks >= 1);
  CHECK(second->snapshot.added_data.plain_bytes < 600'000);
}

TEST_CASE("several sources, nested ones taken once, and single files") {
  RepoFixture fixture;
  make(fixture.at("source"), {tree::file("a/x", 10), tree::file("b/y", 20), tree::file("z", 30)});
  auto repository = fixture.init();
  const auto report =
      fixture.backup(*repository, {fixture.at("source/z"), fixture.at("source/a/"),
                                   fixture.at("source/a/x"), fixture.at("source/b")});
  REQUIRE(outcome(report) == "ok");
  REQUIRE(report->snapshot.sources.size() == 3);
  const auto restored = fixture.restore(*repository, report->snapshot, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->restored.files == 3);
  const std::string out = fixture.at("out") + fixture.at("source");
  for (const char* name : {"/a/x", "/b/y", "/z"}) {
    CHECK(read_file(out + name) == read_file(fixture.at("source") + name));
  }
}

TEST_CASE("what cannot be read is named, and the snapshot is made without it") {
  RepoFixture fixture;
  make(fixture.at("source"), {tree::text_file("open", "x"), tree::text_file("closed", "x")});
  std::filesystem::permissions(fixture.at("."), std::filesystem::perms::all);
  std::filesystem::permissions(fixture.at("source/closed"), std::filesystem::perms::none);
  const std::string result = run_as_ordinary_user([&]() -> std::string {
    auto repository = fixture.init();
    if (!repository) {
      return message_of(repository);
    }
    const auto report = fixture.backup(*repository, {fixture.at("source")});
    if (!report) {
      return message_of(report);
    }
    const auto& snapshot = report->snapshot;
    return std::to_string(snapshot.problem_count) + ' ' +
           std::to_string(snapshot.sources[0].counts.files) + ' ' + snapshot.problems[0].path;
  });
  CHECK(result == "1 1 " + fixture.at("source/closed"));
}

TEST_CASE("if no source exists that is an error, and nothing is made") {
  RepoFixture fixture;
  auto repository = fixture.init();
  const auto report = fixture.backup(*repository, {fixture.at("nothing"), fixture.at("or less")});
  REQUIRE(outcome(report) == "not_found");
  CHECK_THAT(report.error().message(), Catch::Contains(fixture.at("nothing")));
  CHECK(fixture.objects("snapshots").empty());
  CHECK(fixture.objects("sessions").empty());
}

TEST_CASE("a dry run counts and leaves the repository as it was") {
  RepoFixture fixture;
  make(fixture.at("source"), {tree::file("f", 3'000'000)});
  auto repository = fixture.init();
  const auto before = fixture.objects(".");
  repo::BackupOptions options;
  options.paths = {fixture.at("source")};
  options.dry_run = true;
  const auto report = repo::backup(*repository, options, fixture.observer);
  REQUIRE(outcome(report) == "ok");
  CHECK_FALSE(report->id.has_value());
  CHECK(report->snapshot.added_data.plain_bytes == 3'000'000);
  CHECK(fixture.objects(".") == before);
}

TEST_CASE("the target must be empty unless it may be overwritten") {
  RepoFixture fixture;
  make(fixture.at("source"), {tree::text_file("f", "new"), tree::text_file("d/g", "new")});
  auto repository = fixture.init();
  const auto report = fixture.backup(*repository, {fixture.at("source")});
  make(fixture.at("out"),
       {tree::text_file("f", "old"), tree::text_file("other", "mine"), tree::symlink("d", "/etc")});
  const auto refused =
      fixture.restore(*repository, report->snapshot, fixture.at("source"), fixture.at("out"));
  REQUIRE(outcome(refused) == "invalid_argument");
  CHECK(core::to_string(read_file(fixture.at("out/f"))) == "old");

  repo::RestoreOptions options;
  options.path = fixture.at("source");
  options.target = fixture.at("out");
  options.overwrite = repo::Overwrite::always;
  const auto restored = repo::restore(*repository, report->snapshot, options, fixture.observer);
  REQUIRE(outcome(restored) == "ok");
  CHECK(core::to_string(read_file(fixture.at("out/f"))) == "new");
  CHECK(core::to_string(read_file(fixture.at("out/other"))) == "mine");
  // A link in the way is replaced, never followed.
  CHECK_FALSE(std::filesystem::is_symlink(fixture.at("out/d")));
  CHECK(core::to_string(read_file(fixture.at("out/d/g"))) == "new");
}

TEST_CASE("an interrupted backup makes no snapshot, and the next one goes on from it") {
  RepoFixture fixture;
  make(fixture.at("source"),
       {tree::file("a", 4'000'000, 1), tree::file("b", 4'000'000, 2), tree::file("c", 4'000'000, 3),
        tree::file("d", 4'000'000, 4), tree::file("e", 4'000'000, 5)});
  auto repository = fixture.init();
  std::stop_source stop;
  repo::BackupOptions options;
  options.paths = {fixture.at("source")};
  options.workers = 1;
  options.stop = stop.get_token();
  fixture.observer.on_progress = [&](const repo::Progress&) {
    stop.request_stop();  // told after the first object
  };
  const auto interrupted = repo::backup(*repository, options, fixture.observer);
  REQUIRE(outcome(interrupted) == "interrupted");
  CHECK(fixture.objects("snapshots").empty());
  CHECK(fixture.objects("sessions").empty());
  fixture.observer.on_progress = nullptr;

  const auto report = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(report) == "ok");
  const auto restored =
      fixture.restore(*repository, report->snapshot, fixture.at("source"), fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(fixture.at("source"), fixture.at("out")) == std::vector<std::string>());
}

namespace {

/// Asks for a stop when so many objects have been restored.
class StopAfter final : public repo::Observer {
 public:
  explicit StopAfter(int objects) : left_(objects) {}
  void restored(repo::RestoreAction /*action*/, std::string_view /*path*/) override {
    if (--left_ == 0) {
      stop_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  int left_;
  std::stop_source stop_;
};

}  // namespace

TEST_CASE("an interrupted restore leaves whole files only", "[threads]") {
  RepoFixture fixture;
  std::vector<TreeObject> objects;
  for (int i = 0; i < 200; ++i) {
    objects.push_back(tree::file("f" + std::to_string(i), 100'000, static_cast<unsigned>(i)));
  }
  make(fixture.at("source"), objects);
  auto repository = fixture.init();
  const auto report = fixture.backup(*repository, {fixture.at("source")});
  const int objects_before_the_stop = GENERATE(3, 10);  // the folder is one of them
  CAPTURE(objects_before_the_stop);
  StopAfter observer(objects_before_the_stop);
  repo::RestoreOptions options;
  options.path = fixture.at("source");
  options.target = fixture.at("out");
  options.workers = 2;
  options.stop = observer.token();
  const auto restored = repo::restore(*repository, report->snapshot, options, observer);
  REQUIRE(outcome(restored) == "interrupted");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture.at("out"))) {
    const std::string name = entry.path().filename();
    CAPTURE(name);
    REQUIRE(std::filesystem::exists(fixture.at("source/" + name)));
    CHECK(read_file(entry.path()) == read_file(fixture.at("source/" + name)));
    files += 1;
  }
  // How many more were under way when the stop came is a matter of threads: perhaps all.
  CHECK(files > 0);
}

TEST_CASE("many workers on many files", "[threads]") {
  RepoFixture fixture;
  fixture.workers = 4;
  std::vector<TreeObject> objects;
  for (unsigned i = 0; i < 300; ++i) {
    objects.push_back(tree::file("d" + std::to_string(i % 17) + "/f" + std::to_string(i),
                                 (i * 7919) % 60'000, i % 250));
  }
  objects.push_back(tree::file("huge", 6'000'000, 999));
  make(fixture.at("source"), objects);
  auto repository = fixture.init();
  const auto report = fixture.backup(*repository, {fixture.at("source")});
  REQUIRE(outcome(report) == "ok");
  const auto verified = fixture.verify(*repository);
  REQUIRE(outcome(verified) == "ok");
  CHECK_FALSE(verified->damaged());
  const auto restored =
      fixture.restore(*repository, report->snapshot, fixture.at("source"), fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(compare_trees(fixture.at("source"), fixture.at("out")) == std::vector<std::string>());
}
