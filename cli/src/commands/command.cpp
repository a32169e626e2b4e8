#include "commands/command.h"

namespace cairn::cli {

core::Status Command::locate(Context& context) const {
  CAIRN_TRY(context.location, repository_location(context.global, context.streams));
  if (context.location.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "which repository?",
                      "give --repo REPO or set CAIRN_REPOSITORY");
  }
  return {};
}

}  // namespace cairn::cli
