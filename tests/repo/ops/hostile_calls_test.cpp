// Whatever a caller of the public headers passes, the answer is a value or an error; the process
// goes on.

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "cairn/repo/copy.h"
#include "cairn/repo/diff.h"
#include "cairn/repo/find.h"
#include "cairn/repo/forget.h"
#include "cairn/repo/keys.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/rewrite.h"
#include "cairn/repo/stats.h"
#include "catch2.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn::repo {
namespace {

using test::message_of;
using test::outcome;

/// A repository with one snapshot of one file.
class CalledRepository : public test::RepoFixture {
 public:
  CalledRepository() {
    std::ofstream(at("source/file")) << "content";
    auto made = init();
    REQUIRE(message_of(made) == "");
    repository.emplace(*std::move(made));
    auto report = backup(*repository, {at("source")});
    REQUIRE(message_of(report) == "");
    snapshot = report->snapshot;
  }
  /// Nothing that was asked for has harmed it.
  ~CalledRepository() { CHECK(outcome(verify(*repository)) == "ok"); }
  CalledRepository(const CalledRepository&) = delete;
  CalledRepository& operator=(const CalledRepository&) = delete;

  std::optional<Repository> repository;
  Snapshot snapshot;
};

StreamSource stream_of(std::function<core::Result<std::size_t>(core::MutableByteView)> read) {
  return {.path = "/stream", .read = std::move(read), .finish = [] { return core::Status(); }};
}

core::Result<std::size_t> at_end(core::MutableByteView /*out*/) { return std::size_t{0}; }

}  // namespace

TEST_CASE("hostile calls: streams that are none, or answer what they were not asked for") {
  CalledRepository world;
  const auto backup = [&](StreamSource stream) {
    BackupOptions options = world.options({});
    options.stream = std::move(stream);
    return outcome(world.backup(*world.repository, options));
  };
  CHECK(backup({}) == "invalid_argument");
  CHECK(backup({.path = "/stream", .read = at_end, .finish = {}}) == "invalid_argument");
  CHECK(backup(stream_of({})) == "invalid_argument");
  CHECK(backup(stream_of([](core::MutableByteView out) { return out.size() + 1; })) ==
        "invalid_argument");
  CHECK(backup(stream_of([](core::MutableByteView /*out*/) -> core::Result<std::size_t> {
          throw std::runtime_error("a callback of the caller's");
        })) == "internal");
  StreamSource fails_late = stream_of(at_end);
  fails_late.finish = []() -> core::Status { throw std::bad_alloc(); };
  CHECK(backup(fails_late) == "internal");
  for (const char* const path : {"", "relative"}) {
    StreamSource named = stream_of(at_end);
    named.path = path;
    CHECK(backup(named) == "invalid_argument");
  }
  CHECK(backup(stream_of(at_end)) == "ok");
}

TEST_CASE("hostile calls: times, types, numbers and places that there are not") {
  CalledRepository world;
  const auto backup = [&](const std::function<void(BackupOptions&)>& change) {
    BackupOptions options = world.options({world.at("source")});
    change(options);
    return outcome(world.backup(*world.repository, options));
  };
  CHECK(backup([](auto& options) {
          options.time = core::Timestamp{.seconds = 1, .nanoseconds = 4'000'000'000};
        }) == "invalid_argument");
  for (const std::int64_t seconds : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}}) {
    CHECK(backup([&](auto& options) { options.time = core::Timestamp{seconds, 0}; }) == "ok");
  }
  CHECK(backup([](auto& options) { options.type = static_cast<SnapshotType>(99); }) !=
        "invalid_argument");
  for (const double part : {-1.0, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(backup([&](auto& options) { options.rehash_sample = part; }) == "ok");
  }
  CHECK(backup([](auto& options) { options.workers = UINT_MAX; }) == "ok");
  std::filesystem::create_directory(world.at("second"));
  for (const std::uint64_t seconds : {UINT64_MAX, std::uint64_t{1} << 55}) {
    BackupOptions options = world.options({world.at("source"), world.at("second")});
    options.time_limit_seconds = seconds;  // 2^55 are none at all in 64 bits of nanoseconds
    const auto all = world.backup(*world.repository, options);
    REQUIRE(message_of(all) == "");
    CHECK_FALSE(all->snapshot.partial);
  }
  for (const char* const place : {"", "relative", ".."}) {
    CHECK(backup([&](auto& options) { options.read_from[world.at("source")] = place; }) ==
          "invalid_argument");
  }
  for (const char* const name : {"", "/", "a/b", ".."}) {
    CHECK(backup([&](auto& options) { options.choice.exclude_if_present = {name}; }) == "ok");
  }
}

TEST_CASE("hostile calls: keys and credentials that make no sense") {
  CalledRepository world;
  Repository& repository = *world.repository;
  const auto add = [&](const std::function<void(AddKeyOptions&)>& change) {
    AddKeyOptions options{.role = Role::backup,
                          .name = "key",
                          .credentials = test::RepoFixture::passphrase("other"),
                          .kdf = test::RepoFixture::cheap_kdf()};
    change(options);
    return outcome(add_key(repository, options));
  };
  CHECK(add([](auto& options) { options.role = static_cast<Role>(0); }) == "invalid_argument");
  CHECK(add([](auto& options) { options.role = static_cast<Role>(99); }) == "invalid_argument");
  CHECK(add([](auto& options) { options.name = std::string(kTextBytesMax + 1, 'n'); }) ==
        "invalid_argument");
  CHECK(add([](auto& options) { options.kdf = {.passes = 0, .memory_kib = 8}; }) ==
        "limit_exceeded");
  CHECK(add([](auto& options) { options.kdf = {.passes = 1, .memory_kib = UINT32_MAX}; }) ==
        "limit_exceeded");
  CHECK(add([](auto& options) { options.credentials.type = Credentials::Type::key_file; }) ==
        "invalid_argument");
  CHECK(outcome(remove_key(repository, "")) == "not_found");
  CHECK(outcome(change_credentials(repository, {Credentials::Type::key_file, core::SecretBytes(31)},
                                   {})) == "invalid_argument");
  const auto text = export_keys(repository, "");
  REQUIRE(message_of(text) == "");
  CHECK(outcome(import_keys(world.environment(), "", text->text)) == "invalid_argument");
}

TEST_CASE("hostile calls: paths and snapshots that nobody has made") {
  CalledRepository world;
  Repository& repository = *world.repository;
  const auto seen = [](const auto&...) { return core::Status(); };
  for (const std::string& path :
       std::vector<std::string>{"relative", "..", "/..", "/no/such", std::string("/a\0b", 4)}) {
    CAPTURE(path);
    CHECK(outcome(list_entries(repository, world.snapshot, {.path = path}, world.observer, seen)) !=
          "ok");
    CHECK(outcome(dump_file(repository, world.snapshot, path, world.observer, seen)) != "ok");
    CHECK(outcome(dump_tar(repository, world.snapshot, path, world.observer, seen)) != "ok");
    CHECK(outcome(world.restore(repository, world.snapshot, path, world.at("out"))) != "ok");
    CHECK(outcome(diff(repository, {.before = {&world.snapshot, {}}, .after = {nullptr, path}},
                       world.observer, seen)) != "ok");
  }
  for (const char* const path : {"", "relative", "/no/such"}) {
    RestorePointOptions options;
    options.paths = {path};
    CHECK(outcome(make_restore_point(repository, options, world.observer)) != "ok");
  }
  CHECK(outcome(world.restore(repository, world.snapshot, "", "")) != "ok");
  CHECK_FALSE(std::filesystem::exists(world.at("out")));

  Snapshot made_up;
  CHECK(outcome(list_entries(repository, made_up, {}, world.observer, seen)) == "ok");
  CHECK(outcome(world.restore(repository, made_up, "", world.at("out"))) != "internal");
  made_up.sources.emplace_back();
  for (const char* const path : {"", "/", "relative"}) {
    made_up.sources.front().path = path;
    CHECK(outcome(list_entries(repository, made_up, {}, world.observer, seen)) != "ok");
    CHECK(outcome(list_entries(repository, made_up, {.path = "/"}, world.observer, seen)) !=
          "internal");
    CHECK(outcome(world.restore(repository, made_up, "", world.at("out"))) != "internal");
  }
}

TEST_CASE("hostile calls: what is lost is looked for in sources that are no paths") {
  CalledRepository world;
  for (const std::string& pack : world.objects("packs")) {
    std::filesystem::remove(world.object_file(pack));
  }
  for (const char* const path : {"", "relative", "..", "/no/such"}) {
    CAPTURE(path);
    CHECK(outcome(repair_packs(*world.repository, {.sources = {path}}, world.observer)) != "ok");
  }
}

TEST_CASE("hostile calls: policies without a tag, without a time, for types that there are not") {
  CalledRepository world;
  ForgetOptions options;
  options.dry_run = true;
  options.rules.general.tags = {{}};
  const auto plan = plan_forget(*world.repository, options, world.observer);
  REQUIRE(message_of(plan) == "");
  CHECK(plan->doomed.empty());
  options.rules.general = {};
  options.rules.general.within = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  CHECK(outcome(plan_forget(*world.repository, options, world.observer)) == "ok");
  options.rules.by_type[static_cast<SnapshotType>(99)].last = kKeepAll;
  CHECK(outcome(plan_forget(*world.repository, options, world.observer)) == "ok");
  CHECK(outcome(add_tags(*world.repository, {"latest"}, {""}, world.observer)) ==
        "invalid_argument");
}

TEST_CASE("hostile calls: a callback that throws is heard of, and nothing waits for ever") {
  CalledRepository world;
  Repository& repository = *world.repository;
  const auto thrown = [](const auto& call) -> std::string {
    try {
      return outcome(call());
    } catch (const std::runtime_error&) {
      return "thrown";
    }
  };
  const auto fails = [](const auto&...) -> core::Status { throw std::runtime_error("mine"); };
  CHECK(thrown([&] {
          return list_entries(repository, world.snapshot, {}, world.observer, fails);
        }) == "thrown");
  CHECK(thrown([&] {
          return dump_file(repository, world.snapshot, world.at("source/file"), world.observer,
                           fails);
        }) == "thrown");
  RestoreOptions restoring;
  restoring.target = world.at("out");
  restoring.selects = [](auto, bool) -> bool { throw std::runtime_error("mine"); };
  CHECK(thrown([&] { return restore(repository, world.snapshot, restoring, world.observer); }) !=
        "ok");
  class ThrowingObserver final : public Observer {
   public:
    void progress(const Progress& /*progress*/) override { throw std::runtime_error("mine"); }
    void change(Change /*change*/, std::string_view /*path*/) override {
      throw std::runtime_error("mine");
    }
    void restored(RestoreAction /*action*/, std::string_view /*path*/) override {
      throw std::runtime_error("mine");
    }
  };
  ThrowingObserver observer;
  BackupOptions options = world.options({world.at("source")});
  options.force_rehash = true;
  CHECK(thrown([&] { return backup(repository, options, observer); }) != "ok");
  options.tell_changes = true;
  std::ofstream(world.at("source/new")) << "more";
  CHECK(thrown([&] { return backup(repository, options, observer); }) != "ok");
  restoring.selects = {};
  restoring.overwrite = Overwrite::always;
  CHECK(thrown([&] { return restore(repository, world.snapshot, restoring, observer); }) != "ok");
}

}  // namespace cairn::repo
