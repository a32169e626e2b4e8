#include "store/backend/backend.h"

#include <fmt/format.h>

namespace cairn::repo::store {

std::string object_path(const ObjectName& name) {
  const auto in_folder = [&name](std::string_view folder) {
    return fmt::format("{}/{}", folder, name.id.hex());
  };
  switch (name.kind) {
    case format::ObjectKind::config:
      return "config";
    case format::ObjectKind::key_slot:
      return in_folder("keys");
    case format::ObjectKind::pack: {
      const std::string hex = name.id.hex();
      return fmt::format("packs/{}/{}", hex.substr(0, 2), hex);
    }
    case format::ObjectKind::index:
      return in_folder("index");
    case format::ObjectKind::session:
      return in_folder("sessions");
    case format::ObjectKind::snapshot:
      return in_folder("snapshots");
    case format::ObjectKind::forgotten:
      return in_folder("forgotten");
    case format::ObjectKind::condemned:
      return in_folder("condemned");
    case format::ObjectKind::mark:
      return in_folder("marks");
    case format::ObjectKind::settings:
      return in_folder("settings");
  }
  return in_folder("unknown");
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
