#pragma once

#include <memory>

#include "cairn/core/file_system.h"

namespace cairn::test {

/// Files and folders in memory, with the contract of core::FileSystem: for tests that make
/// thousands of files and for fault loops, where fsync would cost minutes. Paths are absolute and
/// spelled one way (no "//", no "/" at the end). Starts with the folder
/// "/". Syncs do nothing. Thread-safe.
[[nodiscard]] std::unique_ptr<core::FileSystem> make_memory_file_system();

}  // namespace cairn::test
