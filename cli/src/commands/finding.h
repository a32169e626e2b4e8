#pragma once

#include "cairn/repo/verify.h"
#include "output/console.h"
#include "output/exit_code.h"

namespace cairn::cli {

/// What verify found, with the paths that it touches and what would help.
void print_finding(const repo::Finding& finding, Console& console);

/// damage; failed if something could not be read, so that nobody knows; else ok.
[[nodiscard]] ExitCode verdict_of(const repo::VerifyReport& report) noexcept;

}  // namespace cairn::cli
