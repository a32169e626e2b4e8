#include "failing_memory.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <limits>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAIRN_OWN_MALLOC 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#undef CAIRN_OWN_MALLOC
#endif
#endif
#endif

namespace cairn::test {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct Faults {
  std::atomic<std::uint64_t> first = kNever;
  std::atomic<bool> sticky = false;
  std::atomic<std::uint64_t> counted = 0;
  std::atomic<std::uint64_t> refused = 0;
};

/// malloc() has nobody to hand it anything.
Faults& faults() noexcept {
  static constinit Faults all;
  return all;
}

#ifdef CAIRN_OWN_MALLOC
bool is_refused(std::size_t size) noexcept {
  if (size < kLargeBytes || faults().first == kNever) {
    return false;
  }
  const std::uint64_t number = ++faults().counted;
  if (number != faults().first && !(faults().sticky && number > faults().first)) {
    return false;
  }
  faults().refused += 1;
  errno = ENOMEM;
  return true;
}
#endif

}  // namespace

bool can_refuse_memory() noexcept {
#ifdef CAIRN_OWN_MALLOC
  return true;
#else
  return false;
#endif
}

void refuse_memory(std::uint64_t first, bool sticky) noexcept {
  faults().sticky = sticky;
  faults().counted = 0;
  faults().refused = 0;
  faults().first = first;
}

std::uint64_t allow_memory() noexcept {
  faults().first = kNever;
  return faults().refused;
}

}  // namespace cairn::test

#ifdef CAIRN_OWN_MALLOC
// The allocator of glibc under its other names. What it gives its own free() takes back.
extern "C" {
void* __libc_malloc(std::size_t size);                     // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);  // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t size);      // NOLINT(bugprone-reserved-identifier)

void* malloc(std::size_t size) noexcept {
  return cairn::test::is_refused(size) ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return cairn::test::is_refused(count * size) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  return cairn::test::is_refused(size) ? nullptr : __libc_realloc(memory, size);
}
}
#endif
