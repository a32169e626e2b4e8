#include "ops/folder_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/gsl>
#include <utility>

#include "format/node.h"

namespace cairn::repo::ops {

FolderAssembly::FolderAssembly(const AssemblyParts& parts, const std::string& path,
                               std::shared_ptr<const RecalledFolder> seen)
    : parts_(parts), key_(folder_key(path)), seen_(std::move(seen)) {
  if (seen_ != nullptr) {
    Expects(parts_.cache != nullptr);
    entries_.emplace(*parts_.cache, seen_);
  }
}

core::Result<const Entry*> FolderAssembly::seen_entry(std::uint32_t index) {
  Expects(entries_.has_value());
  return entries_->at(index);
}

core::Status FolderAssembly::add_unchanged(std::uint32_t first, std::size_t count) {
  Expects(seen_ != nullptr && first + count <= seen_->size());
  if (!builder_ && seen_->trusted && first == same_) {
    same_ += gsl::narrow_cast<std::uint32_t>(count);
    return {};
  }
  CAIRN_TRY_STATUS(build());
  for (std::size_t i = first; i < first + count; ++i) {
    CAIRN_TRY(const Entry* const entry, entries_->at(i));
    CAIRN_TRY_STATUS(append(*entry, seen_->seen.stamps[i]));
  }
  return {};
}

/// True if the child is the record's next one in every respect.
core::Result<bool> FolderAssembly::continues_record(const Entry& entry, std::uint32_t index) {
  if (builder_ || !seen_->trusted || index != same_) {
    return false;
  }
  if (entry.type == EntryType::folder) {
    // Equal stamps vouch for everything but what lies below.
    const SeenSubfolder* const subfolder = seen_->subfolder(index);
    return subfolder != nullptr && subfolder->node == entry.folder.node;
  }
  CAIRN_TRY(const Entry* const seen, entries_->at(index));
  return *seen == entry;
}

core::Status FolderAssembly::add(Entry entry, Stamp stamp,
                                 std::optional<std::uint32_t> seen_index) {
  if (seen_index) {
    CAIRN_TRY(const bool continues, continues_record(entry, *seen_index));
    if (continues) {
      ++same_;
      return {};
    }
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
    record_ = parts_.cache->start_record();
    on_leaf = [this](core::ByteView encoded, std::size_t entries) {
      return entries == 0 ? core::Status()
                          : parts_.cache->put_piece(key_, record_, encoded, entries);
    };
  }
  builder_ = std::make_unique<FolderBuilder>(parts_.sink, parts_.split_key, std::move(on_leaf));
  for (std::uint32_t i = 0; i < same_; ++i) {
    CAIRN_TRY(const Entry* const entry, entries_->at(i));
    CAIRN_TRY_STATUS(append(*entry, seen_->seen.stamps[i]));
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
  }
  count_entry(entry, record_.own);
  return builder_->add(std::move(entry));
}

core::Result<FolderAssembly::Finished> FolderAssembly::finish(const std::string& path) {
  Finished finished;
  if (!builder_ && seen_ != nullptr && seen_->trusted && seen_->seen.content &&
      same_ == seen_->size()) {
    finished.content = *seen_->seen.content;
    finished.own = seen_->seen.own;
    finished.unchanged = true;
    return finished;
  }
  CAIRN_TRY_STATUS(build());
  CAIRN_TRY(finished.content, builder_->finish());
  finished.own = record_.own;
  if (parts_.cache != nullptr) {
    record_.content = finished.content;
    CAIRN_TRY_STATUS(forget_removed(path));
    CAIRN_TRY_STATUS(parts_.cache->put(key_, record_));
  }
  return finished;
}

/// Drops the records of subfolders that are there no more.
core::Status FolderAssembly::forget_removed(const std::string& path) {
  if (seen_ == nullptr) {
    return {};
  }
  auto present = record_.subfolders.cbegin();
  for (const SeenSubfolder& old : seen_->seen.subfolders) {
    while (present != record_.subfolders.cend() && present->name < old.name) {
      ++present;
    }
    if (present == record_.subfolders.cend() || present->name != old.name) {
      CAIRN_TRY_STATUS(
          parts_.cache->forget(fmt::format("{}/{}", path == "/" ? "" : path, old.name)));
    }
  }
  return {};
}

core::Status FolderAssembly::record_progress() {
  if (parts_.cache == nullptr || !builder_) {
    return {};  // what is recorded is right still
  }
  const std::size_t whole_pieces = record_.pieces.size();
  if (const format::FolderLeaf& leaf = builder_->open_leaf(); !leaf.entries.empty()) {
    CAIRN_TRY_STATUS(parts_.cache->put_piece(key_, record_, format::encode_folder_leaf(leaf),
                                             leaf.entries.size()));
  }
  CAIRN_TRY_STATUS(parts_.cache->put(key_, record_));
  record_.pieces.resize(whole_pieces);  // the open leaf goes on growing
  return {};
}

}  // namespace cairn::repo::ops
