#include "cairn/repo/marks.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <utility>

#include "ops/repository/access.h"
#include "ops/repository/reserve.h"
#include "ops/snapshots/snapshot_choice.h"
#include "ops/snapshots/standing_marks.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using EditMark = std::function<void(ops::NewMark&)>;

core::Status check_tags(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    if (tag.empty()) {
      return core::fail(ErrorCode::invalid_argument, "a tag must not be empty");
    }
    if (tag.find(',') != std::string::npos) {
      return core::fail(ErrorCode::invalid_argument,
                        fmt::format("the tag \"{}\" has a comma in it", tag),
                        "a comma stands between tags");
    }
    if (tag.size() > kTextBytesMax) {
      return core::fail(
          ErrorCode::limit_exceeded,
          fmt::format("a tag has {} bytes; {} are the most", tag.size(), kTextBytesMax));
    }
  }
  return {};
}

core::Status check_count(const ops::NewMark& wanted) {
  if (wanted.tags.size() > kTagsMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("snapshot {} would have {} tags; {} are the most",
                                  wanted.snapshot.short_hex(), wanted.tags.size(), kTagsMax),
                      "remove some first, with: cairn tag remove");
  }
  return {};
}

core::Result<MarkReport> change(Repository& repository, const std::vector<std::string>& names,
                                const EditMark& apply, Observer& observer) {
  if (names.empty()) {
    return core::fail(ErrorCode::invalid_argument, "no snapshot was named");
  }
  const ops::OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open, "mark snapshots"));
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(open));
  list.warn(observer);
  CAIRN_TRY_STATUS(ops::keep_matching(list, {.names = names}, observer));
  MarkReport report;
  report.snapshots = std::move(list.snapshots);
  std::vector<ops::NewMark> wanted;
  for (const ListedSnapshot& listed : report.snapshots) {
    ops::NewMark mark{listed.id, listed.snapshot.tags, listed.pinned};
    apply(mark);
    CAIRN_TRY_STATUS(check_count(mark));
    wanted.push_back(std::move(mark));
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ListedSnapshot& listed = report.snapshots[i];
    if (listed.snapshot.tags == wanted[i].tags && listed.pinned == wanted[i].pinned) {
      continue;
    }
    CAIRN_TRY_STATUS(ops::with_reserve(
        open, observer, [&] { return ops::put_standing_mark(open, list.marks, wanted[i]); }));
    listed.snapshot.tags = wanted[i].tags;
    listed.pinned = wanted[i].pinned;
    report.changed += 1;
  }
  return report;
}

core::Result<MarkReport> change_tags(Repository& repository, const std::vector<std::string>& names,
                                     const std::vector<std::string>& tags,
                                     const std::function<void(std::set<std::string>&)>& apply,
                                     Observer& observer) {
  CAIRN_TRY_STATUS(check_tags(tags));
  return change(
      repository, names,
      [&apply](ops::NewMark& mark) {
        std::set<std::string> all(mark.tags.begin(), mark.tags.end());
        apply(all);
        mark.tags.assign(all.begin(), all.end());
      },
      observer);
}

}  // namespace

core::Result<MarkReport> add_tags(Repository& repository, const std::vector<std::string>& snapshots,
                                  const std::vector<std::string>& tags, Observer& observer) {
  return change_tags(
      repository, snapshots, tags,
      [&tags](std::set<std::string>& all) { all.insert(tags.begin(), tags.end()); }, observer);
}

core::Result<MarkReport> remove_tags(Repository& repository,
                                     const std::vector<std::string>& snapshots,
                                     const std::vector<std::string>& tags, Observer& observer) {
  return change_tags(
      repository, snapshots, tags,
      [&tags](std::set<std::string>& all) {
        for (const std::string& tag : tags) {
          all.erase(tag);
        }
      },
      observer);
}

core::Result<MarkReport> pin(Repository& repository, const std::vector<std::string>& snapshots,
                             Observer& observer) {
  return change(
      repository, snapshots, [](ops::NewMark& mark) { mark.pinned = true; }, observer);
}

core::Result<MarkReport> unpin(Repository& repository, const std::vector<std::string>& snapshots,
                               Observer& observer) {
  return change(
      repository, snapshots, [](ops::NewMark& mark) { mark.pinned = false; }, observer);
}

}  // namespace cairn::repo
