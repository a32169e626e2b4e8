#include "ops/choice/source_choice.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cairn/core/descriptor.h"

namespace cairn::repo::ops {
namespace {

constexpr std::string_view kCacheTagSignature = "Signature: 8a477f597d28d172789f06886806bc55";

bool is_cache_tag(int folder) {
  const int descriptor = open_without_traces(folder, kCacheTagName.data(), O_RDONLY | O_NONBLOCK);
  if (descriptor < 0) {
    return false;
  }
  std::array<char, kCacheTagSignature.size()> start{};
  const ::ssize_t size =
      core::uninterrupted([&] { return ::pread(descriptor, start.data(), start.size(), 0); });
  ::close(descriptor);
  return size == static_cast<::ssize_t>(start.size()) &&
         std::string_view(start.data(), start.size()) == kCacheTagSignature;
}

}  // namespace

bool carries_tag(const Choice& choice, int folder, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return is_tag(choice, name, [&] { return is_cache_tag(folder); });
  });
}

bool is_named(const std::vector<std::string>* named, const std::string& path) {
  return named != nullptr && std::ranges::binary_search(*named, path);
}

bool leads_to_named(const std::vector<std::string>* named, const std::string& path) {
  if (named == nullptr || is_named(named, path)) {
    return named != nullptr;
  }
  const std::string below = path == "/" ? path : path + '/';
  const auto first = std::ranges::lower_bound(*named, below);
  return first != named->end() && first->starts_with(below);
}

std::optional<std::vector<std::string>> tags_of(const Choice& choice, int folder,
                                                const NameStack& names, std::size_t first) {
  std::vector<std::string> tags;
  if (choice.exclude_caches || !choice.exclude_if_present.empty()) {
    for (std::size_t i = first; i < names.size(); ++i) {
      if (is_tag(choice, names[i], [&] { return is_cache_tag(folder); })) {
        tags.emplace_back(names[i]);
      }
    }
  }
  return tags.empty() ? std::nullopt : std::optional(std::move(tags));
}

}  // namespace cairn::repo::ops
