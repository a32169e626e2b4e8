#include "repo_fixture.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <gsl/gsl>
#include <utility>

namespace cairn::test {

namespace fs = std::filesystem;

RepoFixture::RepoFixture(core::FileSystem* file_system)
    : own_file_system_(file_system == nullptr ? core::make_posix_file_system() : nullptr),
      file_system_(file_system == nullptr ? own_file_system_.get() : file_system) {
  fs::create_directory(at("source"));
}

repo::Environment RepoFixture::environment(std::string cache) {
  return {.file_system = *file_system_,
          .clock = clock,
          .random = random,
          .host = "host",
          .user = "user",
          .process = {.place = {}, .number = 1},
          .cache_folder = cache.empty() ? at("cache") : std::move(cache),
          .threads = *threads,
          .block_cache_bytes_max = block_cache_bytes_max};
}

repo::Credentials RepoFixture::passphrase(std::string_view text) {
  return {repo::Credentials::Type::passphrase, core::SecretBytes::copy_of(core::as_view(text))};
}

core::KdfParameters RepoFixture::cheap_kdf() { return {.passes = 1, .memory_kib = 8}; }

core::Result<repo::Repository> RepoFixture::init() {
  repo::InitOptions options;
  options.location = at("repo");
  options.credentials = passphrase();
  options.kdf = cheap_kdf();
  return repo::Repository::init(environment(), options);
}

core::Result<repo::Repository> RepoFixture::open(std::string_view text, std::string cache) {
  repo::OpenOptions options;
  options.location = at("repo");
  options.credentials = passphrase(text);
  return repo::Repository::open(environment(std::move(cache)), options, observer);
}

core::Result<repo::BackupReport> RepoFixture::backup(repo::Repository& repository,
                                                     std::vector<std::string> paths) {
  return backup(repository, options(std::move(paths)));
}

core::Result<repo::BackupReport> RepoFixture::backup(repo::Repository& repository,
                                                     const repo::BackupOptions& options) {
  clock.advance(std::chrono::seconds(1));
  return repo::backup(repository, options, observer);
}

repo::BackupOptions RepoFixture::options(std::vector<std::string> paths) const {
  repo::BackupOptions options;
  options.paths = std::move(paths);
  options.program_version = "test";
  options.workers = workers;
  return options;
}

core::Result<repo::RestoreReport> RepoFixture::restore(repo::Repository& repository,
                                                       const repo::Snapshot& snapshot,
                                                       std::string path, std::string target) {
  repo::RestoreOptions options;
  options.path = std::move(path);
  options.target = std::move(target);
  options.workers = workers;
  return repo::restore(repository, snapshot, options, observer);
}

core::Result<repo::VerifyReport> RepoFixture::verify(repo::Repository& repository,
                                                     bool check_integrity) {
  repo::VerifyOptions options;
  options.check_integrity = check_integrity;
  options.workers = workers;
  return repo::verify(repository, options, observer);
}

std::vector<std::string> RepoFixture::objects(std::string_view folder) const {
  std::vector<std::string> found;
  const fs::path root = at("repo");
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (entry.is_regular_file()) {
      found.push_back(fs::relative(entry.path(), root).string());
    }
  }
  std::ranges::sort(found);
  return found;
}

std::string RepoFixture::object_file(std::string_view object) const {
  return at("repo/" + std::string(object));
}

core::Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return core::to_bytes(core::as_view(text));
}

void write_file(const std::string& path, core::ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  const std::string text = core::to_string(bytes);
  out.write(text.data(), gsl::narrow_cast<std::streamsize>(text.size()));
  out.close();
  Ensures(out.good());
}

void flip_byte(const std::string& path, std::uint64_t offset) {
  core::Bytes bytes = read_file(path);
  Expects(offset < bytes.size());
  bytes[offset] ^= std::byte{0x40};
  write_file(path, bytes);
}

}  // namespace cairn::test
