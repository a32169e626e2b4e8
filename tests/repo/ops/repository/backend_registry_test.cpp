#include "store/backend/backend_registry.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "catch2.h"
#include "mem_backend.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn {
namespace {

using repo::store::Backend;
using repo::store::BackendContext;
using test::MemBackend;
using test::outcome;
using test::RepoFixture;

/// A backend of its own each time that its objects are opened.
class OpenedMemory final : public Backend {
 public:
  explicit OpenedMemory(std::shared_ptr<MemBackend> objects) : objects_(std::move(objects)) {}

  core::Result<std::unique_ptr<repo::store::ObjectWriter>> start() override {
    return objects_->start();
  }
  core::Result<core::Bytes> get(const repo::store::ObjectName& name,
                                std::uint64_t size_max) override {
    return objects_->get(name, size_max);
  }
  core::Status get_range(const repo::store::ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override {
    return objects_->get_range(name, offset, out);
  }
  core::Result<std::optional<std::uint64_t>> size(const repo::store::ObjectName& name) override {
    return objects_->size(name);
  }
  core::Status list(repo::format::ObjectKind kind,
                    const std::function<void(const repo::store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override {
    return objects_->list(kind, visit, foreign);
  }
  core::Status remove(const repo::store::ObjectName& name) override {
    return objects_->remove(name);
  }

 private:
  std::shared_ptr<MemBackend> objects_;
};

/// "mem:NAME", in upper or lower case.
class Memory final : public repo::store::BackendKind {
 public:
  core::Result<std::string> spelled(const std::string& location) const override {
    if (location.size() == std::string_view("mem:").size()) {
      return core::fail(core::ErrorCode::invalid_argument, location + ": memory without a name");
    }
    std::string small = location;
    std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
    return small;
  }
  core::Result<bool> is_there(const BackendContext& context) const override {
    return all.contains(context.location);
  }
  core::Status create(const BackendContext& context) const override {
    if (!all.emplace(context.location, std::make_shared<MemBackend>()).second) {
      return core::fail(core::ErrorCode::already_exists, context.location + ": it is there");
    }
    return {};
  }
  core::Result<std::unique_ptr<Backend>> open(const BackendContext& context) const override {
    const auto found = all.find(context.location);
    if (found == all.end()) {
      return core::fail(core::ErrorCode::not_a_repository, context.location + ": nothing there");
    }
    return std::make_unique<OpenedMemory>(found->second);
  }

  mutable std::map<std::string, std::shared_ptr<MemBackend>> all;
};

}  // namespace

TEST_CASE("a repository lies in a kind of storage that was registered", "[backends]") {
  RepoFixture fixture;
  std::ofstream(fixture.at("source/file")) << "content";
  const auto memory = std::make_shared<Memory>();
  repo::store::BackendRegistry backends;
  repo::Environment environment = fixture.environment();
  const repo::InitOptions init{.location = "mem:One",
                               .credentials = RepoFixture::passphrase(),
                               .kdf = RepoFixture::cheap_kdf()};
  environment.backends = &backends;
  CHECK(outcome(repo::Repository::init(environment, init)) == "invalid_argument");
  backends.add("mem", memory);
  CHECK(repo::is_there(environment, init.location) == false);

  {
    auto repository = repo::Repository::init(environment, init);
    REQUIRE(test::message_of(repository) == "");
    CHECK(repository->location() == "mem:one");
    REQUIRE(outcome(fixture.backup(*repository, {fixture.at("source")})) == "ok");
  }
  CHECK(repo::is_there(environment, init.location) == true);
  CHECK(outcome(repo::Repository::init(environment, init)) == "already_exists");
  CHECK(memory->all.at("mem:one")->names().size() > 4);
  CHECK_FALSE(std::filesystem::exists("mem:one"));

  auto repository = repo::Repository::open(
      environment, {.location = "MEM:one", .credentials = RepoFixture::passphrase()},
      fixture.observer);
  CHECK(outcome(repository) == "invalid_argument");  // schemes are not spelled, what follows is
  repository = repo::Repository::open(
      environment, {.location = "mem:ONE", .credentials = RepoFixture::passphrase()},
      fixture.observer);
  REQUIRE(test::message_of(repository) == "");
  const auto latest = repo::find_snapshot(*repository, "latest", fixture.observer);
  REQUIRE(test::message_of(latest) == "");
  REQUIRE(outcome(fixture.restore(*repository, latest->snapshot, fixture.at("source"),
                                  fixture.at("out"))) == "ok");
  CHECK(test::read_file(fixture.at("out/file")) == test::read_file(fixture.at("source/file")));
  const auto verified = fixture.verify(*repository);
  REQUIRE(test::message_of(verified) == "");
  CHECK(verified->findings.empty());
}

TEST_CASE("kinds of storage: what stays as it was beside one more", "[backends]") {
  repo::store::BackendRegistry backends;
  backends.add("mem", std::make_shared<Memory>());
  CHECK(repo::spelled_location("/srv/a:b", &backends) == "/srv/a:b");
  CHECK(repo::spelled_location("file:///srv", &backends) == "/srv");
  CHECK(outcome(repo::spelled_location("s3:bucket", &backends)) == "invalid_argument");
  CHECK(outcome(repo::spelled_location("mem:", &backends)) == "invalid_argument");
  CHECK(outcome(repo::spelled_location("mem:x")) == "invalid_argument");
  CHECK(outcome(repo::spelled_location("", &backends)) == "invalid_argument");
  // A spelling means what it came from.
  for (const char* const location : {"file:s3:bucket", "file:~x", "file:a/b:c", "mem:X"}) {
    const auto once = repo::spelled_location(location, &backends);
    REQUIRE(outcome(once) == "ok");
    CHECK(repo::spelled_location(*once, &backends) == *once);
  }
}

}  // namespace cairn
