#include <string>
#include <vector>

#include "cairn/repo/settings.h"
#include "catch2.h"
#include "commands/backup.h"
#include "commands/commands.h"
#include "commands/config.h"
#include "commands/dump.h"
#include "commands/key.h"
#include "commands/ls.h"
#include "commands/restore.h"
#include "commands/verify.h"
#include "parsed_words.h"

namespace cairn::cli {
namespace {

std::string help(const Args& args) {
  const ParsedArguments parsed = parse_arguments(args);
  CAPTURE(args);
  REQUIRE(std::holds_alternative<HelpText>(parsed));
  return std::get<HelpText>(parsed).text;
}

TEST_CASE("options of every command stand before it or after it") {
  const Args words = {"-r", "/repo", "--password-file", "/pw", "--json",
                      "-q", "-v",    "--no-progress"};
  Args before = words;
  before.push_back("snapshots");
  Args after = {"snapshots"};
  after.insert(after.end(), words.begin(), words.end());
  for (const Args& args : {before, after}) {
    const GlobalArguments global = invocation(args).global;
    CHECK(global.repository == "/repo");
    CHECK(global.password_file == "/pw");
    CHECK(global.key_file.empty());
    CHECK(global.json);
    CHECK(global.quiet);
    CHECK(global.verbose);
    CHECK(global.no_progress);
  }
  CHECK(invocation({"--repo=/x", "--key-file", "/k", "stats"}).global.repository == "/x");
  CHECK(invocation({"--repo=/x", "--key-file", "/k", "stats"}).global.key_file == "/k");
  CHECK(invocation({"key", "list", "--json"}).global.json);
  CHECK(invocation({"key", "--json", "list"}).global.json);
}

TEST_CASE("nothing is switched on by itself") {
  const GlobalArguments global = invocation({"stats"}).global;
  CHECK_FALSE((global.json || global.quiet || global.verbose || global.no_progress));
  CHECK((global.repository + global.password_file + global.key_file).empty());
}

TEST_CASE("of an option given twice the last one counts, so that an alias can be overruled") {
  CHECK(invocation({"-r", "/a", "-r", "/b", "stats"}).global.repository == "/b");
  CHECK(invocation({"-r", "/a", "stats", "-r", "/b"}).global.repository == "/b");
  CHECK(invocation({"--json", "stats", "--json"}).global.json);
}

TEST_CASE("backup: all options") {
  const auto given = arguments<BackupArguments>({"backup", "/a", "--tag", "x", "/b", "--tag=y",
                                                 "--name", "set", "--description", "a b", "--type",
                                                 "hourly", "--compression", "max", "--dry-run"});
  CHECK(given.paths == Args{"/a", "/b"});
  CHECK(given.tags == Args{"x", "y"});
  CHECK(given.name == "set");
  CHECK(given.description == "a b");
  CHECK(given.type == repo::SnapshotType::hourly);
  CHECK(given.compression_level == repo::kCompressionMax);
  CHECK(given.dry_run);
}

TEST_CASE("backup: what is not given") {
  const auto given = arguments<BackupArguments>({"backup", "."});
  CHECK(given.paths == Args{"."});
  CHECK(given.tags.empty());
  CHECK(given.type == repo::SnapshotType::manual);
  CHECK(given.compression_level == repo::kCompressionDefault);
  CHECK_FALSE(given.dry_run);
}

TEST_CASE("backup: every type and every level") {
  using repo::SnapshotType;
  for (const SnapshotType type :
       {SnapshotType::manual, SnapshotType::hourly, SnapshotType::daily, SnapshotType::weekly,
        SnapshotType::monthly, SnapshotType::restore_point}) {
    const std::string word(to_string(type));
    CHECK(arguments<BackupArguments>({"backup", "/a", "--type", word}).type == type);
  }
  for (int level = 0; level <= 19; ++level) {
    const Args args = {"backup", "/a", "--compression", std::to_string(level)};
    CHECK(arguments<BackupArguments>(args).compression_level == level);
  }
  CHECK(arguments<BackupArguments>({"backup", "/a", "--compression", "fast"}).compression_level ==
        repo::kCompressionFast);
  CHECK(
      arguments<BackupArguments>({"backup", "/a", "--compression", "default"}).compression_level ==
      repo::kCompressionDefault);
}

TEST_CASE("names of files may be anything") {
  const Args odd = {"[a,b]", "{}", "++",      "%%",   "+x", "{a}", "a b",      "",
                    "a=b",   "!",  "\x01[x]", "\xff", "*",  "'",   "snapshots"};
  for (const std::string& path : odd) {
    CAPTURE(path);
    if (!path.empty()) {
      CHECK(arguments<BackupArguments>({"backup", path}).paths == Args{path});
      CHECK(arguments<BackupArguments>({"backup", "/x", path, "/y"}).paths ==
            Args{"/x", path, "/y"});
    }
    if (!path.empty() && path.find(',') == std::string::npos) {
      CHECK(arguments<BackupArguments>({"backup", "/x", "--tag", path}).tags == Args{path});
    }
    CHECK(arguments<BackupArguments>({"backup", "/x", "--name", path}).name == path);
  }
  CHECK(arguments<BackupArguments>({"backup", "/x", "--tag=[a,b]", "--tag={}"}).tags ==
        Args{"[a", "b]", "{}"});
  CHECK(arguments<BackupArguments>({"backup", "--", "-x", "--json"}).paths == Args{"-x", "--json"});
  CHECK(arguments<BackupArguments>({"backup", "/x", "--description", "-dash"}).description ==
        "-dash");
}

TEST_CASE("a command may be the name of a file to another command") {
  CHECK(arguments<BackupArguments>({"backup", "backup", "help"}).paths == Args{"backup", "help"});
  CHECK(arguments<KeyRemoveArguments>({"key", "remove", "list"}).id_prefix == "list");
}

TEST_CASE("backup: mistakes") {
  CHECK(refused({"backup"}).hint == "see cairn backup --help");
  CHECK(refused({"backup", "/a", "--type", "yearly"}).message.find("yearly") != std::string::npos);
  for (const char* level : {"20", "-1", "1x", "", "best", "99999999999999999999"}) {
    CAPTURE(level);
    CHECK(refused({"backup", "/a", "--compression", level}).message.find("--compression") !=
          std::string::npos);
  }
  CHECK(refused({"backup", ""}).message == "a path to back up is empty");
  refused({"backup", "/a", "--tag"});
  refused({"backup", "/a", "--no-such-option"});
}

TEST_CASE("ls: a snapshot, a path, a time") {
  auto given = arguments<LsArguments>({"ls", "latest"});
  CHECK(given.choice.snapshot == "latest");
  CHECK(given.choice.path.empty());
  CHECK_FALSE(given.choice.at.has_value());
  CHECK_FALSE((given.long_format || given.recursive || given.print0));
  given = arguments<LsArguments>({"ls", "latest~2:/a:b", "-l", "-R"});
  CHECK(given.choice.snapshot == "latest~2");
  CHECK(given.choice.path == "/a:b");
  CHECK((given.long_format && given.recursive));
  CHECK(arguments<LsArguments>({"ls", "1a2b", "-0"}).print0);
  for (const Args& args :
       {Args{"ls", "--at", "2026-01-01 14:30", "/etc"}, Args{"ls", "/etc", "--at=2026-01-01 14:30"},
        Args{"ls", "--at", "2026-01-01 14:30", ":/etc"}}) {
    given = arguments<LsArguments>(args);
    CHECK(given.choice.snapshot.empty());
    CHECK(given.choice.path == "/etc");
    CHECK(given.choice.at == parse_moment("2026-01-01 14:30"));
  }
  CHECK(arguments<LsArguments>({"ls", "--at", "2026-01-01"}).choice.path.empty());
}

TEST_CASE("ls: mistakes") {
  CHECK(refused({"ls"}).message.find("a snapshot is needed") == 0);
  refused({"ls", ":/etc"});
  refused({"ls", "latest:etc"});
  refused({"ls", "--at", "yesterday"});
  refused({"ls", "--at", "2026-01-01", "latest"});
  refused({"ls", "--at", "2026-01-01", "latest:/etc"});
  refused({"ls", "latest", "other"});
  refused({"ls", "latest", "-0", "-l"});
  refused({"ls", "latest", "-0", "--json"});
}

TEST_CASE("dump: a file and where it goes") {
  auto given = arguments<DumpArguments>({"dump", "latest:/etc/fstab"});
  CHECK(given.choice.path == "/etc/fstab");
  CHECK(given.output.empty());
  given = arguments<DumpArguments>({"dump", "--at", "2026-01-01", "/f", "--output", "out"});
  CHECK(given.choice.at.has_value());
  CHECK(given.output == "out");
  refused({"dump", "latest"});
  refused({"dump", "--at", "2026-01-01"});
}

TEST_CASE("restore: all options") {
  auto given = arguments<RestoreArguments>({"restore", "latest:/a", "--target", "/t", "--overwrite",
                                            "if-changed", "--delete", "--dry-run", "--numeric-ids",
                                            "--yes", "--no-restore-point"});
  CHECK(given.choice.snapshot == "latest");
  CHECK(given.choice.path == "/a");
  CHECK(given.target == "/t");
  CHECK(given.overwrite == repo::Overwrite::if_changed);
  CHECK((given.delete_extra && given.dry_run && given.numeric_ids));
  CHECK((given.yes && given.no_restore_point));
  given = arguments<RestoreArguments>({"restore", "--at", "2026-01-01T00:00:00Z", "-t", "x"});
  CHECK(given.overwrite == repo::Overwrite::refuse);
  CHECK_FALSE((given.delete_extra || given.dry_run || given.numeric_ids));
  CHECK_FALSE((given.yes || given.no_restore_point));
  CHECK(given.choice.at->utc_offset_minutes == 0);
  for (const char* word : {"always", "if-changed", "if-newer", "never"}) {
    CHECK(
        to_string(arguments<RestoreArguments>({"restore", "latest", "-t", "x", "--overwrite", word})
                      .overwrite) == word);
  }
  refused({"restore", "latest"});
  refused({"restore", "latest", "--target", ""});
  refused({"restore", "--target", "/t"});
  refused({"restore", "latest", "-t", "x", "--overwrite"});
  refused({"restore", "latest", "-t", "x", "--overwrite", "refuse"});
  refused({"restore", "latest", "-t", "x", "--delete"});
}

TEST_CASE("verify: all, the latest, some") {
  CHECK(arguments<VerifyArguments>({"verify"}).filter.is_empty());
  CHECK(arguments<VerifyArguments>({"verify", "--all"}).filter.is_empty());
  CHECK(arguments<VerifyArguments>({"verify", "--latest"}).filter.names == Args{"latest"});
  CHECK(arguments<VerifyArguments>({"verify", "1a2b", "3c4d"}).filter.names ==
        Args{"1a2b", "3c4d"});
  CHECK_FALSE(arguments<VerifyArguments>({"verify"}).check_integrity);
  CHECK(arguments<VerifyArguments>({"verify", "--check-integrity"}).check_integrity);
  refused({"verify", "--all", "--latest"});
  refused({"verify", "1a2b", "--latest"});
  refused({"verify", "1a2b", "--all"});
}

TEST_CASE("key: every command") {
  CHECK(invocation({"key", "list"}).spec->name == "key list");
  const auto added = arguments<KeyAddArguments>(
      {"key", "add", "--role", "backup", "--name", "laptop", "--new-key-file", "/k"});
  CHECK(added.role == repo::Role::backup);
  CHECK(added.name == "laptop");
  CHECK(added.credentials.key_file == "/k");
  CHECK(arguments<KeyAddArguments>({"key", "add"}).role == repo::Role::admin);
  CHECK(arguments<KeyRemoveArguments>({"key", "remove", "1a2b"}).id_prefix == "1a2b");
  CHECK(arguments<KeyPasswdArguments>({"key", "passwd", "--new-password-file", "/p"})
            .credentials.password_file == "/p");
  for (const char* role : {"admin", "backup", "restore", "maintain", "audit"}) {
    CHECK(to_string(arguments<KeyAddArguments>({"key", "add", "--role", role}).role) == role);
  }
  refused({"key"});
  refused({"key", "nothing"});
  refused({"key", "remove"});
  refused({"key", "add", "--role", "king"});
  refused({"key", "add", "--new-key-file", "/k", "--new-password-file", "/p"});
}

TEST_CASE("init and config take a limit of the repository's size") {
  CHECK(arguments<repo::Settings>({"init"}).max_repo_bytes == 0);
  CHECK(arguments<repo::Settings>({"init", "--max-repo-size", "none"}).max_repo_bytes == 0);
  CHECK(arguments<repo::Settings>({"init", "--max-repo-size=1.5K"}).max_repo_bytes == 1536);
  CHECK_FALSE(arguments<ConfigArguments>({"config"}).max_repo_bytes);
  CHECK(arguments<ConfigArguments>({"config", "--max-repo-size", "none"}).max_repo_bytes == 0);
  CHECK(arguments<ConfigArguments>({"config", "--max-repo-size", "500G"}).max_repo_bytes ==
        std::uint64_t{500} << 30);
  for (const char* size : {"0", "much", "-5", "5X"}) {
    CAPTURE(size);
    for (const char* command : {"init", "config"}) {
      const std::string message =
          refused({command, std::string("--max-repo-size=") + size}).message;
      CHECK(message == std::string("--max-repo-size ") + size +
                           ": must be a size such as 500G or 2T, or none");
    }
  }
}

TEST_CASE("init, config, stats and version take no words of their own") {
  CHECK(invocation({"init"}).spec->name == "init");
  CHECK(invocation({"stats"}).spec->name == "stats");
  CHECK(invocation({"version"}).spec->name == "version");
  CHECK(invocation({"--version"}).spec->name == "version");
  for (const char* command : {"init", "config", "stats", "version"}) {
    refused({command, "something"});
  }
}

TEST_CASE("mistakes that no command can answer for") {
  CHECK(refused({}).hint == "see cairn --help");
  CHECK(refused({"backpu", "/a"}).message == "there is no command \"backpu\"");
  CHECK(refused({"[x]"}).message == "there is no command \"[x]\"");
  refused({""});
  refused({"--nonsense"});
  refused({"-r"});
  refused({"stats", "--password-file", "/p", "--key-file", "/k"});
}

TEST_CASE("every command explains itself with an example") {
  std::vector<Args> commands = {{"help"}};
  for (const CommandSpec* const spec : kCommands) {
    const auto blank = spec->name.find(' ');
    Args& words = commands.emplace_back(Args{std::string(spec->name.substr(0, blank))});
    if (blank != std::string_view::npos) {
      words.emplace_back(spec->name.substr(blank + 1));
    }
  }
  for (Args command : commands) {
    std::string name = "cairn";
    for (const std::string& word : command) {
      name += " " + word;
    }
    CAPTURE(name);
    Args asked = {"help"};
    asked.insert(asked.end(), command.begin(), command.end());
    command.emplace_back("--help");
    const std::string text = help(command);
    CHECK(text == help(asked));
    CHECK(text.find("Usage: " + name) != std::string::npos);
    CHECK(text.find("Example") != std::string::npos);
    if (name != "cairn copy") {  // its examples begin with the repository
      CHECK(text.find("  " + name) != std::string::npos);
    }
    CHECK(text.find("--json") != std::string::npos);
  }
}

TEST_CASE("the help of the program lists its commands, its environment and its exit status") {
  const std::string text = help({"--help"});
  CHECK(text == help({"help"}));
  CHECK(text == help({"-h"}));
  for (const char* word :
       {"init", "backup", "snapshots", "ls", "find", "diff", "dump", "restore", "verify", "tag",
        "forget", "stats", "config", "key", "CAIRN_REPOSITORY", "CAIRN_PASSWORD_COMMAND", "130"}) {
    CAPTURE(word);
    CHECK(text.find(word) != std::string::npos);
  }
  CHECK(refused({"help", "nothing"}).message == "there is no command \"nothing\"");
  CHECK(refused({"help", "key", "nothing"}).message == "there is no command \"key nothing\"");
}

TEST_CASE("help is short enough to read on a terminal") {
  for (const Args& args : {Args{"--help"}, Args{"backup", "--help"}, Args{"restore", "--help"},
                           Args{"forget", "--help"}}) {
    std::string rest = help(args);
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      CHECK(rest.substr(0, end).size() <= 120);
      rest.erase(0, end == std::string::npos ? end : end + 1);
    }
  }
}

}  // namespace
}  // namespace cairn::cli
