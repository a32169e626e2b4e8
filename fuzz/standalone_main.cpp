// Replays inputs through a fuzz target without libFuzzer: every file given and every file below a
// folder given, each read whole. Exit code 2 if an input cannot be read or a folder holds none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::optional<std::vector<std::uint8_t>> read_whole(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> bytes(size);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  const bool whole = static_cast<std::uintmax_t>(file.gcount()) == size && file.peek() == EOF;
  return whole ? std::optional(std::move(bytes)) : std::nullopt;
}

/// Files below `path`, or `path` itself; empty if there are none.
std::vector<fs::path> inputs_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return {path};
  }
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file(error)) {
      files.push_back(it->path());
    }
  }
  std::sort(files.begin(), files.end());
  return error ? std::vector<fs::path>{} : files;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() < 2) {
    std::fprintf(stderr, "usage: %s <file or folder>...\n", arguments[0]);
    return 2;
  }
  std::size_t count = 0;
  for (const char* argument : arguments.subspan(1)) {
    const auto files = inputs_of(argument);
    if (files.empty()) {
      std::fprintf(stderr, "%s: no inputs\n", argument);
      return 2;
    }
    for (const auto& file : files) {
      const auto bytes = read_whole(file);
      if (!bytes) {
        std::fprintf(stderr, "%s: cannot be read whole\n", file.c_str());
        return 2;
      }
      // Named before it runs: the last line before a crash says which input it was.
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
      ++count;
    }
  }
  std::printf("%zu inputs replayed\n", count);
  return 0;
}
