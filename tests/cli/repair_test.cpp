#include <filesystem>
#include <string>
#include <vector>

#include "cli_fixture.h"
#include "commands/repair.h"
#include "commands/rewrite.h"
#include "parsed_words.h"

// repair, rewrite and stats --would-free, from their words to their output.

namespace cairn::cli {
namespace {

using Catch::Contains;

/// With a file whose bytes cannot be compressed, in some blocks of its own.
class DamageFixture : public RepositoryFixture {
 public:
  DamageFixture() {
    std::string bytes;
    for (const std::byte byte : random.bytes(3'000'000)) {
      bytes += static_cast<char>(byte);
    }
    write_file(tree + "/large", bytes);
    backup();
  }

  /// The largest pack: that of the large file.
  [[nodiscard]] std::filesystem::path largest_pack() const {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "repo/packs")) {
      if (entry.is_regular_file() &&
          (found.empty() || entry.file_size() > std::filesystem::file_size(found))) {
        found = entry.path();
      }
    }
    REQUIRE_FALSE(found.empty());
    return found;
  }
  void damage() const {
    const std::string path = largest_pack();
    std::string bytes = read_file(path);
    bytes[1'500'000] ^= 1;
    write_file(path, bytes);
  }
};

}  // namespace

TEST_CASE("repair and rewrite: words", "[repair]") {
  const auto packs = arguments<RepairPacksArguments>(
      {"repair", "packs", "packs/ab/abcd", "--from-source", "/a", "--from-source", "b",
       "--from-repo", "other", "--from-key-file", "key", "-n"});
  CHECK(packs.packs == Args{"packs/ab/abcd"});
  CHECK(packs.sources == Args{"/a", "b"});
  CHECK(packs.from.repository == "other");
  CHECK(packs.from.key_file == "key");
  CHECK(packs.dry_run);

  const auto mend = arguments<RewriteArguments>({"repair", "snapshots", "a", "b", "--forget"});
  CHECK(mend.mend);
  CHECK(mend.filter.names == Args{"a", "b"});
  CHECK(mend.forget);
  CHECK_FALSE(mend.dry_run);

  const auto rewrite = arguments<RewriteArguments>({"rewrite", "-e", "*.iso", "--exclude", "/tmp",
                                                    "--exclude-file", "list", "--host", "h",
                                                    "--tag", "t", "--path", "/p", "--dry-run"});
  CHECK_FALSE(rewrite.mend);
  CHECK(rewrite.excludes == Args{"*.iso", "/tmp"});
  CHECK(rewrite.exclude_files == Args{"list"});
  CHECK(rewrite.filter.hosts == Args{"h"});
  CHECK(rewrite.filter.tag_lists == std::vector<Args>{Args{"t"}});
  CHECK(rewrite.filter.paths == Args{"/p"});
  CHECK(rewrite.dry_run);

  CHECK_THAT(refused({"rewrite"}).message, Contains("what to leave out"));
  const auto narrowed =
      arguments<RewriteArguments>({"repair", "snapshots", "latest", "--tag", "t"});
  CHECK(narrowed.filter.names == Args{"latest"});
  CHECK(narrowed.filter.tag_lists == std::vector<Args>{Args{"t"}});
  CHECK_THAT(
      refused({"repair", "packs", "--from-key-file", "a", "--from-password-file", "b"}).message,
      Contains("only one"));
}

TEST_CASE_METHOD(DamageFixture, "repair packs: what is lost is told by path, and healed",
                 "[repair]") {
  damage();
  const Outcome seen = run({"verify", "--check-integrity"});
  CHECK(seen.status == 4);
  CHECK_THAT(seen.out, Contains("cairn repair packs"));
  CHECK_THAT(must({"repair", "packs", "--dry-run"}).out, Contains("is damaged"));

  const Outcome lost = run({"repair", "packs"});
  CHECK(lost.status == 4);
  CHECK_THAT(lost.out, Contains("affects ") && Contains("/large"));
  CHECK_THAT(lost.out, Contains("cairn repair snapshots"));

  const auto healed =
      must({"repair", "packs", "--from-source", tree, "--json"}).json_lines().back();
  CHECK(healed.at("damaged").empty());
  CHECK(healed.at("healed_from_sources") > 0);
  CHECK(healed.at("missing_after") == 0);
  CHECK(healed.at("left").at("damaged") == false);
  must({"verify", "--check-integrity"});
  CHECK(run({"repair", "packs", "packs/ab/nonsense"}).status == 1);
}

TEST_CASE_METHOD(DamageFixture, "repair packs: from another repository", "[repair]") {
  environment["CAIRN_KEY_FILE"] = folder / "key2";
  environment["CAIRN_FROM_KEY_FILE"] = folder / "key";
  must({"init", "-r", folder / "second"});
  must({"copy", "-r", folder / "second", "--from-repo", folder / "repo"});
  environment["CAIRN_KEY_FILE"] = folder / "key";
  environment["CAIRN_FROM_KEY_FILE"] = folder / "key2";
  std::filesystem::remove(largest_pack());
  const Outcome seen = run({"verify"});
  CHECK(seen.status == 4);
  CHECK_THAT(seen.out, Contains("cairn repair packs"));
  const Outcome healed = must({"repair", "packs", "--from-repo", folder / "second"});
  CHECK_THAT(healed.err + healed.out, Contains("from the other repository"));
  must({"verify", "--check-integrity"});
}

TEST_CASE_METHOD(DamageFixture, "repair snapshots: a loss is told, and the rest restores",
                 "[repair]") {
  std::filesystem::remove(largest_pack());
  CHECK(run({"repair", "packs"}).status == 4);
  const Outcome dry = must({"repair", "snapshots", "--dry-run"});
  CHECK_THAT(dry.out, Contains("would be replaced") && Contains("/large"));
  const auto mended = must({"repair", "snapshots", "--forget", "--json"}).json_lines().back();
  REQUIRE(mended.at("snapshots").size() == 1);
  CHECK(mended.at("snapshots")[0].at("forgotten") == true);
  CHECK(mended.at("snapshots")[0].at("lost_count") >= 1);
  must({"prune"});
  must({"verify", "--check-integrity"});
  must({"restore", "latest:" + tree, "--target", folder / "out"});
  CHECK(std::filesystem::file_size(folder / "out" + "/large") == 3'000'000);
  CHECK_THAT(must({"repair", "snapshots"}).out, Contains("0 snapshots replaced"));
}

TEST_CASE_METHOD(DamageFixture, "rewrite: paths go, and stats says beforehand what it gives back",
                 "[repair]") {
  const auto said = must({"stats", "--would-free", tree + "/large", "--json"}).json_lines().back();
  CHECK(said.at("would_free_bytes") > 2'900'000);
  CHECK(said.at("added_bytes") > 0);
  CHECK_THAT(must({"stats", "--would-free", tree + "/large"}).out, Contains("cairn rewrite"));
  CHECK(must({"stats", "--would-free", tree + "/lar[g]e", "--json"})
            .json_lines()
            .back()
            .at("would_free_bytes") == 0);
  CHECK(must({"stats", "--would-free", "latest", "--json"})
            .json_lines()
            .back()
            .at("would_free_bytes") > 2'900'000);

  write_file(folder / "patterns", "# large ones\n/**/large\n");
  CHECK_THAT(must({"rewrite", "--exclude-file", folder / "patterns", "--dry-run"}).out,
             Contains("would be replaced, 1 object left out"));
  const Outcome done = must({"rewrite", "-e", tree + "/large", "--forget"});
  CHECK_THAT(done.out, Contains("replaced by") && Contains("forgotten"));
  CHECK(must({"ls", "latest:" + tree}).out.find("large") == std::string::npos);
  must({"prune"});
  CHECK(std::filesystem::file_size(largest_pack()) < 100'000);
  must({"verify", "--check-integrity"});
  CHECK_THAT(must({"rewrite", "-e", "/*"}).out, Contains("nothing would be left"));
  CHECK(run({"rewrite", "-e", "[x"}).status == 1);
}

}  // namespace cairn::cli
