#include "cairn/repo/find.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "cairn/core/codec.h"
#include "cairn/core/crypto.h"
#include "cairn/core/stop.h"
#include "ops/choice/path_pattern.h"
#include "ops/repository/access.h"
#include "ops/tree/stored_tree_walk.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::CatalogueView;
using ops::PathPattern;
using Visit = std::function<core::Status(const ListedSnapshot&, const ListedEntry&)>;

core::Result<std::vector<PathPattern>> compile(const FindOptions& options) {
  const auto letter_case = options.ignore_case ? ops::LetterCase::ignored : ops::LetterCase::exact;
  std::vector<PathPattern> patterns;
  for (const std::string& text : options.patterns) {
    CAIRN_TRY(PathPattern pattern, PathPattern::compile(text, letter_case));
    if (pattern.is_anchored() && !text.starts_with('/')) {
      CAIRN_TRY(pattern, PathPattern::compile("**/" + text, letter_case));
    }
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

/// What was found below folders that were met before.
///
/// Findings are kept in the order in which they were met. A walk is depth first, so those below one
/// folder are contiguous, and a folder is remembered as a range. Findings that come from memory are
/// appended again, for the folders above them.
class FindMemory {
 public:
  using Finding = std::shared_ptr<const ListedEntry>;
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// Where the findings of a folder begin.
  struct Mark {
    std::size_t begin = 0;
    std::uint64_t age = 0;
  };

  [[nodiscard]] const Range* recall(const std::string& path, const ChunkId& node) const {
    const auto found = folders_.find(key_of(path, node));
    return found == folders_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Finding& at(std::size_t i) const { return findings_[i]; }
  [[nodiscard]] Mark mark() const { return {findings_.size(), age_}; }

  void add(Finding finding, bool is_new) {
    bytes_ += sizeof(Finding) + (is_new ? bytes_of(*finding) : 0);
    findings_.push_back(std::move(finding));
  }
  void remember(const std::string& path, const ChunkId& node, const Mark& mark) {
    constexpr std::size_t kFolderBytes = 120;  // a node of the hash table
    if (mark.age == age_) {
      folders_.insert_or_assign(key_of(path, node), Range{mark.begin, findings_.size()});
      bytes_ += kFolderBytes;
    }
  }
  /// Everything at once, for simplicity; folders on the current path are not remembered.
  void forget_if_full() {
    if (bytes_ > kFindMemoryMax) {
      folders_.clear();
      findings_.clear();
      bytes_ = 0;
      ++age_;
    }
  }

 private:
  static std::size_t bytes_of(const ListedEntry& listed) {
    constexpr std::size_t kAllocations = 96;  // what their heads take
    const Entry& entry = listed.entry;
    std::size_t bytes = sizeof(ListedEntry) + kAllocations + listed.path.size() +
                        entry.name.size() + entry.link_target.size() +
                        entry.content.items.size() * sizeof(ContentItem);
    for (const Xattr& xattr : entry.xattrs) {
      bytes += sizeof(Xattr) + xattr.name.size() + xattr.value.size();
    }
    return bytes;
  }
  static core::Hash256 key_of(const std::string& path, const ChunkId& node) {
    core::Hasher hasher;
    hasher.update(node.view());
    hasher.update(core::as_view(path));
    return hasher.finish();
  }

  std::unordered_map<core::Hash256, Range> folders_;
  std::vector<Finding> findings_;
  std::size_t bytes_ = 0;
  std::uint64_t age_ = 0;
};

class Finder {
 public:
  Finder(CatalogueView view, const FindOptions& options, std::vector<PathPattern> patterns,
         bool remembers, const Visit& visit)
      : view_(view),
        options_(options),
        patterns_(std::move(patterns)),
        remembers_(remembers),
        visit_(visit),
        walk_(view, options.stop) {}

  core::Status look_into(const ListedSnapshot& listed);
  [[nodiscard]] const FindReport& report() const noexcept { return report_; }

 private:
  [[nodiscard]] bool fits(const std::string& path, const Entry& entry) const;
  core::Status take(const ListedSnapshot& listed, std::string path, Entry entry);
  core::Status enter(const ListedSnapshot& listed, std::string path, const ChunkId& node);
  core::Status walk(const ListedSnapshot& listed);

  CatalogueView view_;
  const FindOptions& options_;
  std::vector<PathPattern> patterns_;
  bool remembers_;
  const Visit& visit_;
  FindMemory memory_;
  ops::StoredTreeWalk<FindMemory::Mark> walk_;
  FindReport report_;
};

bool Finder::fits(const std::string& path, const Entry& entry) const {
  const bool is_file = entry.type == EntryType::file;
  const std::uint64_t size = entry.content.size_bytes;
  if ((options_.type && entry.type != *options_.type) ||
      (options_.newer && entry.mtime <= *options_.newer) ||
      (options_.older && entry.mtime > *options_.older) ||
      (options_.larger && (!is_file || size <= *options_.larger)) ||
      (options_.smaller && (!is_file || size >= *options_.smaller))) {
    return false;
  }
  const bool is_folder = entry.type == EntryType::folder;
  const std::string_view relative = std::string_view(path).substr(1);
  return patterns_.empty() || std::ranges::any_of(patterns_, [&](const PathPattern& pattern) {
           return pattern.matches(relative, is_folder);
         });
}

core::Status Finder::look_into(const ListedSnapshot& listed) {
  ++report_.snapshots;
  for (const Source& source : listed.snapshot.sources) {
    CAIRN_TRY(Entry root, ops::read_root(view_, source));
    root.name = source.path.substr(source.path.rfind('/') + 1);
    CAIRN_TRY_STATUS(take(listed, source.path, std::move(root)));
    CAIRN_TRY_STATUS(walk(listed));
  }
  return {};
}

core::Status Finder::walk(const ListedSnapshot& listed) {
  while (!walk_.has_ended()) {
    memory_.forget_if_full();
    CAIRN_TRY_CONTEXT(auto entry, walk_.path(), walk_.next());
    if (entry) {
      std::string path = walk_.path_of(entry->name);
      CAIRN_TRY_STATUS(take(listed, std::move(path), std::move(*entry)));
      continue;
    }
    if (remembers_) {
      memory_.remember(walk_.path(), walk_.node(), walk_.level());
    }
    walk_.leave();
  }
  return {};
}

core::Status Finder::take(const ListedSnapshot& listed, std::string path, Entry entry) {
  const std::optional<ChunkId> node =
      entry.type == EntryType::folder ? std::optional(entry.folder.node) : std::nullopt;
  if (fits(path, entry)) {
    ++report_.found;
    const auto finding = std::make_shared<const ListedEntry>(ListedEntry{path, std::move(entry)});
    if (remembers_) {
      memory_.add(finding, true);
    }
    CAIRN_TRY_STATUS(visit_(listed, *finding));
  }
  return node ? enter(listed, std::move(path), *node) : core::Status();
}

core::Status Finder::enter(const ListedSnapshot& listed, std::string path, const ChunkId& node) {
  if (const FindMemory::Range* const known = memory_.recall(path, node)) {
    const FindMemory::Range range = *known;
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const FindMemory::Finding finding = memory_.at(i);
      memory_.add(finding, false);
      ++report_.found;
      CAIRN_TRY_STATUS(visit_(listed, *finding));
    }
    return {};
  }
  ++report_.folders_read;
  return walk_.enter(node, std::move(path), memory_.mark());
}

/// The same for the same content, in any snapshot.
core::Hash256 content_id_of(const Entry& entry) {
  core::Encoder out;
  out.u8(static_cast<std::uint8_t>(entry.type));
  out.varint(entry.content.size_bytes);
  for (const ContentItem& item : entry.content.items) {
    out.varint(item.length_bytes);
    out.raw(item.chunk.value_or(ChunkId()).view());
  }
  out.raw(entry.content.tree_root.value_or(ChunkId()).view());
  out.raw(entry.folder.node.view());
  out.bytes(entry.link_target);
  out.varint(entry.device.major);
  out.varint(entry.device.minor);
  return core::hash256(out.view());
}

bool is_same_version(const FoundVersion& version, const Entry& entry, const core::Hash256& id) {
  return version.content_id == id && version.entry.mtime == entry.mtime;
}

}  // namespace

static core::Result<FindReport> find_once(ops::CatalogueView view,
                                          const std::vector<ListedSnapshot>& snapshots,
                                          const FindOptions& options,
                                          std::vector<PathPattern> patterns, const Visit& visit) {
  Finder finder(view, options, std::move(patterns), snapshots.size() > 1, visit);
  for (const ListedSnapshot& listed : snapshots) {
    if (auto status = finder.look_into(listed); !status) {
      return core::fail(
          std::move(status.error()).with_context("snapshot " + listed.id.short_hex()));
    }
  }
  return finder.report();
}

core::Result<std::vector<FoundVersion>> find_versions(Repository& repository,
                                                      const std::vector<ListedSnapshot>& snapshots,
                                                      const std::string& path, std::stop_token stop,
                                                      Observer& observer) {
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  CAIRN_TRY(const CatalogueView view, ops::ensure_catalogue(open, observer));
  std::vector<FoundVersion> versions;
  for (const ListedSnapshot& listed : snapshots) {
    if (stop.stop_requested()) {
      return core::interrupted();
    }
    CAIRN_TRY_CONTEXT(auto located, "snapshot " + listed.id.short_hex(),
                      ops::locate_if_there(view, listed.snapshot, path));
    if (!located || located->source == nullptr) {
      continue;
    }
    const core::Hash256 id = content_id_of(located->entry);
    const SnapshotMoment moment{listed.id, listed.snapshot.start};
    const auto known = std::ranges::find_if(versions, [&](const FoundVersion& version) {
      return is_same_version(version, located->entry, id);
    });
    if (known == versions.end()) {
      located->entry.name = located->path.substr(located->path.rfind('/') + 1);
      versions.push_back({std::move(located->entry), id, moment, moment, 1});
    } else {
      known->last = moment;
      ++known->snapshots;
    }
  }
  return versions;
}

core::Result<FindReport> find(Repository& repository, const std::vector<ListedSnapshot>& snapshots,
                              const FindOptions& options, Observer& observer, const Visit& visit) {
  CAIRN_TRY(const auto patterns, compile(options));
  ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  bool shown = false;
  const Visit note = [&](const ListedSnapshot& snapshot, const ListedEntry& entry) {
    shown = true;
    return visit(snapshot, entry);
  };
  return ops::with_catalogue(
      open, observer,
      [&](CatalogueView view) { return find_once(view, snapshots, options, patterns, note); },
      &shown);
}

}  // namespace cairn::repo
