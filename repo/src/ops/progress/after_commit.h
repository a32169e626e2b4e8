#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"

namespace cairn::repo::ops {

/// Published means success. Once the deciding object is durable, a verb has done what it was asked
/// for. It may still have to note or tidy up something, but no failure of that makes it fail or
/// begin again: it becomes a warning. Everything that a verb does after that point goes through
/// here. docs/design/0015-published-means-success.md.
class AfterCommit {
 public:
  /// `done` says what has been achieved, for the message ("snapshot 12345678 is stored").
  AfterCommit(Observer& observer, std::string done) : observer_(observer), done_(std::move(done)) {}

  /// Takes the result of a step. True if it succeeded.
  template <class Outcome>
  bool operator()(const Outcome& outcome) {
    if (!outcome) {
      const core::Error& error = outcome.error();
      observer_.warning(fmt::format("{}, but afterwards: {}{}{}", done_, error.message(),
                                    error.hint().empty() ? "" : "; ", error.hint()));
    }
    return outcome.has_value();
  }

 private:
  Observer& observer_;
  std::string done_;
};

}  // namespace cairn::repo::ops
