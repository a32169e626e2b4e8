#pragma once

#include <string>

#include "cairn/core/clock.h"
#include "cairn/repo/retention.h"

/// Snapshots as text.
namespace cairn::cli {

/// "1a2b3c4d of 2026-01-01 14:30:05, host laptop, set home (partial, 2 problems)": safe to print.
[[nodiscard]] std::string snapshot_line(const repo::ListedSnapshot& listed, core::Clock& clock);

/// "host laptop, set home, /home, /etc": what the snapshots of a group have in common.
[[nodiscard]] std::string group_line(const repo::SnapshotGroup& group);

/// What a user who relies on it should know: "partial, 2 problems, dated in the future"; empty if
/// there is nothing.
[[nodiscard]] std::string snapshot_flaws(const repo::Snapshot& snapshot, core::Timestamp now);

}  // namespace cairn::cli
