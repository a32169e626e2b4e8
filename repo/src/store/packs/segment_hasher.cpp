#include "store/packs/segment_hasher.h"

#include <algorithm>
#include <utility>

#include "format/pack.h"

namespace cairn::repo::store {

SegmentHasher::SegmentHasher(core::HashKernel kernel) : hasher_(core::ByteView(), kernel) {}

void SegmentHasher::clear() {
  waiting_.clear();
  hashes_.clear();
}

void SegmentHasher::update(core::ByteView data) {
  const std::size_t waiting_max = lanes_of(hasher_.kernel()) * format::kPackSegmentBytes;
  waiting_.reserve(waiting_max);
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), waiting_max - waiting_.size()));
    core::append(waiting_, piece);
    data = data.subspan(piece.size());
    if (waiting_.size() == waiting_max) {
      hash_waiting();
    }
  }
}

void SegmentHasher::hash_waiting() {
  std::vector<core::ByteView> segments;
  for (core::ByteView rest = waiting_; !rest.empty(); rest = rest.subspan(segments.back().size())) {
    segments.push_back(rest.first(std::min<std::size_t>(rest.size(), format::kPackSegmentBytes)));
  }
  std::vector<core::Hash256> hashes(segments.size());
  hasher_.hash_many(segments, hashes);
  std::ranges::copy(hashes, std::back_inserter(hashes_));
  waiting_.clear();
}

std::vector<core::Hash256> SegmentHasher::finish() {
  hash_waiting();
  return std::exchange(hashes_, {});
}

}  // namespace cairn::repo::store
