#include "cairn/repo/opened_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ops/repository/access.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/file_content.h"
#include "ops/tree/folder_cursor.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

struct OpenedSnapshot::Parts {
  ops::CatalogueView view;
  Snapshot snapshot;
};

struct FolderListing::Parts {
  OpenedSnapshot snapshot;
  std::string path;
  std::string from;
  std::optional<ops::FolderCursor> recorded = std::nullopt;
  std::vector<std::string> above = {};  ///< paths, of a folder that was not recorded
  std::size_t next_above = 0;
};

namespace {

using core::ErrorCode;

/// The paths directly in `folder`, a folder above sources, that are sources or lead to some; from
/// the name `from` on.
std::vector<std::string> paths_to_sources(const Snapshot& snapshot, const std::string& folder,
                                          std::string_view from) {
  std::vector<std::string> paths;
  const std::string prefix = ops::join_path(folder, "");
  for (const Source& source : snapshot.sources) {
    if (!source.path.starts_with(prefix) || source.path.size() == prefix.size()) {
      continue;
    }
    std::string child = source.path.substr(0, source.path.find('/', prefix.size()));
    const bool is_met = !paths.empty() && paths.back() == child;
    if (!is_met && std::string_view(child).substr(prefix.size()) >= from) {
      paths.push_back(std::move(child));
    }
  }
  return paths;
}

}  // namespace

core::Result<OpenedSnapshot> OpenedSnapshot::open(Repository& repository, Snapshot snapshot,
                                                  Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  CAIRN_TRY(const ops::CatalogueView view, ops::ensure_catalogue(open, observer));
  return OpenedSnapshot(std::make_shared<const Parts>(Parts{view, std::move(snapshot)}));
}

const Snapshot& OpenedSnapshot::snapshot() const noexcept { return parts_->snapshot; }

core::Result<ListedEntry> OpenedSnapshot::lookup(std::string_view path) const {
  CAIRN_TRY(ops::Located located, ops::locate(parts_->view, parts_->snapshot, path));
  located.entry.name = located.path.substr(located.path.rfind('/') + 1);
  return ListedEntry{std::move(located.path), std::move(located.entry), located.source != nullptr};
}

core::Result<FolderListing> OpenedSnapshot::list(const ListedEntry& folder,
                                                 std::string from) const {
  if (folder.entry.type != EntryType::folder) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} is no folder in this snapshot", folder.path));
  }
  auto parts = std::make_unique<FolderListing::Parts>(
      FolderListing::Parts{*this, folder.path, std::move(from)});
  if (folder.is_recorded) {
    parts->recorded.emplace(parts_->view, folder.entry.folder.node);
  } else {
    parts->above = paths_to_sources(parts_->snapshot, folder.path, parts->from);
  }
  return FolderListing(std::move(parts));
}

core::Result<FileReader> OpenedSnapshot::open_file(const ListedEntry& file) const {
  CAIRN_TRY_STATUS(ops::require_data_key(parts_->view));
  if (!file.is_recorded || file.entry.type != EntryType::file) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("{} is no file in this snapshot", file.path));
  }
  return FileReader(*this, file);
}

FolderListing::FolderListing(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FolderListing::FolderListing(FolderListing&&) noexcept = default;
FolderListing& FolderListing::operator=(FolderListing&&) noexcept = default;
FolderListing::~FolderListing() = default;

core::Result<std::optional<ListedEntry>> FolderListing::next() {
  Parts& parts = *parts_;
  if (parts.recorded) {
    CAIRN_TRY_STATUS(parts.recorded->seek(parts.from));
    CAIRN_TRY(auto entry, parts.recorded->next());
    if (entry) {
      std::string path = ops::join_path(parts.path, entry->name);
      return std::optional(ListedEntry{std::move(path), *std::move(entry)});
    }
  } else if (parts.next_above < parts.above.size()) {
    CAIRN_TRY(ListedEntry listed, parts.snapshot.lookup(parts.above[parts.next_above++]));
    return std::optional(std::move(listed));
  }
  return std::optional<ListedEntry>();
}

core::Result<std::size_t> FileReader::read_at(std::uint64_t offset,
                                              core::MutableByteView out) const {
  const std::uint64_t there = content_.size_bytes - std::min(offset, content_.size_bytes);
  out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), there)));
  std::size_t filled = 0;
  const auto fill = [&](core::ByteView piece) -> core::Status {
    std::ranges::copy(piece, out.subspan(filled).begin());
    filled += piece.size();
    return {};
  };
  CAIRN_TRY_STATUS(ops::read_content(snapshot_.parts_->view, content_, path_, fill,
                                     {.begin = offset, .end = offset + out.size()}));
  if (filled < out.size()) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{}: it has fewer bytes than its size says", path_));
  }
  return filled;
}

}  // namespace cairn::repo
