#pragma once

#include <cstdint>

#include "cairn/core/crypto.h"

namespace cairn::core {

/// Which run of a program this is, told apart from every other one anywhere.
///
/// A process id means something only within one PID namespace of one boot of one machine, and is
/// given out again there. Host names do not tell such places apart: containers and cloned machines
/// share them.
struct ProcessIdentity {
  Hash256 place;             ///< of boot, PID namespace and host name; zeros: it cannot be told
  std::uint32_t number = 0;  ///< the process id there
  std::uint64_t start = 0;   ///< when it began, in the kernel's ticks since the boot

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// Of the calling process. Without /proc, or with that of another PID namespace, its place is not
/// known.
[[nodiscard]] ProcessIdentity current_process();

/// True only if it is certain that the process is over: its place is this one, and there is no
/// such process, or it is dead, or began at another time. Of all others nothing is known.
[[nodiscard]] bool is_gone(const ProcessIdentity& process);

}  // namespace cairn::core
