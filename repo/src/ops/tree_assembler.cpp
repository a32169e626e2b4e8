#include "ops/tree_assembler.h"

#include <fmt/format.h>

#include <gsl/gsl>
#include <utility>

#include "format/node.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kBirthTimePieceBytes = 64 * 1024;
// Times further apart than 146 billion years are taken for nonsense and not recorded; the bound
// keeps the difference of two times inside 64 bits.
constexpr std::int64_t kBirthSecondsMax = std::int64_t{1} << 61;

std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

}  // namespace

void ProblemList::add(Problem problem) {
  meter_.problem(problem);
  const std::scoped_lock lock(mutex_);
  count_ += 1;
  if (kept_.size() < kProblemsMax) {
    kept_.push_back(std::move(problem));
  }
}

std::uint64_t ProblemList::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

std::vector<Problem> ProblemList::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(kept_);
}

core::Status BirthTimeWriter::add(const std::optional<core::Timestamp>& time) {
  if (!time || time->seconds > kBirthSecondsMax || time->seconds < -kBirthSecondsMax) {
    piece_.varint(0);
  } else {
    piece_.varint(1 + zigzag(time->seconds - last_seconds_));
    piece_.varint(time->nanoseconds);
    last_seconds_ = time->seconds;
    any_ = true;
  }
  // Pieces end between objects, so a changed time changes one piece and what follows in it.
  return piece_.size() >= kBirthTimePieceBytes ? write_piece() : core::Status();
}

core::Status BirthTimeWriter::write_piece() {
  const core::Bytes bytes = std::exchange(piece_, {}).take();
  CAIRN_TRY(const ChunkId id, sink_.put_node(bytes));
  return content_.add({.length_bytes = bytes.size(), .chunk = id});
}

core::Result<Content> BirthTimeWriter::finish() {
  if (!any_) {
    return Content{};
  }
  if (piece_.size() > 0) {
    CAIRN_TRY_STATUS(write_piece());
  }
  return content_.finish();
}

TreeAssembler::TreeAssembler(NodeSink& sink, core::ByteView split_key, ProblemList& problems)
    : sink_(sink), split_key_(split_key), problems_(problems), birth_times_(sink) {}

core::Status TreeAssembler::add(IngestedStep step) {
  for (Problem& problem : step.problems) {
    problems_.add(std::move(problem));
  }
  switch (step.item.step) {
    case WalkStep::object:
      return add_object(std::move(step));
    case WalkStep::enter_folder:
      CAIRN_TRY_STATUS(birth_times_.add(step.item.birth_time));
      open_.push_back({std::move(step.item.entry), std::move(step.item.path),
                       std::make_unique<FolderBuilder>(sink_, split_key_)});
      return {};
    case WalkStep::leave_folder: {
      Expects(!open_.empty());
      OpenFolder folder = std::move(open_.back());
      open_.pop_back();
      CAIRN_TRY(folder.entry.folder, folder.builder->finish());
      return place(std::move(folder.entry), std::move(folder.path));
    }
  }
  return {};
}

core::Status TreeAssembler::add_object(IngestedStep step) {
  Entry& entry = step.item.entry;
  if (!step.error && step.hard_link_to) {
    entry.hard_link_to = std::move(step.hard_link_to);
    if (entry.type == EntryType::file) {
      const auto first = linked_contents_.find(step.item.inode);
      if (first == linked_contents_.end()) {
        step.error = core::Error(core::ErrorCode::changed, "its first name could not be read");
      } else {
        entry.content = first->second;
      }
    }
  }
  if (step.error) {
    const bool vanished = step.error->code() == core::ErrorCode::not_found;
    problems_.add({vanished ? ProblemKind::vanished : ProblemKind::unreadable,
                   std::move(step.item.path), step.error->message()});
    return {};
  }
  if (entry.type == EntryType::file && step.item.link_count > 1 && !entry.hard_link_to) {
    linked_contents_.emplace(step.item.inode, entry.content);
  }
  CAIRN_TRY_STATUS(birth_times_.add(step.item.birth_time));
  return place(std::move(entry), std::move(step.item.path));
}

core::Status TreeAssembler::place(Entry entry, std::string path) {
  const bool is_root = open_.empty();
  if (std::string defect = format::entry_defect(entry, is_root); !defect.empty()) {
    problems_.add({ProblemKind::unreadable, std::move(path), std::move(defect)});
    return {};
  }
  count(entry);
  if (open_.empty()) {
    root_ = std::move(entry);
    return {};
  }
  return open_.back().builder->add(std::move(entry));
}

void TreeAssembler::count(const Entry& entry) {
  switch (entry.type) {
    case EntryType::file:
      counts_.files += 1;
      counts_.bytes += entry.content.size_bytes;
      break;
    case EntryType::folder:
      counts_.folders += 1;
      break;
    case EntryType::symlink:
      counts_.symlinks += 1;
      break;
    case EntryType::char_device:
    case EntryType::block_device:
    case EntryType::fifo:
    case EntryType::socket:
      counts_.others += 1;
      break;
  }
}

core::Result<Source> TreeAssembler::finish(std::string path) {
  Expects(open_.empty());
  if (!root_) {
    return core::fail(core::ErrorCode::not_found, fmt::format("{}: it could not be read", path));
  }
  Source source;
  CAIRN_TRY(source.root, sink_.put_node(format::encode_root(*root_)));
  CAIRN_TRY(source.birth_times, birth_times_.finish());
  source.counts = counts_;
  source.path = std::move(path);
  return source;
}

}  // namespace cairn::repo::ops
