#include "ops/target/restored_file.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "ops/target/target_file.h"

namespace cairn::repo::ops {

namespace {

/// True if this is known without comparing. A half-built file always needs its name.
bool differs_at_once(const PlannedFile& planned) {
  const FilePlan& plan = planned.plan;
  return plan.leftover == Leftover::half_built ||
         (plan.verdict == Verdict::compare &&
          static_cast<std::uint64_t>(plan.standing->st_size) != planned.entry.content.size_bytes);
}

}  // namespace

RestoredFile::RestoredFile(RestoreTarget& target, std::shared_ptr<TargetFolder> folder, Entry entry,
                           const FilePlan& plan, std::vector<std::string> stale_sides,
                           OpenFiles& open_files)
    : planned_{target, std::move(folder), std::move(entry), plan},
      open_files_(open_files),
      differs_(differs_at_once(planned_)),
      sides_(planned_, std::move(stale_sides)) {}

RestoredFile::~RestoredFile() {
  if (build_ != nullptr && !failure_ && planned_.entry.content.size_bytes >= kResumedMin &&
      planned_.target.options().stop.stop_requested()) {
    build_->keep();
  }
}

core::Result<FileBuild*> RestoredFile::build(bool in_one_go) {
  if (build_ != nullptr) {
    return build_;
  }
  std::shared_ptr<Descriptor> standing;
  if (planned_.plan.standing && planned_.plan.leftover != Leftover::half_built) {
    auto opened = planned_.open_standing(O_RDONLY);
    if (opened) {
      standing = std::move(*opened);
    } else if (opened.error().code() != core::ErrorCode::permission_denied) {
      return core::fail(std::move(opened).error());
    }  // otherwise nothing could be compared either: all of it is to be fetched
  }
  if (standing == nullptr) {
    auto& file = build_room_.emplace<NewFile>(planned_, open_files_);
    CAIRN_TRY_STATUS(file.begin(in_one_go));
    return build_ = &file;
  }
  auto& clone = build_room_.emplace<ChangedClone>(planned_, open_files_);
  CAIRN_TRY(const bool is_clone, clone.begin_with(standing->number()));
  if (is_clone) {
    return build_ = &clone;
  }
  auto& patch = build_room_.emplace<InPlacePatch>(planned_, open_files_);
  CAIRN_TRY_STATUS(patch.begin());
  return build_ = &patch;
}

core::Result<std::shared_ptr<Descriptor>> RestoredFile::place_of(const Run& run) {
  const std::scoped_lock lock(mutex_);
  if (failure_) {
    return nullptr;
  }
  differs_ = true;
  const bool is_all =
      run.bytes != Run::Bytes::hole && run.length == planned_.entry.content.size_bytes;
  CAIRN_TRY(FileBuild* const build, this->build(is_all));
  CAIRN_TRY(auto place, build->place_of(run));
  if (open_files_.count > OpenFiles::kMax && outstanding > 1) {
    build->rest();
  }
  return place;
}

core::Status RestoredFile::write(std::uint64_t offset, core::ByteView data, Run::Bytes bytes) {
  CAIRN_TRY(const auto place, place_of({offset, data.size(), bytes}));
  if (place == nullptr) {
    return {};
  }
  CAIRN_TRY_STATUS(write_at(place->number(), offset, data));
  planned_.target.log().add_written(data.size());
  return {};
}

core::Status RestoredFile::make_hole(std::uint64_t offset, std::uint64_t length) {
  // File systems keep a last block if only part of it is punched: so the hole includes all of it,
  // and more, beyond the end, where there is nothing to keep.
  constexpr std::uint64_t kLastBlockBytes = 64 * 1024;
  if (offset + length == planned_.entry.content.size_bytes) {
    length += std::min(kLastBlockBytes, kFileSizeMax - offset - length);
  }
  CAIRN_TRY(const auto place, place_of({offset, length, Run::Bytes::hole}));
  return place == nullptr ? core::Status() : ops::make_hole(place->number(), offset, length);
}

void RestoredFile::fail(const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) {
    failure_ = reason;
  }
}

core::Status RestoredFile::complete() {
  const std::scoped_lock lock(mutex_);
  if (failure_) {
    return core::fail(core::ErrorCode::corrupt, *failure_);
  }
  RestoreTarget& target = planned_.target;
  const FilePlan& plan = planned_.plan;
  auto action = plan.verdict == Verdict::create ? RestoreAction::created : RestoreAction::updated;
  if (plan.standing && !differs_) {
    CAIRN_TRY(action, complete_unchanged());
  } else {
    CAIRN_TRY_STATUS(complete_changed());
  }
  target.log().placed(action, path(), planned_.entry);
  if (plan.has_patch && !target.options().dry_run) {
    target.names().discard(*planned_.folder, patch_name(planned_.entry));
  }
  return {};
}

core::Result<RestoreAction> RestoredFile::complete_unchanged() {
  MetadataWriter& metadata = planned_.target.metadata();
  CAIRN_TRY(const auto standing, planned_.open_standing(O_RDONLY));
  CAIRN_TRY_STATUS(sides_.set_aside(standing->number(), -1));
  sides_.remove_or_put_back(true);
  if (metadata.matches(standing->number(), planned_.entry)) {
    return RestoreAction::unchanged;
  }
  if (planned_.target.options().dry_run) {
    return RestoreAction::metadata_set;
  }
  if (planned_.plan.standing->st_nlink > 1) {
    CAIRN_TRY(FileBuild* const build, this->build(false));
    CAIRN_TRY_STATUS(build->complete());
  } else {
    metadata.set(standing->number(), planned_.entry, path());
    metadata.set_last(standing->number(), planned_.entry, path());
  }
  return RestoreAction::metadata_set;
}

core::Status RestoredFile::complete_changed() {
  std::shared_ptr<Descriptor> standing;
  if (planned_.plan.standing && !sides_.empty()) {
    if (auto opened = planned_.open_standing(O_RDONLY)) {
      standing = std::move(*opened);
    }
  }
  const int standing_number = standing != nullptr ? standing->number() : -1;
  if (planned_.target.options().dry_run) {
    return standing == nullptr ? core::Status() : sides_.set_aside(standing_number, -1);
  }
  CAIRN_TRY(FileBuild* const build, this->build(planned_.entry.content.size_bytes == 0));
  if (!sides_.empty()) {
    CAIRN_TRY(const auto file, build->file());
    CAIRN_TRY_STATUS(sides_.set_aside(file->number(), standing_number));
  }
  auto done = build->complete();
  sides_.remove_or_put_back(done.has_value());
  return done;
}

}  // namespace cairn::repo::ops
