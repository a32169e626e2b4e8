#include "ops/target/file_plan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "cairn/core/crypto.h"
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

/// True for a file that only a restore by this user can have left.
bool is_ours(const struct ::stat& status) {
  return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && status.st_nlink == 1 &&
         (status.st_mode & 07777U) == 0600;
}

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
  CAIRN_TRY(const Standing standing, target.names().look(folder, entry.name));
  CAIRN_TRY(const Standing leftover, target.names().look(folder, temporary_name(entry)));
  CAIRN_TRY(const Standing patch, target.names().look(folder, patch_name(entry)));
  if (leftover) {
    plan.leftover = is_ours(*leftover) ? Leftover::half_built : Leftover::useless;
  }
  plan.has_patch = patch && is_ours(*patch);
  const TargetOptions& options = target.options();
  plan.verdict = options.judge(standing, entry, join_path(folder.path, entry.name), target.log());
  if (plan.has_patch && options.overwrite != Overwrite::never &&
      !options.protects_what_stands(standing) &&
      (plan.verdict == Verdict::keep || plan.verdict == Verdict::metadata_only)) {
    plan.verdict = Verdict::compare;  // it may be a mixture, whatever its time is
  }
  switch (plan.verdict) {
    case Verdict::keep:
      return std::nullopt;
    case Verdict::refuse:
      return core::fail(core::ErrorCode::already_exists, "something of this name is there already");
    case Verdict::create:
      plan.has_patch = false;  // the file that it belonged to is gone
      break;
    case Verdict::replace:
      break;
    case Verdict::metadata_only:
    case Verdict::compare:
      plan.standing = standing;
      break;
  }
  return plan;
}

std::string PlannedFile::path() const { return join_path(folder->path, entry.name); }

core::Result<std::shared_ptr<Descriptor>> PlannedFile::open_standing(int flags) const {
  CAIRN_TRY(auto descriptor, target.names().open(*folder, entry.name, flags));
  struct ::stat status {};
  if (::fstat(descriptor->number(), &status) != 0 || !plan.standing ||
      status.st_ino != plan.standing->st_ino || status.st_dev != plan.standing->st_dev) {
    return core::fail(core::ErrorCode::changed, "another object has taken its name meanwhile");
  }
  return descriptor;
}

core::Result<std::shared_ptr<Descriptor>> PlannedFile::open_leftover(
    const std::string& name) const {
  CAIRN_TRY(auto descriptor,
            target.names().open(*folder, name, target.options().dry_run ? O_RDONLY : O_RDWR));
  struct ::stat status {};
  if (::fstat(descriptor->number(), &status) != 0 || !is_ours(status)) {
    return core::fail(core::ErrorCode::changed, "its temporary file belongs to somebody else");
  }
  return descriptor;
}

}  // namespace cairn::repo::ops
