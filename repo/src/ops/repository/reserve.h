#pragma once

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "ops/repository/open_repository.h"

/// The space that a repository reserves for the day when its disk is full: deletion begins with
/// writing a little.
namespace cairn::repo::ops {

/// Makes the reserve if there is none. Best effort: a repository works without it.
inline void keep_reserve(const OpenRepository& repository) {
  static_cast<void>(repository.backend->make_reserve(repository.config.repository_id.view()));
}

/// Runs `action`, which returns a Result; if there is no space for what it writes, gives the
/// reserve up and runs it again.
template <class Action>
auto with_reserve(const OpenRepository& repository, Observer& observer, const Action& action)
    -> decltype(action()) {
  auto done = action();
  if (done || done.error().code() != core::ErrorCode::no_space) {
    return done;
  }
  const auto given_up = repository.backend->give_up_reserve();
  if (!given_up || !*given_up) {
    return done;
  }
  observer.detail("the disk is full: going on with the room that was kept for this");
  return action();
}

}  // namespace cairn::repo::ops
