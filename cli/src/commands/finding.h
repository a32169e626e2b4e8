#pragma once

#include "cairn/repo/verify.h"
#include "console.h"

namespace cairn::cli {

/// What verify found, with the paths that it touches and what would help.
void print_finding(const repo::Finding& finding, Console& console);

}  // namespace cairn::cli
