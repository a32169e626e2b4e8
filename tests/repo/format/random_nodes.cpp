// Nodes, and the manifests above them.

#include <algorithm>
#include <set>

#include "random_records.h"

namespace cairn::test {

using namespace repo;
using namespace repo::format;

namespace {

std::string random_name(SeededRandom& random) {
  while (true) {
    const std::size_t size = random.below(16) == 0 ? kNameBytesMax : 1 + random.below(20);
    std::string name = core::to_string(random.bytes(size));
    for (char& c : name) {
      c = c == '/' || c == '\0' ? 'x' : c;
    }
    if (is_valid_name(name)) {
      return name;
    }
  }
}

/// `count` different names, sorted as bytes.
std::vector<std::string> random_names(SeededRandom& random, std::size_t count) {
  std::set<std::string> names;
  while (names.size() < count) {
    names.insert(random_name(random));
  }
  return {names.begin(), names.end()};
}

std::string random_path(SeededRandom& random) {
  std::string path = random_name(random);
  for (std::size_t i = random.below(4); i > 0; --i) {
    path += "/" + random_name(random);
  }
  return path;
}

std::vector<ContentItem> random_items(SeededRandom& random, std::size_t count) {
  std::vector<ContentItem> items;
  bool after_hole = false;
  for (std::size_t i = 0; i < count; ++i) {
    ContentItem item;
    const bool hole = !after_hole && random.below(4) == 0;
    item.length_bytes =
        hole ? 1 + random_number(random, 1ULL << 50) : 1 + random_number(random, (8 << 20) - 1);
    if (!hole) {
      item.chunk = random_id<ChunkId>(random);
    }
    after_hole = hole;
    items.push_back(item);
  }
  return items;
}

std::vector<Xattr> random_xattrs(SeededRandom& random) {
  std::set<std::string> names;
  for (std::size_t i = random.below(4); i > 0; --i) {
    names.insert("user." + random_name(random).substr(0, 200));
  }
  std::vector<Xattr> xattrs;
  for (const std::string& name : names) {
    xattrs.push_back({.name = name, .value = random_text(random, 4096)});
  }
  return xattrs;
}

void fill_body(SeededRandom& random, Entry& entry) {
  switch (entry.type) {
    case EntryType::file:
      entry.content = random_content(random);
      entry.changed_while_read = random.below(8) == 0;
      entry.has_lost_bytes = random.below(8) == 0;
      return;
    case EntryType::folder:
      entry.folder.node = random_id<ChunkId>(random);
      entry.folder.entries_below = 1 + random_number(random, UINT64_MAX - 1);
      entry.folder.bytes_below = random_number(random, UINT64_MAX);
      return;
    case EntryType::symlink:
      entry.link_target = "../" + random_path(random).substr(0, kLinkTargetBytesMax - 3);
      return;
    case EntryType::char_device:
    case EntryType::block_device:
      entry.device.major = static_cast<std::uint32_t>(random_number(random, UINT32_MAX));
      entry.device.minor = static_cast<std::uint32_t>(random_number(random, UINT32_MAX));
      return;
    case EntryType::fifo:
    case EntryType::socket:
      return;
  }
}

Source random_source(SeededRandom& random) {
  Source source;
  source.path = "/" + random_path(random);
  source.root = random_id<ChunkId>(random);
  source.counts.files = random_number(random, UINT64_MAX);
  source.counts.folders = random_number(random, UINT64_MAX);
  source.counts.symlinks = random_number(random, UINT64_MAX);
  source.counts.others = random_number(random, UINT64_MAX);
  source.counts.bytes = random_number(random, UINT64_MAX);
  source.birth_times = random_content(random);
  return source;
}

AddedBytes random_added(SeededRandom& random) {
  return {.chunks = random_number(random, UINT64_MAX),
          .plain_bytes = random_number(random, UINT64_MAX),
          .stored_bytes = random_number(random, UINT64_MAX)};
}

}  // namespace

Content random_content(SeededRandom& random) {
  Content content;
  if (random.below(4) == 0) {
    content.size_bytes = 1 + random_number(random, kFileSizeMax - 1);
    content.tree_root = random_id<ChunkId>(random);
    return content;
  }
  content.items = random_items(random, random.below(kInlineItemsMax + 1));
  for (const ContentItem& item : content.items) {
    content.size_bytes += item.length_bytes;
  }
  return content;
}

Entry random_entry(SeededRandom& random) {
  Entry entry;
  entry.name = random_name(random);
  entry.type = static_cast<EntryType>(random.below(7));
  entry.mode = static_cast<std::uint16_t>(random.below(010000));
  entry.owner = {.uid = static_cast<std::uint32_t>(random.below(3)),
                 .gid = static_cast<std::uint32_t>(random_number(random, 2)),
                 .user = random.below(2) == 0 ? "" : "user",
                 .group = random.below(9) == 0 ? random_text(random, kOwnerNameBytesMax) : "users"};
  entry.mtime = random_time(random);
  entry.xattrs = random.below(4) == 0 ? random_xattrs(random) : std::vector<Xattr>();
  entry.inode_flags =
      random.below(4) == 0 ? static_cast<std::uint8_t>(random.next()) : std::uint8_t{0};
  if (entry.type != EntryType::folder && random.below(4) == 0) {
    entry.hard_link_to = random_path(random);
  }
  fill_body(random, entry);
  return entry;
}

FolderLeaf random_folder_leaf(SeededRandom& random) {
  FolderLeaf leaf;
  for (std::string& name : random_names(random, random.below(40))) {
    Entry entry = random_entry(random);
    entry.name = std::move(name);
    leaf.entries.push_back(std::move(entry));
  }
  return leaf;
}

FolderInner random_folder_inner(SeededRandom& random) {
  FolderInner inner;
  inner.level = static_cast<std::uint8_t>(1 + random.below(kTreeDepthMax));
  for (std::string& name : random_names(random, 2 + random.below(100))) {
    FolderChild child;
    child.first_name = std::move(name);
    child.node = random_id<ChunkId>(random);
    child.entries = 1 + random_number(random, 1ULL << 40);
    inner.children.push_back(std::move(child));
  }
  return inner;
}

ListLeaf random_list_leaf(SeededRandom& random) {
  return {random_items(random, 1 + random.below(300))};
}

ListInner random_list_inner(SeededRandom& random) {
  ListInner inner;
  inner.level = static_cast<std::uint8_t>(1 + random.below(kTreeDepthMax));
  inner.children.resize(2 + random.below(300));
  for (ListChild& child : inner.children) {
    child.node = random_id<ChunkId>(random);
    child.length_bytes = 1 + random_number(random, 1ULL << 50);
  }
  return inner;
}

static void add_random_tail(SeededRandom& random, Snapshot& snapshot) {
  for (const std::string& name : random_names(random, random.below(4))) {
    const Entry entry = random_entry(random);
    snapshot.folders_above.push_back({.path = "/" + name,
                                      .mode = entry.mode,
                                      .owner = entry.owner,
                                      .mtime = entry.mtime,
                                      .xattrs = entry.xattrs});
  }
  for (std::size_t i = random.below(3); i > 0; --i) {
    LeftOut& one = snapshot.left_out.emplace_back();
    one.patterns = random_names(random, random.below(5));
    one.exclude_caches = random.below(2) == 0;
    one.exclude_if_present = random_names(random, random.below(3));
    one.exclude_nodump = random.below(2) == 0;
    one.one_file_system = true;  // it leaves something out
    if (random.below(2) == 0) {
      one.exclude_larger_than_bytes = random_number(random, kFileSizeMax);
    }
    if (random.below(4) == 0) {
      one.patterns.clear();
      one.exclude_if_present.clear();
      one.is_whole = false;
    }
  }
}

Snapshot random_snapshot(SeededRandom& random) {
  Snapshot snapshot;
  snapshot.start = random_time(random);
  snapshot.end = random_time(random);
  snapshot.utc_offset_minutes = static_cast<std::int32_t>(random.below(2881)) - 1440;
  snapshot.host = random_text(random, kTextBytesMax);
  snapshot.user = random_text(random, kTextBytesMax);
  snapshot.program_version = random_text(random, kTextBytesMax);
  snapshot.set = random_text(random, kTextBytesMax);
  snapshot.type = static_cast<SnapshotType>(random.below(6));
  snapshot.tags = random_names(random, random.below(5));
  snapshot.description = random_text(random, kDescriptionBytesMax);
  std::set<std::string> paths;
  for (std::size_t i = 1 + random.below(5); i > 0; --i) {
    Source source = random_source(random);
    if (paths.insert(source.path).second) {
      snapshot.sources.push_back(std::move(source));
    }
  }
  std::sort(snapshot.sources.begin(), snapshot.sources.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  snapshot.added_data = random_added(random);
  snapshot.added_metadata = random_added(random);
  snapshot.partial = random.below(2) == 0;
  snapshot.problem_count = random.below(4) == 0 ? random_number(random, 3000) : 0;
  snapshot.problems.resize(std::min<std::uint64_t>(snapshot.problem_count, kProblemsMax));
  for (Problem& problem : snapshot.problems) {
    problem.kind = static_cast<ProblemKind>(random.below(4));
    problem.path = random_path(random);
    problem.reason = random_text(random, kTextBytesMax);
  }
  add_random_tail(random, snapshot);
  return snapshot;
}

}  // namespace cairn::test
