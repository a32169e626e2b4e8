#include "ops/copy/copy_tree.h"

#include <gsl/assert>
#include <utility>

#include "ops/tree/damaged_node.h"

namespace cairn::repo::ops {

FolderPair::FolderPair(CatalogueView from, const ChunkId& from_node, CatalogueView to,
                       const ChunkId& to_node)
    : from_(from, from_node), to_(to, to_node) {
  advance();
}

void FolderPair::advance() {
  next_.reset();
  auto from = from_.next();
  auto to = to_.next();
  // Different names mean that one is no copy of the other, whatever their manifests say.
  if (from && to && *from && *to && (*from)->name == (*to)->name) {
    next_ = EntryPair{std::move(**from), std::move(**to)};
  }
}

std::optional<EntryPair> FolderPair::find(std::string_view name) {
  while (next_ && next_->from.name < name) {
    advance();
  }
  if (!next_ || next_->from.name != name) {
    return std::nullopt;
  }
  EntryPair found = std::move(*next_);
  advance();
  return found;
}

class TreeCopier::EarlierContent {
 public:
  EarlierContent(CatalogueView from, CatalogueView to, const EntryPair& pair)
      : from_(from, pair.from.content), to_(to, pair.to.content) {}

  /// Learns ids of chunks up to `offset` and a little beyond, since insertions have moved them.
  void learn(std::uint64_t offset, TranslatedIds& ids) {
    while (!ended_ && learned_ < offset + kAheadBytes) {
      const auto from = from_.next();
      const auto to = to_.next();
      ended_ = !from || !to || !*from || !*to || (*from)->length_bytes != (*to)->length_bytes ||
               (*from)->chunk.has_value() != (*to)->chunk.has_value();
      if (ended_) {
        return;
      }
      learned_ += (*from)->length_bytes;
      if ((*from)->chunk) {
        ids.add(*(*from)->chunk, *(*to)->chunk);
      }
    }
  }

 private:
  static constexpr std::uint64_t kAheadBytes = 64 * 1024 * 1024;

  ContentCursor from_;
  ContentCursor to_;
  std::uint64_t learned_ = 0;
  bool ended_ = false;
};

TreeCopier::TreeCopier(CatalogueView from, CatalogueView to, ChunkCopier& chunks,
                       ProgressMeter& meter, std::stop_token stop)
    : from_(from), to_(to), chunks_(chunks), meter_(meter), walk_(from, std::move(stop)) {}

void TreeCopier::begin(NodeSink& nodes, bool trusts_pairs) {
  nodes_ = &nodes;
  trusts_pairs_ = trusts_pairs;
  walk_.clear();
  events_.clear();
  builders_.clear();
  content_.reset();
  root_.reset();
}

core::Result<Source> TreeCopier::copy(const Source& source,
                                      const std::optional<EntryPair>& earlier) {
  CAIRN_TRY(Entry root, read_root(from_, source));
  CAIRN_TRY_STATUS(walk(std::move(root), earlier));
  Expects(root_.has_value());
  Source copied;
  copied.path = source.path;
  copied.counts = source.counts;
  CAIRN_TRY(const core::Bytes encoded, format::encode_root(*std::exchange(root_, {})));
  CAIRN_TRY(copied.root, nodes_->put_node(encoded));
  CAIRN_TRY(copied.birth_times, copy_birth_times(source.birth_times));
  return copied;
}

core::Status TreeCopier::walk(Entry root, const std::optional<EntryPair>& earlier) {
  CAIRN_TRY_STATUS(visit(std::move(root), earlier));
  while (!walk_.has_ended()) {
    CAIRN_TRY(auto entry, walk_.next());
    OpenFolder& folder = walk_.level();
    if (entry) {
      const auto pair = folder.earlier ? folder.earlier->find(entry->name) : std::nullopt;
      CAIRN_TRY_STATUS(visit(std::move(*entry), pair));
      continue;
    }
    Event event{.kind = Event::Kind::close_folder,
                .entry = std::move(folder.entry),
                .runs = {},
                .folder = {}};
    event.folder = event.entry.folder.node;
    walk_.leave();
    CAIRN_TRY_STATUS(add(std::move(event)));
  }
  return finish_window();
}

core::Status TreeCopier::visit(Entry entry, const std::optional<EntryPair>& earlier) {
  switch (entry.type) {
    case EntryType::folder:
      return visit_folder(std::move(entry), earlier);
    case EntryType::file:
      return visit_file(std::move(entry), earlier);
    default:
      meter_.files_done(1);
      return add(
          {.kind = Event::Kind::object, .entry = std::move(entry), .runs = {}, .folder = {}});
  }
}

std::optional<FolderContent> TreeCopier::known_folder(
    const Entry& entry, const std::optional<EntryPair>& earlier) const {
  if (trusts_pairs_ && earlier && earlier->from.type == EntryType::folder &&
      earlier->to.type == EntryType::folder && earlier->from.folder.node == entry.folder.node) {
    return earlier->to.folder;
  }
  const auto found = folders_.find(entry.folder.node);
  return found == folders_.end() ? std::nullopt : std::optional(found->second);
}

core::Status TreeCopier::visit_folder(Entry entry, const std::optional<EntryPair>& earlier) {
  if (const auto known = known_folder(entry, earlier)) {
    meter_.files_done(known->entries_below);
    meter_.add_bytes(known->bytes_below);
    entry.folder = *known;
    return add({.kind = Event::Kind::object, .entry = std::move(entry), .runs = {}, .folder = {}});
  }
  const ChunkId node = entry.folder.node;
  std::optional<FolderPair> pair;
  if (earlier && earlier->from.type == EntryType::folder && earlier->to.type == EntryType::folder) {
    pair.emplace(from_, earlier->from.folder.node, to_, earlier->to.folder.node);
  }
  CAIRN_TRY_STATUS(walk_.enter(node, {}, {std::move(entry), std::move(pair)}));
  return add({.kind = Event::Kind::open_folder, .entry = {}, .runs = {}, .folder = {}});
}

core::Status TreeCopier::visit_file(Entry entry, const std::optional<EntryPair>& earlier) {
  meter_.files_done(1);
  const bool has_pair = earlier && earlier->from.type == EntryType::file &&
                        earlier->to.type == EntryType::file &&
                        earlier->from.content.size_bytes == earlier->to.content.size_bytes;
  if (has_pair && trusts_pairs_ && earlier->from.content == entry.content) {
    meter_.add_bytes(entry.content.size_bytes);
    entry.content = earlier->to.content;
    return add({.kind = Event::Kind::object, .entry = std::move(entry), .runs = {}, .folder = {}});
  }
  std::optional<EarlierContent> learned;
  if (has_pair) {
    learned.emplace(from_, to_, *earlier);
  }
  ContentCursor cursor(from_, entry.content);
  std::vector<ContentItem> runs;
  const auto add_runs = [&] {
    return add(
        {.kind = Event::Kind::runs, .entry = {}, .runs = std::exchange(runs, {}), .folder = {}});
  };
  for (std::uint64_t offset = 0;;) {
    CAIRN_TRY(const auto item, cursor.next());
    if (!item) {
      break;
    }
    if (learned) {
      learned->learn(offset, chunks_.ids());
    }
    if (item->chunk) {
      chunks_.want(*item);
    }
    offset += item->length_bytes;
    meter_.add_bytes(item->length_bytes);
    runs.push_back(*item);
    if (runs.size() >= kRunsOfEvent || chunks_.is_full()) {
      CAIRN_TRY_STATUS(add_runs());
    }
  }
  if (!runs.empty()) {
    CAIRN_TRY_STATUS(add_runs());
  }
  entry.content = {};
  return add({.kind = Event::Kind::end_file, .entry = std::move(entry), .runs = {}, .folder = {}});
}

core::Status TreeCopier::add(Event event) {
  events_.push_back(std::move(event));
  return events_.size() >= kEventsMax || chunks_.is_full() ? finish_window() : core::Status();
}

core::Status TreeCopier::finish_window() {
  CAIRN_TRY_STATUS(chunks_.copy_window());
  for (Event& event : events_) {
    CAIRN_TRY_STATUS(apply(std::move(event)));
  }
  events_.clear();
  chunks_.next_window();
  meter_.at({});
  return {};
}

core::Status TreeCopier::apply(Event event) {
  switch (event.kind) {
    case Event::Kind::object:
      return place(std::move(event.entry));
    case Event::Kind::open_folder:
      builders_.push_back(
          std::make_unique<FolderBuilder>(*nodes_, to_.repository.keys->split_key()));
      return {};
    case Event::Kind::close_folder: {
      CAIRN_TRY(event.entry.folder, builders_.back()->finish());
      builders_.pop_back();
      if (folders_.size() >= kFoldersMax) {
        folders_.clear();
      }
      folders_.insert_or_assign(event.folder, event.entry.folder);
      return place(std::move(event.entry));
    }
    case Event::Kind::runs:
      if (!content_) {
        content_.emplace(*nodes_);
      }
      for (ContentItem& run : event.runs) {
        if (run.chunk) {
          run.chunk = chunks_.id_of(*run.chunk);
        }
        CAIRN_TRY_STATUS(content_->add(run));
      }
      return {};
    case Event::Kind::end_file:
      if (content_) {
        CAIRN_TRY(event.entry.content, content_->finish());
        content_.reset();
      }
      return place(std::move(event.entry));
  }
  return {};
}

core::Status TreeCopier::place(Entry entry) {
  if (builders_.empty()) {
    root_ = std::move(entry);
    return {};
  }
  return builders_.back()->add(std::move(entry));
}

core::Result<Content> TreeCopier::copy_birth_times(const Content& times) {
  ContentBuilder content(*nodes_);
  ContentCursor cursor(from_, times);
  while (true) {
    CAIRN_TRY(const auto item, cursor.next());
    if (!item) {
      return content.finish();
    }
    ContentItem copied = *item;
    if (item->chunk) {
      CAIRN_TRY(const core::Bytes piece, read_node(from_, *item->chunk));
      if (piece.size() != item->length_bytes) {
        return core::fail(damaged_node(*item->chunk, "its length is not what its list says"));
      }
      CAIRN_TRY(copied.chunk, nodes_->put_node(piece));
    }
    CAIRN_TRY_STATUS(content.add(copied));
  }
}

}  // namespace cairn::repo::ops
