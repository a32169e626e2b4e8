#pragma once

#include "cairn/repo/verify.h"
#include "output/console.h"
#include "output/exit_code.h"

namespace cairn::cli {

/// What verify found, with the affected paths and advice.
void print_finding(const repo::Finding& finding, Console& console);

/// damage; failed if something could not be read and so is not known; else ok.
[[nodiscard]] ExitCode verdict_of(const repo::VerifyReport& report) noexcept;

}  // namespace cairn::cli
