#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cairn/chunker/chunker.h"

/// Picks the cut parameters for a file from its first bytes and its size, so that every version of
/// a file is cut the same way.
namespace cairn::chunker {

/// What a file's first bytes say about how it changes. The numbers are part of the format: the
/// repository's config lists the parameters of each class by number.
enum class ContentClass : std::uint8_t {
  general = 0,
  page_file = 1,   ///< databases that write pages in place: SQLite, PostgreSQL heaps
  disk_image = 2,  ///< qcow2, VMDK, VDI, raw images with a partition table
  compressed = 3,  ///< media and archives: compressed already, changed as a whole
};
inline constexpr std::size_t kContentClassCount = 4;

[[nodiscard]] std::string_view to_string(ContentClass content_class) noexcept;

/// Bytes of a file's start that classify() wants to see (fewer only if the file is shorter).
inline constexpr std::size_t kClassifyBytes = 4096;

/// `head` is the file's first min(size_bytes, kClassifyBytes) bytes.
[[nodiscard]] ContentClass classify(core::ByteView head, std::uint64_t size_bytes) noexcept;

/// The parameters of a repository, fixed when it is made and stored in its config.
struct Policy {
  std::array<CutParameters, kContentClassCount> classes;

  friend bool operator==(const Policy&, const Policy&) = default;
};

[[nodiscard]] Policy default_policy() noexcept;
[[nodiscard]] bool valid(const Policy& policy) noexcept;

/// The class's parameters; page files grow their pages with the file in steps of 8, so that the
/// list of a huge database does not outgrow its changes.
[[nodiscard]] CutParameters cut_parameters(const Policy& policy, ContentClass content_class,
                                           std::uint64_t size_bytes) noexcept;

}  // namespace cairn::chunker
