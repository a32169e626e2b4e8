#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/core/bytes.h"
#include "cairn/core/crypto.h"

/// Reading, cutting and deduplicating the data that chunking_table measures.
namespace cairn::bench {

/// One version of the data: a folder or a file.
struct File {
  std::filesystem::path path;
  std::string group;  ///< extension, or the whole name if there is none
};

/// Regular files below `path`, depth first, names sorted; or `path` itself.
[[nodiscard]] std::vector<File> files_below(const std::filesystem::path& path);

/// A chunk in the order of reading. The view is good until the callback returns.
struct Chunk {
  core::ByteView bytes;
  const File* file;
  bool is_new;  ///< not seen before by this Ingest
};

/// Cuts files one after another and remembers which chunks it has seen.
class Ingest {
 public:
  Ingest(const chunker::CutParameters& parameters, const chunker::GearTable& table)
      : chunker_(parameters, table) {}

  void read(const File& file, const std::function<void(const Chunk&)>& on_chunk);

 private:
  void cut(core::ByteView piece, const std::function<void()>& on_boundary);

  chunker::Chunker chunker_;
  std::unordered_set<core::Hash256> seen_;
  core::Bytes buffer_;
  core::Bytes pending_;
};

}  // namespace cairn::bench
