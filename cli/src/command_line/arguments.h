#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cairn/repo/backup.h"
#include "cairn/repo/restore.h"
#include "cairn/repo/retention.h"
#include "cairn/repo/roles.h"
#include "cairn/repo/settings.h"
#include "cairn/repo/snapshots.h"
#include "text/times.h"

/// The command line as values: what the user typed, checked for sense, before anything is done.
namespace cairn::cli {

/// Accepted before and after every command. Empty text: not given.
struct GlobalArguments {
  std::string repository;
  std::string password_file;
  std::string key_file;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  bool no_cache = false;
};

/// Which snapshot, and what in it: "SNAP", "SNAP:/path", or a time and maybe a path.
struct SnapshotChoice {
  std::string snapshot;              ///< empty if `at` decides
  std::optional<Moment> at;          ///< the newest snapshot at or before this
  repo::SnapshotFilter filter = {};  ///< of which ones; paths as typed
  std::string path;                  ///< absolute; empty for everything
};

struct InitArguments {
  repo::Settings settings;
};

struct ConfigArguments {
  std::optional<std::uint64_t> max_repo_bytes;  ///< nullopt: stays; 0: no limit
};

struct BackupArguments {
  std::vector<std::string> paths;
  std::vector<std::string> tags;
  std::string name;
  std::string description;
  std::string host;                    ///< empty: CAIRN_HOST, or that of the machine
  std::optional<Moment> time;          ///< what to record instead of now
  std::vector<std::string> record_as;  ///< empty, or what each of the paths is to be recorded as
  bool skip_if_unchanged = false;
  repo::SnapshotType type = repo::SnapshotType::manual;
  int compression_level = repo::kCompressionDefault;
  bool dry_run = false;

  std::vector<std::string> files_from;   ///< files of paths, one a line
  std::vector<std::string> files_from0;  ///< the same, each path ended by a NUL
  bool from_stdin = false;
  std::vector<std::string> command;  ///< and its arguments: its output is backed up; empty: none
  std::string stdin_name;

  std::vector<std::string> excludes;
  std::vector<std::string> includes;
  std::vector<std::string> exclude_files;
  std::vector<std::string> exclude_if_present;
  std::optional<std::uint64_t> exclude_larger_than;
  bool exclude_caches = false;
  bool exclude_nodump = false;
  bool one_file_system = false;

  bool ignore_ctime = false;
  bool ignore_inode = false;
  bool force_rehash = false;
  double rehash_sample = 0;
  std::uint64_t time_limit_seconds = 0;
};

enum class ListForm : std::uint8_t { table, compact, long_table };

struct SnapshotsArguments {
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::uint64_t latest = 0;     ///< of each group, or of each host, set and paths; 0: all
  std::optional<repo::RetentionGrouping> group_by;
  ListForm form = ListForm::table;
};

struct LsArguments {
  SnapshotChoice choice;
  bool long_format = false;
  bool recursive = false;
  bool print0 = false;
};

struct DumpArguments {
  SnapshotChoice choice;
  std::string output;   ///< empty: standard output
  bool as_tar = false;  ///< also if it is a file; folders always are
};

/// One side of a comparison: "SNAP", "SNAP:/path", or a path on disk.
struct DiffPlace {
  std::string snapshot;  ///< empty: on disk
  std::string path;      ///< as typed; empty: the same as on the other side
};

struct DiffArguments {
  DiffPlace before;
  DiffPlace after;
  repo::SnapshotFilter filter;  ///< of both sides; paths as typed
  bool checksum = false;
  bool exit_code = false;  ///< says whether there are differences
};

enum class FindType : std::uint8_t { file, folder, symlink };

struct FindArguments {
  std::vector<std::string> patterns;
  std::string versions_of;      ///< not empty: all versions of this path instead
  repo::SnapshotFilter filter;  ///< paths as typed
  std::optional<Moment> newer;
  std::optional<Moment> older;
  std::optional<std::uint64_t> larger;
  std::optional<std::uint64_t> smaller;
  std::optional<FindType> type;
  bool ignore_case = false;
};

struct RestoreArguments {
  SnapshotChoice choice;
  std::string target;
  repo::Overwrite overwrite = repo::Overwrite::refuse;
  bool delete_extra = false;
  bool dry_run = false;
  bool delete_excluded = false;
  bool numeric_ids = false;
  bool no_owner = false;
  std::vector<std::string> include_xattrs;
  std::vector<std::string> exclude_xattrs;
  std::vector<std::string> include_files;
  std::vector<std::string> exclude_files;
  bool yes = false;               ///< no question on the terminal
  bool no_restore_point = false;  ///< what is overwritten is lost
  std::vector<std::string> includes;
  std::vector<std::string> excludes;
};

struct VerifyArguments {
  repo::SnapshotFilter filter;  ///< empty: all, and every object of the repository; paths as typed
  bool check_integrity = false;
};

struct PinArguments {
  bool unpin = false;
  repo::SnapshotFilter filter;  ///< with names; paths as typed
};

struct TagArguments {
  bool remove = false;
  std::vector<std::string> tags;
  repo::SnapshotFilter filter;  ///< with names; paths as typed
};

/// Where a copy comes from; empty text: not given.
struct FromArguments {
  std::string repository;
  std::string password_file;
  std::string key_file;
};

struct CopyArguments {
  FromArguments from;
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::uint64_t latest = 0;     ///< of each host, set and paths; 0: all
  repo::RetentionRules rules;   ///< empty: all
  int compression_level = repo::kCompressionDefault;
  bool dry_run = false;
  bool verify = false;
};

struct PruneArguments {
  double max_unused = 0.01;
  std::optional<std::uint64_t> max_repack_bytes;
  bool repack_small = false;
  bool dry_run = false;
  std::uint64_t stale_after_seconds = 600;
};

struct ForgetArguments {
  std::vector<std::string> snapshots;  ///< empty: by the rules
  repo::RetentionRules rules;
  repo::SnapshotFilter filter;  ///< paths as typed
  bool dry_run = false;
  std::optional<PruneArguments> prune;  ///< afterwards
};

struct RepairObjectsArguments {
  bool dry_run = false;
};

struct RepairIndexArguments {
  bool dry_run = false;
};

struct RepairPacksArguments {
  std::vector<std::string> packs;  ///< empty: all that are damaged
  std::vector<std::string> sources;
  FromArguments from;  ///< empty: none
  bool dry_run = false;
};

/// Of rewrite, and of repair snapshots.
struct RewriteArguments {
  bool mend = false;            ///< repair: without what is lost, instead of what matches
  repo::SnapshotFilter filter;  ///< empty: all; paths as typed
  std::vector<std::string> excludes;
  std::vector<std::string> exclude_files;
  bool forget = false;
  bool yes = false;  ///< forgets without asking
  bool dry_run = false;
};

struct StatsArguments {
  /// Snapshots, and absolute paths: what would forgetting and excluding them give back?
  std::vector<std::string> would_free;
  repo::SnapshotFilter filter;  ///< what latest is one of; paths as typed
};

/// Where new credentials come from; both empty: CAIRN_NEW_PASSWORD, else the terminal.
struct NewCredentialArguments {
  std::string password_file;
  std::string key_file;
};

struct KeyListArguments {};

struct KeyAddArguments {
  repo::Role role = repo::Role::admin;
  std::string name;
  NewCredentialArguments credentials;
};

struct KeyRemoveArguments {
  std::string id_prefix;
};

struct KeyPasswdArguments {
  NewCredentialArguments credentials;
};

struct KeyExportArguments {
  std::string id_prefix;  ///< empty: all keys
  std::string output;     ///< empty: standard output
};

struct KeyImportArguments {
  std::string file;  ///< "-": standard input
};

struct VersionArguments {};

using CommandArguments =
    std::variant<InitArguments, ConfigArguments, BackupArguments, SnapshotsArguments, LsArguments,
                 FindArguments, DiffArguments, DumpArguments, RestoreArguments, CopyArguments,
                 VerifyArguments, PinArguments, TagArguments, ForgetArguments, PruneArguments,
                 RepairObjectsArguments, RepairIndexArguments, RepairPacksArguments,
                 RewriteArguments, StatsArguments, KeyListArguments, KeyAddArguments,
                 KeyRemoveArguments, KeyPasswdArguments, KeyExportArguments, KeyImportArguments,
                 VersionArguments>;

struct Invocation {
  GlobalArguments global;
  CommandArguments command;
};

/// The user asked for help: print this and be done.
struct HelpText {
  std::string text;
};

struct UsageError {
  std::string message;
  std::string hint;
};

/// One without a hint.
[[nodiscard]] inline UsageError usage_error(std::string message) {
  return {std::move(message), {}};
}

/// The words of one command, checked and turned into values.
using CheckedArguments = std::variant<CommandArguments, UsageError>;
using ParsedArguments = std::variant<Invocation, HelpText, UsageError>;

/// Never throws, whatever the words are; names of files may be any bytes.
[[nodiscard]] ParsedArguments parse_arguments(std::span<const std::string> args);

}  // namespace cairn::cli
