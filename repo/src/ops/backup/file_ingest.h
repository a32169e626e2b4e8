#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/chunker/policy.h"
#include "cairn/core/result.h"
#include "cairn/repo/backup.h"
#include "cairn/repo/entry.h"
#include "ops/backup/ingest_control.h"
#include "ops/progress/progress_meter.h"
#include "ops/progress/stage_times.h"
#include "ops/source/source.h"
#include "ops/tree/node_builder.h"
#include "ops/writing/block_writer.h"
#include "ops/writing/chunk_store.h"

namespace cairn::repo::ops {

/// What all workers of one backup share. Everything must outlive them.
struct IngestShared {
  const chunker::Policy& policy;
  const chunker::GearTable& gear;
  const store::KeyRing& keys;
  core::Clock& clock;
  ChunkStore& store;
  NodeSink& nodes;
  IngestControl& control;
  ProgressMeter& meter;
  StageTimes* times;
};

/// Of two changes of a file within a tick of the kernel's clock the second leaves no trace in its
/// times. True if a change after `before`, when the file was about to be opened, might be such a
/// one.
[[nodiscard]] bool is_fresh(const SourceFile& file, core::Timestamp before) noexcept;

/// Reads files into chunks: one per worker, not thread-safe. Reading, cutting, hashing and looking
/// chunks up happen on one buffer while it is in the processor's cache. Small files share the
/// buffer, because many chunks are hashed faster together than one by one. Memory: the read buffer
/// (kReadBytes and the largest chunk), and about 300 bytes for each file not yet stored.
class FileIngest {
 public:
  /// New chunks go to `blocks`, which belongs to the same thread.
  FileIngest(const IngestShared& shared, BlockWriter& blocks);

  /// Reads one file of the walk: fills in xattrs, flags and changed_while_read of the item's entry
  /// at once, and its content by the next store_pieces() at the latest; the item must not move
  /// until then. If something else has taken the file's name, the item is changed to that.
  /// Attributes that could not be read, and a file that would not hold still, go to `problems`. For
  /// a further name of an object only the attributes are read, if it still is one. Errors as
  /// open_what_is_there (this file only), interrupted, or the store's (which end everything).
  core::Status ingest(WalkItem& item, std::vector<Problem>& problems);

  /// The same for a file with logs beside it: if it is a database it is read together with them
  /// until all are of one moment. The results for the logs are in item.logs.
  core::Status ingest_database(WalkItem& item, std::vector<Problem>& problems);

  /// Stores the chunks of the files read so far, and fills in their contents. Errors: the store's.
  core::Status store_pieces();

  /// Reads an object that is no file to its end. An error ends everything.
  core::Status ingest_bytes(WalkItem& item, ByteSource& bytes);

 private:
  /// A chunk in the buffer, or a hole.
  struct Piece {
    std::size_t offset = 0;  ///< in the buffer
    std::uint64_t length_bytes = 0;
    BlockClass block_class = BlockClass::general;
    bool is_hole = false;
  };
  /// A file with pieces in the buffer, now or earlier; the last one may still be being read.
  struct Unstored {
    explicit Unstored(NodeSink& nodes) : content(nodes) {}
    ContentBuilder content;
    std::size_t pieces = 0;     ///< how many of pieces_ are its own
    bool is_read = false;       ///< to the end, or as far as possible
    Content* result = nullptr;  ///< nullptr: not wanted, or not yet
  };

  enum class Reading : std::uint8_t {
    whole,
    while_unchanged,  ///< stops with `changed` as soon as the file changes
  };
  core::Status read_content(ByteSource& source, Content& content, Reading reading = Reading::whole);
  core::Status read_extents(ByteSource& source, Reading reading);
  /// A database, or a log of it, being read.
  struct Member {
    WalkItem& item;
    std::vector<Problem>& problems;
    std::optional<core::Error>* error;  ///< nullptr: the database itself
    std::optional<SourceFile> file = {};
    core::Timestamp before = {};  ///< when it was opened
    bool is_read = false;         ///< not as recorded
    Content previous = {};        ///< what was read the last time
  };
  core::Status open_member(Member& member);
  [[nodiscard]] core::Result<bool> is_steady(Member& member);
  [[nodiscard]] core::Result<bool> read_members(std::vector<Member>& members);
  core::Status ingest_apart(WalkItem& item, std::vector<Problem>& problems, bool with_file);
  /// Reads a file again that changed while it was read. True if `item` then has a state that the
  /// file really was in.
  [[nodiscard]] core::Result<bool> read_again(SourceFile& file, WalkItem& item,
                                              std::vector<Problem>& problems);
  /// `at_end` is set if there was less to read than the run's length.
  core::Status read_run(ByteSource& source, const ByteSource::Extent& run, Reading reading,
                        bool& at_end);
  [[nodiscard]] core::Result<std::size_t> read_at(ByteSource& source, Reading reading,
                                                  std::uint64_t offset, core::MutableByteView out);
  void begin_content();
  void end_content(Content* result);
  void add_piece(const Piece& piece);
  void add_chunk(std::size_t offset, std::size_t length_bytes);
  /// Cuts the buffer up to `end`. The open chunk begins at `begin` and was scanned up to `scanned`.
  /// Returns where the chunk begins that is open then.
  [[nodiscard]] std::size_t add_chunks(std::size_t begin, std::size_t scanned, std::size_t end);
  [[nodiscard]] std::vector<ChunkId> hash(std::span<const core::ByteView> chunks);
  core::Status store_chunk(const ChunkId& id, core::ByteView chunk, BlockClass block_class);
  void choose_parameters(core::ByteView head, std::uint64_t size_bytes);

  const IngestShared& shared_;
  core::Bytes buffer_;
  std::size_t filled_ = 0;  ///< bytes of pieces_ in the buffer
  std::vector<Piece> pieces_;
  std::deque<Unstored> files_;  ///< the files of these pieces, in order
  chunker::Chunker chunker_;
  chunker::CutParameters parameters_;
  bool parameters_chosen_ = false;
  bool is_sqlite_ = false;                 ///< of the file read last
  std::optional<std::uint64_t> ended_at_;  ///< where the file read last ended before its size
  BlockClass block_class_ = BlockClass::general;
  BlockWriter& blocks_;
};

}  // namespace cairn::repo::ops
