#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "ops/verify/verify_steps.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

using format::ObjectKind;

// Each look after the first follows a collector that has just replaced segments.
constexpr int kPackListingsMax = 8;

class IndexCheck {
 public:
  IndexCheck(VerifyWork& work, const PackDirectories& directories)
      : work_(work), present_(directories.present()) {}

  core::Status run(std::vector<IndexSegmentId> segments) {
    std::set<IndexSegmentId> read;
    for (int i = 0; i < kPackListingsMax; ++i) {
      bool any_replaced = false;
      for (const IndexSegmentId& id : segments) {
        if (read.insert(id).second) {
          CAIRN_TRY(const bool was_there, check_segment(id));
          any_replaced = any_replaced || !was_there;
        }
      }
      if (!any_replaced) {
        break;
      }
      // Other segments list what it listed: they existed before it was removed.
      CAIRN_TRY(segments,
                store::list_ids<IndexSegmentId>(*work_.view.repository.backend, ObjectKind::index));
    }
    return tell_unlisted();
  }

 private:
  /// False if it is gone.
  core::Result<bool> check_segment(const IndexSegmentId& id) {
    const auto segment =
        store::get_index_segment(*work_.view.repository.backend, *work_.view.repository.keys, id);
    if (!segment) {
      const auto code = segment.error().code();
      if (code == core::ErrorCode::not_found) {
        return false;
      }
      if (code == core::ErrorCode::not_permitted) {
        return core::fail(segment.error());
      }
      work_.report.objects_checked += 1;
      work_.findings.failed_read(
          store::object_path(store::object_name(ObjectKind::index, id)), segment.error(),
          std::string(kRepairIndexHelps) + ": nothing is lost by this alone");
      return true;
    }
    work_.report.objects_checked += 1;
    for (const format::IndexedPack& pack : segment->packs) {
      if (listed_.insert(pack.id).second) {
        CAIRN_TRY_STATUS(check_pack(id, pack));
      }
    }
    return true;
  }

  core::Status check_pack(const IndexSegmentId& segment, const format::IndexedPack& pack) {
    const auto name = store::object_name(ObjectKind::pack, pack.id);
    std::optional<std::uint64_t> size;
    if (const auto found = present_.find(pack.id); found != present_.end()) {
      size = found->second;
    } else {
      CAIRN_TRY(size, work_.view.repository.backend->size(name));  // published since
    }
    if (size == pack.size_bytes) {
      return {};
    }
    if (!size) {
      // A collector removes a pack from the index before it deletes it.
      CAIRN_TRY(const auto still_lists_it, work_.view.repository.backend->size(
                                               store::object_name(ObjectKind::index, segment)));
      if (!still_lists_it) {
        listed_.erase(pack.id);
        return {};
      }
    }
    CAIRN_TRY(const auto number, work_.view.catalogue().find_pack(pack.id));
    if (!size) {
      const auto finding = work_.findings.missing(store::object_path(name), "it is missing",
                                                  std::string(kHealingHelps));
      if (number) {
        work_.findings.mark_pack(*number, finding);
        work_.missing.emplace(*number, finding);
      }
      return {};
    }
    const auto finding =
        work_.findings.damage(name, fmt::format("it has {} bytes, not {}", *size, pack.size_bytes),
                              std::string(kRepairPacksHelps));
    // check_integrity finds out which of its blocks can still be opened.
    if (number && !work_.options.check_integrity) {
      work_.findings.mark_pack(*number, finding);
    }
    return {};
  }

  core::Status tell_unlisted() {
    CAIRN_TRY(const auto sessions,
              store::list_ids<SnapshotId>(*work_.view.repository.backend, ObjectKind::session));
    for (const auto& [id, size] : present_) {
      work_.report.objects_checked += 1;
      if (listed_.contains(id)) {
        continue;
      }
      const auto name = store::object_name(ObjectKind::pack, id);
      CAIRN_TRY(const auto still_there, work_.view.repository.backend->size(name));
      if (still_there && sessions.empty()) {
        work_.findings.add(
            Finding::Severity::note, store::object_path(name),
            "no intact index segment lists it: an interrupted backup left it, or its "
            "segment is damaged or gone",
            std::string(kRepairIndexHelps));
      } else if (still_there) {
        work_.findings.add(Finding::Severity::note, store::object_path(name),
                           "no intact index segment lists it yet: a backup is under way, or was "
                           "interrupted");
      }
    }
    return {};
  }

  VerifyWork& work_;
  const std::unordered_map<PackId, std::uint64_t>& present_;
  std::set<PackId> listed_;
};

}  // namespace

core::Status verify_index(VerifyWork& work, const PackDirectories& directories) {
  return IndexCheck(work, directories).run(directories.segments());
}

}  // namespace cairn::repo::ops
