#include "output/json_view.h"

#include <string>

#include "catch2.h"

namespace cairn::cli {
namespace {

TEST_CASE("base64 as RFC 4648 has it") {
  CHECK(to_base64("").empty());
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(to_base64("foob") == "Zm9vYg==");
  CHECK(to_base64("fooba") == "Zm9vYmE=");
  CHECK(to_base64("foobar") == "Zm9vYmFy");
  CHECK(to_base64(std::string("\xff\xfe\x00", 3)) == "//4A");
}

TEST_CASE("bytes stand there exactly only where they are no UTF-8") {
  Json json;
  put_bytes(json, "good", "Gr\xc3\xbc\xc3\x9f");
  put_bytes(json, "bad", "a\xff");
  CHECK(to_line(json) ==
        "{\"good\":\"Gr\xc3\xbc\xc3\x9f\",\"bad\":\"a\xef\xbf\xbd\",\"bad_base64\":\"Yf8=\"}");
}

TEST_CASE("a line never throws and never breaks") {
  const Json json{{"text", "\xff\n\x1b"}};
  CHECK(to_line(json) == "{\"text\":\"\xef\xbf\xbd\\n\\u001b\"}");
}

TEST_CASE("an error says its code, its message, its hint and the exit status") {
  CHECK(
      to_line(error_view(core::Error(core::ErrorCode::wrong_key, "no key fits", "try another"),
                         ExitCode::wrong_key)) ==
      R"({"type":"error","code":"wrong_key","message":"no key fits","hint":"try another","exit_code":12})");
  CHECK(to_line(error_view(core::Error(core::ErrorCode::io, "m"), ExitCode::failed)) ==
        R"({"type":"error","code":"io","message":"m","exit_code":1})");
}

TEST_CASE("a problem names its file exactly") {
  CHECK(to_line(problem_view({repo::ProblemKind::unreadable, "/a\xff", "permission denied"})) ==
        "{\"type\":\"problem\",\"kind\":\"unreadable\",\"path\":\"/a\xef\xbf\xbd\","
        "\"path_base64\":\"L2H/\",\"reason\":\"permission denied\"}");
}

TEST_CASE("progress leaves out what is not known") {
  repo::Progress progress;
  progress.files_done = 2;
  progress.bytes_done = 3;
  CHECK(
      to_line(progress_view(progress, 1'500'000'000)) ==
      R"({"type":"progress","seconds":1.5,"files_done":2,"bytes_done":3,"bytes_stored":0,"problems":0})");
  progress.files_total = 4;
  progress.bytes_total = 5;
  progress.current_path = "/p";
  const Json json = progress_view(progress, 0);
  CHECK(json.at("files_total") == 4);
  CHECK(json.at("bytes_total") == 5);
  CHECK(json.at("current_path") == "/p");
}

TEST_CASE("a snapshot carries its times with the offset it was made at") {
  repo::Snapshot snapshot;
  snapshot.start = {1'767'268'800, 0};
  snapshot.end = {1'767'268'801, 0};
  snapshot.utc_offset_minutes = 60;
  snapshot.tags = {"a", "\xff"};
  snapshot.sources.push_back(
      {.path = "/s", .root = {}, .counts = {.files = 2, .bytes = 9}, .birth_times = {}});
  const Json json = snapshot_view(snapshot);
  CHECK(json.at("start") == "2026-01-01T13:00:00+01:00");
  CHECK(json.at("end") == "2026-01-01T13:00:01+01:00");
  CHECK(json.at("snapshot_type") == "manual");
  CHECK(json.at("tags") == Json({"a", "\xef\xbf\xbd"}));
  CHECK(json.at("tags_base64") == Json({"YQ==", "/w=="}));
  CHECK(json.at("sources").at(0).at("path") == "/s");
  CHECK(json.at("sources").at(0).at("counts").at("files") == 2);
  CHECK(json.at("sources").at(0).at("counts").at("bytes") == 9);
}

TEST_CASE("an entry has the fields of its type and no others") {
  repo::ListedEntry listed;
  listed.path = "/f";
  listed.entry.type = repo::EntryType::file;
  listed.entry.mode = 0640;
  listed.entry.content.size_bytes = 7;
  listed.entry.mtime = {1'767'268'800, 42};
  Json json = entry_view(listed);
  CHECK(json.at("type") == "entry");
  CHECK(json.at("entry_type") == "file");
  CHECK(json.at("mode") == 0640);
  CHECK(json.at("size") == 7);
  CHECK(json.at("mtime") == "2026-01-01T12:00:00Z");
  CHECK(json.at("mtime_nanoseconds") == 42);
  CHECK_FALSE(json.contains("link_target"));
  listed.entry.type = repo::EntryType::symlink;
  listed.entry.link_target = "\xff";
  json = entry_view(listed);
  CHECK(json.at("link_target_base64") == "/w==");
  CHECK_FALSE(json.contains("size"));
  listed.entry.type = repo::EntryType::block_device;
  listed.entry.device = {8, 1};
  CHECK(entry_view(listed).at("device").at("major") == 8);
}

TEST_CASE("a dry run has no id") {
  const Json json = backup_view({});
  CHECK(json.at("type") == "summary");
  CHECK(json.at("id").is_null());
  CHECK(json.at("unchanged_since").is_null());
  CHECK_FALSE(json.contains("stages"));
}

TEST_CASE("stages of a backup go by their names") {
  repo::BackupReport report;
  report.stages = {{.name = "read", .ns = 1'500'000'000, .bytes = 7}};
  const Json json = backup_view(report);
  CHECK(json.at("stages").at("read").at("seconds") == 1.5);
  CHECK(json.at("stages").at("read").at("bytes") == 7);
}

TEST_CASE("a finding says what it touches") {
  repo::Finding finding;
  finding.object = "packs/ab/abcd";
  finding.message = "m";
  finding.affected = {"1a2b:/f"};
  finding.affected_count = 3;
  const Json json = finding_view(finding);
  CHECK(json.at("severity") == "damage");
  CHECK(json.at("affected") == Json::array({"1a2b:/f"}));
  CHECK(json.at("affected_count") == 3);
}

TEST_CASE("of a damaged key only the id is known") {
  repo::ListedKey key;
  key.readable = false;
  CHECK_FALSE(key_view(key).contains("role"));
  key.readable = true;
  key.is_key_file = true;
  key.role = repo::Role::backup;
  CHECK(key_view(key).at("role") == "backup");
  CHECK(key_view(key).at("kind") == "key_file");
}

}  // namespace
}  // namespace cairn::cli
