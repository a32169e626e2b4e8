#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/snapshot.h"
#include "ops/repository/catalogue_view.h"
#include "ops/source/source.h"
#include "ops/tree/folder_cursor.h"

/// The two sides of a comparison, read depth first with names ascending. Not thread-safe.
///
/// No StoredTreeWalk: two sides move in step, one of which may be live, and pieces of folders that
/// both have are skipped unread.
namespace cairn::repo::ops {

/// An object on one side.
struct DiffEntry {
  Entry entry;
  bool is_recorded = true;     ///< false: a folder above sources, without metadata
  bool has_content = true;     ///< files: entry.content holds more than the size
  bool has_folder = true;      ///< folders: entry.folder.node is known
  bool has_attributes = true;  ///< xattrs and inode flags are known
};

/// What comes next in the folder that was entered last.
struct DiffHead {
  enum class Type : std::uint8_t { end, entry, piece };
  Type type = Type::end;
  std::string_view name;  ///< of a piece: the smallest in it
  const FolderCursor::Piece* piece = nullptr;
};

class DiffTree {
 public:
  virtual ~DiffTree() = default;
  /// The root object; to be called once, before anything else.
  [[nodiscard]] virtual core::Result<DiffEntry> take_root() = 0;
  /// Requires an entered folder. The result is valid until the next call.
  [[nodiscard]] virtual core::Result<DiffHead> head() = 0;
  /// Precondition: an entry is next.
  [[nodiscard]] virtual core::Result<DiffEntry> take() = 0;
  // Precondition: a piece is next.
  virtual core::Status open_piece() = 0;
  virtual void skip_piece() = 0;
  /// Enters the folder that was taken last. Live folders must be entered.
  virtual core::Status enter(const DiffEntry& folder, const std::string& path) = 0;
  /// Precondition: the entered folder is at its end.
  virtual core::Status leave() = 0;
};

/// What a snapshot recorded below a path.
class StoredTree final : public DiffTree {
 public:
  StoredTree(CatalogueView view, const Snapshot& snapshot, std::string path);

  core::Result<DiffEntry> take_root() override;
  core::Result<DiffHead> head() override;
  core::Result<DiffEntry> take() override;
  core::Status open_piece() override;
  void skip_piece() override;
  core::Status enter(const DiffEntry& folder, const std::string& path) override;
  core::Status leave() override;

 private:
  /// A recorded folder, or the names that lead from a folder above to the sources.
  struct Level {
    std::optional<FolderCursor> recorded;
    std::vector<std::string> names;  ///< the next one is the last
    std::string path;
  };

  CatalogueView view_;
  const Snapshot& snapshot_;
  std::string path_;
  std::vector<Level> levels_;
};

/// The live file system. Files are opened only when needed.
class LiveTree final : public DiffTree, private ProblemSink {
 public:
  LiveTree(CatalogueView view, std::string path, Observer& observer, std::stop_token stop);

  core::Result<DiffEntry> take_root() override;
  core::Result<DiffHead> head() override;
  core::Result<DiffEntry> take() override;
  core::Status open_piece() override;
  void skip_piece() override;
  core::Status enter(const DiffEntry& folder, const std::string& path) override;
  core::Status leave() override;

  /// Reads the attributes of the regular file that was taken last and, if `other` is given,
  /// compares its content with that. False: there was a problem, which was reported. `is_same` is
  /// the result.
  core::Result<bool> look_into(DiffEntry& file, const Content* other, bool& is_same);
  /// True if the object could not be read, so that its absence means nothing. `folder` contains it.
  [[nodiscard]] bool is_unreadable(const std::string& path, const std::string& folder) const;
  [[nodiscard]] std::uint64_t problem_count() const noexcept { return problem_count_; }

 private:
  void add(Problem problem) override;
  core::Status peek();
  core::Result<bool> has_content(SourceFile& file, const Content& content,
                                 std::optional<core::Error>& unreadable);
  core::Result<bool> has_item(SourceFile& file, std::uint64_t offset, const ContentItem& item);

  CatalogueView view_;
  std::string path_;
  Observer& observer_;
  std::stop_token stop_;
  std::unique_ptr<SourceWalk> walk_;
  std::optional<WalkStep> next_;
  std::optional<WalkItem> taken_;
  std::vector<std::string> entered_;
  std::set<std::string> unreadable_;  ///< on the current path
  std::uint64_t problem_count_ = 0;
  core::Bytes buffer_;
};

}  // namespace cairn::repo::ops
