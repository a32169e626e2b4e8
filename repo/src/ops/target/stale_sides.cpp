#include "ops/target/stale_sides.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "ops/target/database_sides.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

bool StaleSides::have_log() {
  return std::ranges::any_of(names_, [&](const std::string& name) {
    const auto file = planned_.target.names().open(*planned_.folder, name, O_RDONLY);
    return file && is_database_log((*file)->number());
  });
}

core::Status StaleSides::set_aside(int restored, int standing) {
  if (names_.empty() ||
      !(is_database(restored) || (standing >= 0 && is_database(standing)) || have_log())) {
    return {};
  }
  for (const std::string& side : names_) {
    const std::string side_path = join_path(planned_.folder->path, side);
    if (planned_.target.options().overwrite == Overwrite::never) {
      planned_.target.log().problem(
          ProblemKind::unreadable, side_path,
          "it is kept, but stands beside a database that was restored without "
          "it: SQLite would apply it");
      continue;
    }
    if (!planned_.target.options().dry_run) {
      std::string aside =
          fmt::format("{}{}", temporary_name(planned_.entry), side.substr(side.rfind('-')));
      planned_.target.names().discard(*planned_.folder, aside);  // left by an earlier restore
      CAIRN_TRY_STATUS(planned_.target.names().set_aside(*planned_.folder, side, aside));
      aside_.emplace_back(side, std::move(aside));
    }
    planned_.target.log().done(RestoreAction::deleted, side_path);
    planned_.target.log().warning(fmt::format(
        "{} {}: it belongs to another state of the database than the "
        "one restored, and SQLite would apply it",
        side_path, planned_.target.options().dry_run ? "would be deleted" : "is deleted"));
  }
  return {};
}

void StaleSides::remove_or_put_back(bool is_done) {
  for (const auto& [name, aside] : aside_) {
    if (is_done) {
      planned_.target.names().discard(*planned_.folder, aside);
    } else if (auto back = planned_.target.names().set_aside(*planned_.folder, aside, name);
               !back) {
      planned_.target.log().problem(ProblemKind::unreadable, join_path(planned_.folder->path, name),
                                    back.error().message());
    }
  }
  aside_.clear();
}

}  // namespace cairn::repo::ops
