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

FileIngest::FileIngest(const IngestShared& shared, int compression_level)
    : shared_(shared),
      chunker_(shared.policy.classes[0], shared.gear),
      compressor_(compression_level, block_target_bytes(BlockClass::general)) {
  for (std::size_t i = 0; i < kBlockClassCount; ++i) {
    blocks_[i].block_class = static_cast<BlockClass>(i);
  }
}

core::Status FileIngest::ingest(const WalkItem& item, Entry& entry,
                                std::vector<Problem>& problems) {
  CAIRN_TRY(SourceFile file, SourceFile::open(item));
  for (int attempt = 1;; ++attempt) {
    CAIRN_TRY_STATUS(file.read_metadata(entry, item.path, problems));
    CAIRN_TRY(entry.content, read_content(file));
    CAIRN_TRY(const bool changed, file.has_changed());
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

void FileIngest::start_content() {
  parameters_chosen_ = false;
  if (buffer_.size() < kReadBytes) {
    buffer_.resize(kReadBytes);
  }
}

core::Result<Content> FileIngest::ingest_stream(const StreamSource& stream) {
  ContentBuilder content(shared_.nodes);
  start_content();
  bool at_end = false;
  const auto read_at = [&stream](std::uint64_t /*offset*/, core::MutableByteView out) {
    return stream.read(out);
  };
  // How long it will be nobody knows. Only very long databases are cut otherwise than short ones.
  const Run run{.offset = 0, .length_bytes = kFileSizeMax, .size_bytes = kStreamNominalBytes};
  CAIRN_TRY_STATUS(read_run(read_at, run, content, at_end));
  if (!at_end) {
    return core::fail(core::ErrorCode::limit_exceeded,
                      fmt::format("{}: longer than any file", stream.path));
  }
  return content.finish();
}

core::Result<Content> FileIngest::read_content(SourceFile& file) {
  ContentBuilder content(shared_.nodes);
  start_content();
  const auto read_at = [&file](std::uint64_t offset, core::MutableByteView out) {
    return file.read_at(offset, out);
  };
  std::uint64_t offset = 0;
  bool at_end = false;
  while (!at_end) {
    CAIRN_TRY(const auto extent, file.next_extent(offset));
    if (!extent) {
      break;
    }
    if (extent->is_hole) {
      CAIRN_TRY_STATUS(content.add({.length_bytes = extent->length_bytes, .chunk = std::nullopt}));
    } else {
      const Run run{.offset = extent->offset,
                    .length_bytes = extent->length_bytes,
                    .size_bytes = file.size_bytes()};
      CAIRN_TRY_STATUS(read_run(read_at, run, content, at_end));
    }
    offset = extent->offset + extent->length_bytes;
  }
  return content.finish();
}

core::Status FileIngest::read_run(const ReadAt& read_at, const Run& run, ContentBuilder& content,
                                  bool& at_end) {
  std::uint64_t left = run.length_bytes;
  std::uint64_t offset = run.offset;
  std::size_t begin = 0;  // of the unfinished chunk in the buffer
  std::size_t end = 0;    // of what was read
  if (parameters_chosen_) {
    chunker_.reset();
  }
  // Pages keep to multiples of their size in the file, also behind a hole: the first piece is
  // whatever is left of the page that the extent starts in.
  std::size_t first_piece = 0;
  while (left > 0 && !at_end) {
    if (shared_.should_stop()) {
      return core::fail(core::ErrorCode::interrupted, "interrupted");
    }
    if (shared_.is_too_late(left)) {
      return core::fail(core::ErrorCode::busy, "the time limit came before its end");
    }
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
      CAIRN_TRY_STATUS(add_chunk(core::ByteView(buffer_).subspan(begin, first_piece), content));
      begin += first_piece;
      scanned = begin;
      first_piece = 0;
    }
    while (first_piece == 0 && scanned < end) {
      const auto cut = chunker_.scan(core::ByteView(buffer_).subspan(scanned, end - scanned));
      if (!cut) {
        break;
      }
      scanned += *cut;
      CAIRN_TRY_STATUS(add_chunk(core::ByteView(buffer_).subspan(begin, scanned - begin), content));
      begin = scanned;
    }
    if (left > 0 && begin > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
  }
  if (end > begin) {
    return add_chunk(core::ByteView(buffer_).subspan(begin, end - begin), content);
  }
  return {};
}

core::Status FileIngest::add_chunk(core::ByteView chunk, ContentBuilder& content) {
  const ChunkId id = shared_.keys.data_chunk_id(chunk);
  CAIRN_TRY(const bool is_new, shared_.store.claim(id));
  if (is_new) {
    OpenBlock& block = blocks_[static_cast<std::size_t>(block_class_)];
    block.add(id, chunk);
    if (block.is_full() && !shared_.offload(block)) {
      CAIRN_TRY_STATUS(store(block));
    }
  }
  return content.add({.length_bytes = chunk.size(), .chunk = id});
}

core::Status FileIngest::flush() {
  for (OpenBlock& block : blocks_) {
    CAIRN_TRY_STATUS(store(block));
  }
  return {};
}

}  // namespace cairn::repo::ops
