#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cairn/core/result.h"
#include "cairn/repo/snapshot.h"

namespace cairn::repo {

/// The progress of long work. Totals are 0 while they are unknown.
struct Progress {
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_stored = 0;  ///< written to the repository so far (backup)
  std::uint64_t problems = 0;
  bool counts_packs =
      false;  ///< the "files" are packs of the repository, of which paths say nothing
  std::string current_path;  ///< raw bytes
};

/// How an object differs from what the last backup recorded.
enum class Change : std::uint8_t { added, modified, removed };
[[nodiscard]] std::string_view to_string(Change change) noexcept;

/// What a restore did to one object of its target, or would do in a dry run.
enum class RestoreAction : std::uint8_t {
  created = 0,       ///< nothing of this name was there
  updated = 1,       ///< something else was there, or other contents
  metadata_set = 2,  ///< only owner, mode, time, attributes or flags differed
  unchanged = 3,     ///< was as recorded already
  kept = 4,          ///< left alone, as the options say
  deleted = 5,       ///< the snapshot does not have it
};
inline constexpr std::size_t kRestoreActionCount = 6;
[[nodiscard]] std::string_view to_string(RestoreAction action) noexcept;

/// A verb begins to work. One that is refused for its options or its key may not get that far.
struct VerbBegun {
  std::string_view verb;  ///< "backup", "prune", "repair packs", ...
};
/// The verb turns to work that takes time. Phases are repeated if the verb starts again.
struct PhaseBegun {
  std::string_view phase;  ///< for people: "reading the sources"
};
/// The verb has ended. Its caller gets the same error.
struct VerbFinished {
  std::string_view verb;
  const core::Error* error;  ///< nullptr: it succeeded; valid during the call
};
/// Reported by backup, restore, verify, prune, copy, rewrite and the repairs of packs and
/// snapshots.
using Event = std::variant<VerbBegun, PhaseBegun, VerbFinished>;

/// Receives the reports of a verb while it works. Calls come from one thread at a time, at most
/// about twenty progress calls a second; they must not block for long. All methods have empty
/// defaults.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void event(const Event& /*event*/) {}
  virtual void progress(const Progress& /*progress*/) {}
  /// An object differs from what the last backup recorded. `path`: raw bytes.
  virtual void change(Change /*change*/, std::string_view /*path*/) {}
  /// Something could not be recorded or restored as it was; the work goes on.
  virtual void problem(const Problem& /*problem*/) {}
  /// Restore has finished one object; `path` is absolute, raw bytes.
  virtual void restored(RestoreAction /*action*/, std::string_view /*path*/) {}
  /// A line for --verbose: what was done and how long it took.
  virtual void detail(std::string_view /*text*/) {}
  /// A warning that the user should see in any case.
  virtual void warning(std::string_view /*text*/) {}
};

}  // namespace cairn::repo
