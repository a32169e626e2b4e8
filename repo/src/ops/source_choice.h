#pragma once

#include <algorithm>
#include <string_view>

#include "cairn/repo/backup.h"
#include "ops/source_metadata.h"
#include "ops/source_names.h"

/// Applies a Choice to what a walk finds.
namespace cairn::repo::ops {

inline constexpr std::string_view kCacheTagName = "CACHEDIR.TAG";

/// True if the object is left out. `path` is called for if a pattern has to be asked.
template <class PathOf>
[[nodiscard]] bool is_left_out(const Choice& choice, const Statx& status, const PathOf& path) {
  if (choice.exclude_nodump && (status.stx_attributes & STATX_ATTR_NODUMP) != 0) {
    return true;
  }
  if (S_ISREG(status.stx_mode) && choice.exclude_larger_than_bytes &&
      status.stx_size > *choice.exclude_larger_than_bytes) {
    return true;
  }
  return !choice.filter.empty() &&
         choice.filter.decide(path(), S_ISDIR(status.stx_mode)) == PathFilter::Decision::excluded;
}

/// True if a folder with this name in it is left out. `has_signature` is called for CACHEDIR.TAG.
template <class HasSignature>
[[nodiscard]] bool is_tag(const Choice& choice, std::string_view name,
                          const HasSignature& has_signature) {
  return (choice.exclude_caches && name == kCacheTagName && has_signature()) ||
         std::ranges::find(choice.exclude_if_present, name) != choice.exclude_if_present.end();
}

/// Cuts the names of a folder, those from `first` on, down to its tags if it carries one that the
/// choice says to honour. `folder`: its descriptor.
void keep_tags_only(const Choice& choice, int folder, NameStack& names, std::size_t first);

}  // namespace cairn::repo::ops
