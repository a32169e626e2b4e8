#pragma once

#include <cstdint>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// What an admin may change about a repository after it was made. Not thread-safe. Memory: a few
/// kilobytes.
namespace cairn::repo {

struct Settings {
  /// Bytes that all objects of the repository together may have (Statistics::stored_bytes); 0: no
  /// limit. backup() and copy() stop with no_space before they would pass it. What gives space
  /// back or makes the index good again is not limited, nor are keys, tags and tombstones.
  ///
  /// Each run counts what is stored when it begins and then what it adds itself: runs at the same
  /// time may together pass the limit by what all but one of them add.
  std::uint64_t max_repo_bytes = 0;

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The settings that count; every role can read them. Those that are damaged, or that no admin has
/// signed, do not, and are told as warnings. Errors: io.
[[nodiscard]] core::Result<Settings> read_settings(Repository& repository, Observer& observer);

/// All settings from now on; nothing is written if they are so already. Runs that are under way
/// keep to those that they began with. Of two who change them at the same time one wins as a whole.
/// Errors: not_permitted unless the role is admin, limit_exceeded (they were changed 2^64 times),
/// no_space, io.
core::Status change_settings(Repository& repository, const Settings& settings, Observer& observer);

}  // namespace cairn::repo
