#include "ops/browse/diff_trees.h"

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "cairn/core/stop.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kCompareBytes = 256 * 1024;

/// Names of the children of a folder above sources, descending.
std::vector<std::string> names_above(const Snapshot& snapshot, const std::string& folder) {
  const std::string prefix = folder == "/" ? "/" : folder + '/';
  std::set<std::string> names;
  for (const Source& source : snapshot.sources) {
    if (source.path.starts_with(prefix) && source.path.size() > prefix.size()) {
      const std::string below = source.path.substr(prefix.size());
      names.insert(below.substr(0, below.find('/')));
    }
  }
  return {names.rbegin(), names.rend()};
}

core::Result<DiffEntry> located_entry(CatalogueView view, const Snapshot& snapshot,
                                      const std::string& path) {
  CAIRN_TRY(Located located, locate(view, snapshot, path));
  const bool is_recorded = located.source != nullptr;
  located.entry.name = located.path.substr(located.path.rfind('/') + 1);
  return DiffEntry{
      .entry = std::move(located.entry), .is_recorded = is_recorded, .has_folder = is_recorded};
}

}  // namespace

// --- A snapshot ---------------------------------------------------------------------------------

StoredTree::StoredTree(CatalogueView view, const Snapshot& snapshot, std::string path)
    : view_(view), snapshot_(snapshot), path_(std::move(path)) {}

core::Result<DiffEntry> StoredTree::take_root() { return located_entry(view_, snapshot_, path_); }

core::Result<DiffHead> StoredTree::head() {
  const Level& level = levels_.back();
  if (!level.recorded) {
    return level.names.empty() ? DiffHead()
                               : DiffHead{DiffHead::Type::entry, level.names.back(), nullptr};
  }
  if (const Entry* const entry = level.recorded->entry()) {
    return DiffHead{DiffHead::Type::entry, entry->name, nullptr};
  }
  if (const FolderCursor::Piece* const piece = level.recorded->piece()) {
    return DiffHead{DiffHead::Type::piece, piece->first_name, piece};
  }
  return DiffHead();
}

core::Result<DiffEntry> StoredTree::take() {
  Level& level = levels_.back();
  if (level.recorded) {
    return DiffEntry{.entry = level.recorded->take()};
  }
  const std::string path = join_path(level.path, level.names.back());
  level.names.pop_back();
  return located_entry(view_, snapshot_, path);
}

core::Status StoredTree::open_piece() { return levels_.back().recorded->open_piece(); }

void StoredTree::skip_piece() { levels_.back().recorded->skip_piece(); }

core::Status StoredTree::enter(const DiffEntry& folder, const std::string& path) {
  Level level;
  if (folder.has_folder) {
    level.recorded.emplace(view_, folder.entry.folder.node);
  } else {
    level.names = names_above(snapshot_, path);
    level.path = path;
  }
  levels_.push_back(std::move(level));
  return {};
}

core::Status StoredTree::leave() {
  levels_.pop_back();
  return {};
}

// --- The file system ----------------------------------------------------------------------------

LiveTree::LiveTree(CatalogueView view, std::string path, Observer& observer, std::stop_token stop)
    : view_(view), path_(std::move(path)), observer_(observer), stop_(std::move(stop)) {}

void LiveTree::add(Problem problem) {
  ++problem_count_;
  observer_.problem(problem);
  if (problem.kind == ProblemKind::unreadable || problem.kind == ProblemKind::vanished) {
    unreadable_.insert(std::move(problem.path));
  }
}

core::Result<DiffEntry> LiveTree::take_root() {
  CAIRN_TRY(walk_, SourceWalk::open(path_, *this));
  CAIRN_TRY_STATUS(peek());
  if (!next_) {
    return core::fail(core::ErrorCode::io, path_ + " cannot be read");
  }
  return take();
}

core::Status LiveTree::peek() {
  if (!next_) {
    CAIRN_TRY(next_, walk_->next());
  }
  return {};
}

core::Result<DiffHead> LiveTree::head() {
  CAIRN_TRY_STATUS(peek());
  const WalkItem* const item = next_ ? item_of(*next_) : nullptr;
  return item != nullptr ? DiffHead{DiffHead::Type::entry, item->entry.name, nullptr} : DiffHead();
}

core::Result<DiffEntry> LiveTree::take() {
  taken_ = std::move(*item_of(*next_));
  next_.reset();
  DiffEntry taken{.entry = taken_->entry, .has_content = false, .has_folder = false};
  if (taken.entry.type == EntryType::file) {
    taken.entry.content.size_bytes = taken_->size_bytes;
    taken.has_attributes = false;
  }
  return taken;
}

core::Status LiveTree::open_piece() {
  Expects(false);  // there are none
  return {};
}

void LiveTree::skip_piece() { Expects(false); }

core::Status LiveTree::enter(const DiffEntry& /*folder*/, const std::string& path) {
  entered_.push_back(path);
  return {};
}

core::Status LiveTree::leave() {
  CAIRN_TRY_STATUS(peek());
  next_.reset();
  // '0' follows '/': everything below the folder.
  unreadable_.erase(unreadable_.lower_bound(entered_.back() + '/'),
                    unreadable_.lower_bound(entered_.back() + '0'));
  entered_.pop_back();
  return {};
}

bool LiveTree::is_unreadable(const std::string& path, const std::string& folder) const {
  return unreadable_.contains(path) || unreadable_.contains(folder);
}

core::Result<bool> LiveTree::look_into(DiffEntry& file, const Content* other, bool& is_same) {
  const auto problem = [this](const core::Error& error) {
    add({ProblemKind::unreadable, taken_->path, error.message()});
    return false;
  };
  auto opened = SourceFile::open(*taken_);
  if (!opened) {
    return problem(opened.error());
  }
  std::vector<Problem> problems;
  if (const auto status = opened->read_metadata(file.entry, taken_->path, problems); !status) {
    return problem(status.error());
  }
  file.has_attributes = problems.empty();
  for (Problem& met : problems) {
    add(std::move(met));
  }
  if (other == nullptr) {
    return true;
  }
  std::optional<core::Error> unreadable;
  CAIRN_TRY_CONTEXT(is_same, taken_->path, has_content(*opened, *other, unreadable));
  return unreadable ? problem(*unreadable) : true;
}

/// Reads the file at the offsets of the recorded chunks: their ids show whether the bytes are the
/// same, however they were cut. Errors of reading go to `unreadable`.
core::Result<bool> LiveTree::has_content(SourceFile& file, const Content& content,
                                         std::optional<core::Error>& unreadable) {
  if (file.size_bytes() != content.size_bytes) {
    return false;
  }
  bool is_same = true;
  const auto status = for_each_item(
      view_, content, [&](std::uint64_t offset, const ContentItem& item) -> core::Status {
        if (stop_.stop_requested()) {
          return core::interrupted();
        }
        const auto has = has_item(file, offset, item);
        if (!has) {
          unreadable = has.error();
        }
        is_same = has.value_or(false);
        // Nobody sees this error: it ends the loop at the first difference.
        return is_same ? core::Status() : core::fail(core::ErrorCode::changed, "differs");
      });
  if (!status && is_same) {
    return core::fail(status.error());
  }
  return is_same;
}

core::Result<bool> LiveTree::has_item(SourceFile& file, std::uint64_t offset,
                                      const ContentItem& item) {
  const std::size_t at_once =
      item.chunk ? static_cast<std::size_t>(item.length_bytes) : kCompareBytes;
  buffer_.resize(std::max(buffer_.size(), at_once));
  for (std::uint64_t done = 0; done < item.length_bytes;) {
    if (!item.chunk) {
      // A recorded hole that is still one need not be read.
      CAIRN_TRY(const auto extent, file.next_extent(offset + done));
      if (extent && extent->is_hole) {
        done = std::min(item.length_bytes, extent->offset + extent->length_bytes - offset);
        continue;
      }
    }
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(at_once, item.length_bytes - done));
    const core::MutableByteView piece = core::MutableByteView(buffer_).first(wanted);
    CAIRN_TRY(const std::size_t got, file.read_at(offset + done, piece));
    if (got < wanted) {
      return false;
    }
    const bool is_same =
        item.chunk ? view_.repository.keys->data_chunk_id(piece) == *item.chunk
                   : std::ranges::all_of(piece, [](std::byte b) { return b == std::byte{0}; });
    if (!is_same) {
      return false;
    }
    done += wanted;
  }
  return true;
}

}  // namespace cairn::repo::ops
