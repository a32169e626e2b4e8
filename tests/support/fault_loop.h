#pragma once

#include <cstdint>

#include "catch2.h"
#include "fault_file_system.h"

/// Loops for tests of everything that writes: SQLite's idea of letting the first call fail, then
/// the second, and so on, until the operation gets through without meeting its failure.
namespace cairn::test {

/// More calls than any scenario makes: a loop that gets here does not end by itself.
inline constexpr std::uint64_t kFaultLoopMax = 100'000;

/// Runs `scenario(fault)` for every call that can fail, in three passes: once only with io; from
/// then on with no_space; once only with io although the call took effect. The scenario starts
/// from nothing, arms a FaultFileSystem with `fault` before the operation and disarms it after,
/// checks what must hold whether the operation failed or not, and answers fault_hit().
/// Answers how many failures were met.
template <class Scenario>
std::uint64_t for_each_fault(Scenario scenario) {
  Fault sticky;
  sticky.sticky = true;
  sticky.code = core::ErrorCode::no_space;
  Fault lost_answer;
  lost_answer.takes_effect = true;
  std::uint64_t met = 0;
  for (Fault fault : {Fault(), sticky, lost_answer}) {
    for (fault.at_call = 1;; ++fault.at_call) {
      INFO("call " << fault.at_call << " fails with " << core::to_string(fault.code)
                   << (fault.sticky ? ", and all after it" : "")
                   << (fault.takes_effect ? ", but takes effect" : ""));
      REQUIRE(fault.at_call <= kFaultLoopMax);
      const bool hit = scenario(static_cast<const Fault&>(fault));
      if (!hit) {
        break;
      }
      ++met;
    }
  }
  return met;
}

/// A power cut: from `fault` on nothing works; then the test calls crash(seed).
struct PowerCut {
  Fault fault;
  std::uint64_t seed = 0;
};

/// As for_each_fault, with the power cut at every call: everything lost, everything kept, and
/// `seeds` random mixtures. The scenario calls crash(cut.seed) between the operation and the
/// checks, and answers what fault_hit() was. The last cut comes after the operation has ended.
template <class Scenario>
std::uint64_t for_each_power_cut(std::uint64_t seeds, Scenario scenario) {
  std::uint64_t met = 0;
  for (std::uint64_t seed = 0; seed < seeds + 2; ++seed) {
    PowerCut cut;
    cut.fault.sticky = true;
    cut.seed = seed;
    for (cut.fault.at_call = 1;; ++cut.fault.at_call) {
      INFO("power cut at call " << cut.fault.at_call << ", seed " << cut.seed);
      REQUIRE(cut.fault.at_call <= kFaultLoopMax);
      const bool hit = scenario(static_cast<const PowerCut&>(cut));
      if (!hit) {
        break;
      }
      ++met;
    }
  }
  return met;
}

}  // namespace cairn::test
