#include "ops/tree/reachability.h"

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "cairn/core/stop.h"
#include "ops/repository/damage.h"
#include "ops/tree/tree_reader.h"
#include "store/catalogue/run_filter.h"

namespace cairn::repo::ops {

namespace {

/// New chunks are merged in when they are as many as the sorted ones, but at least this many.
constexpr std::size_t kUnsortedMin = 64 * 1024;

std::uint64_t prefix_of(const ChunkId& id) { return store::id_prefix(id.view().data()); }

}  // namespace

void ChunkMarks::add(const ChunkId& id) {
  prefixes_.push_back(prefix_of(id));
  if (prefixes_.size() - sorted_ >= std::max(sorted_, kUnsortedMin)) {
    seal();
  }
}

void ChunkMarks::seal() {
  const auto middle = prefixes_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  std::sort(middle, prefixes_.end());
  std::inplace_merge(prefixes_.begin(), middle, prefixes_.end());
  prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end()), prefixes_.end());
  sorted_ = prefixes_.size();
}

std::optional<std::size_t> ChunkMarks::find(const ChunkId& id) const {
  Expects(sorted_ == prefixes_.size());
  const std::uint64_t wanted = prefix_of(id);
  const auto found = std::lower_bound(prefixes_.begin(), prefixes_.end(), wanted);
  if (found == prefixes_.end() || *found != wanted) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - prefixes_.begin());
}

core::Status Reachability::take(CatalogueView view, const NodeReferences& references) {
  for (const ContentItem& piece : references.pieces) {
    marks_.add(*piece.chunk);
    if (options_.lost != nullptr) {
      CAIRN_TRY(const auto location, view.catalogue().find(*piece.chunk, view.present_packs()));
      if (!location) {
        options_.lost->insert(*piece.chunk);
      }
    }
  }
  for (const ChunkId& node : references.nodes) {
    if (seen_.insert(node).second) {
      marks_.add(node);
      pending_.push_back(node);
    }
  }
  return {};
}

core::Status Reachability::visit(CatalogueView view, const ChunkId& id) {
  const auto node = read_node(view, id);
  auto references = node ? references_of(*node) : core::fail(node.error());
  if (!references) {
    if (options_.lost == nullptr || !is_lost(references.error().code())) {
      return core::fail(std::move(references).error());
    }
    options_.lost->insert(id);
    return {};
  }
  if (options_.meter != nullptr) {
    options_.meter->add_bytes(references->file_bytes);
  }
  return take(view, *references);
}

core::Status Reachability::add(CatalogueView view, const Snapshot& snapshot) {
  for (const Source& source : snapshot.sources) {
    CAIRN_TRY_STATUS(take(view, references_of(source)));
    while (!pending_.empty()) {
      if (options_.stop.stop_requested()) {
        return core::interrupted();
      }
      const ChunkId id = pending_.back();
      pending_.pop_back();
      CAIRN_TRY_STATUS(visit(view, id));
      if (options_.meter != nullptr) {
        options_.meter->at(source.path);
      }
    }
  }
  return {};
}

}  // namespace cairn::repo::ops
