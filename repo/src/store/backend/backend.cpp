#include "store/backend/backend.h"

#include <fmt/format.h>

namespace cairn::repo::store {

std::string_view folder_of(format::ObjectKind kind) noexcept {
  switch (kind) {
    case format::ObjectKind::config:
      break;
    case format::ObjectKind::key_slot:
      return "keys";
    case format::ObjectKind::pack:
      return "packs";
    case format::ObjectKind::index:
      return "index";
    case format::ObjectKind::session:
      return "sessions";
    case format::ObjectKind::snapshot:
      return "snapshots";
    case format::ObjectKind::forgotten:
      return "forgotten";
    case format::ObjectKind::condemned:
      return "condemned";
    case format::ObjectKind::mark:
      return "marks";
    case format::ObjectKind::settings:
      return "settings";
  }
  return {};
}

std::string object_path(const ObjectName& name) {
  if (name.kind == format::ObjectKind::config) {
    return "config";
  }
  const std::string hex = name.id.hex();
  if (name.kind == format::ObjectKind::pack) {
    return fmt::format("{}/{}/{}", folder_of(name.kind), hex.substr(0, 2), hex);
  }
  return fmt::format("{}/{}", folder_of(name.kind), hex);
}

core::Status Backend::replace(const ObjectName& name, core::ByteView /*data*/) {
  return core::fail(core::ErrorCode::io,
                    fmt::format("replace {}: this storage cannot", object_path(name)));
}

core::Status Backend::put(const ObjectName& name, core::ByteView data) {
  CAIRN_TRY(const std::unique_ptr<ObjectWriter> writer, start());
  CAIRN_TRY_STATUS(writer->append(data));
  return writer->publish(name);
}

core::Result<std::vector<std::string>> Backend::unfinished() { return std::vector<std::string>(); }

core::Result<std::vector<std::string>> Backend::abandoned(Certainty /*certainty*/) {
  return std::vector<std::string>();
}

core::Status Backend::discard_unfinished(const std::string& name) {
  return core::fail(core::ErrorCode::not_found,
                    fmt::format("discard {}: there is no such unfinished write", name));
}

core::Status Backend::make_reserve(core::ByteView /*seed*/) { return {}; }

core::Result<bool> Backend::give_up_reserve() { return false; }

}  // namespace cairn::repo::store
