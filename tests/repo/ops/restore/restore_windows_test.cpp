#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "forwarding_catalogue.h"
#include "ops/repository/local_catalogue.h"
#include "restore_fixture.h"
#include "seeded_random.h"

using namespace cairn;
using namespace cairn::test;
using cairn::repo::Overwrite;

namespace {

// Two windows of files (RestoreFiles::kWindowFiles), and less than a block of each of two classes.
constexpr std::size_t kFiles = 2 * 8192;
constexpr std::size_t kFileBytes = 120;

std::string random_text(SeededRandom& random, std::size_t length) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV";
  core::Bytes bytes(length);
  random.fill(bytes);
  std::string text;
  for (const std::byte byte : bytes) {
    text += kLetters[std::to_integer<std::size_t>(byte) % kLetters.size()];
  }
  return text;
}

/// Cannot be read when it is first asked where the chunks of a window are.
class HiccupingCatalogue final : public test::ForwardingCatalogue {
 public:
  explicit HiccupingCatalogue(std::unique_ptr<Catalogue> real)
      : ForwardingCatalogue(std::move(real)) {}

  using Catalogue::find_all;
  [[nodiscard]] core::Result<std::vector<std::optional<repo::store::ChunkLocation>>> find_all(
      std::span<const repo::ChunkId> ids, const repo::store::PackFilter& usable) const override {
    if (!std::exchange(has_failed_, true)) {
      return core::fail(core::ErrorCode::io, "a hiccup");
    }
    return real_->find_all(ids, usable);
  }

 private:
  mutable bool has_failed_ = false;
};

}  // namespace

TEST_CASE("what a window meets ends the restore, and does not cost its last file only") {
  RestoreFixture fixture;
  std::vector<TreeObject> files;
  for (std::size_t i = 0; i < kFiles / 2 + 1; ++i) {
    files.push_back(tree::text_file("file-" + std::to_string(i), "x"));
  }
  fixture.make("source", files);
  fixture.back_up();
  auto& parts = repo::ops::opened(*fixture.repository);
  repo::ops::install_catalogue(
      parts, std::make_unique<HiccupingCatalogue>(std::move(parts.local->catalogue)));
  CHECK(outcome(fixture.run(fixture.over(Overwrite::refuse))) == "io");
}

TEST_CASE("folders nested deeper than are kept open are found again, each with its metadata") {
  constexpr unsigned kLevels = 700;  // several times FolderTable::kOpenMax
  RestoreFixture fixture;
  std::vector<TreeObject> objects;
  std::string path;
  for (unsigned level = 0; level < kLevels; ++level) {
    path += level == 0 ? "d" : "/d";
    const core::Timestamp time{1'000'000'000 + level, level};
    objects.push_back(tree::folder(path).with_mtime(time).with_mode(0700U + level % 8));
    objects.push_back(tree::text_file(path + "/z", std::to_string(level)));
  }
  fixture.make("source", objects);
  fixture.back_up();
  fixture.workers = GENERATE(1U, 3U);
  const auto way = GENERATE(Overwrite::refuse, Overwrite::always);
  if (way == Overwrite::always) {
    fixture.must(fixture.over(Overwrite::refuse));
    // Every folder has to be entered, and gets its own again.
    std::string other = fixture.at("out");
    for (unsigned level = 0; level < kLevels; ++level) {
      other += "/d";
      REQUIRE(::chmod(other.c_str(), 0711) == 0);
    }
  }
  fixture.must(fixture.over(way));
  CHECK(fixture.differences() == std::vector<std::string>());
}

TEST_CASE("a block that two windows want is read once") {
  RestoreFixture fixture;
  fixture.workers = 1;
  SeededRandom random(7);
  std::vector<TreeObject> files;
  for (std::size_t i = 0; i < kFiles; ++i) {
    // Every other one looks compressed, so there are two open blocks all the time.
    const std::string head = i % 2 == 0 ? "text" : std::string("\x1f\x8b\x08\x00", 4);
    files.push_back(tree::text_file("file-" + std::to_string(100'000 + i),
                                    head + random_text(random, kFileBytes - head.size())));
  }
  fixture.make("source", files);
  fixture.back_up();
  fixture.make("out", {});

  auto options = fixture.over(Overwrite::if_changed);
  options.dry_run = true;
  fixture.must(options);  // leaves nodes in memory
  const std::uint64_t metadata = fixture.must(options).bytes_read;
  options.dry_run = false;
  const auto report = fixture.must(options);
  CHECK(report.bytes_written == kFiles * kFileBytes);
  CHECK(fixture.differences() == std::vector<std::string>());
  // Compressed to some 0.75 of their bytes, twice would be 1.5.
  const std::uint64_t data = report.bytes_read - metadata;
  CHECK(data > kFiles * kFileBytes / 2);
  CHECK(data < kFiles * kFileBytes * 11 / 10);
}
