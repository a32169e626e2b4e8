#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::repo::ops {

/// A name of a folder on the current path. Its first bytes, as a big-endian number, decide most
/// comparisons without reading the arena.
struct NameRef {
  std::uint64_t prefix;
  std::size_t offset;
};

inline std::uint64_t prefix_of(std::string_view name) noexcept {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = (prefix << 8) | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  }
  return prefix;
}

/// The names in the folders on the current path, folder after folder, in one arena: leaving a
/// folder gives its names' memory to the next one. Each ends with a NUL.
class NameStack {
 public:
  struct Mark {
    std::size_t names;
    std::size_t bytes;
  };

  [[nodiscard]] Mark mark() const noexcept { return {refs_.size(), bytes_.size()}; }
  void cut_back(Mark mark) {
    refs_.resize(mark.names);
    bytes_.resize(mark.bytes);
  }
  void add(std::string_view name) {
    refs_.push_back({prefix_of(name), bytes_.size()});
    bytes_.append(name).push_back('\0');
  }
  /// Sorts the names from `first` on as bytes and removes duplicates: a folder that changes while
  /// it is listed may list a name twice.
  void sort_from(std::size_t first) {
    const auto begin = refs_.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, refs_.end(), [this](const NameRef& a, const NameRef& b) {
      return a.prefix != b.prefix ? a.prefix < b.prefix : std::strcmp(at(a), at(b)) < 0;
    });
    refs_.erase(std::unique(begin, refs_.end(),
                            [this](const NameRef& a, const NameRef& b) {
                              return a.prefix == b.prefix && std::strcmp(at(a), at(b)) == 0;
                            }),
                refs_.end());
  }
  /// Replaces all names from `first` on by these, which ascend.
  void replace_from(std::size_t first, const std::vector<std::string>& names) {
    cut_back({first, first < refs_.size() ? start_of(first) : bytes_.size()});
    for (const std::string& name : names) {
      add(name);
    }
  }
  /// True if this is one of the names from `first` on, which are sorted.
  [[nodiscard]] bool contains(std::size_t first, std::string_view name) const {
    const std::uint64_t prefix = prefix_of(name);
    const auto found = std::lower_bound(
        refs_.begin() + static_cast<std::ptrdiff_t>(first), refs_.end(), name,
        [&](const NameRef& ref, std::string_view wanted) {
          return ref.prefix != prefix ? ref.prefix < prefix : std::string_view(at(ref)) < wanted;
        });
    return found != refs_.end() && at(*found) == name;
  }
  [[nodiscard]] std::size_t size() const noexcept { return refs_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t index) const { return at(refs_[index]); }

 private:
  /// Where the names from `first` on begin: sorting moves references only.
  [[nodiscard]] std::size_t start_of(std::size_t first) const {
    const auto begin = refs_.begin() + static_cast<std::ptrdiff_t>(first);
    return std::min_element(begin, refs_.end(),
                            [](const NameRef& a, const NameRef& b) { return a.offset < b.offset; })
        ->offset;
  }
  [[nodiscard]] const char* at(const NameRef& name) const noexcept {
    return bytes_.data() + name.offset;
  }

  std::vector<NameRef> refs_ = {};
  std::string bytes_;
};

}  // namespace cairn::repo::ops
