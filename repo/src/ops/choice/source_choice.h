#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/backup.h"
#include "ops/posix/name_stack.h"
#include "ops/posix/object_metadata.h"

/// Applies a Choice to what a walk finds.
namespace cairn::repo::ops {

inline constexpr std::string_view kCacheTagName = "CACHEDIR.TAG";

/// True if an object is left out whatever it is. It need not even be looked at, which may be
/// forbidden or never return.
[[nodiscard]] inline bool is_left_out_by_name(const Choice& choice, std::string_view path) {
  return choice.filter.decide_by_name(path) == PathFilter::Decision::excluded;
}

/// True if the object is left out. `path` is called only if a pattern has to be checked.
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

/// Paths below a source that were named themselves, in the order of bytes. They are taken whatever
/// the choice says, and so are the folders that lead to them.
[[nodiscard]] bool is_named(const std::vector<std::string>* named, const std::string& path);
/// True also for the paths themselves.
[[nodiscard]] bool leads_to_named(const std::vector<std::string>* named, const std::string& path);

/// True if a name in it causes a folder to be left out. `has_signature` is called for CACHEDIR.TAG.
template <class HasSignature>
[[nodiscard]] bool is_tag(const Choice& choice, std::string_view name,
                          const HasSignature& has_signature) {
  return (choice.exclude_caches && name == kCacheTagName && has_signature()) ||
         std::ranges::find(choice.exclude_if_present, name) != choice.exclude_if_present.end();
}

/// Which of a folder's names, from `first` on, are tags that the choice honours; nullopt: none.
/// `folder`: its descriptor.
[[nodiscard]] std::optional<std::vector<std::string>> tags_of(const Choice& choice, int folder,
                                                              const NameStack& names,
                                                              std::size_t first);

/// True if a folder with these names in it is left out except for its tag. `folder`: its
/// descriptor.
[[nodiscard]] bool carries_tag(const Choice& choice, int folder,
                               const std::vector<std::string>& names);

}  // namespace cairn::repo::ops
