#include "cairn/repo/snapshot.h"

namespace cairn::repo {

std::string_view to_string(SnapshotType type) noexcept {
  switch (type) {
    case SnapshotType::manual:
      return "manual";
    case SnapshotType::hourly:
      return "hourly";
    case SnapshotType::daily:
      return "daily";
    case SnapshotType::weekly:
      return "weekly";
    case SnapshotType::monthly:
      return "monthly";
    case SnapshotType::restore_point:
      return "restore_point";
  }
  return "unknown";
}

std::string_view to_string(ProblemKind kind) noexcept {
  switch (kind) {
    case ProblemKind::unreadable:
      return "unreadable";
    case ProblemKind::changed_while_read:
      return "changed_while_read";
    case ProblemKind::incomplete_metadata:
      return "incomplete_metadata";
    case ProblemKind::vanished:
      return "vanished";
    case ProblemKind::changed_unnoticed:
      return "changed_unnoticed";
    case ProblemKind::lost:
      return "lost";
  }
  return "unknown";
}

TreeCounts& TreeCounts::operator+=(const TreeCounts& other) noexcept {
  files += other.files;
  folders += other.folders;
  symlinks += other.symlinks;
  others += other.others;
  bytes += other.bytes;
  return *this;
}

TreeCounts counts_of(const Snapshot& snapshot) noexcept {
  TreeCounts sum;
  for (const Source& source : snapshot.sources) {
    sum += source.counts;
  }
  return sum;
}

}  // namespace cairn::repo
