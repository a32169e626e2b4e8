#include "ops/file_ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <gsl/gsl>
#include <utility>

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kReadBytes = 512 * 1024;
constexpr int kReadAttempts = 3;
constexpr std::uint64_t kStreamNominalBytes = 64 * 1024 * 1024;

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

FileIngest::FileIngest(const IngestShared& shared)
    : shared_(shared), chunker_(shared.policy.classes[0], shared.gear), blocks_(shared.store) {}

core::Status FileIngest::ingest(const WalkItem& item, Entry& entry,
                                std::vector<Problem>& problems) {
  const auto measured = [this](const auto& call) {
    return shared_.times.measure(Stage::open, 0, call);
  };
  CAIRN_TRY(SourceFile file, measured([&] { return SourceFile::open(item); }));
  for (int attempt = 1;; ++attempt) {
    CAIRN_TRY_STATUS(measured([&] { return file.read_metadata(entry, item.path, problems); }));
    CAIRN_TRY_STATUS(read_content(file, entry.content));
    CAIRN_TRY(const bool changed, measured([&] { return file.has_changed(); }));
    if (!changed) {
      return {};
    }
    if (attempt == kReadAttempts) {
      entry.changed_while_read = true;
      problems.push_back({ProblemKind::changed_while_read, item.path,
                          "it changed each time it was read; stored as last read"});
      return {};
    }
    CAIRN_TRY_STATUS(file.restart());
  }
}

core::Status FileIngest::read_attributes(const WalkItem& item, Entry& entry,
                                         std::vector<Problem>& problems) {
  CAIRN_TRY(SourceFile file, SourceFile::open(item));
  return file.read_metadata(entry, item.path, problems);
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

core::Result<Content> FileIngest::ingest_stream(const StreamSource& stream) {
  Content content;
  begin_content();
  bool at_end = false;
  const auto read_at = [&stream](std::uint64_t /*offset*/, core::MutableByteView out) {
    return stream.read(out);
  };
  // How long it will be nobody knows. Only very long databases are cut otherwise than short ones.
  const Run run{.offset = 0, .length_bytes = kFileSizeMax, .size_bytes = kStreamNominalBytes};
  const auto status = read_run(read_at, run, at_end);
  end_content(&content);
  CAIRN_TRY_STATUS(settle());
  CAIRN_TRY_STATUS(status);
  if (!at_end) {
    return core::fail(core::ErrorCode::limit_exceeded,
                      fmt::format("{}: longer than any file", stream.path));
  }
  return content;
}

core::Status FileIngest::read_content(SourceFile& file, Content& content) {
  begin_content();
  auto status = read_extents(file);
  end_content(status ? &content : nullptr);
  return status;
}

core::Status FileIngest::read_extents(SourceFile& file) {
  const auto read_at = [this, &file](std::uint64_t offset, core::MutableByteView out) {
    StageTimes::Span span(shared_.times, Stage::read);
    auto got = file.read_at(offset, out);
    span.add_bytes(got.value_or(0));
    return got;
  };
  std::uint64_t offset = 0;
  bool at_end = false;
  while (!at_end) {
    CAIRN_TRY(const auto extent, file.next_extent(offset));
    if (!extent) {
      break;
    }
    if (extent->is_hole) {
      add_piece({.length_bytes = extent->length_bytes, .is_hole = true});
    } else {
      const Run run{.offset = extent->offset,
                    .length_bytes = extent->length_bytes,
                    .size_bytes = file.size_bytes()};
      CAIRN_TRY_STATUS(read_run(read_at, run, at_end));
    }
    offset = extent->offset + extent->length_bytes;
  }
  return {};
}

core::Status FileIngest::check(std::uint64_t left) const {
  if (shared_.should_stop()) {
    return core::fail(core::ErrorCode::interrupted, "interrupted");
  }
  if (shared_.is_too_late(left)) {
    return core::fail(core::ErrorCode::busy, "the time limit came before its end");
  }
  return {};
}

core::Status FileIngest::read_run(const ReadAt& read_at, const Run& run, bool& at_end) {
  std::uint64_t left = run.length_bytes;
  std::uint64_t offset = run.offset;
  // Behind other files' pieces comes only what fits there with one read.
  if (filled_ > 0 && left > kReadBytes - std::min(filled_, kReadBytes)) {
    CAIRN_TRY_STATUS(settle());
  }
  std::size_t begin = filled_;  // of the unfinished chunk in the buffer
  std::size_t end = filled_;    // of what was read
  if (parameters_chosen_) {
    chunker_.reset();
  }
  // Pages keep to multiples of their size in the file, also behind a hole: the first piece is
  // whatever is left of the page that the extent starts in.
  std::size_t first_piece = 0;
  // An error leaves no chunk of this run unsettled: each comes before a read, and the chunks of the
  // read before have been settled.
  while (left > 0 && !at_end) {
    CAIRN_TRY_STATUS(check(left));
    const std::size_t room = std::min(buffer_.size() - end, kReadBytes);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room, left));
    CAIRN_TRY(const std::size_t got,
              read_at(offset, core::MutableByteView(buffer_).subspan(end, wanted)));
    at_end = got < wanted;  // it shrank; has_changed() will say so
    if (got == 0) {
      break;
    }
    shared_.on_bytes(got);
    if (!parameters_chosen_) {
      // Behind a hole at the start there is no head to look at: the general class, then.
      const auto head = core::ByteView(buffer_).subspan(end, offset == 0 ? got : 0);
      choose_parameters(head, at_end ? offset + got : run.size_bytes);
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
      begin = shared_.times.measure(Stage::cut, end - scanned,
                                    [&] { return add_chunks(begin, scanned, end); });
    }
    if (left > 0 && !at_end && begin > 0) {
      CAIRN_TRY_STATUS(settle());
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

core::Status FileIngest::settle() {
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
  for (Unsettled& file : files_) {
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
            shared_.times.measure(Stage::find, 0, [&] { return shared_.store.claim(id); }));
  if (is_new) {
    OpenBlock* const full = shared_.times.measure(
        Stage::group, chunk.size(), [&] { return blocks_.add(block_class, id, chunk); });
    if (full != nullptr && !shared_.offload(*full)) {
      return store(*full);
    }
  }
  return {};
}

}  // namespace cairn::repo::ops
