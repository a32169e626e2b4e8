#include <filesystem>
#include <string>

#include "cli_fixture.h"

// The repository's settings, and what a backup says that reaches its limit.

namespace cairn::cli {

using Catch::Contains;

TEST_CASE_METHOD(RepositoryFixture, "config shows the settings, and changes them", "[config]") {
  CHECK(must({"config"}).out == "max-repo-size: none\n");
  CHECK(must({"config", "--json"}).json() == nlohmann::json{{"max_repo_bytes", nullptr}});
  CHECK(must({"config", "--max-repo-size", "2G"}).out == "max-repo-size: 2.0 GiB\n");
  CHECK(must({"config"}).out == "max-repo-size: 2.0 GiB\n");
  CHECK(must({"config", "--json"}).json() ==
        nlohmann::json{{"max_repo_bytes", std::uint64_t{2} << 30}});
  CHECK(must({"config", "--max-repo-size", "none", "--json"}).json() ==
        nlohmann::json{{"max_repo_bytes", nullptr}});
  CHECK(run({"config", "--max-repo-size", "0"}).status == 2);
}

TEST_CASE_METHOD(CliFixture, "init with a limit", "[config]") {
  environment["CAIRN_REPOSITORY"] = folder / "repo";
  environment["CAIRN_KEY_FILE"] = folder / "key";
  must({"init", "--max-repo-size", "5M"});
  CHECK(must({"config"}).out == "max-repo-size: 5.0 MiB\n");
}

TEST_CASE_METHOD(RepositoryFixture, "only a key of role admin changes settings", "[config]") {
  must({"config", "--max-repo-size", "1G"});
  must({"key", "add", "--role", "backup", "--new-key-file", folder / "writer"});
  environment["CAIRN_KEY_FILE"] = folder / "writer";
  CHECK(must({"config"}).out == "max-repo-size: 1.0 GiB\n");
  const Outcome refused = run({"config", "--max-repo-size", "none"});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Contains("role backup") && Contains("role admin"));
  CHECK(must({"config"}).out == "max-repo-size: 1.0 GiB\n");
}

TEST_CASE_METHOD(RepositoryFixture, "a backup that would pass the limit says what to do",
                 "[config]") {
  backup();
  must({"config", "--max-repo-size", "300K"});
  write_file(tree + "/more", core::to_string(random.bytes(400'000)));
  const Outcome full = run({"backup", tree});
  CHECK(full.status == 1);
  CHECK_THAT(full.err, Contains("size limit") && Contains("300.0 KiB"));
  CHECK_THAT(full.err,
             Contains("cairn forget --prune") && Contains("cairn config --max-repo-size"));
  CHECK(must({"snapshots", "--json"}).json().at("snapshots").size() == 1);
  must({"verify", "--check-integrity"});
  must({"config", "--max-repo-size", "1M"});
  backup();
  CHECK(must({"snapshots", "--json"}).json().at("snapshots").size() == 2);
  must({"verify", "--check-integrity"});
}

}  // namespace cairn::cli
