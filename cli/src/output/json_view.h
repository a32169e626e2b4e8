#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/copy.h"
#include "cairn/repo/diff.h"
#include "cairn/repo/find.h"
#include "cairn/repo/forget.h"
#include "cairn/repo/keys.h"
#include "cairn/repo/marks.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/repair.h"
#include "cairn/repo/restore.h"
#include "cairn/repo/rewrite.h"
#include "cairn/repo/settings.h"
#include "cairn/repo/snapshot.h"
#include "cairn/repo/stats.h"
#include "cairn/repo/verify.h"
#include "output/exit_code.h"

/// The library's values as JSON. Sizes are in bytes, times RFC 3339, ids hexadecimal. A text that
/// is not valid UTF-8 (names of files are bytes) appears twice: readable, with U+FFFD for invalid
/// bytes, and exactly, under the same key with "_base64" after it.
namespace cairn::cli {

/// Keeps the order in which keys were added.
using Json = nlohmann::ordered_json;

/// One line without line end. Never throws.
[[nodiscard]] std::string to_line(const Json& json);

/// Sets `object[key]`, and `object[key + "_base64"]` if `bytes` are not valid UTF-8.
void put_bytes(Json& object, const std::string& key, std::string_view bytes);

[[nodiscard]] std::string to_base64(std::string_view bytes);

[[nodiscard]] Json error_view(const core::Error& error, ExitCode exit_code);
[[nodiscard]] Json problem_view(const repo::Problem& problem);
/// To the millisecond.
[[nodiscard]] double seconds_view(std::uint64_t nanoseconds);
[[nodiscard]] Json progress_view(const repo::Progress& progress, std::uint64_t elapsed_ns);
[[nodiscard]] Json counts_view(const repo::TreeCounts& counts);
/// All of a snapshot but its id and chain.
[[nodiscard]] Json snapshot_view(const repo::Snapshot& snapshot);
[[nodiscard]] Json listed_snapshot_view(const repo::ListedSnapshot& listed);
/// What the snapshots of a group have in common.
[[nodiscard]] Json snapshot_group_view(const repo::SnapshotGroup& group);
[[nodiscard]] Json entry_view(const repo::ListedEntry& listed);
/// A change found by diff, with the object before and after.
[[nodiscard]] Json change_view(const repo::Difference& change);
[[nodiscard]] Json diff_view(const repo::DiffReport& report);
[[nodiscard]] Json version_view(const repo::FoundVersion& version);
[[nodiscard]] Json backup_view(const repo::BackupReport& report);
[[nodiscard]] Json restore_view(const repo::RestoreReport& report);
[[nodiscard]] Json finding_view(const repo::Finding& finding);
[[nodiscard]] Json prune_view(const repo::PruneReport& report);
[[nodiscard]] Json copy_view(const repo::CopyReport& report);
[[nodiscard]] Json repair_packs_view(const repo::RepairPacksReport& report);
[[nodiscard]] Json rewrite_view(const repo::RewriteReport& report);
[[nodiscard]] Json verify_view(const repo::VerifyReport& report);
[[nodiscard]] Json statistics_view(const repo::Statistics& statistics);
/// The decision for each snapshot, by groups, and which snapshots are forgotten.
[[nodiscard]] Json forget_view(const repo::ForgetReport& report);
[[nodiscard]] Json mark_view(const repo::MarkReport& report);
[[nodiscard]] Json settings_view(const repo::Settings& settings);
[[nodiscard]] Json key_view(const repo::ListedKey& key);

}  // namespace cairn::cli
