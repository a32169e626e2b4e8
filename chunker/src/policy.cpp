#include "cairn/chunker/policy.h"

#include <algorithm>

namespace cairn::chunker {
namespace {

/// A page file from this size on has pages of twice the policy's size; from eight times this size,
/// four times; and so on up to kPageBytesMax. See docs/CHUNKING.md.
constexpr std::uint64_t kPageStepBytes = std::uint64_t{4} << 30;
constexpr std::uint64_t kPageStepFactor = 8;
constexpr std::uint32_t kPageBytesMax = 64 * 1024;

constexpr std::size_t index_of(ContentClass content_class) noexcept {
  return static_cast<std::size_t>(content_class);
}

constexpr CutParameters gear(std::uint32_t size_min, std::uint32_t size_avg,
                             std::uint32_t size_max) noexcept {
  return {.kernel = Kernel::gear, .size_min = size_min, .size_avg = size_avg, .size_max = size_max};
}

constexpr CutParameters fixed(std::uint32_t size) noexcept {
  return {.kernel = Kernel::fixed, .size_min = size, .size_avg = size, .size_max = size};
}

constexpr std::uint32_t kKiB = 1024;

}  // namespace

std::string_view to_string(ContentClass content_class) noexcept {
  switch (content_class) {
    case ContentClass::general:
      return "general";
    case ContentClass::page_file:
      return "page file";
    case ContentClass::disk_image:
      return "disk image";
    case ContentClass::compressed:
      return "compressed";
  }
  return "unknown";
}

// The measurements behind these numbers are in docs/CHUNKING.md.
Policy default_policy() noexcept {
  Policy policy;
  policy.classes[index_of(ContentClass::general)] = gear(4 * kKiB, 16 * kKiB, 256 * kKiB);
  policy.classes[index_of(ContentClass::page_file)] = fixed(4 * kKiB);
  policy.classes[index_of(ContentClass::disk_image)] = fixed(32 * kKiB);
  policy.classes[index_of(ContentClass::compressed)] = gear(64 * kKiB, 256 * kKiB, 1024 * kKiB);
  return policy;
}

bool valid(const Policy& policy) noexcept {
  return std::all_of(policy.classes.begin(), policy.classes.end(),
                     [](const CutParameters& parameters) { return valid(parameters); });
}

CutParameters cut_parameters(const Policy& policy, ContentClass content_class,
                             std::uint64_t size_bytes) noexcept {
  const CutParameters parameters = policy.classes[index_of(content_class)];
  if (content_class != ContentClass::page_file || parameters.kernel != Kernel::fixed) {
    return parameters;
  }
  std::uint32_t page = parameters.size_avg;
  for (std::uint64_t step = kPageStepBytes; size_bytes >= step && page * 2 <= kPageBytesMax;
       step *= kPageStepFactor) {
    page *= 2;
  }
  return fixed(page);
}

}  // namespace cairn::chunker
