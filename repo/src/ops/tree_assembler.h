#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"
#include "ops/node_builder.h"
#include "ops/progress_meter.h"
#include "ops/source.h"

namespace cairn::repo::ops {

/// One step of the walk with what became of it.
struct IngestedStep {
  WalkItem item;
  /// The object's first name, relative to the source, if the walk has met it before.
  std::optional<std::string> hard_link_to;
  std::vector<Problem> problems;
  std::optional<core::Error> error;  ///< set: the object could not be read and is left out
};

/// Collects problems: all are counted and told, the first kProblemsMax are kept.
class ProblemList final : public ProblemSink {
 public:
  explicit ProblemList(ProgressMeter& meter) : meter_(meter) {}
  void add(Problem problem) override;
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::vector<Problem> take();

 private:
  ProgressMeter& meter_;
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::vector<Problem> kept_;
};

/// Writes the birth times of a source's objects in walk order (docs/FORMAT.md, "Birth times").
class BirthTimeWriter {
 public:
  explicit BirthTimeWriter(NodeSink& sink) : sink_(sink), content_(sink) {}
  core::Status add(const std::optional<core::Timestamp>& time);
  /// Empty content if no object had one.
  [[nodiscard]] core::Result<Content> finish();

 private:
  core::Status write_piece();

  NodeSink& sink_;
  ContentBuilder content_;
  core::Encoder piece_;
  std::int64_t last_seconds_ = 0;
  bool any_ = false;
};

/// Turns the steps of one source, in walk order, into its nodes. Not thread-safe. Memory: one open
/// leaf per folder on the current path, and one entry per object with several names.
class TreeAssembler {
 public:
  TreeAssembler(NodeSink& sink, core::ByteView split_key, ProblemList& problems);

  core::Status add(IngestedStep step);
  /// Call once, after the walk's last step. not_found if the source itself could not be read.
  [[nodiscard]] core::Result<Source> finish(std::string path);

 private:
  struct OpenFolder {
    Entry entry;
    std::string path;
    std::unique_ptr<FolderBuilder> builder;
  };
  core::Status add_object(IngestedStep step);
  core::Status place(Entry entry, std::string path);
  void count(const Entry& entry);

  NodeSink& sink_;
  core::ByteView split_key_;
  ProblemList& problems_;
  std::vector<OpenFolder> open_;
  std::optional<Entry> root_;
  std::map<InodeId, Content> linked_contents_;
  TreeCounts counts_;
  BirthTimeWriter birth_times_;
};

}  // namespace cairn::repo::ops
