#include "ops/target/file_build.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "cairn/core/thread.h"
#include "ops/target/target_file.h"

namespace cairn::repo::ops {

namespace {

bool may_have_holes(const Content& content) {
  return content.tree_root ||
         std::ranges::any_of(content.items, [](const ContentItem& item) { return !item.chunk; });
}

}  // namespace

FileBuild::~FileBuild() {
  const std::string name = std::move(name_);
  end();
  if (!name.empty() && !is_kept_) {
    [[maybe_unused]] const core::Status gone =
        core::guarded("discarding a file", [&]() -> core::Status {
          planned_.target.names().discard(*planned_.folder, name);
          return {};
        });
  }
}

void FileBuild::hold(std::shared_ptr<Descriptor> file) {
  file_ = std::move(file);
  open_files_.count += 1;
}

void FileBuild::rest() {
  if (file_ != nullptr && !name_.empty()) {
    file_.reset();
    open_files_.count -= 1;
  }
}

void FileBuild::end() {
  name_.clear();
  if (file_ != nullptr) {
    file_.reset();
    open_files_.count -= 1;
  }
}

core::Status FileBuild::create(std::string name) {
  CAIRN_TRY(auto file, planned_.target.names().create(*planned_.folder, name, planned_.entry));
  hold(std::move(file));
  name_ = std::move(name);
  return {};
}

core::Status FileBuild::go_on_with(std::string leftover) {
  CAIRN_TRY(auto file, planned_.open_leftover(leftover));
  hold(std::move(file));
  name_ = std::move(leftover);
  return {};
}

core::Result<std::shared_ptr<Descriptor>> FileBuild::file() {
  if (file_ == nullptr) {
    CAIRN_TRY(auto file, planned_.target.names().open(*planned_.folder, name_, O_RDWR));
    hold(std::move(file));
  }
  return file_;
}

core::Result<std::shared_ptr<Descriptor>> FileBuild::place_of(const Run& /*run*/) { return file(); }

/// Called before anything is written: file systems allocate blocks ahead of a growing file, and
/// before a later hole they would stay as zeros.
core::Status FileBuild::set_recorded_size() {
  return set_size(file_->number(), planned_.entry.content.size_bytes);
}

core::Status NewFile::begin(bool in_one_go) {
  const FilePlan& plan = planned_.plan;
  if (plan.leftover == Leftover::half_built) {
    CAIRN_TRY_STATUS(go_on_with(temporary_name(planned_.entry)));
    return set_recorded_size();
  }
  if (in_one_go && !plan.standing && plan.leftover == Leftover::none) {
    CAIRN_TRY(auto file, planned_.target.names().create_unnamed(*planned_.folder, planned_.entry));
    if (file != nullptr) {
      hold(std::move(file));
    }
  }
  if (file_ == nullptr) {
    CAIRN_TRY_STATUS(create(temporary_name(planned_.entry)));
  }
  return plan.standing || may_have_holes(planned_.entry.content) ? set_recorded_size()
                                                                 : core::Status();
}

core::Status NewFile::complete() {
  MetadataWriter& metadata = planned_.target.metadata();
  const Entry& entry = planned_.entry;
  CAIRN_TRY(const auto file, this->file());
  const std::string path = planned_.path();
  // In a folder made by this restore nobody else changes what new files get.
  if (planned_.folder->existed) {
    metadata.set(file->number(), entry, path);
  } else {
    metadata.set_new(file->number(), entry, path, planned_.folder->new_files);
  }
  CAIRN_TRY_STATUS(give_name());
  metadata.set_last(file->number(), entry, path);
  end();
  return {};
}

core::Status NewFile::give_name() {
  TargetNames& names = planned_.target.names();
  const TargetFolder& folder = *planned_.folder;
  if (name_.empty()) {
    auto linked = names.link_unnamed(folder, file_->number(), planned_.entry.name);
    if (linked || linked.error().code() != core::ErrorCode::already_exists) {
      return linked;
    }
    // A link never replaces anything; a name does.
    name_ = temporary_name(planned_.entry);
    names.discard(folder, name_);  // left by an earlier restore
    CAIRN_TRY_STATUS(names.link_unnamed(folder, file_->number(), name_));
  }
  return names.give(folder, name_, planned_.entry.name);
}

core::Result<bool> ChangedClone::begin_with(int standing) {
  const struct ::stat& status = *planned_.plan.standing;
  const auto standing_size = static_cast<std::uint64_t>(status.st_size);
  const bool is_small =
      std::max(standing_size, planned_.entry.content.size_bytes) <= kRewrittenBytesMax;
  // A file with other names is never changed in place: those may be outside of what is restored.
  const bool may_be_copied = is_small || status.st_nlink > 1;
  if (!may_be_copied && !open_files_.may_have_reflinks) {
    return false;
  }
  CAIRN_TRY_STATUS(create(temporary_name(planned_.entry)));
  Cloned cloned = Cloned::no;
  if (open_files_.may_have_reflinks) {
    cloned = clone_file(standing, file_->number());
    if (cloned == Cloned::not_supported) {
      open_files_.may_have_reflinks = false;
    }
  }
  if (cloned != Cloned::yes) {
    if (!may_be_copied) {
      return false;
    }
    CAIRN_TRY(const std::uint64_t written, copy_file(standing, file_->number(), standing_size));
    planned_.target.log().add_written(written);
  }
  CAIRN_TRY_STATUS(set_recorded_size());
  return true;
}

core::Status InPlacePatch::begin() {
  std::string name = patch_name(planned_.entry);
  CAIRN_TRY_STATUS(planned_.plan.has_patch ? go_on_with(std::move(name)) : create(std::move(name)));
  return set_recorded_size();
}

core::Result<std::shared_ptr<Descriptor>> InPlacePatch::place_of(const Run& run) {
  const bool is_hole = run.bytes == Run::Bytes::hole;
  // Runs usually come in order: one that continues the last run is joined to it.
  if (!runs_.empty() && (runs_.back().bytes == Run::Bytes::hole) == is_hole &&
      runs_.back().offset + runs_.back().length == run.offset) {
    runs_.back().length += run.length;
  } else {
    runs_.push_back(run);
  }
  if (run.bytes != Run::Bytes::new_ones) {
    return nullptr;
  }
  return file();
}

core::Status InPlacePatch::apply(int standing) {
  CAIRN_TRY(const auto patch, file());
  std::ranges::sort(runs_, {}, &Run::offset);
  for (const Run& run : runs_) {
    if (run.bytes == Run::Bytes::hole) {
      CAIRN_TRY_STATUS(make_hole(standing, run.offset, run.length));
    } else {
      CAIRN_TRY_STATUS(copy_range(patch->number(), standing, run.offset, run.length));
      planned_.target.log().add_written(run.length);
    }
  }
  return set_size(standing, planned_.entry.content.size_bytes);
}

core::Status InPlacePatch::complete() {
  MetadataWriter& metadata = planned_.target.metadata();
  const std::string path = planned_.path();
  CAIRN_TRY(const auto standing, planned_.open_standing(O_RDWR));
  keep();  // from here on the file is a mixture until all is applied
  CAIRN_TRY_STATUS(apply(standing->number()));
  // Before the time says that the file is as recorded: otherwise a power cut could leave a mixture
  // that the next restore takes for right, without the patch that would show it.
  CAIRN_TRY_STATUS(sync_data(standing->number()));
  metadata.set(standing->number(), planned_.entry, path);
  metadata.set_last(standing->number(), planned_.entry, path);
  planned_.target.names().discard(*planned_.folder, name_);
  end();
  return {};
}

}  // namespace cairn::repo::ops
