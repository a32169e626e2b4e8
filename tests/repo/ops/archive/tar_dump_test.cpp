#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cairn/repo/browse.h"
#include "cairn/repo/keys.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

// GNU tar unpacks what dump_tar wrote.

using namespace cairn;
using namespace cairn::test;

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

bool runs(const std::string& command) { return std::system((command + " >&2").c_str()) == 0; }

struct Dumped {
  RepoFixture fixture;
  std::string source = fixture.at("source");
  core::Result<repo::Repository> repository = fixture.init();
  repo::Snapshot snapshot;

  void backup(const std::vector<TreeObject>& objects) {
    REQUIRE(make_tree(source, objects) == Lines());
    const auto report = fixture.backup(*repository, {source});
    REQUIRE(outcome(report) == "ok");
    snapshot = report->snapshot;
  }
  std::string dump(repo::Repository& from, const std::string& path) {
    core::Bytes archive;
    const auto status =
        repo::dump_tar(from, snapshot, path, fixture.observer, [&archive](core::ByteView bytes) {
          core::append(archive, bytes);
          return core::Status();
        });
    write_file(fixture.at("archive.tar"), archive);
    return outcome(status);
  }
  std::string dump(const std::string& path) { return dump(*repository, path); }
  /// Into the folder "out".
  [[nodiscard]] bool unpack() const {
    fs::create_directory(fixture.at("out"));
    return runs("tar --xattrs '--xattrs-include=*' --numeric-owner -xpf '" +
                fixture.at("archive.tar") + "' -C '" + fixture.at("out") + "'");
  }
};

bool has_tar() { return runs("tar --version >/dev/null 2>&1 && tar --version | grep -q GNU"); }

}  // namespace

TEST_CASE("GNU tar makes the tree again from an archive of it") {
  if (!has_tar()) {
    WARN("skipped: there is no GNU tar");
    return;
  }
  Dumped dumped;
  const std::string long_name(250, 'n');
  std::vector<TreeObject> objects = {
      tree::folder("empty").with_mtime({5, 0}),
      tree::text_file("nothing", ""),
      tree::file("block", 512, 1),
      tree::file("docs/one", 100'000, 2).with_mtime({1'000'000'000, 123'456'789}),
      tree::file("docs/large", 1'500'001, 3).with_mode(04755),
      tree::hard_link("later/one", "docs/one"),
      tree::symlink("dangling", "/nowhere/at all"),
      tree::symlink("long link", std::string(300, 'l')),
      tree::fifo("pipe"),
      tree::text_file("before 1970", "x").with_mtime({-2, 500'000'000}),
      tree::text_file("far away", "x").with_mtime({9'000'000'000, 1}),
      tree::text_file("a\nname\xff", "not UTF-8"),
      tree::text_file(long_name + "/" + long_name + "/deep", "x"),
      tree::text_file(std::string(99, 'h') + "/" + long_name, "x"),
      tree::hard_link(std::string(99, 'i'), std::string(99, 'h') + "/" + long_name),
      tree::sparse_file("sparse", 5'000'000, {{8'192, 5'000}, {4'000'000, 100}})};
  if (::geteuid() == 0) {
    objects.push_back(tree::char_device("null", {1, 3}));
    objects.push_back(tree::block_device("disk", {259, 65'537}));
    objects.push_back(tree::text_file("owned", "x").with_owner(4'000'000'000, 3'000'000));
  } else {
    WARN("without root: no devices, no other owners");
  }
  TempFolder probe;
  if (make_tree(probe.path(), {tree::text_file("f", "x").with_xattr("user.a", "1")}).empty()) {
    objects.push_back(
        tree::text_file("with attributes", "x").with_xattr("user.b=c%", std::string("1\0\n", 3)));
    objects.push_back(tree::folder("attributes").with_xattr("user.long", std::string(900, 'v')));
  } else {
    WARN("no extended attributes here");
  }
  dumped.backup(objects);
  REQUIRE(dumped.dump(dumped.source) == "ok");
  REQUIRE(dumped.unpack());
  CHECK(compare_trees(dumped.source, dumped.fixture.at("out")) == Lines());
  if (runs("rsync --version >/dev/null 2>&1")) {
    CHECK(
        runs("test -z \"$(rsync -aHn --devices --specials --delete --itemize-changes --checksum '" +
             dumped.source + "/' '" + dumped.fixture.at("out") + "/' | tee /dev/stderr)\""));
  } else {
    WARN("skipped: there is no rsync");
  }
}

TEST_CASE("part of a tree: names of one file stay links, wherever the first of them is") {
  if (!has_tar()) {
    WARN("skipped: there is no GNU tar");
    return;
  }
  Dumped dumped;
  dumped.backup({tree::file("docs/one", 5'000, 2), tree::hard_link("later/one", "docs/one"),
                 tree::hard_link("later/two", "docs/one"), tree::socket("later/socket")});
  REQUIRE(dumped.dump(dumped.source + "/later") == "ok");
  REQUIRE(dumped.unpack());
  CHECK(dumped.fixture.observer.warnings ==
        Lines{dumped.source + "/later/socket: left out, since tar has no place for a socket"});
  fs::remove(dumped.source + "/later/socket");
  CHECK(compare_trees(dumped.source + "/later", dumped.fixture.at("out"),
                      {.mtimes = false, .hard_links = false}) == Lines());
  const std::string out = dumped.fixture.at("out");
  CHECK(fs::hard_link_count(out + "/one") == 2);
  CHECK(fs::equivalent(out + "/one", out + "/two"));
  // One copy, and 1,536 bytes each for the folder, the file and the link; two copies need 15,872.
  CHECK(fs::file_size(dumped.fixture.at("archive.tar")) < 15'000);

  // Alone it is a file, although its first name lies beside it.
  fs::remove_all(out);
  dumped.backup({tree::hard_link("docs/two", "docs/one")});
  REQUIRE(dumped.dump(dumped.source + "/docs/two") == "ok");
  REQUIRE(dumped.unpack());
  CHECK(fs::file_size(out + "/two") == 5'000);
}

TEST_CASE("holes stay holes in an archive") {
  if (!has_tar()) {
    WARN("skipped: there is no GNU tar");
    return;
  }
  Dumped dumped;
  const std::string long_name(150, 'n');
  const std::uint64_t size = std::uint64_t{1} << 34;  // more than a field of the header holds
  dumped.backup({tree::sparse_file("all hole", 300'000'000, {}),
                 tree::sparse_file("end", 300'000'000, {{299'999'000, 1'000}}),
                 tree::sparse_file("begin", 300'000'000, {{0, 700}}),
                 tree::sparse_file(long_name + "/" + long_name, size, {{0, 10}, {size / 2, 100}})});
  REQUIRE(dumped.dump(dumped.source) == "ok");
  CHECK(fs::file_size(dumped.fixture.at("archive.tar")) < 200'000);
  REQUIRE(dumped.unpack());
  for (const std::string& name : {std::string("all hole"), std::string("end"), std::string("begin"),
                                  long_name + "/" + long_name}) {
    const std::string made = dumped.fixture.at("out") + "/" + name;
    struct ::stat info {};
    REQUIRE(::stat(made.c_str(), &info) == 0);
    CHECK(fs::file_size(made) == fs::file_size(dumped.source + "/" + name));
    CHECK(info.st_blocks < 2'000);
  }
  fs::remove_all(dumped.source + "/" + long_name);  // too long to be compared byte by byte
  fs::remove_all(dumped.fixture.at("out") + "/" + long_name);
  CHECK(compare_trees(dumped.source, dumped.fixture.at("out"), {.mtimes = false}) == Lines());
}

TEST_CASE("access control lists come out of an archive as they were") {
  if (!has_tar() || !runs("setfacl --version >/dev/null 2>&1")) {
    WARN("skipped: there is no GNU tar, or no setfacl");
    return;
  }
  Dumped dumped;
  REQUIRE(make_tree(dumped.source, {tree::text_file("f", "x"), tree::folder("d")}) == Lines());
  const std::string f = "'" + dumped.source + "/f'";
  if (!runs("setfacl -m u:1:rw,g:5:r-x,g::--- " + f + " 2>/dev/null")) {
    WARN("skipped: no access control lists here");
    return;
  }
  REQUIRE(runs("setfacl -m d:u:1:rwx,u:3:r '" + dumped.source + "/d'"));
  dumped.backup({});
  REQUIRE(dumped.dump(dumped.source) == "ok");
  const std::string out = dumped.fixture.at("out");
  fs::create_directory(out);
  REQUIRE(runs("tar --acls -xpf '" + dumped.fixture.at("archive.tar") + "' -C '" + out + "'"));
  for (const std::string& name : {std::string("/f"), std::string("/d")}) {
    CHECK(runs("test \"$(getfacl -cnp '" + dumped.source + name + "')\" = \"$(getfacl -cnp '" +
               out + name + "')\""));
  }
}

TEST_CASE("one file, and the folders above the sources") {
  if (!has_tar()) {
    WARN("skipped: there is no GNU tar");
    return;
  }
  Dumped dumped;
  dumped.backup({tree::file("docs/one", 5'000, 2)});
  SECTION("one file") {
    REQUIRE(dumped.dump(dumped.source + "/docs/one") == "ok");
    REQUIRE(dumped.unpack());
    CHECK(compare_trees(dumped.source + "/docs", dumped.fixture.at("out"), {.mtimes = false}) ==
          Lines());
  }
  SECTION("everything") {
    REQUIRE(dumped.dump("/") == "ok");
    REQUIRE(dumped.unpack());
    CHECK(compare_trees(dumped.source, dumped.fixture.at("out") + dumped.source) == Lines());
  }
}

TEST_CASE("an archive ends early with the error that kept it from its end") {
  Dumped dumped;
  dumped.backup({tree::file("one", 50'000, 2)});
  CHECK(dumped.dump(dumped.source + "/none") == "not_found");
  const auto refused = repo::dump_tar(
      *dumped.repository, dumped.snapshot, dumped.source, dumped.fixture.observer,
      [](core::ByteView) -> core::Status { return core::fail(core::ErrorCode::no_space, "full"); });
  CHECK(outcome(refused) == "no_space");

  repo::AddKeyOptions options;
  options.role = repo::Role::audit;
  options.credentials = RepoFixture::passphrase("auditor");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*dumped.repository, options)) == "ok");
  auto auditor = dumped.fixture.open("auditor", dumped.fixture.at("auditor's cache"));
  REQUIRE(outcome(auditor) == "ok");
  CHECK(dumped.dump(*auditor, dumped.source) == "not_permitted");

  for (const std::string& pack : dumped.fixture.objects("packs")) {
    const std::string file = dumped.fixture.object_file(pack);
    if (fs::file_size(file) > 40'000) {
      flip_byte(file, 20'000);
    }
  }
  CHECK(dumped.dump(dumped.source) == "corrupt");
}
