#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/posix/name_stack.h"
#include "ops/posix/object_metadata.h"
#include "ops/source/folder_lookahead.h"
#include "ops/source/source.h"
#include "ops/source/source_compare.h"

/// The walk behind SourceWalk: source_walk.cpp goes through the tree, folder_walk_levels.cpp
/// manages the folders of the current path and their descriptors.
namespace cairn::repo::ops {

/// A database's log that was looked at together with the database.
struct PlannedLog {
  std::optional<Statx> status;         ///< nullopt: it was gone
  std::shared_ptr<DatabaseLogs> logs;  ///< nullptr: all of them are as recorded
};

/// A folder on the current path.
struct Level {
  std::shared_ptr<SourceFolder> folder;  ///< null: closed to save descriptors, or never opened
  InodeId id;
  std::size_t path_bytes;  ///< length of its own path, at the front of the current one
  NameStack::Mark mark;    ///< its names begin here
  std::size_t next;        ///< the next name
  std::shared_ptr<const RecalledFolder> record = {};  ///< until the folder's step was returned
  std::optional<RecordCursor> cursor = {};
  core::Timestamp listed_at;  ///< the time of its listing, or a little before
  std::size_t offered;        ///< the first name not yet offered to the look-ahead
  std::uint64_t home = 0;     ///< the device that counts as the source's own
  bool is_way_only = false;   ///< only what was named in it is taken
  bool is_bare = false;       ///< it is empty
  bool has_logs = false;      ///< some names look like those of database logs
  std::map<std::string, PlannedLog, std::less<>> planned = {};
  bool left_early = false;                ///< some children may not have been reached
  std::vector<std::string> refused = {};  ///< children that could not be looked at
};

class FolderWalk final : public SourceWalk {
 public:
  FolderWalk(ProblemSink& problems, WalkOptions options)
      : problems_(problems),
        choice_(options.choice),
        named_(options.named),
        own_folders_(options.own_folders),
        on_own_folder_(options.on_own_folder),
        recorded_as_(options.recorded_as),
        finds_links_(options.finds_links),
        lookahead_(options),
        comparison_(std::move(options)),
        buffer_(kListBufferBytes) {}

  core::Status start(std::string_view source);
  core::Result<std::optional<WalkStep>> next() override;
  void end_early() override;

 private:
  static constexpr std::size_t kListBufferBytes = 256 * 1024;

  core::Status next_child(std::optional<WalkStep>& told);
  void complete(WalkStep& step);
  void note_link(WalkItem& item);
  core::Result<bool> look_ahead(std::string_view name);
  core::Status plan_logs(std::string_view name, Child& child);
  core::Status plan_log(const std::string& log, DatabaseLogs& logs, bool& all_same);
  void feed_lookahead();

  enum class Described : std::uint8_t { done, left_out, look_again };
  core::Result<bool> describe(WalkItem& item, Statx status);
  core::Result<Described> describe_once(WalkItem& item, const Statx& status, bool is_last_look);
  core::Result<Described> give_up_on(WalkItem& item, int error_number, std::string_view action,
                                     bool is_last_look);

  core::Result<Described> enter(WalkItem& item, bool is_last_look);
  core::Result<Described> enter_unopened(WalkItem& item, int error_number, bool is_last_look);
  void push_level(const WalkItem& item, std::shared_ptr<SourceFolder> folder);
  core::Status list(int descriptor, Statx before);
  core::Status list_chosen(int descriptor, const Statx& status, bool is_way_only);
  [[nodiscard]] std::string path_of(std::string_view name) const;
  core::Result<bool> list_once(int descriptor, std::size_t first);
  void add_name(std::string_view name);
  core::Result<LeftFolder> leave();

  core::Status reopen_top(const SourceFolder* child);
  int open_from_root();
  bool close_ancestors();
  bool spare_descriptors();

  void report(ProblemKind kind, const std::string& path, std::string reason);
  core::Status refuse(int error_number, const std::string& path, std::string_view action = {});
  void note_refused(std::string_view name, int error_number);
  void report_metadata_problems(WalkItem& item);

  ProblemSink& problems_;
  const Choice* choice_;
  const std::vector<std::string>* named_;
  std::vector<InodeId> own_folders_;
  std::function<void(const std::string&, bool)> on_own_folder_;
  std::string recorded_as_;
  bool finds_links_;
  FolderLookahead lookahead_;
  SourceComparison comparison_;
  std::vector<char> buffer_;
  std::vector<Problem> metadata_problems_;
  NameStack names_;
  std::vector<Level> levels_;
  std::size_t first_open_ = 1;  // of the levels, the first and those from here on are open
  std::string path_;            // of the folder on top, without '/' at its end
  bool listed_logs_ = false;
  std::map<InodeId, ObjectMark> linked_;  // as last returned
  std::optional<WalkStep> source_;
  std::optional<Child> ahead_;  // looked at, but not returned: the next child of the folder on top
  bool ahead_is_way_only_ = false;  // it is left out, but something in it was named
  std::optional<ChunkId> vouched_;  // the node of the folder about to be entered, if known
};

}  // namespace cairn::repo::ops
