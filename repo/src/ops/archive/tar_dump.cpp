#include <fmt/format.h>

#include <array>
#include <unordered_map>
#include <utility>

#include "cairn/repo/browse.h"
#include "ops/archive/tar_header.h"
#include "ops/archive/tar_sparse.h"
#include "ops/repository/access.h"
#include "ops/tree/file_content.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

namespace {

using ops::CatalogueView;
using ops::TarMember;
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
  /// `base`: the folder that paths are relative to; everything below it is written if
  /// `holds_folder`.
  TarWriter(CatalogueView view, const Snapshot& snapshot, std::string base, bool holds_folder,
            const Write& write)
      : view_(view),
        snapshot_(snapshot),
        base_(std::move(base)),
        write_(write),
        holds_folder_(holds_folder) {}

  core::Status add(const ListedEntry& listed, Observer& observer);
  core::Status finish() { return write_(kZeros); }

 private:
  /// The first name of the object in the snapshot, an absolute path, if this is a further one.
  [[nodiscard]] std::optional<std::string> first_name_of(const ListedEntry& listed) const;
  /// The archive's member for this object, if there already is one, under its first name or another
  /// further one. If there is none, this name becomes that member.
  [[nodiscard]] std::optional<std::string> earlier_member(const ListedEntry& listed,
                                                          const std::string& member);
  core::Status write_content(TarMember& member, const std::string& path);

  CatalogueView view_;
  const Snapshot& snapshot_;
  std::string base_;
  const Write& write_;
  bool holds_folder_;
  /// For objects whose first name is not in the archive: that name, and the member for them.
  std::unordered_map<std::string, std::string> met_outside_;
};

std::optional<std::string> TarWriter::first_name_of(const ListedEntry& listed) const {
  if (!listed.entry.hard_link_to) {
    return std::nullopt;
  }
  for (const Source& source : snapshot_.sources) {
    if (relative_to(source.path, listed.path)) {
      return ops::join_path(source.path, *listed.entry.hard_link_to);
    }
  }
  return std::nullopt;
}

std::optional<std::string> TarWriter::earlier_member(const ListedEntry& listed,
                                                     const std::string& member) {
  auto first = first_name_of(listed);
  if (!first) {
    return std::nullopt;
  }
  const auto inside = holds_folder_ ? relative_to(base_, *first) : std::nullopt;
  if (inside && *inside != ".") {
    return "./" + *inside;
  }
  const auto [met, is_new] = met_outside_.try_emplace(std::move(*first), member);
  return is_new ? std::nullopt : std::optional(met->second);
}

core::Status TarWriter::write_content(TarMember& member, const std::string& path) {
  const Content& content = member.entry.content;
  CAIRN_TRY(const auto runs, ops::data_runs(view_, content));
  if (!runs) {
    CAIRN_TRY_STATUS(write_(ops::tar_header(member)));
    CAIRN_TRY_STATUS(ops::read_content(view_, content, path, write_));
    return write_(core::ByteView(kZeros).first(ops::tar_padding(content.size_bytes)));
  }
  const std::string map = ops::sparse_map(*runs);
  std::uint64_t bytes = map.size();
  for (const ops::DataRun& run : *runs) {
    bytes += run.length_bytes;
  }
  member.sparse_bytes = bytes;
  CAIRN_TRY_STATUS(write_(ops::tar_header(member)));
  CAIRN_TRY_STATUS(write_(core::as_view(map)));
  CAIRN_TRY_STATUS(ops::read_data(view_, content, path, write_));
  return write_(core::ByteView(kZeros).first(ops::tar_padding(bytes)));
}

core::Status TarWriter::add(const ListedEntry& listed, Observer& observer) {
  const Entry& entry = listed.entry;
  if (!ops::fits_into_tar(entry)) {
    observer.warning(fmt::format("{}: left out, since tar has no place for a {}", listed.path,
                                 to_string(entry.type)));
    return {};
  }
  const std::string relative = relative_to(base_, listed.path).value_or(entry.name);
  TarMember member{relative == "." ? relative : "./" + relative, entry};
  member.hard_link_to = earlier_member(listed, member.path);
  if (entry.type == EntryType::folder) {
    member.path += '/';
  }
  if (entry.type != EntryType::file || member.hard_link_to) {
    return write_(ops::tar_header(member));
  }
  return write_content(member, listed.path);
}

}  // namespace

core::Status dump_tar(Repository& repository, const Snapshot& snapshot, std::string_view path,
                      Observer& observer, const Write& write) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  CAIRN_TRY_STATUS(ops::require_data_key(open));
  CAIRN_TRY(const CatalogueView view, ops::ensure_catalogue(open, observer));
  CAIRN_TRY(const ops::Located located, ops::locate(view, snapshot, path));
  const bool is_folder = located.entry.type == EntryType::folder;
  ListedEntry top{located.path, located.entry};
  top.entry.name = located.path.substr(located.path.rfind('/') + 1);
  // A file gets its own name; what is in a folder gets its path relative to the folder.
  std::string base = is_folder ? located.path : located.path.substr(0, located.path.rfind('/'));
  TarWriter tar(view, snapshot, base.empty() ? "/" : std::move(base), is_folder, write);
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
