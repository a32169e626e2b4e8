#include "ops/restore/restore_compare.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "ops/posix/object_metadata.h"
#include "ops/target/target_file.h"

namespace cairn::repo::ops {

namespace {

bool may_have_holes(int descriptor) {
  struct ::stat status {};
  return ::fstat(descriptor, &status) == 0 &&
         static_cast<std::uint64_t>(status.st_blocks) * kStatBlockBytes <
             static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

core::Result<FileComparison> FileComparison::open(RestoredFile& file) {
  FileComparison comparison(file);
  const PlannedFile& planned = file.planned();
  const FilePlan& plan = planned.plan;
  std::shared_ptr<Descriptor> standing;
  if (plan.standing) {
    auto opened = planned.open_standing(O_RDONLY);
    if (opened) {
      standing = std::move(*opened);
    } else if (opened.error().code() != core::ErrorCode::permission_denied) {
      return core::fail(std::move(opened).error());
    }
  }
  if (plan.leftover == Leftover::half_built) {
    CAIRN_TRY(comparison.base_, planned.open_leftover(temporary_name(planned.entry)));
    comparison.other_ = std::move(standing);
  } else {
    comparison.base_ = std::move(standing);
    if (plan.has_patch) {
      CAIRN_TRY(comparison.other_, planned.open_leftover(patch_name(planned.entry)));
      comparison.other_bytes_ = Run::Bytes::from_patch;
    }
  }
  comparison.base_has_holes_ =
      comparison.base_ != nullptr && may_have_holes(comparison.base_->number());
  return comparison;
}

core::Result<bool> FileComparison::holds(int descriptor, const Slice& slice,
                                         const store::KeyRing& keys, core::Bytes& buffer) {
  buffer.resize(slice.length_bytes);
  CAIRN_TRY(const std::size_t got, read_at(descriptor, slice.file_offset, buffer));
  return got == buffer.size() && keys.data_chunk_id(buffer) == *slice.chunk;
}

core::Status FileComparison::compare_hole(const Slice& slice, bool dry_run) {
  if (base_ == nullptr || is_hole(base_->number(), slice.file_offset, slice.length_bytes)) {
    return {};
  }
  file_->set_differs();
  return dry_run ? core::Status() : file_->make_hole(slice.file_offset, slice.length_bytes);
}

core::Result<bool> FileComparison::compare(const Slice& slice, const store::KeyRing& keys,
                                           bool dry_run, core::Bytes& buffer) {
  if (!slice.chunk) {
    CAIRN_TRY_STATUS(compare_hole(slice, dry_run));
    return true;
  }
  // Zeros in place of a hole would read as equal, and yet not be what was recorded.
  if (base_ != nullptr &&
      !(base_has_holes_ && has_hole(base_->number(), slice.file_offset, slice.length_bytes))) {
    CAIRN_TRY(const bool is_there, holds(base_->number(), slice, keys, buffer));
    if (is_there) {
      return true;
    }
  }
  file_->set_differs();
  if (other_ == nullptr) {
    return false;
  }
  CAIRN_TRY(const bool is_there, holds(other_->number(), slice, keys, buffer));
  if (is_there && !dry_run) {
    CAIRN_TRY_STATUS(file_->write(slice.file_offset, buffer, other_bytes_));
  }
  return is_there;
}

}  // namespace cairn::repo::ops
