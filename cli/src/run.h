#pragma once

#include <span>
#include <string>

#include "io/streams.h"

namespace cairn::cli {

/// The whole program: `args` are the words after its name. Returns an exit status of exit_code.h.
/// Needs core::init_crypto(). Keeps no state; one run at a time for each catalogue.
[[nodiscard]] int run(std::span<const std::string> args, Streams& streams);

}  // namespace cairn::cli
