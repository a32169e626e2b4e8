#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cairn::test {

/// System calls that this executable answers in place of the C library, as long as one of these
/// lives: for what leaves no trace in files, and for files that break off. Not from within a hook;
/// hooks are called one at a time, by whichever thread made the call.
class InterceptedCalls {
 public:
  struct Hooks {
    /// Before data is synced.
    std::function<void(int file)> fdatasync = {};
    /// Before bytes are read. Answers how many of them there are: at most `wanted`.
    std::function<std::size_t(int file, std::size_t wanted, std::uint64_t offset)> pread = {};
  };
  explicit InterceptedCalls(Hooks hooks);
  InterceptedCalls(const InterceptedCalls&) = delete;
  InterceptedCalls& operator=(const InterceptedCalls&) = delete;
  ~InterceptedCalls();
};

}  // namespace cairn::test
