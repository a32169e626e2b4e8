#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cairn/core/file_system.h"
#include "catch2.h"
#include "outcome.h"
#include "seeded_random.h"
#include "temp_folder.h"

// What only the system's own file system can show; the contract is in file_system_test.cpp.
namespace cairn::core {
namespace {

using test::message_of;
using test::outcome;

void write_file(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  REQUIRE(out.good());
}

std::string read_file(FileSystem& files, const std::string& path, std::size_t size) {
  std::string text(size, '\0');
  const Status read = files.read_at(path, 0, std::as_writable_bytes(std::span<char>(text)));
  return read.has_value() ? text : outcome(read);
}

// The open descriptors of this process whose path starts with `prefix`.
std::vector<int> open_descriptors(const std::string& prefix) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code failed;
    const auto target = std::filesystem::read_symlink(entry.path(), failed);
    if (!failed && target.string().rfind(prefix, 0) == 0) {
      found.push_back(std::stoi(entry.path().filename().string()));
    }
  }
  return found;
}

TEST_CASE("what is shared with a group keeps the folder's setgid bit") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  REQUIRE(::chmod(folder.path().c_str(), 02770) == 0);
  const ::mode_t before = ::umask(002);
  const Sharing inside = files->sharing_inside(folder.path()).value();
  ::umask(022);
  const Sharing masked = files->sharing_inside(folder.path()).value();
  ::umask(before);
  CHECK(inside == Sharing::group_writes);
  CHECK(masked == Sharing::owner_only);
  REQUIRE(outcome(files->make_folder(folder / "folder")) == "ok");
  CHECK(files->info(folder / "folder").value()->sharing == Sharing::owner_only);
  CHECK(files->sharing_inside(folder / "folder").value() == Sharing::owner_only);
  for (const Sharing sharing : {Sharing::group_reads, Sharing::group_writes}) {
    REQUIRE(outcome(files->share(folder / "folder", sharing)) == "ok");
    CHECK(files->info(folder / "folder").value()->sharing == sharing);
    struct ::stat info {};
    REQUIRE(::stat((folder / "folder").c_str(), &info) == 0);
    CHECK((info.st_mode & ::mode_t{S_ISGID}) != 0);
    CHECK((info.st_mode & ::mode_t{S_IRWXO}) == 0);
  }
}

TEST_CASE("files and folders are for the owner only") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  REQUIRE(outcome(files->create(folder / "file")) == "ok");
  REQUIRE(outcome(files->make_folder(folder / "folder")) == "ok");
  using std::filesystem::perms;
  const auto others = perms::group_all | perms::others_all;
  CHECK((std::filesystem::status(folder / "file").permissions() & others) == perms::none);
  CHECK((std::filesystem::status(folder / "folder").permissions() & others) == perms::none);
}

TEST_CASE("descriptors are reused, bounded, closed on exec, and closed at the end") {
  const test::TempFolder folder;
  auto files = make_posix_file_system();
  for (int i = 0; i < 200; ++i) {
    write_file(folder / std::to_string(i), "x");
    CHECK(read_file(*files, folder / std::to_string(i), 1) == "x");
  }
  const auto open = open_descriptors(folder.path());
  CHECK(open.size() == 64);
  for (const int descriptor : open) {
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
  // The last one used is among them and is read without opening it again.
  CHECK(read_file(*files, folder / "199", 1) == "x");
  CHECK(open_descriptors(folder.path()) == open);
  REQUIRE(outcome(files->remove(folder / "199")) == "ok");
  CHECK(open_descriptors(folder.path()).size() == 63);
  files.reset();
  CHECK(open_descriptors(folder.path()).empty());
}

TEST_CASE("a file being written is closed on exec and closed by its destructor") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  {
    const auto file = files->create(folder / "a");
    REQUIRE(outcome(file) == "ok");
    const auto open = open_descriptors(folder.path());
    REQUIRE(open.size() == 1);
    CHECK((::fcntl(open[0], F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(open_descriptors(folder.path()).empty());
}

TEST_CASE("what another process removes or replaces is noticed") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  const std::string path = folder / "a";
  write_file(path, "first");
  CHECK(read_file(*files, path, 5) == "first");
  std::filesystem::remove(path);
  CHECK(read_file(*files, path, 5) == "not_found");
  write_file(path, "again");
  CHECK(read_file(*files, path, 5) == "again");
  write_file(folder / "b", "third");
  std::filesystem::rename(folder / "b", path);
  CHECK(read_file(*files, path, 5) == "third");
}

TEST_CASE("a FIFO is refused at once instead of waiting for a writer") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  Bytes out(1);
  const Status read = files->read_at(folder / "fifo", 0, out);
  CHECK(outcome(read) == "io");
  CHECK(message_of(read) == "open " + (folder / "fifo") + ": not a regular file");
}

TEST_CASE("missing permissions are told apart") {
  if (::geteuid() == 0) {
    WARN("skipped: root may do everything");
    return;
  }
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  write_file(folder / "secret", "x");
  REQUIRE(::chmod((folder / "secret").c_str(), 0) == 0);
  REQUIRE(outcome(files->make_folder(folder / "closed")) == "ok");
  REQUIRE(::chmod((folder / "closed").c_str(), 0500) == 0);
  CHECK(read_file(*files, folder / "secret", 1) == "permission_denied");
  CHECK(outcome(files->create(folder / "closed/a")) == "permission_denied");
  CHECK(outcome(files->publish(folder / "secret", folder / "closed/a")) == "permission_denied");
}

// A limit on the size of files fails a write half-way, as a full disk does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(::rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    ::rlimit limit = before_;
    limit.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  ::rlimit before_{};
};

TEST_CASE("a writer that failed once answers with the same error for ever") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  auto file = files->create(folder / "a");
  REQUIRE(outcome(file) == "ok");
  test::SeededRandom random(1);
  const Bytes data = random.bytes(10'000);
  std::string first;
  {
    const FileSizeLimit limit(4'096);
    const Status failed = (*file)->append(data);
    REQUIRE(outcome(failed) == "io");
    first = message_of(failed);
    CHECK(first == "write " + (folder / "a") + ": File too large");
  }
  CHECK(message_of((*file)->append(as_view("x"))) == first);
  CHECK(message_of((*file)->sync()) == first);
  CHECK(message_of((*file)->close()) == first);
  CHECK(std::filesystem::file_size(folder / "a") == 4'096);
}

TEST_CASE("publishing through a second name leaves one name") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system({.use_renameat2 = false});
  write_file(folder / "temp", "x");
  // As after a crash between the two steps, or an answer that got lost.
  std::filesystem::create_hard_link(folder / "temp", folder / "name");
  CHECK(outcome(files->publish(folder / "temp", folder / "name")) == "ok");
  CHECK_FALSE(std::filesystem::exists(folder / "temp"));
  CHECK(std::filesystem::hard_link_count(folder / "name") == 1);
}

TEST_CASE("publishing under one name from many threads has one winner", "[threads]") {
  const test::TempFolder folder;
  for (const bool use_renameat2 : {true, false}) {
    const auto files = make_posix_file_system({.use_renameat2 = use_renameat2});
    const std::string target = folder / (use_renameat2 ? "target-1" : "target-2");
    std::atomic<int> winners = 0;
    std::atomic<int> losers = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      write_file(target + "-temp-" + std::to_string(t), std::to_string(t));
    }
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const Status done = files->publish(target + "-temp-" + std::to_string(t), target);
        winners += done.has_value() ? 1 : 0;
        losers += !done.has_value() && done.error().code() == ErrorCode::already_exists ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(winners == 1);
    CHECK(losers == 3);
  }
}

TEST_CASE("readers never see an old file under a name that was given anew", "[threads]") {
  const test::TempFolder folder;
  const auto files = make_posix_file_system();
  constexpr int kFiles = 70;  // more than are kept open
  constexpr int kRounds = 12;
  std::array<std::atomic<int>, kFiles> oldest{};  // the round whose contents may still be read
  std::atomic<int> stale = 0;
  std::atomic<int> reads = 0;
  std::atomic<bool> done = false;
  const auto path = [&](int file) { return folder / std::to_string(file); };
  std::vector<std::thread> readers;
  for (std::uint64_t t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      test::SeededRandom random(t);
      while (!done || reads < 1'000) {
        const int file = static_cast<int>(random.below(kFiles));
        const int expected = oldest[static_cast<std::size_t>(file)].load();
        std::array<std::byte, 1> round{};
        if (files->read_at(path(file), 0, round).has_value()) {
          stale += std::to_integer<int>(round[0]) < expected ? 1 : 0;
        }
        ++reads;
      }
    });
  }
  int failures = 0;
  for (int round = 1; round <= kRounds; ++round) {
    for (int file = 0; file < kFiles; ++file) {
      if (round > 1) {
        failures += files->remove(path(file)).has_value() ? 0 : 1;
      }
      const auto created = files->create(folder / "temp");
      const std::array<std::byte, 1> text = {static_cast<std::byte>(round)};
      failures += created.has_value() && (*created)->append(text).has_value() ? 0 : 1;
      failures += files->publish(folder / "temp", path(file)).has_value() ? 0 : 1;
      oldest[static_cast<std::size_t>(file)] = round;
    }
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(failures == 0);
  CHECK(stale == 0);
}

}  // namespace
}  // namespace cairn::core
