#pragma once

#include <cstdint>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"

/// What an admin may change about a repository after it was made. Not thread-safe. Memory: a few
/// kilobytes.
namespace cairn::repo {

struct Settings {
  /// Bytes that all objects of the repository may have together (Statistics::stored_bytes); 0: no
  /// limit. backup() and copy() stop with no_space before they would exceed it. What frees space or
  /// repairs the index is not limited, nor are keys, tags and tombstones.
  ///
  /// Each run counts what is stored when it begins and what it adds itself: simultaneous runs may
  /// together exceed the limit by what all but one of them add.
  /// time may together pass the limit by what all but one of them add.
  std::uint64_t max_repo_bytes = 0;

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The settings that count; every role can read them. Settings that are damaged, or that no admin
/// has signed, do not count, and cause a warning. Errors: io.
[[nodiscard]] core::Result<Settings> read_settings(Repository& repository, Observer& observer);

/// Replaces all settings; writes nothing if they are the same already. Runs that have begun keep to
/// the settings that they found. Of two simultaneous changes one wins as a whole. Errors:
/// not_permitted unless the role is admin, limit_exceeded (they were changed 2^64 times), no_space,
/// io.
core::Status change_settings(Repository& repository, const Settings& settings, Observer& observer);

}  // namespace cairn::repo
