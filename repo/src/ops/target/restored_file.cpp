#include "ops/target/restored_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cairn/core/crypto.h"
#include "cairn/core/thread.h"
#include "ops/target/database_sides.h"
#include "ops/target/target_file.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

std::array<std::byte, 8> number_bytes(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(number & 0xFFU);
    number >>= 8U;
  }
  return bytes;
}

bool is_ours(const struct ::stat& status) {
  return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && status.st_nlink == 1 &&
         (status.st_mode & 07777U) == 0600;
}

bool is_ours(const Standing& standing) { return standing && is_ours(*standing); }

}  // namespace

std::string temporary_name(const Entry& entry) {
  constexpr std::size_t kDigestBytes = 12;
  core::Hasher hasher;
  const auto add_number = [&](std::uint64_t number) { hasher.update(number_bytes(number)); };
  add_number(entry.name.size());
  hasher.update(core::as_view(entry.name));
  add_number(entry.content.size_bytes);
  for (const ContentItem& item : entry.content.items) {
    add_number(item.length_bytes);
    if (item.chunk) {
      hasher.update(item.chunk->view());
    }
  }
  if (entry.content.tree_root) {
    hasher.update(entry.content.tree_root->view());
  }
  const auto digest = hasher.finish();
  return fmt::format("{}{}", kTemporaryPrefix, core::to_hex(digest.view().first(kDigestBytes)));
}

std::string patch_name(const Entry& entry) { return temporary_name(entry) + "-patch"; }

core::Result<std::optional<FilePlan>> plan_file(RestoreTarget& target, const TargetFolder& folder,
                                                const Entry& entry) {
  FilePlan plan;
  if (!folder.existed) {
    return plan;
  }
  CAIRN_TRY(const Standing standing, target.look(folder, entry.name));
  CAIRN_TRY(const Standing leftover, target.look(folder, temporary_name(entry)));
  CAIRN_TRY(const Standing patch, target.look(folder, patch_name(entry)));
  plan.has_leftover = is_ours(leftover);
  plan.has_other_leftover = leftover && !plan.has_leftover;
  plan.has_leftover_patch = is_ours(patch);
  const Overwrite overwrite = target.options().overwrite;
  Verdict verdict = target.judge(standing, entry, join_path(folder.path, entry.name));
  const bool is_protected = standing && !target.options().protects.find(*standing).empty();
  if (plan.has_leftover_patch && !is_protected && overwrite != Overwrite::never &&
      (verdict == Verdict::keep || verdict == Verdict::metadata_only)) {
    verdict = Verdict::compare;  // it may be a mixture, whatever its time says
  }
  switch (verdict) {
    case Verdict::keep:
      return std::nullopt;
    case Verdict::refuse:
      return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
    case Verdict::create:
      plan.has_leftover_patch = false;  // what it belonged to is gone
      break;
    case Verdict::replace:
      plan.replaces_other = true;
      break;
    case Verdict::metadata_only:
      plan.metadata_only = true;
      plan.standing = standing;
      break;
    case Verdict::compare:
      plan.standing = standing;
      break;
  }
  return plan;
}

RestoredFile::RestoredFile(RestoreTarget& target, std::shared_ptr<TargetFolder> folder, Entry entry,
                           FilePlan plan, OpenFiles& open_files)
    : target_(target),
      folder_(std::move(folder)),
      entry_(std::move(entry)),
      plan_(std::move(plan)),
      open_files_(open_files) {
  if (plan_.has_leftover) {
    differs_ = true;  // whatever it holds, it wants its name
  } else if (plan_.standing && !plan_.metadata_only &&
             static_cast<std::uint64_t>(plan_.standing->st_size) != entry_.content.size_bytes) {
    differs_ = true;
  }
}

RestoredFile::~RestoredFile() {
  close_building();
  const bool may_go_on = target_.options().stop.stop_requested() && !failure_ &&
                         entry_.content.size_bytes >= kResumedMin;
  if (!building_name_.empty() && !keeps_temporary_ && !may_go_on) {
    // The next restore finds it, and goes on from there.
    [[maybe_unused]] const core::Status gone =
        core::guarded("discarding a file", [this]() -> core::Status {
          target_.discard(*folder_, building_name_);
          return {};
        });
  }
}

std::string RestoredFile::path() const { return join_path(folder_->path, entry_.name); }

core::Result<std::shared_ptr<Descriptor>> RestoredFile::open_standing(int flags) {
  CAIRN_TRY(auto descriptor, target_.open_file(*folder_, entry_.name, flags));
  struct ::stat status {};
  if (::fstat(descriptor->number(), &status) != 0 || !plan_.standing ||
      status.st_ino != plan_.standing->st_ino || status.st_dev != plan_.standing->st_dev) {
    return core::fail(core::ErrorCode::changed, "another object has taken its name meanwhile");
  }
  return descriptor;
}

core::Result<std::shared_ptr<Descriptor>> RestoredFile::open_leftover() {
  const std::string name = plan_.has_leftover ? temporary_name(entry_) : patch_name(entry_);
  CAIRN_TRY(auto descriptor,
            target_.open_file(*folder_, name, target_.options().dry_run ? O_RDONLY : O_RDWR));
  struct ::stat status {};
  if (::fstat(descriptor->number(), &status) != 0 || !is_ours(status)) {
    return core::fail(core::ErrorCode::changed, "its temporary file belongs to somebody else");
  }
  return descriptor;
}

void RestoredFile::close_building() {
  if (building_ != nullptr) {
    building_.reset();
    open_files_.count -= 1;
  }
}

core::Status RestoredFile::open_patch() {
  way_ = Way::patch;
  building_name_ = patch_name(entry_);
  if (plan_.has_leftover_patch) {
    CAIRN_TRY(building_, open_leftover());
  } else {
    CAIRN_TRY(building_, target_.create_file(*folder_, building_name_, entry_));
  }
  return {};
}

core::Status RestoredFile::begin_with_standing() {
  const bool has_several_names = plan_.standing->st_nlink > 1;
  const auto standing_size = static_cast<std::uint64_t>(plan_.standing->st_size);
  const bool is_small = std::max(standing_size, entry_.content.size_bytes) <= kRewrittenBytesMax;
  const auto opened = open_standing(O_RDONLY);
  if (!opened && opened.error().code() != core::ErrorCode::permission_denied) {
    return core::fail(opened.error());
  }
  building_name_ = temporary_name(entry_);
  CAIRN_TRY(building_, target_.create_file(*folder_, building_name_, entry_));
  if (!opened) {
    way_ = Way::whole;  // nothing of it could be compared either: all of it is on its way
    return {};
  }
  const auto& standing = *opened;
  if (target_.may_have_reflinks()) {
    const Cloned cloned = clone_file(standing->number(), building_->number());
    if (cloned == Cloned::yes) {
      way_ = Way::whole;
      return {};
    }
    if (cloned == Cloned::not_supported) {
      target_.has_no_reflinks();
    }
  }
  // A file with further names is never changed in place: those may lie outside of what is restored.
  if (is_small || has_several_names) {
    way_ = Way::whole;
    CAIRN_TRY(const std::uint64_t written,
              copy_file(standing->number(), building_->number(), standing_size));
    target_.log().add_written(written);
    return {};
  }
  target_.discard(*folder_, building_name_);
  return open_patch();
}

core::Status RestoredFile::begin_building(bool in_one_go) {
  if (plan_.has_leftover) {
    way_ = Way::whole;
    building_name_ = temporary_name(entry_);
    CAIRN_TRY(building_, open_leftover());
    return {};
  }
  if (plan_.standing) {
    return begin_with_standing();
  }
  way_ = Way::whole;
  if (in_one_go && !plan_.has_other_leftover) {
    CAIRN_TRY(building_, target_.create_unnamed(*folder_, entry_));
    is_unnamed_ = building_ != nullptr;
  }
  if (!is_unnamed_) {
    building_name_ = temporary_name(entry_);
    CAIRN_TRY(building_, target_.create_file(*folder_, building_name_, entry_));
  }
  return {};
}

bool RestoredFile::may_have_holes() const {
  const Content& content = entry_.content;
  return content.tree_root ||
         std::ranges::any_of(content.items, [](const ContentItem& item) { return !item.chunk; });
}

core::Status RestoredFile::open_building(bool in_one_go) {
  if (building_ != nullptr) {
    return {};
  }
  if (way_ == Way::undecided) {
    CAIRN_TRY_STATUS(begin_building(in_one_go));
    // Before anything is written: what grows piece by piece gets blocks in advance, and where a
    // hole follows they would stay as zeros.
    if (plan_.standing || plan_.has_leftover || may_have_holes()) {
      CAIRN_TRY_STATUS(set_size(building_->number(), entry_.content.size_bytes));
    }
  } else {
    CAIRN_TRY(building_, target_.open_file(*folder_, building_name_, O_RDWR));
  }
  open_files_.count += 1;
  return {};
}

void RestoredFile::add_run(const Run& run) {
  // Runs come mostly in order: what continues the last one is part of it.
  if (!runs_.empty() && runs_.back().is_hole == run.is_hole &&
      runs_.back().offset + runs_.back().length == run.offset) {
    runs_.back().length += run.length;
  } else {
    runs_.push_back(run);
  }
}

core::Result<std::shared_ptr<Descriptor>> RestoredFile::begin_run(const Run& run) {
  const std::scoped_lock lock(mutex_);
  if (failure_) {
    return std::shared_ptr<Descriptor>();
  }
  differs_ = true;
  CAIRN_TRY_STATUS(open_building(!run.is_hole && run.length == entry_.content.size_bytes));
  if (way_ == Way::patch) {
    add_run(run);
  }
  auto descriptor = building_;
  if (open_files_.count > OpenFiles::kMax && outstanding > 1 && !is_unnamed_) {
    close_building();  // opened again for the next piece
  }
  return descriptor;
}

core::Status RestoredFile::write(std::uint64_t offset, core::ByteView data) {
  CAIRN_TRY(const auto descriptor, begin_run({offset, data.size(), false}));
  if (descriptor == nullptr) {
    return {};
  }
  CAIRN_TRY_STATUS(write_at(descriptor->number(), offset, data));
  target_.log().add_written(data.size());
  return {};
}

core::Status RestoredFile::make_hole(std::uint64_t offset, std::uint64_t length) {
  // File systems keep a last block of which only a part is taken away: so all of it is, and more,
  // behind the end, where there is nothing that stays.
  constexpr std::uint64_t kLastBlockBytes = 64 * 1024;
  if (offset + length == entry_.content.size_bytes) {
    length += std::min(kLastBlockBytes, kFileSizeMax - offset - length);
  }
  CAIRN_TRY(const auto descriptor, begin_run({offset, length, true}));
  if (descriptor == nullptr || way_ == Way::patch) {
    return {};
  }
  return ops::make_hole(descriptor->number(), offset, length);
}

core::Status RestoredFile::adopt_from_patch(std::uint64_t offset, std::uint64_t length) {
  CAIRN_TRY(const auto descriptor, begin_run({offset, length, false}));
  return {};
}

void RestoredFile::fail(const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) {
    failure_ = reason;
  }
}

core::Status RestoredFile::set_sides_aside(int restored, int standing) {
  if (plan_.stale_sides.empty() ||
      !(is_database(restored) || (standing >= 0 && is_database(standing)) ||
        target_.have_log(*folder_, plan_.stale_sides))) {
    return {};
  }
  for (const std::string& side : plan_.stale_sides) {
    const std::string side_path = join_path(folder_->path, side);
    if (target_.options().overwrite == Overwrite::never) {
      target_.log().problem(ProblemKind::unreadable, side_path,
                            "it is kept, but stands beside a database that was restored without "
                            "it: SQLite would apply it");
      continue;
    }
    if (!target_.options().dry_run) {
      std::string aside = fmt::format("{}{}", temporary_name(entry_), side.substr(side.rfind('-')));
      target_.discard(*folder_, aside);  // left by an earlier restore
      CAIRN_TRY_STATUS(target_.set_aside(*folder_, side, aside));
      sides_aside_.emplace_back(side, std::move(aside));
    }
    target_.log().done(RestoreAction::deleted, side_path);
    target_.log().warning(
        fmt::format("{} {}: it belongs to another state of the database than the "
                    "one restored, and SQLite would apply it",
                    side_path, target_.options().dry_run ? "would be deleted" : "is deleted"));
  }
  return {};
}

void RestoredFile::settle_sides(bool is_done) {
  for (const auto& [name, aside] : sides_aside_) {
    if (is_done) {
      target_.discard(*folder_, aside);
    } else if (auto back = target_.set_aside(*folder_, aside, name); !back) {
      target_.log().problem(ProblemKind::unreadable, join_path(folder_->path, name),
                            back.error().message());
    }
  }
  sides_aside_.clear();
}

core::Status RestoredFile::complete_by_way() {
  CAIRN_TRY_STATUS(open_building(entry_.content.size_bytes == 0));
  if (!plan_.stale_sides.empty()) {
    const auto standing = plan_.standing ? open_standing(O_RDONLY)
                                         : core::Result<std::shared_ptr<Descriptor>>(nullptr);
    const int number = standing && *standing != nullptr ? (*standing)->number() : -1;
    CAIRN_TRY_STATUS(set_sides_aside(building_->number(), number));
  }
  auto done = way_ == Way::patch ? complete_patch() : complete_whole();
  settle_sides(done.has_value());
  return done;
}

core::Status RestoredFile::complete() {
  const std::scoped_lock lock(mutex_);
  if (failure_) {
    return core::fail(core::ErrorCode::corrupt, *failure_);
  }
  const bool exists = plan_.standing || plan_.replaces_other;
  if (plan_.standing && !differs_) {
    CAIRN_TRY_STATUS(complete_unchanged());
    target_.log().stands(entry_, true);
  } else if (target_.options().dry_run) {
    if (plan_.standing && !plan_.stale_sides.empty()) {
      if (const auto standing = open_standing(O_RDONLY)) {
        CAIRN_TRY_STATUS(set_sides_aside((*standing)->number(), -1));
      }
    }
    target_.log().done(exists ? RestoreAction::updated : RestoreAction::created, path());
    target_.log().stands(entry_, false);
  } else {
    CAIRN_TRY_STATUS(complete_by_way());
    target_.log().done(exists ? RestoreAction::updated : RestoreAction::created, path());
    target_.log().stands(entry_, false);
  }
  if (!target_.options().dry_run) {
    if (plan_.has_leftover && building_name_ != temporary_name(entry_)) {
      target_.discard(*folder_, temporary_name(entry_));
    }
    if (plan_.has_leftover_patch) {
      target_.discard(*folder_, patch_name(entry_));
    }
  }
  building_name_.clear();
  return {};
}

core::Status RestoredFile::complete_unchanged() {
  CAIRN_TRY(const auto standing, open_standing(O_RDONLY));
  CAIRN_TRY_STATUS(set_sides_aside(standing->number(), -1));
  settle_sides(true);
  if (target_.metadata().matches(standing->number(), entry_)) {
    target_.log().done(RestoreAction::unchanged, path());
    return {};
  }
  if (!target_.options().dry_run) {
    if (plan_.standing->st_nlink > 1) {
      CAIRN_TRY_STATUS(open_building(false));
      CAIRN_TRY_STATUS(complete_whole());
    } else {
      target_.metadata().set(standing->number(), entry_, path());
      target_.metadata().set_last(standing->number(), entry_, path());
    }
  }
  target_.log().done(RestoreAction::metadata_set, path());
  return {};
}

core::Status RestoredFile::give_name() {
  if (is_unnamed_) {
    auto linked = target_.link_unnamed(*folder_, building_->number(), entry_.name);
    if (linked || linked.error().code() != core::ErrorCode::already_exists) {
      return linked;
    }
    // A link never replaces anything, a name does.
    building_name_ = temporary_name(entry_);
    target_.discard(*folder_, building_name_);  // left by an earlier restore
    CAIRN_TRY_STATUS(target_.link_unnamed(*folder_, building_->number(), building_name_));
  }
  return target_.give_name(*folder_, building_name_, entry_.name);
}

core::Status RestoredFile::complete_whole() {
  // In a folder of our own nobody else changes what new files get.
  if (folder_->existed) {
    target_.metadata().set(building_->number(), entry_, path());
  } else {
    target_.metadata().set_new(building_->number(), entry_, path(), folder_->new_files);
  }
  CAIRN_TRY_STATUS(give_name());
  target_.metadata().set_last(building_->number(), entry_, path());
  close_building();
  return {};
}

core::Status RestoredFile::apply_patch(int standing) {
  std::ranges::sort(runs_, {}, &Run::offset);
  for (const Run& run : runs_) {
    if (run.is_hole) {
      CAIRN_TRY_STATUS(ops::make_hole(standing, run.offset, run.length));
    } else {
      CAIRN_TRY_STATUS(copy_range(building_->number(), standing, run.offset, run.length));
      target_.log().add_written(run.length);
    }
  }
  return set_size(standing, entry_.content.size_bytes);
}

core::Status RestoredFile::complete_patch() {
  CAIRN_TRY(const auto standing, open_standing(O_RDWR));
  keeps_temporary_ = true;  // from here on the file is a mixture until all is applied
  CAIRN_TRY_STATUS(apply_patch(standing->number()));
  // Before the time says that the file is as recorded: else a power cut could leave a mixture that
  // the next restore takes for right, and without the patch that would tell.
  CAIRN_TRY_STATUS(sync_data(standing->number()));
  target_.metadata().set(standing->number(), entry_, path());
  target_.metadata().set_last(standing->number(), entry_, path());
  close_building();
  target_.discard(*folder_, building_name_);
  return {};
}

}  // namespace cairn::repo::ops
