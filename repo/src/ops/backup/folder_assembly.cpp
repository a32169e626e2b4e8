#include "ops/backup/folder_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/gsl>
#include <utility>

#include "format/node.h"

namespace cairn::repo::ops {

FolderAssembly::FolderAssembly(const AssemblyParts& parts, const std::string& path,
                               std::shared_ptr<const RecalledFolder> recalled)
    : parts_(parts), key_(folder_key(path)), recalled_(std::move(recalled)) {
  if (recalled_ != nullptr) {
    Expects(parts_.cache != nullptr);
    entries_.emplace(*parts_.cache, recalled_);
  }
}

core::Result<const Entry*> FolderAssembly::recorded_entry(std::uint32_t index) {
  Expects(entries_.has_value());
  return entries_->at(index);
}

core::Status FolderAssembly::add_unchanged(std::uint32_t first, std::size_t count) {
  Expects(recalled_ != nullptr && first + count <= recalled_->size());
  if (!builder_ && recalled_->trusted && first == same_) {
    same_ += gsl::narrow_cast<std::uint32_t>(count);
    return {};
  }
  CAIRN_TRY_STATUS(build());
  for (std::size_t i = first; i < first + count; ++i) {
    CAIRN_TRY(const Entry* const entry, entries_->at(i));
    CAIRN_TRY_STATUS(append(*entry, recalled_->record.stamps[i]));
  }
  return {};
}

core::Status FolderAssembly::add(Entry entry, Stamp stamp, std::optional<std::uint32_t> same_as) {
  if (same_as && !builder_ && recalled_->trusted && *same_as == same_) {
    ++same_;
    return {};
  }
  CAIRN_TRY_STATUS(build());
  return append(std::move(entry), stamp);
}

/// From here on the folder is built, beginning with the children so far.
core::Status FolderAssembly::build() {
  if (builder_) {
    return {};
  }
  FolderBuilder::OnLeaf on_leaf;
  if (parts_.cache != nullptr) {
    record_ = parts_.cache->start_record(recalled_ != nullptr ? &recalled_->record : nullptr);
    on_leaf = [this](core::ByteView encoded, std::size_t entries) {
      return entries == 0 ? core::Status()
                          : parts_.cache->put_piece(key_, record_, encoded, entries);
    };
  }
  builder_ = std::make_unique<FolderBuilder>(parts_.sink, parts_.split_key, std::move(on_leaf));
  for (std::uint32_t i = 0; i < same_; ++i) {
    CAIRN_TRY(const Entry* const entry, entries_->at(i));
    CAIRN_TRY_STATUS(append(*entry, recalled_->record.stamps[i]));
  }
  return {};
}

core::Status FolderAssembly::append(Entry entry, Stamp stamp) {
  if (parts_.cache != nullptr) {
    if (entry.type == EntryType::folder) {
      const auto index = gsl::narrow_cast<std::uint32_t>(record_.stamps.size());
      record_.subfolders.push_back({index, entry.name, entry.folder.node});
    }
    record_.stamps.push_back(stamp);
    last_name_ = entry.name;
  }
  count_entry(entry, record_.own);
  return builder_->add(std::move(entry));
}

core::Result<FolderAssembly::Finished> FolderAssembly::finish(const std::string& path,
                                                              const Left& left) {
  Finished finished;
  if (!builder_ && recalled_ != nullptr && recalled_->trusted && recalled_->record.content &&
      same_ == recalled_->size()) {
    finished.content = *recalled_->record.content;
    finished.own = recalled_->record.own;
    finished.unchanged = true;
    return finished;
  }
  CAIRN_TRY_STATUS(build());
  CAIRN_TRY(finished.content, builder_->finish());
  finished.unchanged = recalled_ != nullptr && recalled_->record.content == finished.content;
  finished.own = record_.own;
  if (parts_.cache == nullptr) {
    return finished;
  }
  if (left.early && recalled_ != nullptr) {
    CAIRN_TRY_STATUS(append_rest(record_));
  } else {
    record_.content = finished.content;
    CAIRN_TRY_STATUS(forget_removed(path, left));
  }
  CAIRN_TRY_STATUS(parts_.cache->put(key_, record_));
  return finished;
}

/// Drops the records of subfolders that no longer exist.
core::Status FolderAssembly::forget_removed(const std::string& path, const Left& left) {
  if (recalled_ == nullptr) {
    return {};
  }
  auto present = record_.subfolders.cbegin();
  for (const RecordedSubfolder& old : recalled_->record.subfolders) {
    while (present != record_.subfolders.cend() && present->name < old.name) {
      ++present;
    }
    const bool is_there = present != record_.subfolders.cend() && present->name == old.name;
    const bool is_refused = left.refused != nullptr &&
                            std::ranges::find(*left.refused, old.name) != left.refused->end();
    if (!is_there && !is_refused) {
      CAIRN_TRY_STATUS(
          parts_.cache->forget(fmt::format("{}/{}", path == "/" ? "" : path, old.name)));
    }
  }
  return {};
}

core::Status FolderAssembly::record_progress() {
  if (parts_.cache == nullptr || !builder_) {
    return {};  // the existing record is still right
  }
  FolderRecord progress = record_;
  if (const format::FolderLeaf& leaf = builder_->open_leaf(); !leaf.entries.empty()) {
    // It will be appended to, at the same place.
    CAIRN_TRY(const core::Bytes encoded, format::encode_folder_leaf(leaf));
    CAIRN_TRY_STATUS(parts_.cache->put_piece(key_, progress, encoded, leaf.entries.size()));
  }
  CAIRN_TRY_STATUS(append_rest(progress));
  return parts_.cache->put(key_, progress);
}

/// Adds the old record's children after the last one appended. The walk and this object are at most
/// there, so the pieces before that are not needed any more.
core::Status FolderAssembly::append_rest(FolderRecord& record) {
  if (recalled_ == nullptr) {
    return {};
  }
  for (; passed_ < recalled_->size() && !last_name_.empty(); ++passed_) {
    CAIRN_TRY(const Entry* const entry, entries_->at(passed_));
    if (entry->name > last_name_) {
      break;
    }
  }
  const FolderRecord& old = recalled_->record;
  const auto shift = static_cast<std::int64_t>(record.stamps.size()) - std::int64_t{passed_};
  record.stamps.insert(record.stamps.end(), old.stamps.begin() + passed_, old.stamps.end());
  for (const RecordedSubfolder& subfolder : old.subfolders) {
    if (subfolder.index >= passed_) {
      record.subfolders.push_back(subfolder);
      record.subfolders.back().index =
          gsl::narrow_cast<std::uint32_t>(std::int64_t{subfolder.index} + shift);
    }
  }
  std::uint32_t first = 0;
  for (RecordPiece piece : old.pieces) {
    const std::uint32_t end = first + piece.count;
    if (end > passed_) {
      const std::uint32_t cut = passed_ > first ? passed_ - first : 0;
      piece.skipped += cut;
      piece.count -= cut;
      record.pieces.push_back(piece);
    }
    first = end;
  }
  if (!recalled_->trusted) {
    record.dead_packs = kNotVouchedFor;
  }
  return {};
}

}  // namespace cairn::repo::ops
