#include "ops/backup/file_ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/source/database_log.h"
#include "ops/source/source_object.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kReadBytes = 512 * 1024;
constexpr int kReadAttempts = 3;
// Times of files advance in ticks of at most 10 ms. Of two changes within a tick the second leaves
// no trace, so a file that was changed just before it was opened has to be read twice.
constexpr std::int64_t kTickNs = 20'000'000;
// Data of unknown size is cut like a file of this size: only very long databases are cut
// differently from short ones.
constexpr std::uint64_t kNominalBytes = 64 * 1024 * 1024;

BlockClass block_class_of(chunker::ContentClass content_class) noexcept {
  switch (content_class) {
    case chunker::ContentClass::general:
    case chunker::ContentClass::disk_image:
      return BlockClass::general;
    case chunker::ContentClass::page_file:
      return BlockClass::pages;
    case chunker::ContentClass::compressed:
      return BlockClass::compressed;
  }
  return BlockClass::general;
}

}  // namespace

bool is_fresh(const SourceFile& file, core::Timestamp before) noexcept {
  const core::Timestamp changed = file.ctime();
  constexpr std::int64_t kSecondNs = core::kNanosecondsPerSecond;
  const std::int64_t seconds = changed.seconds - before.seconds;
  if (seconds < -1 || seconds > 1) {
    return false;
  }
  const std::int64_t ns =
      seconds * kSecondNs + std::int64_t{changed.nanoseconds} - std::int64_t{before.nanoseconds};
  return ns > -kTickNs && ns < kTickNs;
}

FileIngest::FileIngest(const IngestShared& shared, BlockWriter& blocks)
    : shared_(shared), chunker_(shared.policy.classes[0], shared.gear), blocks_(blocks) {}

core::Status FileIngest::ingest(WalkItem& item, std::vector<Problem>& problems) {
  const auto measured = [this](const auto& call) {
    return measure(shared_.times, Stage::open, 0, call);
  };
  const core::Timestamp before = shared_.clock.now();
  CAIRN_TRY(auto file, measured([&] { return open_what_is_there(item, problems); }));
  if (!file) {
    return {};
  }
  CAIRN_TRY_STATUS(measured([&] { return file->read_metadata(item.entry, item.path, problems); }));
  if (item.fate == Fate::link_to_first) {
    return {};
  }
  ended_at_.reset();
  is_sqlite_ = false;
  CAIRN_TRY_STATUS(read_content(*file, item.entry.content));
  if (is_sqlite_ && !log_beside(item).empty()) {
    return ingest_database(item, problems);
  }
  CAIRN_TRY(const auto drift, measured([&] { return file->drift(); }));
  if (drift != SourceFile::Drift::none || is_fresh(*file, before)) {
    CAIRN_TRY(const bool steady, read_again(*file, item, problems));
    if (!steady && is_shared_memory(item)) {
      item.stamp = kNoStamp;
    } else if (!steady) {
      item.entry.changed_while_read = true;
      problems.push_back({ProblemKind::changed_while_read, item.path,
                          "what is stored may be a mixture of old and new: stop what writes to "
                          "it, or back up a copy of it"});
      return {};
    }
  }
  if (ended_at_ && !file->has_made_up_size()) {
    item.entry.changed_while_read = true;
    problems.push_back({ProblemKind::changed_while_read, item.path,
                        fmt::format("it ended after {} bytes, though its size is given as {}: "
                                    "the rest is missing",
                                    *ended_at_, file->size_bytes())});
  }
  return {};
}

core::Result<bool> FileIngest::read_again(SourceFile& file, WalkItem& item,
                                          std::vector<Problem>& problems) {
  CAIRN_TRY_STATUS(store_pieces());  // so that what was read first is complete
  Content& content = item.entry.content;
  for (int attempt = 2; attempt <= kReadAttempts; ++attempt) {
    CAIRN_TRY(const auto drift, file.drift());
    ended_at_.reset();
    Content again;
    if (drift == SourceFile::Drift::grown) {
      // If only its end has changed, what was read is what the file was at the first look.
      CAIRN_TRY_STATUS(read_content(file, again));
      CAIRN_TRY_STATUS(store_pieces());
      const bool only_grew = again == content;
      content = std::move(again);
      item.stamp = kNoStamp;
      return only_grew;
    }
    const core::Timestamp before = shared_.clock.now();
    CAIRN_TRY_STATUS(file.restart());
    std::vector<Problem> repeated;  // the first look reported them
    CAIRN_TRY_STATUS(file.read_metadata(item.entry, item.path, repeated));
    if (problems.empty()) {
      problems = std::move(repeated);
    }
    auto status = read_content(file, again, Reading::while_unchanged);
    CAIRN_TRY_STATUS(store_pieces());
    if (!status && status.error().code() == core::ErrorCode::changed) {
      continue;
    }
    CAIRN_TRY_STATUS(status);
    const bool is_equal = again == content;
    content = std::move(again);
    CAIRN_TRY(const auto moved, file.drift());
    if (moved == SourceFile::Drift::none && (is_equal || !is_fresh(file, before))) {
      return true;
    }
  }
  return false;
}

void FileIngest::choose_parameters(core::ByteView head, std::uint64_t size_bytes) {
  const auto content_class =
      chunker::classify(head.first(std::min(head.size(), chunker::kClassifyBytes)), size_bytes);
  parameters_ = chunker::cut_parameters(shared_.policy, content_class, size_bytes);
  block_class_ = block_class_of(content_class);
  chunker_.reset(parameters_);
  parameters_chosen_ = true;
  const std::size_t needed = kReadBytes + parameters_.size_max;
  if (buffer_.size() < needed) {
    buffer_.resize(needed);
  }
}

void FileIngest::begin_content() {
  parameters_chosen_ = false;
  if (buffer_.size() < kReadBytes) {
    buffer_.resize(kReadBytes);
  }
  files_.emplace_back(shared_.nodes);
}

void FileIngest::end_content(Content* result) {
  files_.back().is_read = true;
  files_.back().result = result;
}

core::Status FileIngest::ingest_bytes(WalkItem& item, ByteSource& bytes) {
  const auto status = read_content(bytes, item.entry.content);
  CAIRN_TRY_STATUS(store_pieces());
  CAIRN_TRY_STATUS(status);
  CAIRN_TRY(item.entry.changed_while_read, bytes.has_changed());
  return {};
}

core::Status FileIngest::read_content(ByteSource& source, Content& content, Reading reading) {
  begin_content();
  auto status = read_extents(source, reading);
  end_content(status ? &content : nullptr);
  return status;
}

core::Status FileIngest::read_extents(ByteSource& source, Reading reading) {
  std::uint64_t offset = 0;
  bool at_end = false;
  while (!at_end) {
    CAIRN_TRY(const auto extent, source.next_extent(offset));
    if (!extent) {
      break;
    }
    if (extent->is_hole) {
      add_piece({.length_bytes = extent->length_bytes, .is_hole = true});
    } else {
      CAIRN_TRY_STATUS(read_run(source, *extent, reading, at_end));
    }
    offset = extent->offset + extent->length_bytes;
  }
  return {};
}

core::Result<std::size_t> FileIngest::read_at(ByteSource& source, Reading reading,
                                              std::uint64_t offset, core::MutableByteView out) {
  if (reading == Reading::while_unchanged) {
    CAIRN_TRY(const bool changed, source.has_changed());
    if (changed) {
      return core::fail(core::ErrorCode::changed, "it changed again");
    }
  }
  StageTimes::Span span(shared_.times, Stage::read);
  auto got = source.read_at(offset, out);
  span.add_bytes(got.value_or(0));
  if (got && *got < out.size() && offset + *got < source.size_bytes()) {
    ended_at_ = offset + *got;
  }
  return got;
}

core::Status FileIngest::read_run(ByteSource& source, const ByteSource::Extent& run,
                                  Reading reading, bool& at_end) {
  const std::uint64_t size_bytes = source.size_bytes() > 0 ? source.size_bytes() : kNominalBytes;
  std::uint64_t left = run.length_bytes;
  std::uint64_t offset = run.offset;
  // After other files' pieces the buffer only takes what fits there with one read.
  if (filled_ > 0 && left > kReadBytes - std::min(filled_, kReadBytes)) {
    CAIRN_TRY_STATUS(store_pieces());
  }
  std::size_t begin = filled_;  // of the unfinished chunk in the buffer
  std::size_t end = filled_;    // of what was read
  if (parameters_chosen_) {
    chunker_.reset();
  }
  // Pages are aligned to multiples of their size in the file, also after a hole: the first piece is
  // the rest of the page in which the extent starts.
  std::size_t first_piece = 0;
  // An error leaves no chunk of this run unstored: errors come before a read, when the chunks of
  // the read before have been stored.
  while (left > 0 && !at_end) {
    CAIRN_TRY_STATUS(shared_.control.check_read(left));
    const std::size_t room = std::min(buffer_.size() - end, kReadBytes);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room, left));
    CAIRN_TRY(const std::size_t got, read_at(source, reading, offset,
                                             core::MutableByteView(buffer_).subspan(end, wanted)));
    at_end = got < wanted;  // it shrank; has_changed() will report that
    if (got == 0) {
      break;
    }
    shared_.meter.add_bytes(got);
    if (!parameters_chosen_) {
      // After a hole at the start there is no head to look at, so the class is general.
      const auto head = core::ByteView(buffer_).subspan(end, offset == 0 ? got : 0);
      is_sqlite_ = is_sqlite_ || is_sqlite(head);
      choose_parameters(head, at_end ? offset + got : size_bytes);
    }
    if (offset == run.offset && parameters_.kernel == chunker::Kernel::fixed) {
      const auto misfit = static_cast<std::size_t>(offset % parameters_.size_avg);
      first_piece = misfit == 0 ? 0 : parameters_.size_avg - misfit;
    }
    std::size_t scanned = end;
    end += got;
    offset += got;
    left -= got;
    if (first_piece != 0 && end - begin >= first_piece) {
      add_chunk(begin, first_piece);
      begin += first_piece;
      scanned = begin;
      first_piece = 0;
    }
    if (first_piece == 0) {
      begin = measure(shared_.times, Stage::cut, end - scanned,
                      [&] { return add_chunks(begin, scanned, end); });
    }
    if (left > 0 && !at_end && begin > 0) {
      CAIRN_TRY_STATUS(store_pieces());
      std::memmove(buffer_.data(), buffer_.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
  }
  if (end > begin) {
    add_chunk(begin, end - begin);
  }
  filled_ = end;
  return {};
}

void FileIngest::add_piece(const Piece& piece) {
  pieces_.push_back(piece);
  files_.back().pieces += 1;
}

std::size_t FileIngest::add_chunks(std::size_t begin, std::size_t scanned, std::size_t end) {
  while (scanned < end) {
    const auto cut = chunker_.scan(core::ByteView(buffer_).subspan(scanned, end - scanned));
    if (!cut) {
      break;
    }
    scanned += *cut;
    add_chunk(begin, scanned - begin);
    begin = scanned;
  }
  return begin;
}

void FileIngest::add_chunk(std::size_t offset, std::size_t length_bytes) {
  add_piece({.offset = offset, .length_bytes = length_bytes, .block_class = block_class_});
}

core::Status FileIngest::store_pieces() {
  std::vector<core::ByteView> chunks;
  chunks.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    if (!piece.is_hole) {
      chunks.push_back(core::ByteView(buffer_).subspan(piece.offset, piece.length_bytes));
    }
  }
  const auto ids = hash(chunks);
  std::size_t next_piece = 0;
  std::size_t next_chunk = 0;
  for (Unstored& file : files_) {
    for (; file.pieces > 0; --file.pieces) {
      const Piece& piece = pieces_[next_piece++];
      ContentItem item{.length_bytes = piece.length_bytes, .chunk = std::nullopt};
      if (!piece.is_hole) {
        item.chunk = ids[next_chunk];
        CAIRN_TRY_STATUS(store_chunk(ids[next_chunk], chunks[next_chunk], piece.block_class));
        ++next_chunk;
      }
      CAIRN_TRY_STATUS(file.content.add(std::move(item)));
    }
    if (file.result != nullptr) {
      CAIRN_TRY(*file.result, file.content.finish());
    }
  }
  while (!files_.empty() && files_.front().is_read) {
    files_.pop_front();
  }
  pieces_.clear();
  filled_ = 0;
  return {};
}

std::vector<ChunkId> FileIngest::hash(std::span<const core::ByteView> chunks) {
  StageTimes::Span span(shared_.times, Stage::hash);
  for (const core::ByteView chunk : chunks) {
    span.add_bytes(chunk.size());
  }
  return shared_.keys.chunk_ids(format::BlockKind::data, chunks);
}

core::Status FileIngest::store_chunk(const ChunkId& id, core::ByteView chunk,
                                     BlockClass block_class) {
  CAIRN_TRY(const bool is_new,
            measure(shared_.times, Stage::find, 0, [&] { return shared_.store.claim(id); }));
  return is_new ? blocks_.add(block_class, id, chunk) : core::Status();
}

}  // namespace cairn::repo::ops
