#include "commands/backup.h"

#include <fmt/format.h>

#include "catch2.h"
#include "command_line/option_values.h"
#include "parsed_words.h"

using namespace cairn;
using namespace cairn::cli;

namespace {

/// "ok", or the usage error.
std::string parsed(std::vector<std::string> words, BackupArguments* into = nullptr) {
  words.insert(words.begin(), "backup");
  const ParsedArguments result = parse_arguments(words);
  if (const auto* const error = std::get_if<UsageError>(&result)) {
    return error->message;
  }
  if (into != nullptr) {
    *into = arguments<BackupArguments>(words);
  }
  return "ok";
}

}  // namespace

TEST_CASE("a duration is a number and a unit") {
  CHECK(parse_duration("90") == 90);
  CHECK(parse_duration("90s") == 90);
  CHECK(parse_duration("5min") == 300);
  CHECK(parse_duration("2h") == 7200);
  CHECK(parse_duration("1d") == 86400);
  CHECK(parse_duration("2w") == 1'209'600);
  for (const char* const text : {"", "0", "0h", "m", "-1s", "1m", "1mo", "min", "1 h", "1.5h",
                                 "1hh", "99999999999999999999", "999999999d"}) {
    CHECK(parse_duration(text) == std::nullopt);
  }
}

TEST_CASE("a part is a percentage or a number up to 1") {
  CHECK(parse_part("1%") == 0.01);
  CHECK(parse_part("0.5%") == 0.005);
  CHECK(parse_part("100%") == 1);
  CHECK(parse_part("0.25") == 0.25);
  CHECK(parse_part("0") == 0);
  for (const char* const text : {"", "%", "101%", "1.1", "-1%", "nan", "inf", "1%%", "x", "1 %"}) {
    CHECK(parse_part(text) == std::nullopt);
  }
}

TEST_CASE("the sources of a backup are paths, or one stream") {
  BackupArguments arguments;
  CHECK(parsed({"/a", "b"}, &arguments) == "ok");
  CHECK(arguments.paths == std::vector<std::string>{"/a", "b"});
  CHECK(parsed({"--files-from", "x", "--files-from0", "y"}) == "ok");
  CHECK(parsed({"--stdin", "--stdin-name", "dump.sql"}) == "ok");
  CHECK(parsed({"--stdin-command", "--", "pg_dump", "--clean", "-v", "shop"}, &arguments) == "ok");
  CHECK(arguments.command == std::vector<std::string>{"pg_dump", "--clean", "-v", "shop"});
  CHECK(arguments.paths.empty());
  CHECK(parsed({"--stdin-command", "--", "", "x"}) == "--stdin-command: the command has no name");
  CHECK(parsed({"--", "--stdin", "[a,b]"}, &arguments) == "ok");
  CHECK(arguments.paths == std::vector<std::string>{"--stdin", "[a,b]"});

  CHECK(parsed({}) == "backup needs a PATH, --files-from, --stdin or --stdin-command");
  CHECK(parsed({"/a", ""}) == "a path to back up is empty");
  CHECK(parsed({"--stdin", "/a"}) ==
        "a stream is a snapshot of its own: paths cannot be added to it");
  CHECK(parsed({"--stdin", "--files-from", "x"}) ==
        "a stream is a snapshot of its own: paths cannot be added to it");
  CHECK(parsed({"--stdin", "--stdin-command", "--", "x"}) ==
        "--stdin and --stdin-command exclude each other");
  CHECK(parsed({"--stdin-command"}) ==
        "--stdin-command needs a command behind --: --stdin-command -- pg_dump mydb");
  CHECK(parsed({"--stdin-name", "x", "/a"}) == "--stdin-name needs --stdin or --stdin-command");
  CHECK(parsed({"--stdin", "--stdin-name", "/"}) == "--stdin-name /: no name");
}

TEST_CASE("the options of a backup become values") {
  BackupArguments arguments;
  REQUIRE(parsed({"/a",
                  "-e",
                  "*.o",
                  "--exclude",
                  "!b",
                  "--include",
                  "c",
                  "--exclude-file",
                  "f",
                  "--exclude-caches",
                  "--exclude-if-present",
                  ".nobackup",
                  "--exclude-larger-than",
                  "1.5M",
                  "--exclude-nodump",
                  "-x",
                  "--force-rehash",
                  "--ignore-ctime",
                  "--rehash-sample",
                  "1%",
                  "--time-limit",
                  "30min"},
                 &arguments) == "ok");
  CHECK(arguments.excludes == std::vector<std::string>{"*.o", "!b"});
  CHECK(arguments.includes == std::vector<std::string>{"c"});
  CHECK(arguments.exclude_files == std::vector<std::string>{"f"});
  CHECK(arguments.choice.exclude_if_present == std::vector<std::string>{".nobackup"});
  CHECK(arguments.choice.exclude_larger_than_bytes == 1'572'864);
  CHECK((arguments.choice.exclude_caches && arguments.choice.exclude_nodump &&
         arguments.choice.one_file_system));
  CHECK(arguments.force_rehash);
  CHECK(arguments.ignore_ctime);
  CHECK_FALSE(arguments.ignore_inode);
  CHECK(arguments.rehash_sample == 0.01);
  CHECK(arguments.time_limit_seconds == 1800);
  CHECK(parsed({"/a", "--ignore-inode"}, &arguments) == "ok");
  CHECK(arguments.ignore_inode);
  CHECK_FALSE(arguments.ignore_ctime);

  CHECK(parsed({"/a", "--exclude-larger-than", "much"}) ==
        "--exclude-larger-than much: must be a size such as 500, 10K or 1.5G");
  CHECK(parsed({"/a", "--rehash-sample", "2"}) ==
        "--rehash-sample 2: must be a part such as 1% or 0.01");
  CHECK(parsed({"/a", "--time-limit", "soon"}) ==
        "--time-limit soon: must be a time such as 90s, 30min, 2h, 1d or 1w");
  CHECK(parsed({"/a", "--time-limit", "30m"}) ==
        "--time-limit 30m: must be a time such as 90s, 30min, 2h, 1d or 1w; m would be months");
}
