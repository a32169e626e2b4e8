#include "io/new_file.h"

#include <fmt/format.h>

#include <utility>

#include "cairn/core/path.h"
#include "cairn/core/thread.h"
#include "io/absolute_path.h"

namespace cairn::cli {

NewFile::NewFile(std::string path, Streams& streams) : path_(std::move(path)), streams_(streams) {}

NewFile::~NewFile() {
  if (file_ != nullptr) {
    file_.reset();
    static_cast<void>(core::guarded("discarding a file",
                                    [this] { return streams_.file_system.remove(temporary_); }));
  }
}

core::Status NewFile::create() {
  CAIRN_TRY_STATUS(check_path(path_, streams_));
  CAIRN_TRY(const auto there, streams_.file_system.info(path_));
  if (there) {
    return core::fail(core::ErrorCode::already_exists, fmt::format("{} exists already", path_),
                      "remove it, or choose another name for --output");
  }
  temporary_ = fmt::format("{}.cairn-{:016x}", path_, streams_.random.number());
  CAIRN_TRY(file_, streams_.file_system.create(temporary_));
  return {};
}

core::Status NewFile::append(core::ByteView data) { return file_->append(data); }

core::Status NewFile::complete() {
  CAIRN_TRY_STATUS(file_->sync());
  CAIRN_TRY_STATUS(file_->close());
  CAIRN_TRY_STATUS(streams_.file_system.publish(temporary_, path_));
  file_.reset();
  return streams_.file_system.sync_folder(core::parent_of(path_));
}

}  // namespace cairn::cli
