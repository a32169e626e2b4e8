#include "cairn/core/id.h"

// Compiles as it is; with any of the bad lines, let in by its number, it must not.
namespace cairn::core {

struct PackTag;
struct SnapshotTag;
using PackId = Id<PackTag>;
using SnapshotId = Id<SnapshotTag>;

bool holds(const PackId& pack);

bool check(const PackId& pack, const SnapshotId& snapshot) {
  PackId other = pack;
#if CAIRN_BAD_LINE == 1
  other = snapshot;
#elif CAIRN_BAD_LINE == 2
  other = PackId(snapshot);
#elif CAIRN_BAD_LINE == 3
  return other == snapshot;
#elif CAIRN_BAD_LINE == 4
  return holds(snapshot);
#elif CAIRN_BAD_LINE == 5
  other = Id<PackTag, 16>();
#endif
  return other == pack && holds(other) && !snapshot.is_zero();
}

}  // namespace cairn::core
