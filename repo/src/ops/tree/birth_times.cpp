#include "ops/tree/birth_times.h"

#include <utility>

#include "ops/tree/damaged_node.h"
#include "ops/tree/tree_reader.h"

namespace cairn::repo::ops {

namespace {

constexpr std::size_t kBirthTimePieceBytes = 64 * 1024;
// Times further apart than 146 billion years count as nonsense and are not recorded; the bound
// keeps the difference of two times within 64 bits.
constexpr std::int64_t kBirthSecondsMax = std::int64_t{1} << 61;

std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

}  // namespace

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

core::Status BirthTimeReader::read_piece() {
  CAIRN_TRY(const auto item, pieces_.next());
  if (!item) {
    ended_ = true;
    return {};
  }
  if (!item->chunk) {
    return core::fail(core::ErrorCode::corrupt, "a list of birth times has a hole");
  }
  CAIRN_TRY(piece_, read_node(view_, *item->chunk));
  if (piece_.size() != item->length_bytes) {
    return core::fail(damaged_node(*item->chunk, "its length is not what its list says"));
  }
  values_.emplace(piece_, "birth times");
  return {};
}

core::Result<std::optional<core::Timestamp>> BirthTimeReader::next() {
  while (!ended_ && (!values_ || values_->left() == 0)) {
    CAIRN_TRY_STATUS(read_piece());
  }
  std::optional<core::Timestamp> time;
  if (ended_) {
    return time;
  }
  const std::uint64_t value = values_->varint();
  if (value != 0) {
    // Wraps around for values that no writer writes.
    last_seconds_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(last_seconds_) +
                                              static_cast<std::uint64_t>(unzigzag(value - 1)));
    time = core::Timestamp{last_seconds_, static_cast<std::uint32_t>(
                                              values_->varint(core::kNanosecondsPerSecond - 1))};
  }
  CAIRN_TRY_STATUS(values_->check());
  return time;
}

}  // namespace cairn::repo::ops
