#pragma once

#include <memory>
#include <string>

#include "cairn/core/bytes.h"
#include "cairn/core/file_system.h"
#include "cairn/core/result.h"
#include "io/streams.h"

namespace cairn::cli {

/// The file of --output: it appears under its name when it is complete and durable, with mode 0600,
/// and otherwise leaves nothing behind. An existing file is not touched.
class NewFile {
 public:
  NewFile(std::string path, Streams& streams);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Errors: already_exists, and those of the file system.
  core::Status create();
  core::Status append(core::ByteView data);
  core::Status complete();

 private:
  std::string path_;
  std::string temporary_;
  Streams& streams_;
  std::unique_ptr<core::WritableFile> file_;
};

}  // namespace cairn::cli
