#include <algorithm>
#include <filesystem>

#include "catch2.h"
#include "forger.h"
#include "format/node.h"
#include "outcome.h"
#include "repo_fixture.h"

using namespace cairn;
using namespace cairn::repo;
using namespace cairn::test;

namespace {

/// The encoder refuses bad names, so they are put in afterwards: same length, other bytes.
core::Bytes with_replaced(core::Bytes node, std::string_view from, std::string_view to) {
  REQUIRE(from.size() == to.size());
  const auto pattern = core::as_view(from);
  const auto found = std::search(node.begin(), node.end(), pattern.begin(), pattern.end());
  REQUIRE(found != node.end());
  std::ranges::copy(core::as_view(to), found);
  return node;
}

std::vector<std::string> everything_below(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    found.push_back(std::filesystem::relative(entry.path(), folder).string());
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

TEST_CASE("names that lead elsewhere are refused, and nothing appears anywhere") {
  const std::string bad =
      GENERATE(as<std::string>{}, "../evil", "a/bevil", "/tmp/ev", std::string("a\0bcdef", 7));
  RepoFixture fixture;
  Forger forger(fixture);
  const auto leaf = format::encode_folder_leaf({{Forger::file("AAAAAAA")}}).value();
  const Snapshot snapshot = forger.publish(forger.put(with_replaced(leaf, "AAAAAAA", bad)));
  const auto restored = fixture.restore(forger.repository(), snapshot, "", fixture.at("out/inner"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->problem_count == 1);
  CHECK(restored->restored.files == 0);
  CHECK(everything_below(fixture.at("out")) == std::vector<std::string>{"inner", "inner/evil"});
  const auto verified = fixture.verify(forger.repository());
  REQUIRE(outcome(verified) == "ok");
  CHECK(verified->damaged());
}

TEST_CASE("a name that stands twice cannot turn a link into a door") {
  RepoFixture fixture;
  Forger forger(fixture);
  Entry link;
  link.name = "aaaa";
  link.type = EntryType::symlink;
  link.link_target = fixture.at("outside");
  std::filesystem::create_directory(fixture.at("outside"));
  const ChunkId inner = forger.put(format::encode_folder_leaf({{Forger::file("planted")}}).value());
  const auto leaf = format::encode_folder_leaf({{link, Forger::folder("aaab", inner)}}).value();
  const Snapshot snapshot = forger.publish(forger.put(with_replaced(leaf, "aaab", "aaaa")));
  const auto restored = fixture.restore(forger.repository(), snapshot, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->problem_count >= 1);
  CHECK(everything_below(fixture.at("outside")).empty());
}

TEST_CASE("a hard link through a symbolic link is not followed") {
  RepoFixture fixture;
  Forger forger(fixture);
  std::filesystem::create_directory(fixture.at("outside"));
  write_file(fixture.at("outside/secret"), core::as_view("secret"));
  Entry door;
  door.name = "door";
  door.type = EntryType::symlink;
  door.link_target = fixture.at("outside");
  Entry link = Forger::file("stolen");
  link.hard_link_to = "door/secret";
  const Snapshot snapshot =
      forger.publish(forger.put(format::encode_folder_leaf({{door, link}}).value()));
  const auto restored = fixture.restore(forger.repository(), snapshot, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->problem_count == 1);
  CHECK_FALSE(std::filesystem::exists(fixture.at("out/evil/stolen")));
  CHECK(std::filesystem::hard_link_count(fixture.at("outside/secret")) == 1);
}

TEST_CASE("folders nested without end stop at the limit") {
  RepoFixture fixture;
  Forger forger(fixture);
  ChunkId node = forger.put(format::encode_folder_leaf({}).value());
  for (unsigned i = 0; i < kFolderDepthMax + 10; ++i) {
    node = forger.put(format::encode_folder_leaf({{Forger::folder("d", node)}}).value());
  }
  const Snapshot snapshot = forger.publish(node);
  RestoreOptions options;
  options.target = fixture.at("out");
  options.dry_run = true;
  const auto planned = restore(forger.repository(), snapshot, options, fixture.observer);
  REQUIRE(outcome(planned) == "ok");
  CHECK(planned->problem_count == 1);
  const auto verified = fixture.verify(forger.repository());
  CHECK(outcome(verified) == "ok");
  const auto listed =
      list_entries(forger.repository(), snapshot, {.path = "/evil", .recursive = true},
                   fixture.observer, [](const ListedEntry&) { return core::Status(); });
  CHECK(outcome(listed) == "limit_exceeded");
}

TEST_CASE("a file of 8 EiB that is one hole is a problem of that file alone") {
  RepoFixture fixture;
  Forger forger(fixture);
  Content huge;
  huge.size_bytes = kFileSizeMax;
  huge.items = {{.length_bytes = kFileSizeMax, .chunk = std::nullopt}};
  const auto data = core::as_view("fine");
  Content fine;
  fine.size_bytes = data.size();
  fine.items = {{.length_bytes = data.size(), .chunk = forger.put_data(data)}};
  const Snapshot snapshot = forger.publish(forger.put(
      format::encode_folder_leaf({{Forger::file("fine", fine), Forger::file("huge", huge)}})
          .value()));
  const auto restored = fixture.restore(forger.repository(), snapshot, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  // Some file systems can hold it; then it is there, and takes no space.
  CHECK(restored->problem_count <= 1);
  CHECK(core::to_string(read_file(fixture.at("out/evil/fine"))) == "fine");
}

TEST_CASE("nodes of the wrong kind, and chunks that are not there or of another length") {
  RepoFixture fixture;
  Forger forger(fixture);
  const auto data = core::as_view("data");
  const ChunkId chunk = forger.put_data(data);
  ChunkId nowhere;
  nowhere.mutable_view()[0] = std::byte{1};

  const auto one_item = [](const ChunkId& id, std::uint64_t length) {
    Content content;
    content.size_bytes = length;
    content.items = {{.length_bytes = length, .chunk = id}};
    return content;
  };
  Content list_as_folder;
  list_as_folder.size_bytes = 4;
  list_as_folder.tree_root = forger.put(format::encode_folder_leaf({}).value());
  const ChunkId list =
      forger.put(format::encode_list_leaf({{{.length_bytes = 4, .chunk = chunk}}}).value());
  const Snapshot snapshot = forger.publish(
      forger.put(format::encode_folder_leaf({{Forger::file("fine", one_item(chunk, 4)),
                                              Forger::folder("folder of a list", list),
                                              Forger::file("list of a folder", list_as_folder),
                                              Forger::file("longer", one_item(chunk, 5)),
                                              Forger::file("nowhere", one_item(nowhere, 4))}})
                     .value()));

  const auto restored = fixture.restore(forger.repository(), snapshot, "", fixture.at("out"));
  REQUIRE(outcome(restored) == "ok");
  CHECK(restored->problem_count == 4);
  CHECK(everything_below(fixture.at("out/evil")) ==
        std::vector<std::string>{"fine", "folder of a list"});
  const auto verified = fixture.verify(forger.repository());
  REQUIRE(outcome(verified) == "ok");
  CHECK(verified->damaged());
}
