#include "cairn/repo/keys.h"

#include <algorithm>
#include <filesystem>

#include "cairn/repo/stats.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"
#include "tree_spec.h"

using namespace cairn;
using namespace cairn::test;

namespace {

core::Result<repo::KeySlotId> add(repo::Repository& repository, repo::Role role,
                                  std::string_view passphrase) {
  repo::AddKeyOptions options;
  options.role = role;
  options.name = std::string(passphrase);
  options.credentials = RepoFixture::passphrase(passphrase);
  options.kdf = RepoFixture::cheap_kdf();
  return repo::add_key(repository, options);
}

}  // namespace

TEST_CASE("a repository is made once") {
  RepoFixture fixture;
  REQUIRE(outcome(fixture.init()) == "ok");
  CHECK(outcome(fixture.init()) == "already_exists");
}

TEST_CASE("what opens a repository and what does not") {
  RepoFixture fixture;
  SECTION("nothing there") {
    const auto opened = fixture.open();
    REQUIRE(outcome(opened) == "not_a_repository");
    CHECK_THAT(opened.error().hint(), Catch::Contains("cairn init"));
  }
  SECTION("a wrong passphrase") {
    REQUIRE(outcome(fixture.init()) == "ok");
    CHECK(outcome(fixture.open("wrong")) == "wrong_key");
  }
  SECTION("a folder with other things in it") {
    REQUIRE(make_tree(fixture.at("source"), {tree::text_file("config", "hello")}).empty());
    repo::OpenOptions options;
    options.location = fixture.at("source");
    options.credentials = RepoFixture::passphrase();
    const auto opened = repo::Repository::open(fixture.environment(), options, fixture.observer);
    CHECK_FALSE(opened);
  }
}

TEST_CASE("keys that were exported bring back a repository that has lost its own") {
  RepoFixture fixture;
  std::string text;
  {
    auto repository = fixture.init();
    REQUIRE(outcome(repository) == "ok");
    REQUIRE(outcome(add(*repository, repo::Role::restore, "second")) == "ok");
    const auto exported = repo::export_keys(*repository, "");
    REQUIRE(outcome(exported) == "ok");
    CHECK(exported->ids.size() == 2);
    text = exported->text;
    CHECK(outcome(repo::export_keys(*repository, "0000000000")) == "not_found");
    const auto one = repo::export_keys(*repository, exported->ids[1].hex());
    REQUIRE(outcome(one) == "ok");
    CHECK(one->ids == std::vector{exported->ids[1]});
  }
  const std::string location = fixture.at("repo");
  for (const std::string& key : fixture.objects("keys")) {
    std::filesystem::remove(fixture.object_file(key));
  }
  std::filesystem::remove(location + "/keys");
  const auto lost = fixture.open();
  REQUIRE(outcome(lost) == "not_found");
  CHECK_THAT(lost.error().hint(), Catch::Contains("cairn key import"));

  const auto environment = fixture.environment();
  std::string typed_wrong = text;
  const std::size_t digit = text.find("-----\n") + 20;
  typed_wrong[digit] = text[digit] == '0' ? '1' : '0';
  for (const std::string& bad :
       {std::string(), std::string("no key"), text.substr(0, text.size() / 3), typed_wrong}) {
    CHECK(outcome(repo::import_keys(environment, location, bad)) == "invalid_argument");
    CHECK_FALSE(std::filesystem::exists(location + "/keys"));
  }
  std::string respaced = "Some letter.\r\n";
  for (const char c : text) {
    respaced += c == '\n' ? std::string("\r\n") : std::string(1, c);
  }
  const auto imported = repo::import_keys(environment, location, respaced);
  REQUIRE(outcome(imported) == "ok");
  CHECK(imported->ids.size() == 2);
  CHECK(imported->already_there == 0);
  CHECK(outcome(fixture.open()) == "ok");
  CHECK(outcome(fixture.open("second")) == "ok");
  const auto again = repo::import_keys(environment, location, text);
  REQUIRE(outcome(again) == "ok");
  CHECK(again->already_there == 2);

  // Without config each of them brings that, too; elsewhere they are refused.
  RepoFixture other;
  core::Bytes apart(8);  // or it would have the same id
  other.random.fill(apart);
  REQUIRE(outcome(other.init()) == "ok");
  CHECK(outcome(repo::import_keys(other.environment(), other.at("repo"), text)) ==
        "invalid_argument");
  CHECK(outcome(repo::import_keys(environment, fixture.at("nothing"), text)) == "not_a_repository");
}

TEST_CASE("whatever a key is called, what is exported can be imported") {
  RepoFixture fixture;
  auto repository = fixture.init();
  REQUIRE(outcome(repository) == "ok");
  repo::AddKeyOptions options;
  options.name = "a\n-----BEGIN CAIRN KEY 00-----\n\x1b[2J-----END CAIRN KEY-----";
  options.credentials = RepoFixture::passphrase("second");
  options.kdf = RepoFixture::cheap_kdf();
  REQUIRE(outcome(repo::add_key(*repository, options)) == "ok");
  const auto exported = repo::export_keys(*repository, "");
  REQUIRE(outcome(exported) == "ok");
  CHECK(exported->text.find('\x1b') == std::string::npos);
  const auto imported =
      repo::import_keys(fixture.environment(), fixture.at("repo"), exported->text);
  REQUIRE(outcome(imported) == "ok");
  CHECK(imported->ids.size() == 2);
}

TEST_CASE("roles can do what they may and nothing else") {
  RepoFixture fixture;
  REQUIRE(make_tree(fixture.at("source"), {tree::file("f", 100'000)}).empty());
  {
    auto admin = fixture.init();
    REQUIRE(outcome(fixture.backup(*admin, {fixture.at("source")})) == "ok");
    for (const auto role : {repo::Role::admin, repo::Role::backup, repo::Role::restore,
                            repo::Role::maintain, repo::Role::audit}) {
      REQUIRE(outcome(add(*admin, role, repo::to_string(role))) == "ok");
    }
    CHECK(repo::list_keys(*admin)->size() == 6);
  }
  const auto role = GENERATE(repo::Role::admin, repo::Role::backup, repo::Role::restore,
                             repo::Role::maintain, repo::Role::audit);
  CAPTURE(repo::to_string(role));
  auto repository = fixture.open(repo::to_string(role), fixture.at("own cache"));
  REQUIRE(outcome(repository) == "ok");
  CHECK(repository->role() == role);
  const bool reads_names = role != repo::Role::backup;
  const bool reads_data = role == repo::Role::admin || role == repo::Role::restore;
  const bool writes = role == repo::Role::admin || role == repo::Role::backup;

  const auto listed = repo::list_snapshots(*repository, fixture.observer);
  CHECK(outcome(listed) == (reads_names ? "ok" : "not_permitted"));
  CHECK(outcome(repo::statistics(*repository, fixture.observer)) ==
        (reads_names ? "ok" : "not_permitted"));
  if (reads_names) {
    CHECK(outcome(fixture.restore(*repository, (*listed)[0].snapshot, "", fixture.at("out"))) ==
          (reads_data ? "ok" : "not_permitted"));
    const auto verified = fixture.verify(*repository);
    REQUIRE(outcome(verified) == "ok");
    CHECK_FALSE(verified->damaged());
    CHECK(verified->contents_opened == reads_data);
  }
  const auto stored = fixture.backup(*repository, {fixture.at("source")});
  CHECK(outcome(stored) == (writes ? "ok" : "not_permitted"));
  if (stored) {
    CHECK(stored->data_packs == 0);  // a client that cannot read still deduplicates
  }
  CHECK(outcome(add(*repository, repo::Role::audit, "more")) ==
        (role == repo::Role::admin ? "ok" : "not_permitted"));
}

TEST_CASE("a snapshot made by a write-only client restores with another key") {
  RepoFixture fixture;
  REQUIRE(make_tree(fixture.at("source"), {tree::file("f", 100'000)}).empty());
  {
    auto admin = fixture.init();
    REQUIRE(outcome(add(*admin, repo::Role::backup, "writer")) == "ok");
  }
  {
    auto writer = fixture.open("writer", fixture.at("writer's cache"));
    REQUIRE(outcome(fixture.backup(*writer, {fixture.at("source")})) == "ok");
  }
  auto admin = fixture.open();
  const auto latest = repo::find_snapshot(*admin, "latest", fixture.observer);
  REQUIRE(outcome(latest) == "ok");
  REQUIRE(outcome(fixture.restore(*admin, latest->snapshot, fixture.at("source"),
                                  fixture.at("out"))) == "ok");
  CHECK(compare_trees(fixture.at("source"), fixture.at("out")).empty());
}

TEST_CASE("keys are removed by prefix, but not the one in use and not the last admin's") {
  RepoFixture fixture;
  auto repository = fixture.init();
  const auto own = repo::list_keys(*repository)->front();
  CHECK(outcome(repo::remove_key(*repository, own.id.hex())) == "invalid_argument");
  CHECK(own.readable);
  CHECK(own.is_current);
  CHECK(own.role == repo::Role::admin);
  CHECK(own.name == "admin");
  CHECK(own.host == "host");
  const auto second = add(*repository, repo::Role::restore, "reader");
  REQUIRE(outcome(second) == "ok");
  const auto both = repo::list_keys(*repository);
  REQUIRE(both->size() == 2);
  for (const auto& key : *both) {
    CHECK(key.readable);
    CHECK(key.role == (key.id == *second ? repo::Role::restore : repo::Role::admin));
  }
  CHECK(outcome(repo::remove_key(*repository, "zz")) == "not_found");
  CHECK(outcome(repo::remove_key(*repository, second->hex().substr(0, 16))) == "ok");
  CHECK(outcome(fixture.open("reader")) == "wrong_key");
}

TEST_CASE("a changed passphrase opens what the old one did, and the old one no longer") {
  RepoFixture fixture;
  REQUIRE(make_tree(fixture.at("source"), {tree::file("f", 1'000)}).empty());
  {
    auto repository = fixture.init();
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
    REQUIRE(outcome(repo::change_credentials(*repository, RepoFixture::passphrase("new"),
                                             RepoFixture::cheap_kdf())) == "ok");
  }
  CHECK(outcome(fixture.open()) == "wrong_key");
  auto repository = fixture.open("new");
  REQUIRE(outcome(repository) == "ok");
  CHECK(repo::list_snapshots(*repository, fixture.observer)->size() == 1);
  const auto keys = repo::list_keys(*repository);
  REQUIRE(keys->size() == 1);
  CHECK(keys->front().name == "admin");
}
