#pragma once

#include <string_view>

#include "cairn/repo/observer.h"

namespace cairn::repo::ops {

/// Does a verb's work, and reports that it begins and how it ended.
template <class Work>
[[nodiscard]] auto reported_verb(Observer& observer, std::string_view verb, const Work& work)
    -> decltype(work()) {
  observer.event(VerbBegun{verb});
  auto outcome = work();
  observer.event(VerbFinished{verb, outcome ? nullptr : &outcome.error()});
  return outcome;
}

}  // namespace cairn::repo::ops
