#include "ops/rewrite/tree_rewriter.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "ops/repository/damage.h"
#include "ops/tree/birth_times.h"
#include "ops/tree/content_cursor.h"
#include "ops/tree/damaged_node.h"
#include "ops/tree/tree_counts.h"

namespace cairn::repo::ops {

using core::ErrorCode;

TreeRewriter::TreeRewriter(WriteView view, NodeSink& nodes, UnchangedFolders& unchanged,
                           const Options& options, ProgressMeter& meter)
    : view_(view),
      nodes_(nodes),
      unchanged_(unchanged),
      options_(options),
      meter_(meter),
      walk_(view, options.stop) {
  // The results of an earlier walk may be relied on only while nothing is condemned or gone.
  if (view_.usable_packs.avoids_any()) {
    unchanged_.clear();
  }
}

void TreeRewriter::clear_source(const Source& source) {
  source_path_ = source.path;
  walk_.clear();
  root_.reset();
  counts_ = {};
  result_ = {};
  new_first_names_.clear();
  holed_folders_.clear();
  times_.clear();
  objects_ = 0;
  unknown_from_.reset();
}

core::Result<RewrittenSource> TreeRewriter::rewrite(const Source& source) {
  clear_source(source);
  auto root = read_root(view_, source);
  if (!root) {
    if (!options_.mend || !is_lost(root.error().code())) {
      return core::fail(std::move(root).error());
    }
    add_lost({}, "all of it is lost: " + root.error().message());
    result_.changed = true;
    return std::move(result_);
  }
  if (is_excluded_source(root->type)) {
    leave_out(*root);
    result_.changed = true;
    return std::move(result_);
  }
  CAIRN_TRY_STATUS(walk(std::move(*root)));
  Expects(root_.has_value());
  result_.source = source;
  CAIRN_TRY(const bool times_are_lost, are_lost(source.birth_times));
  if (times_are_lost) {
    result_.changed = true;
    add_lost({}, "birth times of some of its objects are lost");
  }
  if (!result_.changed && options_.kept == nullptr) {
    return std::move(result_);
  }
  result_.source->counts = counts_;
  CAIRN_TRY(const core::Bytes encoded, format::encode_root(*root_));
  CAIRN_TRY(result_.source->root, nodes_.put_node(encoded));
  CAIRN_TRY(result_.source->birth_times, rewrite_times(source.birth_times));
  return std::move(result_);
}

/// A source was named itself, so names alone do not exclude it: "tmp" does not mean /tmp/x/...
bool TreeRewriter::is_excluded_source(EntryType type) const {
  if (options_.exclude == nullptr || source_path_ == "/") {
    return false;
  }
  for (std::size_t end = source_path_.find('/', 1);; end = source_path_.find('/', end + 1)) {
    const bool is_above = end != std::string::npos;
    if (options_.exclude->decide_anchored(source_path_.substr(0, end),
                                          is_above || type == EntryType::folder) ==
        PathFilter::Decision::excluded) {
      return true;
    }
    if (!is_above) {
      return false;
    }
  }
}

std::string TreeRewriter::absolute(const std::string& path) const {
  return path.empty() ? source_path_ : join_path(source_path_, path);
}

bool TreeRewriter::is_excluded(const std::string& path, bool is_folder) const {
  return options_.exclude != nullptr &&
         options_.exclude->decide(absolute(path), is_folder) == PathFilter::Decision::excluded;
}

core::Status TreeRewriter::walk(Entry root) {
  CAIRN_TRY_STATUS(visit(std::move(root)));
  while (!walk_.has_ended()) {
    CAIRN_TRY_STATUS(step());
  }
  return {};
}

core::Status TreeRewriter::step() {
  auto entry = walk_.next();
  if (!entry) {
    return skip_unreadable(std::move(entry).error());
  }
  return *entry ? visit(std::move(**entry)) : leave();
}

/// A node of the innermost folder cannot be read. How many objects were below it is known only when
/// the folder is left, so until then nobody can tell which birth time belongs to which object.
core::Status TreeRewriter::skip_unreadable(core::Error error) {
  if (!options_.mend || !is_lost(error.code())) {
    return core::fail(std::move(error).with_context("walk " + absolute(walk_.path())));
  }
  walk_.level().changed = true;
  if (holed_folders_.insert(walk_.path()).second) {
    add_lost(walk_.path(), "some of its entries are lost: " + error.message());
  }
  if (!unknown_from_) {
    unknown_from_ = walk_.depth() - 1;
  }
  return {};
}

core::Status TreeRewriter::visit(Entry entry) {
  const bool is_root = walk_.has_ended();
  std::string path = is_root ? entry.name : walk_.path_of(entry.name);
  if (!is_root && is_excluded(path, entry.type == EntryType::folder)) {
    leave_out(entry);
    walk_.level().changed = true;
    return {};
  }
  if (entry.type == EntryType::folder) {
    return enter(std::move(entry), std::move(path));
  }
  add_times(Times::Fate::keep, 1);
  meter_.file_done(absolute(path));
  bool changed = relink(entry, path);
  if (entry.type == EntryType::file) {
    CAIRN_TRY(const std::uint64_t lost_bytes, mend_content(entry.content));
    if (lost_bytes > 0) {
      changed = true;
      entry.has_lost_bytes = true;
      add_lost(path, fmt::format("{} of its {} bytes are lost and read as zeros", lost_bytes,
                                 entry.content.size_bytes));
    }
  }
  TreeCounts counts;
  count_entry(entry, counts);
  return place(std::move(entry), counts, changed);
}

core::Status TreeRewriter::enter(Entry entry, std::string path) {
  const auto known = unchanged_.find({entry.folder.node, absolute(path)});
  // If names are lost, links to them may have to become first names.
  if (known != unchanged_.end() && holed_folders_.empty()) {
    add_times(Times::Fate::keep, 1 + entry.folder.entries_below);
    meter_.files_done(entry.folder.entries_below);
    return place(std::move(entry), known->second, false);
  }
  add_times(Times::Fate::keep, 1);
  const ChunkId node = entry.folder.node;
  const std::uint64_t end = objects_ + entry.folder.entries_below;
  return walk_.enter(
      node, std::move(path),
      {.entry = std::move(entry),
       .builder = std::make_unique<FolderBuilder>(nodes_, view_.repository.keys->split_key()),
       .counts = {},
       .objects_end = end});
}

core::Status TreeRewriter::leave() {
  OpenFolder folder = std::move(walk_.level());
  CAIRN_TRY(folder.entry.folder, folder.builder->finish());
  TreeCounts counts = folder.counts;
  counts.folders += 1;
  if (!folder.changed) {
    if (unchanged_.size() >= kFoldersMax) {
      unchanged_.clear();
    }
    unchanged_.insert_or_assign({walk_.node(), absolute(walk_.path())}, counts);
  }
  walk_.leave();
  if (unknown_from_ == walk_.depth()) {
    unknown_from_.reset();
    if (objects_ < folder.objects_end) {
      add_times(Times::Fate::drop, folder.objects_end - objects_);
    }
  }
  return place(std::move(folder.entry), counts, folder.changed);
}

/// Passes an object that stays to the folder above it.
core::Status TreeRewriter::place(Entry entry, const TreeCounts& counts, bool changed) {
  if (walk_.has_ended()) {
    counts_ = counts;
    result_.changed = changed;
    root_ = std::move(entry);
    return {};
  }
  OpenFolder& above = walk_.level();
  above.counts += counts;
  above.changed = above.changed || changed;
  return above.builder->add(std::move(entry));
}

void TreeRewriter::leave_out(const Entry& entry) {
  const std::uint64_t objects = 1 + entry.folder.entries_below;
  result_.left_out += objects;
  result_.left_out_bytes += entry.content.size_bytes + entry.folder.bytes_below;
  add_times(Times::Fate::drop, objects);
}

/// A further name of an object whose first name goes: the first of these becomes the new first
/// name.
bool TreeRewriter::relink(Entry& entry, const std::string& path) {
  if (!entry.hard_link_to || !first_name_is_gone(*entry.hard_link_to)) {
    return false;
  }
  const auto [found, is_first] = new_first_names_.try_emplace(*entry.hard_link_to, path);
  if (is_first) {
    entry.hard_link_to.reset();
  } else {
    entry.hard_link_to = found->second;
  }
  return true;
}

bool TreeRewriter::first_name_is_gone(const std::string& path) const {
  if (holed_folders_.contains({})) {
    return true;
  }
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const bool is_folder = end != std::string::npos;
    const std::string part = path.substr(0, end);
    if (is_excluded(part, is_folder) || (is_folder && holed_folders_.contains(part))) {
      return true;
    }
    if (!is_folder) {
      return false;
    }
  }
}

core::Result<std::uint64_t> TreeRewriter::mend_content(Content& content) {
  std::uint64_t lost_bytes = 0;
  ContentBuilder builder(nodes_);
  ContentCursor cursor(view_, content);
  while (true) {
    auto item = cursor.next();
    if (!item) {
      if (!options_.mend || !is_lost(item.error().code())) {
        return core::fail(std::move(item).error());
      }
      lost_bytes += cursor.unread_bytes();
      CAIRN_TRY_STATUS(builder.add({.length_bytes = cursor.unread_bytes(), .chunk = {}}));
      continue;
    }
    if (!*item) {
      break;
    }
    CAIRN_TRY(const bool stays, keep_or_hole(**item));
    lost_bytes += stays ? 0 : (*item)->length_bytes;
    meter_.add_bytes((*item)->length_bytes);
    CAIRN_TRY_STATUS(builder.add(**item));
  }
  CAIRN_TRY(content, builder.finish());
  return lost_bytes;
}

/// False if the chunk was replaced by a hole.
core::Result<bool> TreeRewriter::keep_or_hole(ContentItem& item) {
  if (!item.chunk) {
    return true;
  }
  CAIRN_TRY(const bool is_lost, is_lost_chunk(*item.chunk));
  if (is_lost && options_.mend) {
    item.chunk.reset();
    return false;
  }
  if (options_.kept != nullptr) {
    options_.kept->add(*item.chunk);
  }
  return true;
}

core::Result<bool> TreeRewriter::is_lost_chunk(const ChunkId& chunk) const {
  CAIRN_TRY(const auto usable, view_.catalogue().find(chunk, view_.usable_packs.filter()));
  if (usable) {
    return false;
  }
  CAIRN_TRY(const auto present, view_.catalogue().find(chunk, view_.present_packs()));
  if (present && options_.kept == nullptr) {
    return core::fail(
        ErrorCode::busy,
        fmt::format("chunk {} lies in a pack that a prune is about to delete", chunk.hex()),
        "try again when that prune has ended");
  }
  return !present;
}

void TreeRewriter::add_times(Times::Fate fate, std::uint64_t objects) {
  if (unknown_from_) {
    if (fate == Times::Fate::drop) {
      return;  // leave() drops everything that the folder had
    }
    fate = Times::Fate::unknown;
  } else {
    objects_ += objects;
  }
  if (times_.empty() || times_.back().fate != fate) {
    times_.push_back({.fate = fate, .objects = 0});
  }
  times_.back().objects += objects;
}

/// True if it repairs and some of the list cannot be read.
core::Result<bool> TreeRewriter::are_lost(const Content& times) const {
  if (!options_.mend) {
    return false;
  }
  ContentCursor pieces(view_, times);
  while (true) {
    const auto piece = pieces.next();
    if (!piece) {
      return is_lost(piece.error().code()) ? core::Result<bool>(true) : core::fail(piece.error());
    }
    if (!*piece) {
      return false;
    }
    if ((*piece)->chunk) {
      CAIRN_TRY(const bool is_lost, is_lost_chunk(*(*piece)->chunk));
      if (is_lost) {
        return true;
      }
    }
  }
}

core::Result<Content> TreeRewriter::rewrite_times(const Content& times) {
  BirthTimeReader reader(view_, times);
  BirthTimeWriter writer(nodes_);
  bool readable = true;
  for (const Times& run : times_) {
    for (std::uint64_t i = 0; i < run.objects; ++i) {
      std::optional<core::Timestamp> time;
      if (readable && run.fate != Times::Fate::unknown) {
        auto next = reader.next();
        if (next) {
          time = *next;
        } else if (options_.mend && is_lost(next.error().code())) {
          readable = false;  // what follows is relative to what is lost
        } else {
          return core::fail(std::move(next).error());
        }
      }
      if (run.fate != Times::Fate::drop) {
        CAIRN_TRY_STATUS(writer.add(time));
      }
    }
  }
  return writer.finish();
}

void TreeRewriter::add_lost(const std::string& path, std::string reason) {
  reason.resize(std::min(reason.size(), kTextBytesMax));
  result_.lost_count += 1;
  if (result_.lost.size() < kProblemsMax) {
    result_.lost.push_back({ProblemKind::lost, absolute(path), std::move(reason)});
  }
}

}  // namespace cairn::repo::ops
