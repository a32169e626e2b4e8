#pragma once

#include <optional>
#include <string>

#include "command_line/filter_options.h"
#include "command_line/usage_error.h"
#include "text/times.h"

/// Arguments that name one snapshot, and perhaps something in it.
namespace cairn::cli {

/// Which snapshot, and what in it: "SNAP", "SNAP:/path", or a time and perhaps a path.
struct SnapshotChoice {
  std::string snapshot;              ///< empty if `at` decides
  std::optional<Moment> at;          ///< the newest snapshot at or before this
  repo::SnapshotFilter filter = {};  ///< which ones to choose from; paths as typed
  std::string path;                  ///< absolute; empty for everything
};

struct TypedChoice {
  std::string what;
  std::string at;
  TypedFilter filter;
};

/// Declares SNAP, --at and the filter; `typed` must outlive the app.
void add_choice(CLI::App& command, TypedChoice& typed, const char* description);
[[nodiscard]] std::optional<UsageError> take_choice(const TypedChoice& typed,
                                                    SnapshotChoice& choice);

}  // namespace cairn::cli
