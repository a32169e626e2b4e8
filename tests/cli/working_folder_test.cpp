#include "cli_fixture.h"

namespace cairn::cli {
namespace {

/// A world whose working folder has been removed.
class NowhereFixture : public RepositoryFixture {
 public:
  NowhereFixture() {
    backup();
    working_folder.clear();
  }
};

TEST_CASE_METHOD(NowhereFixture,
                 "where the working folder is gone, every relative path is refused") {
  const std::string snapshot = "latest:" + tree;
  const Args commands[] = {
      {"backup", "."},
      {"backup", tree, "more"},
      {"backup", "--files-from", "list"},
      {"backup", "--files-from0", "list"},
      {"backup", tree, "--exclude-file", "list"},
      {"restore", snapshot, "--target", "x", "--dry-run"},
      {"restore", snapshot, "--target", "x"},
      {"dump", snapshot + "/hello.txt", "--output", "x"},
      {"diff", snapshot, "./tree"},
      {"forget", "--keep-last", "1", "--path", "tree"},
      {"rewrite", "-e", "x", "--path", "tree"},
      {"rewrite", "--exclude-file", "list"},
      {"repair", "packs", "--from-source", "tree"},
      {"repair", "packs", "--from-repo", "other"},
      {"copy", "--from-repo", "other"},
      {"snapshots", "-r", "repo"},
      {"init", "-r", "new"},
      {"snapshots", "--password-file", "pw"},
      {"snapshots", "--key-file", "key"},
      {"key", "add", "--new-key-file", "new"},
      {"key", "add", "--new-password-file", "new"},
  };
  for (const Args& args : commands) {
    const Outcome refused = run(args);
    CAPTURE(args, refused.out, refused.err);
    CHECK(refused.status != 0);
    CHECK(refused.err.find("the working folder is gone") != std::string::npos);
  }
  environment["CAIRN_CACHE_DIR"] = "cache";
  CHECK(run({"snapshots"}).err.find("the working folder is gone") != std::string::npos);
}

TEST_CASE_METHOD(NowhereFixture, "where the working folder is gone, absolute paths still work") {
  clock.advance(std::chrono::hours(1));
  must({"backup", tree});
  must({"restore", "latest:" + tree, "--target", folder / "out"});
  CHECK(read_file(folder / "out/hello.txt") == "hello\n");
}

}  // namespace
}  // namespace cairn::cli
