#include <fmt/format.h>

#include <array>
#include <utility>

#include "cairn/repo/browse.h"
#include "ops/access.h"
#include "ops/file_content.h"
#include "ops/tar_header.h"
#include "ops/tree_reader.h"

namespace cairn::repo {

namespace {

using ops::State;
using Write = std::function<core::Status(core::ByteView)>;

constexpr std::array<std::byte, ops::kTarEndBytes> kZeros{};

/// `path` relative to `base`: "a/b", "." for the base itself; nullopt if it is not inside.
std::optional<std::string> relative_to(const std::string& base, const std::string& path) {
  const std::string prefix = base == "/" ? base : base + '/';
  if (path == base) {
    return ".";
  }
  return path.starts_with(prefix) ? std::optional(path.substr(prefix.size())) : std::nullopt;
}

/// Writes one member after another.
class TarWriter {
 public:
  TarWriter(State& state, const Snapshot& snapshot, std::string base, const Write& write)
      : state_(state), snapshot_(snapshot), base_(std::move(base)), write_(write) {}

  core::Status add(const ListedEntry& listed, Observer& observer);
  core::Status finish() { return write_(kZeros); }

 private:
  /// The path in the archive of the first name of the object, if that is in the archive.
  [[nodiscard]] std::optional<std::string> first_name_of(const ListedEntry& listed) const;

  State& state_;
  const Snapshot& snapshot_;
  std::string base_;
  const Write& write_;
};

std::optional<std::string> TarWriter::first_name_of(const ListedEntry& listed) const {
  if (!listed.entry.hard_link_to) {
    return std::nullopt;
  }
  for (const Source& source : snapshot_.sources) {
    if (relative_to(source.path, listed.path)) {
      const std::string first = ops::join_path(source.path, *listed.entry.hard_link_to);
      const auto name = relative_to(base_, first);
      return name && *name != "." ? std::optional("./" + *name) : std::nullopt;
    }
  }
  return std::nullopt;
}

core::Status TarWriter::add(const ListedEntry& listed, Observer& observer) {
  const Entry& entry = listed.entry;
  if (!ops::fits_into_tar(entry)) {
    observer.warning(fmt::format("{}: left out, since tar has no place for a {}", listed.path,
                                 to_string(entry.type)));
    return {};
  }
  const std::string relative = relative_to(base_, listed.path).value_or(entry.name);
  ops::TarMember member{relative == "." ? relative : "./" + relative, entry, first_name_of(listed)};
  if (entry.type == EntryType::folder) {
    member.path += '/';
  }
  CAIRN_TRY_STATUS(write_(ops::tar_header(member)));
  if (entry.type != EntryType::file || member.hard_link_to) {
    return {};
  }
  CAIRN_TRY_STATUS(ops::read_content(state_, entry.content, listed.path, write_));
  return write_(core::ByteView(kZeros).first(ops::tar_padding(entry.content.size_bytes)));
}

}  // namespace

core::Status dump_tar(Repository& repository, const Snapshot& snapshot, std::string_view path,
                      Observer& observer, const Write& write) {
  State& state = repository.state();
  CAIRN_TRY_STATUS(ops::require_metadata_key(state));
  CAIRN_TRY_STATUS(ops::require_data_key(state));
  CAIRN_TRY_STATUS(ops::ensure_catalogue(state, observer));
  CAIRN_TRY(const ops::Located located, ops::locate(state, snapshot, path));
  const bool is_folder = located.entry.type == EntryType::folder;
  ListedEntry top{located.path, located.entry};
  top.entry.name = located.path.substr(located.path.rfind('/') + 1);
  // A file is named as it is called; what is in a folder, as seen from there.
  std::string base = is_folder ? located.path : located.path.substr(0, located.path.rfind('/'));
  TarWriter tar(state, snapshot, base.empty() ? "/" : std::move(base), write);
  if (located.source != nullptr) {
    CAIRN_TRY_STATUS(tar.add(top, observer));
  }
  if (is_folder) {
    CAIRN_TRY_STATUS(list_entries(
        repository, snapshot, {.path = located.path, .recursive = true}, observer,
        [&tar, &observer](const ListedEntry& listed) { return tar.add(listed, observer); }));
  }
  return tar.finish();
}

}  // namespace cairn::repo
