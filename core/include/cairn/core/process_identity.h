#pragma once

#include <cstdint>

#include "cairn/core/crypto.h"

namespace cairn::core {

/// Which run of a program this is, distinguished from every other one anywhere.
///
/// A process id is meaningful only within one PID namespace of one boot of one machine, and is
/// reused there. Host names do not distinguish such places: containers and cloned machines share
/// them.
struct ProcessIdentity {
  Hash256 place;             ///< hash of boot, PID namespace and host name; zeros: not known
  std::uint32_t number = 0;  ///< the process id there
  std::uint64_t start = 0;   ///< when it began, in the kernel's ticks since boot

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// Of the calling process. Without /proc, or with that of another PID namespace, its place is
/// unknown.
[[nodiscard]] ProcessIdentity current_process();

/// True only if it is certain that the process has ended: its place is this one, and there is no
/// such process, or it is dead, or began at another time. Nothing is known about any other process.
[[nodiscard]] bool is_gone(const ProcessIdentity& process);

}  // namespace cairn::core
