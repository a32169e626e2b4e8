#include "output/json_view.h"

#include <algorithm>

#include "text/escape.h"

namespace cairn::cli {
namespace {

std::string utc(core::Timestamp when) { return core::format_rfc3339(when, 0); }

/// A list of texts; if one is not valid UTF-8, a second list has all of them in base64.
void put_texts(Json& object, const std::string& key, const std::vector<std::string>& texts) {
  Json readable = Json::array();
  Json exact = Json::array();
  bool all_valid = true;
  for (const std::string& text : texts) {
    readable.push_back(to_valid_utf8(text));
    exact.push_back(to_base64(text));
    all_valid = all_valid && is_valid_utf8(text);
  }
  object[key] = std::move(readable);
  if (!all_valid) {
    object[key + "_base64"] = std::move(exact);
  }
}

Json added_view(const repo::AddedBytes& added) {
  return {{"chunks", added.chunks},
          {"plain_bytes", added.plain_bytes},
          {"stored_bytes", added.stored_bytes}};
}

Json source_view(const repo::Source& source) {
  Json json;
  put_bytes(json, "path", source.path);
  json["root"] = source.root.hex();
  json["counts"] = counts_view(source.counts);
  return json;
}

/// All of an entry but its name.
Json object_view(const repo::Entry& entry) {
  Json json;
  json["entry_type"] = to_string(entry.type);
  json["mode"] = entry.mode;
  json["uid"] = entry.owner.uid;
  json["gid"] = entry.owner.gid;
  put_bytes(json, "user", entry.owner.user);
  put_bytes(json, "group", entry.owner.group);
  json["mtime"] = utc(entry.mtime);
  json["mtime_nanoseconds"] = entry.mtime.nanoseconds;
  switch (entry.type) {
    case repo::EntryType::file:
      json["size"] = entry.content.size_bytes;
      json["changed_while_read"] = entry.changed_while_read;
      json["has_lost_bytes"] = entry.has_lost_bytes;
      break;
    case repo::EntryType::folder:
      json["entries_below"] = entry.folder.entries_below;
      json["bytes_below"] = entry.folder.bytes_below;
      break;
    case repo::EntryType::symlink:
      put_bytes(json, "link_target", entry.link_target);
      break;
    case repo::EntryType::char_device:
    case repo::EntryType::block_device:
      json["device"] = {{"major", entry.device.major}, {"minor", entry.device.minor}};
      break;
    case repo::EntryType::fifo:
    case repo::EntryType::socket:
      break;
  }
  if (!entry.xattrs.empty()) {
    std::vector<std::string> names;
    std::transform(entry.xattrs.begin(), entry.xattrs.end(), std::back_inserter(names),
                   [](const repo::Xattr& xattr) { return xattr.name; });
    put_texts(json, "xattrs", names);
  }
  if (entry.hard_link_to) {
    put_bytes(json, "hard_link_to", *entry.hard_link_to);
  }
  return json;
}

Json group_view(const repo::ForgetPlan& plan, const repo::RetentionGroup& group) {
  Json json = snapshot_group_view({group.host, group.set, group.paths, group.tags, {}});
  Json list = Json::array();
  for (const repo::RetentionVerdict& verdict : group.verdicts) {
    const repo::ListedSnapshot& listed = plan.snapshots[verdict.index];
    const repo::Snapshot& snapshot = listed.snapshot;
    Json one{{"id", listed.id.hex()},
             {"short_id", listed.id.short_hex()},
             {"start", core::format_rfc3339(snapshot.start, snapshot.utc_offset_minutes)},
             {"snapshot_type", to_string(snapshot.type)},
             {"partial", snapshot.partial},
             {"keep", verdict.keep}};
    put_texts(one, "reasons", verdict.reasons);
    list.push_back(std::move(one));
  }
  json["snapshots"] = std::move(list);
  return json;
}

Json problems_view(const std::vector<repo::Problem>& problems) {
  Json list = Json::array();
  std::transform(problems.begin(), problems.end(), std::back_inserter(list), problem_view);
  return list;
}

}  // namespace

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[bits >> (18 - 6 * j) & 63U] : '=';
    }
  }
  return text;
}

void put_bytes(Json& object, const std::string& key, std::string_view bytes) {
  object[key] = to_valid_utf8(bytes);
  if (!is_valid_utf8(bytes)) {
    object[key + "_base64"] = to_base64(bytes);
  }
}

Json error_view(const core::Error& error, ExitCode exit_code) {
  Json json{{"type", "error"}, {"code", core::to_string(error.code())}};
  put_bytes(json, "message", error.message());
  if (!error.hint().empty()) {
    put_bytes(json, "hint", error.hint());
  }
  json["exit_code"] = static_cast<int>(exit_code);
  return json;
}

Json problem_view(const repo::Problem& problem) {
  Json json{{"type", "problem"}, {"kind", to_string(problem.kind)}};
  put_bytes(json, "path", problem.path);
  put_bytes(json, "reason", problem.reason);
  return json;
}

double seconds_view(std::uint64_t nanoseconds) {
  const std::uint64_t milliseconds = nanoseconds / 1'000'000;
  return static_cast<double>(milliseconds) / 1000;
}

Json progress_view(const repo::Progress& progress, std::uint64_t elapsed_ns) {
  Json json{{"type", "progress"},
            {"seconds", seconds_view(elapsed_ns)},
            {"files_done", progress.files_done},
            {"bytes_done", progress.bytes_done},
            {"bytes_stored", progress.bytes_stored},
            {"problems", progress.problems}};
  if (progress.files_total > 0) {
    json["files_total"] = progress.files_total;
  }
  if (progress.bytes_total > 0) {
    json["bytes_total"] = progress.bytes_total;
  }
  if (!progress.current_path.empty()) {
    put_bytes(json, "current_path", progress.current_path);
  }
  return json;
}

Json counts_view(const repo::TreeCounts& counts) {
  return {{"files", counts.files},
          {"folders", counts.folders},
          {"symlinks", counts.symlinks},
          {"others", counts.others},
          {"bytes", counts.bytes}};
}

Json snapshot_view(const repo::Snapshot& snapshot) {
  Json json;
  json["start"] = core::format_rfc3339(snapshot.start, snapshot.utc_offset_minutes);
  json["end"] = core::format_rfc3339(snapshot.end, snapshot.utc_offset_minutes);
  put_bytes(json, "host", snapshot.host);
  put_bytes(json, "user", snapshot.user);
  put_bytes(json, "program_version", snapshot.program_version);
  put_bytes(json, "name", snapshot.set);
  json["snapshot_type"] = to_string(snapshot.type);
  put_texts(json, "tags", snapshot.tags);
  put_bytes(json, "description", snapshot.description);
  json["partial"] = snapshot.partial;
  Json sources = Json::array();
  std::transform(snapshot.sources.begin(), snapshot.sources.end(), std::back_inserter(sources),
                 source_view);
  json["sources"] = std::move(sources);
  json["added"] = {{"data", added_view(snapshot.added_data)},
                   {"metadata", added_view(snapshot.added_metadata)}};
  json["problem_count"] = snapshot.problem_count;
  json["problems"] = problems_view(snapshot.problems);
  return json;
}

Json listed_snapshot_view(const repo::ListedSnapshot& listed) {
  Json json{{"id", listed.id.hex()},
            {"short_id", listed.id.short_hex()},
            {"chain", listed.chain.hex()},
            {"sequence", listed.sequence},
            {"pinned", listed.pinned}};
  json.update(snapshot_view(listed.snapshot));
  return json;
}

Json snapshot_group_view(const repo::SnapshotGroup& group) {
  Json json;
  put_bytes(json, "host", group.host);
  put_bytes(json, "name", group.set);
  put_texts(json, "paths", group.paths);
  put_texts(json, "tags", group.tags);
  return json;
}

Json entry_view(const repo::ListedEntry& listed) {
  Json json{{"type", "entry"}};
  put_bytes(json, "path", listed.path);
  json["recorded"] = listed.is_recorded;
  if (listed.is_recorded) {
    json.update(object_view(listed.entry));
  } else {
    json["entry_type"] = to_string(listed.entry.type);
  }
  return json;
}

Json change_view(const repo::Difference& change) {
  Json json{{"type", "change"}, {"change", to_string(change.type)}};
  put_bytes(json, "path", change.path);
  Json fields = Json::array();
  for (const repo::ChangedField field : change.fields) {
    fields.push_back(to_string(field));
  }
  json["fields"] = std::move(fields);
  json["before"] = change.before ? object_view(*change.before) : Json(nullptr);
  json["after"] = change.after ? object_view(*change.after) : Json(nullptr);
  return json;
}

Json diff_view(const repo::DiffReport& report) {
  return {{"type", "summary"},
          {"added", counts_view(report.added)},
          {"removed", counts_view(report.removed)},
          {"content_changed", report.content_changed},
          {"metadata_changed", report.metadata_changed},
          {"type_changed", report.type_changed},
          {"problem_count", report.problem_count}};
}

Json version_view(const repo::FoundVersion& version) {
  const auto snapshot = [](const repo::SnapshotMoment& moment) {
    return Json{{"id", moment.id.hex()}, {"start", utc(moment.start)}};
  };
  Json json{{"type", "version"},
            {"content_id", version.content_id.hex()},
            {"first", snapshot(version.first)},
            {"last", snapshot(version.last)},
            {"snapshots", version.snapshots}};
  json.update(object_view(version.entry));
  return json;
}

Json backup_view(const repo::BackupReport& report) {
  Json json{{"type", "summary"}};
  json["id"] = report.id ? Json(report.id->hex()) : Json(nullptr);
  json["unchanged_since"] =
      report.unchanged_since ? Json(report.unchanged_since->hex()) : Json(nullptr);
  json.update(snapshot_view(report.snapshot));
  const repo::ChangeCounts& changes = report.changes;
  json["changes"] = {{"files_new", changes.files_new},
                     {"files_changed", changes.files_changed},
                     {"files_unmodified", changes.files_unmodified},
                     {"folders_new", changes.folders_new},
                     {"folders_changed", changes.folders_changed},
                     {"folders_unmodified", changes.folders_unmodified},
                     {"removed", changes.removed}};
  json["data_packs"] = report.data_packs;
  json["metadata_packs"] = report.metadata_packs;
  json["written_bytes"] = report.written_bytes;
  if (!report.stages.empty()) {
    Json& stages = json["stages"];
    for (const repo::StageTime& stage : report.stages) {
      stages[stage.name] = {{"seconds", seconds_view(stage.ns)}, {"bytes", stage.bytes}};
    }
  }
  return json;
}

Json restore_view(const repo::RestoreReport& report) {
  Json changes;
  for (std::size_t i = 0; i < repo::kRestoreActionCount; ++i) {
    const auto action = static_cast<repo::RestoreAction>(i);
    changes[std::string(to_string(action))] = report.changes.count(action);
  }
  return {{"type", "summary"},
          {"restored", counts_view(report.restored)},
          {"unchanged", counts_view(report.unchanged)},
          {"failed", report.failed},
          {"changes", std::move(changes)},
          {"bytes_read", report.bytes_read},
          {"bytes_written", report.bytes_written},
          {"bytes_kept", report.bytes_kept},
          {"spared_in_use", report.spared_in_use},
          {"spared_unread", report.spared_unread},
          {"spared_left_out", report.spared_left_out},
          {"spared_mounted", report.spared_mounted},
          {"skipped_owner", report.skipped_owner},
          {"skipped_special", report.skipped_special},
          {"skipped_attributes", report.skipped_attributes},
          {"skipped_flags", report.skipped_flags},
          {"skipped_set_id", report.skipped_set_id},
          {"skipped", problems_view(report.skipped)},
          {"problem_count", report.problem_count},
          {"problems", problems_view(report.problems)}};
}

Json finding_view(const repo::Finding& finding) {
  Json json;
  json["severity"] = repo::to_string(finding.severity);
  put_bytes(json, "object", finding.object);
  put_bytes(json, "message", finding.message);
  put_bytes(json, "advice", finding.advice);
  put_texts(json, "affected", finding.affected);
  json["affected_count"] = finding.affected_count;
  return json;
}

Json prune_view(const repo::PruneReport& report) {
  const auto packs = [](const repo::PruneCount& count) {
    return Json{{"packs", count.packs}, {"bytes", count.bytes}};
  };
  return {{"snapshots", report.snapshots},
          {"before", packs(report.before)},
          {"used_bytes", report.used_bytes},
          {"unused_bytes", report.unused_bytes},
          {"to_remove", packs(report.to_remove)},
          {"to_repack", packs(report.to_repack)},
          {"repack_used_bytes", report.repack_used_bytes},
          {"unused_left_bytes", report.unused_left_bytes},
          {"removed", packs(report.removed)},
          {"kept", packs(report.kept)},
          {"written", packs(report.written)},
          {"index_segments_written", report.index_segments_written},
          {"index_segments_removed", report.index_segments_removed},
          {"snapshots_removed", report.snapshots_removed},
          {"sessions_given_up", report.sessions_given_up},
          {"leftovers_removed", report.leftovers_removed},
          {"stopped_for_space", report.stopped_for_space}};
}

Json copy_view(const repo::CopyReport& report) {
  Json list = Json::array();
  for (const repo::CopiedSnapshot& copied : report.snapshots) {
    Json json{{"source", listed_snapshot_view(copied.source)},
              {"was_there", copied.was_there},
              {"added",
               {{"data", added_view(copied.added_data)},
                {"metadata", added_view(copied.added_metadata)}}}};
    json["copy"] = copied.copy ? Json(copied.copy->hex()) : Json();
    list.push_back(std::move(json));
  }
  return {{"type", "summary"},
          {"snapshots", std::move(list)},
          {"bytes_read", report.bytes_read},
          {"bytes_written", report.written_bytes}};
}

Json repair_packs_view(const repo::RepairPacksReport& report) {
  Json damaged = Json::array();
  for (const repo::PackId& id : report.damaged) {
    damaged.push_back(id.hex());
  }
  return {{"type", "summary"},
          {"packs_checked", report.packs_checked},
          {"damaged", std::move(damaged)},
          {"packs_removed", report.packs_removed},
          {"packs_kept", report.packs_kept},
          {"chunks_saved", report.chunks_saved},
          {"chunks_unreadable", report.chunks_unreadable},
          {"missing_before", report.missing_before},
          {"healed_from_sources", report.healed_from_sources},
          {"healed_from_repository", report.healed_from_repository},
          {"missing_after", report.missing_after}};
}

Json rewrite_view(const repo::RewriteReport& report) {
  Json list = Json::array();
  for (const repo::RewrittenSnapshot& rewritten : report.snapshots) {
    Json json{{"original", rewritten.original.id.hex()},
              {"changed", rewritten.changed},
              {"nothing_left", rewritten.nothing_left},
              {"was_there", rewritten.was_there},
              {"forgotten", rewritten.forgotten},
              {"left_out", rewritten.left_out},
              {"left_out_bytes", rewritten.left_out_bytes},
              {"lost_count", rewritten.lost_count},
              {"lost", Json::array()}};
    json["replacement"] = rewritten.replacement ? Json(rewritten.replacement->hex()) : Json();
    for (const repo::Problem& problem : rewritten.lost) {
      json["lost"].push_back(problem_view(problem));
    }
    list.push_back(std::move(json));
  }
  return {
      {"type", "summary"}, {"snapshots", std::move(list)}, {"bytes_written", report.written_bytes}};
}

namespace {

Json ids_view(const std::vector<repo::SnapshotId>& ids) {
  Json list = Json::array();
  std::transform(ids.begin(), ids.end(), std::back_inserter(list),
                 [](const repo::SnapshotId& id) { return id.hex(); });
  return list;
}

}  // namespace

Json verify_view(const repo::VerifyReport& report) {
  Json findings = Json::array();
  std::transform(report.findings.begin(), report.findings.end(), std::back_inserter(findings),
                 finding_view);
  return {{"type", "summary"},
          {"damaged", report.damaged()},
          {"unreadable", report.unreadable()},
          {"partial_snapshots", ids_view(report.partial)},
          {"flawed_snapshots", ids_view(report.flawed)},
          {"contents_opened", report.contents_opened},
          {"snapshots_checked", report.snapshots_checked},
          {"objects_checked", report.objects_checked},
          {"packs_checked", report.packs_checked},
          {"chunks_checked", report.chunks_checked},
          {"bytes_read", report.bytes_read},
          {"findings", std::move(findings)}};
}

Json statistics_view(const repo::Statistics& statistics) {
  Json snapshots = Json::array();
  for (const repo::SnapshotStatistics& snapshot : statistics.snapshots) {
    snapshots.push_back(
        {{"id", snapshot.id.hex()},
         {"start", core::format_rfc3339(snapshot.start, snapshot.utc_offset_minutes)},
         {"counts", counts_view(snapshot.counts)},
         {"added",
          {{"data", added_view(snapshot.added_data)},
           {"metadata", added_view(snapshot.added_metadata)}}}});
  }
  return {{"total", counts_view(statistics.total)},
          {"unique_bytes", statistics.unique_bytes},
          {"unique_chunks", statistics.unique_chunks},
          {"metadata_bytes", statistics.metadata_bytes},
          {"metadata_chunks", statistics.metadata_chunks},
          {"stored_bytes", statistics.stored_bytes},
          {"data_pack_bytes", statistics.data_pack_bytes},
          {"metadata_pack_bytes", statistics.metadata_pack_bytes},
          {"index_bytes", statistics.index_bytes},
          {"data_packs", statistics.data_packs},
          {"metadata_packs", statistics.metadata_packs},
          {"index_segments", statistics.index_segments},
          {"unreadable_snapshots", statistics.unreadable_snapshots},
          {"awaiting_prune", statistics.awaiting_prune},
          {"snapshots", std::move(snapshots)}};
}

Json forget_view(const repo::ForgetReport& report) {
  const repo::ForgetPlan& plan = report.plan;
  Json groups = Json::array();
  for (const repo::RetentionGroup& group : plan.groups) {
    groups.push_back(group_view(plan, group));
  }
  Json doomed = Json::array();
  std::transform(plan.doomed.begin(), plan.doomed.end(), std::back_inserter(doomed),
                 [](const repo::SnapshotId& id) { return id.hex(); });
  return {{"groups", std::move(groups)},
          {"to_forget", std::move(doomed)},
          {"forgotten", report.forgotten},
          {"already_forgotten", plan.already_forgotten}};
}

Json mark_view(const repo::MarkReport& report) {
  Json list = Json::array();
  std::transform(report.snapshots.begin(), report.snapshots.end(), std::back_inserter(list),
                 listed_snapshot_view);
  return {{"changed", report.changed}, {"snapshots", std::move(list)}};
}

Json settings_view(const repo::Settings& settings) {
  return {
      {"max_repo_bytes", settings.max_repo_bytes == 0 ? Json() : Json(settings.max_repo_bytes)}};
}

Json key_view(const repo::ListedKey& key) {
  Json json{{"id", key.id.hex()},
            {"short_id", key.id.short_hex()},
            {"current", key.is_current},
            {"readable", key.readable}};
  if (key.readable) {
    json["kind"] = key.is_key_file ? "key_file" : "passphrase";
    json["role"] = to_string(key.role);
    put_bytes(json, "name", key.name);
    put_bytes(json, "host", key.host);
    put_bytes(json, "user", key.user);
    json["created"] = utc(key.created);
  }
  return json;
}

}  // namespace cairn::cli
