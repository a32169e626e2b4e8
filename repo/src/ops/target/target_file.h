#pragma once

#include <cstdint>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

/// The bytes of open files in a restore's target: writing, copying, cloning, holes. Error messages
/// leave out the path, which the caller knows. All offsets and lengths are in bytes.
namespace cairn::repo::ops {

core::Status write_at(int file, std::uint64_t offset, core::ByteView data);
/// Returns fewer bytes only at the end of the file.
[[nodiscard]] core::Result<std::size_t> read_at(int file, std::uint64_t offset,
                                                core::MutableByteView out);
/// Waits until the bytes, and the metadata needed to find them, are on disk.
core::Status sync_data(int file);
core::Status set_size(int file, std::uint64_t size);

/// Makes [offset, offset + length) read as zeros and, if the file system can, take no space. Does
/// not change the size.
core::Status make_hole(int file, std::uint64_t offset, std::uint64_t length);
/// True if nothing in the range takes space; nothing beyond the end does.
[[nodiscard]] bool is_hole(int file, std::uint64_t offset, std::uint64_t length);
/// True if something in the range takes no space.
[[nodiscard]] bool has_hole(int file, std::uint64_t offset, std::uint64_t length);

/// Shares all blocks of `from` with the empty file `to`. `not_supported`: this file system cannot
/// do that for any file.
enum class Cloned { yes, no, not_supported };
[[nodiscard]] Cloned clone_file(int from, int to);

/// Copies a range to the same place of another file; its holes become zeros.
core::Status copy_range(int from, int to, std::uint64_t offset, std::uint64_t length);
/// Copies a whole file into an empty one, holes as holes. Returns the bytes written.
[[nodiscard]] core::Result<std::uint64_t> copy_file(int from, int to, std::uint64_t size);

}  // namespace cairn::repo::ops
