#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/snapshot.h"
#include "ops/backup/folder_assembly.h"
#include "ops/incremental/stat_cache.h"
#include "ops/progress/problem_list.h"
#include "ops/progress/progress_meter.h"
#include "ops/source/source.h"
#include "ops/tree/birth_times.h"
#include "ops/tree/node_builder.h"

namespace cairn::repo::ops {

/// One step of the walk with its result.
struct IngestedStep {
  WalkStep step;
  std::vector<Problem> problems = {};
  std::optional<core::Error> error = {};  ///< set: the object could not be read and is left out
};

/// Counts differences from the last backup, and reports them if somebody wants to know.
class ChangeLog {
 public:
  ChangeLog(ProgressMeter& meter, bool tell) : meter_(meter), tell_(tell) {}
  void add(Change change, const std::string& path) {
    if (tell_) {
      meter_.change(change, path);
    }
  }

  ChangeCounts counts;  ///< for the assembler's thread; the walk counts `removed`

 private:
  ProgressMeter& meter_;
  bool tell_;
};

/// A source that has become nodes.
struct AssembledSource {
  Source source;
  std::optional<ChunkId> folder_node;  ///< its content's root; nullopt: the source is no folder
  bool is_new_and_empty = false;       ///< an empty folder that no backup has seen before
};

/// Reads a file whose content the assembler turns out to lack; the step contains the result.
using ReadLate = std::function<core::Status(IngestedStep&)>;

/// Turns the steps of one source, in walk order, into its nodes. Not thread-safe. Memory: a
/// FolderAssembly per folder on the current path, and one entry per object with several names.
class TreeAssembler {
 public:
  /// Everything must outlive it.
  TreeAssembler(const AssemblyParts& parts, ProblemList& problems, ChangeLog& changes,
                ReadLate read_late);

  core::Status add(IngestedStep step);
  /// To be called between two steps: records the contents of the open folders so far.
  core::Status record_progress();
  /// To be called once, after the walk's last step. nullopt if the source itself could not be read,
  /// which was reported.
  [[nodiscard]] core::Result<std::optional<AssembledSource>> finish(std::string path);

 private:
  struct OpenFolder {
    WalkItem item;  ///< without its path
    std::size_t path_bytes = 0;
    bool is_bare = false;
    std::unique_ptr<FolderAssembly> assembly;
  };
  core::Status add_object(IngestedStep step);
  void obey(WalkItem& item, const Entry* recorded);
  core::Status resolve_link(IngestedStep& step, WalkItem& item);
  void report_problems(IngestedStep& step);
  static void take_log(IngestedStep& step, MetObject& object);
  core::Status add_unchanged(const UnchangedRun& run);
  core::Status enter_folder(EnteredFolder folder);
  core::Status leave_folder(const LeftFolder& leaving);
  [[nodiscard]] core::Result<const Entry*> recorded_entry(
      const WalkItem& item, const std::shared_ptr<const RecalledFolder>& lone = nullptr);
  core::Status place(WalkItem item, const std::string& path, bool continues);
  core::Status record_lone_source(const std::string& path);
  void note_emptiness(const OpenFolder& folder, const FolderContent& content);
  void count_change(const WalkItem& item, bool unchanged);

  AssemblyParts parts_;
  ProblemList& problems_;
  ChangeLog& changes_;
  ReadLate read_late_;
  std::vector<OpenFolder> open_;
  std::string path_;  ///< of the last of them
  std::optional<Entry> root_;
  bool is_new_and_empty_ = false;
  Stamp root_stamp_ = kNoStamp;
  std::optional<Entry> lone_record_;  ///< of a source that is no folder
  /// An object with several names, by the first of them in the snapshot.
  struct Linked {
    ObjectMark mark;
    std::string name;  ///< relative to the source
    Content content;
    bool changed_while_read = false;
  };
  std::map<InodeId, Linked> linked_;
  TreeCounts counts_;
  BirthTimeWriter birth_times_;
};

}  // namespace cairn::repo::ops
