#include "intercepted_calls.h"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <gsl/assert>
#include <mutex>
#include <utility>

namespace cairn::test {
namespace {

struct Intercepting {
  std::atomic<bool> is_on{false};
  std::mutex mutex;  ///< hooks
  InterceptedCalls::Hooks hooks;
};

/// System calls have nobody to hand them anything.
Intercepting& intercepting() {
  static Intercepting all;
  return all;
}

/// What a hook calls itself goes straight through.
bool& is_within_hook() {
  thread_local bool within = false;
  return within;
}

template <class Call>
void hooked(const Call& call) {
  if (!intercepting().is_on || is_within_hook()) {
    return;
  }
  const std::scoped_lock lock(intercepting().mutex);
  is_within_hook() = true;
  call(intercepting().hooks);
  is_within_hook() = false;
}

}  // namespace

InterceptedCalls::InterceptedCalls(Hooks hooks) {
  Expects(!intercepting().is_on);
  intercepting().hooks = std::move(hooks);
  intercepting().is_on = true;
}

InterceptedCalls::~InterceptedCalls() {
  intercepting().is_on = false;
  const std::scoped_lock lock(intercepting().mutex);
  intercepting().hooks = {};
}

}  // namespace cairn::test

// Under names of their own here: the C library's headers may have made inline functions of theirs.
extern "C" {
int cairn_test_fdatasync(int file) __asm__("fdatasync");
::ssize_t cairn_test_pread(int file, void* out, std::size_t size, ::off_t offset) __asm__("pread");

int cairn_test_fdatasync(int file) {
  using cairn::test::InterceptedCalls;
  cairn::test::hooked([&](const InterceptedCalls::Hooks& hooks) {
    if (hooks.fdatasync) {
      hooks.fdatasync(file);
    }
  });
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

::ssize_t cairn_test_pread(int file, void* out, std::size_t size, ::off_t offset) {
  using cairn::test::InterceptedCalls;
  cairn::test::hooked([&](const InterceptedCalls::Hooks& hooks) {
    if (hooks.pread) {
      size = hooks.pread(file, size, static_cast<std::uint64_t>(offset));
    }
  });
  return ::syscall(SYS_pread64, file, out, size, offset);
}
}
