#include "chunking_corpus.h"

#include <algorithm>
#include <fstream>

namespace cairn::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 1024 * 1024;

std::string group_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? path.filename().string() : extension;
}

}  // namespace

std::vector<File> files_below(const fs::path& path) {
  if (fs::is_regular_file(fs::symlink_status(path))) {
    return {File{path, group_of(path)}};
  }
  std::vector<File> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (fs::is_regular_file(entry.symlink_status())) {
      files.push_back(File{entry.path(), group_of(entry.path())});
    }
  }
  // Paths compare name by name, so a folder's contents stay together.
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

void Ingest::read(const File& file, const std::function<void(const Chunk&)>& on_chunk) {
  const auto hand_over = [this, &file, &on_chunk] {
    const bool is_new = seen_.insert(core::hash256(pending_)).second;
    on_chunk({.bytes = pending_, .file = &file, .is_new = is_new});
    pending_.clear();
  };
  std::ifstream stream(file.path, std::ios::binary);
  chunker_.reset();
  buffer_.resize(kBufferBytes);
  while (stream) {
    stream.read(reinterpret_cast<char*>(buffer_.data()), kBufferBytes);
    cut(core::ByteView(buffer_).first(static_cast<std::size_t>(stream.gcount())), hand_over);
  }
  if (!pending_.empty()) {
    hand_over();
  }
}

void Ingest::cut(core::ByteView piece, const std::function<void()>& on_boundary) {
  while (!piece.empty()) {
    const auto boundary = chunker_.scan(piece);
    const std::size_t used = boundary.value_or(piece.size());
    core::append(pending_, piece.first(used));
    piece = piece.subspan(used);
    if (boundary) {
      on_boundary();
    }
  }
}

}  // namespace cairn::bench
