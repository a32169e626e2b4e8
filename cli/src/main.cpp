#include <malloc.h>
#include <pthread.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "cairn/repo/environment.h"
#include "io/interrupts.h"
#include "io/system_streams.h"
#include "output/exit_code.h"
#include "run.h"

namespace {

/// By default the stacks of threads have the size of the main thread's limit, which may be
/// anything: too little or, with a limit on memory, so much that few threads can be started.
void bound_stacks() {
  constexpr std::size_t kStackBytes = std::size_t{2} * 1024 * 1024;
  ::pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) == 0) {
    if (::pthread_attr_setstacksize(&attributes, kStackBytes) == 0) {
      ::pthread_setattr_default_np(&attributes);
    }
    ::pthread_attr_destroy(&attributes);
  }
}

/// Large buffers are returned to the system when they are freed. Without a fixed threshold glibc
/// raises it to the largest size ever freed, and then keeps the memory between smaller buffers.
void keep_heap_small() {
  constexpr int kLargeBytes = 1024 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBytes);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace cairn;
  const cli::ClosedStreams closed = cli::occupy_closed_streams();
  keep_heap_small();
  bound_stacks();
  // A reader that ends early must not end a backup: writing then fails with EPIPE.
  std::signal(SIGPIPE, SIG_IGN);
  // Nor must the limit on a file's size (ulimit -f): writing then fails with EFBIG.
  std::signal(SIGXFSZ, SIG_IGN);
  const cli::InterruptWatcher interrupts;
  const auto environment = repo::system_environment();
  if (!environment) {
    std::cerr << "cairn: " << environment.error().message() << std::endl;
    return static_cast<int>(cli::ExitCode::failed);
  }
  cli::SystemStreams system(*environment, interrupts.token());
  system.streams().out_is_closed = closed.out;
  system.streams().progress_wanted = [&interrupts] { return interrupts.take_progress_request(); };
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  return cli::run(args, system.streams());
}
