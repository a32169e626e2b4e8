#include <malloc.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "cairn/core/crypto.h"
#include "exit_code.h"
#include "interrupts.h"
#include "run.h"
#include "system_streams.h"

namespace {

/// Large buffers go back to the system when they are freed. Without a fixed threshold glibc raises
/// it to the largest one ever freed, and then keeps what lies between smaller ones.
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
  // A reader that ends early shall not end a backup: writing then fails with EPIPE.
  std::signal(SIGPIPE, SIG_IGN);
  const cli::InterruptWatcher interrupts;
  if (const core::Status started = core::init_crypto(); !started) {
    std::cerr << "cairn: " << started.error().message() << std::endl;
    return static_cast<int>(cli::ExitCode::failed);
  }
  cli::SystemStreams system(interrupts.token());
  system.streams().out_is_closed = closed.out;
  system.streams().progress_wanted = [&interrupts] { return interrupts.take_progress_request(); };
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  return cli::run(args, system.streams());
}
