#include "ops/writing/condemned_packs.h"

#include <fmt/format.h>

#include <utility>

#include "store/objects/records.h"

namespace cairn::repo::ops {

core::Result<std::vector<CondemnedPacks>> read_condemned_packs(const OpenRepository& repository) {
  CAIRN_TRY(const auto ids,
            store::list_ids<CondemnedId>(*repository.backend, format::ObjectKind::condemned));
  std::vector<CondemnedPacks> all;
  for (const CondemnedId& id : ids) {
    auto record = store::get_condemned(*repository.backend, *repository.keys, id);
    if (record) {
      all.push_back({.id = id, .packs = std::move(record->packs)});
      continue;
    }
    if (record.error().code() == core::ErrorCode::not_found) {
      continue;  // its collector has just finished
    }
    if (record.error().code() == core::ErrorCode::corrupt) {
      return core::fail(std::move(record).error().with_hint(
          fmt::format("it tells which packs a prune was about to delete, and cannot be read. Once "
                      "no prune runs "
                      "on any machine, remove {} by hand, then run: cairn verify",
                      store::object_path(store::object_name(format::ObjectKind::condemned, id)))));
    }
    return core::fail(std::move(record).error());
  }
  return all;
}

}  // namespace cairn::repo::ops
