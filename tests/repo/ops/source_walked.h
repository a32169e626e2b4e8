#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/source/source.h"

namespace cairn::repo::ops {

/// Keeps what could not be read, as "kind path: reason", the path relative to `root`.
class ProblemLines final : public ProblemSink {
 public:
  explicit ProblemLines(std::string root) : root_(std::move(root)) {}
  void add(Problem problem) override;
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  std::string root_;
  std::vector<std::string> lines_;
};

/// A walk from its first step to its last, without the descriptors.
struct Walked {
  /// "+folder", "file", "-": paths relative to the source, which itself is ".".
  std::vector<std::string> steps;
  std::vector<WalkItem> items;  ///< of all steps that tell of one, in the same order
  std::vector<std::string> problems;
  std::string error;  ///< of the step that ended the walk; empty if it came to its end

  /// The item at this path relative to the source. It must be there.
  [[nodiscard]] const WalkItem& at(const std::string& path) const;
};
[[nodiscard]] Walked walk_all(const std::string& source, WalkOptions options = {});
/// With threads that look ahead from the first step on; none of them if `threads` is 0.
[[nodiscard]] WalkOptions looking_ahead(core::Clock& clock, unsigned threads,
                                        const Choice* choice = nullptr);
/// Walks on from wherever `walk` is.
[[nodiscard]] Walked walk_rest(SourceWalk& walk, const std::string& source,
                               const ProblemLines& problems);

/// The step in the notation of Walked.
[[nodiscard]] std::string step_line(const WalkStep& step, const std::string& source);
/// Takes steps until one reads `wanted` and answers its item; nullopt if the walk ends before.
[[nodiscard]] std::optional<WalkItem> walk_until(SourceWalk& walk, const std::string& source,
                                                 const std::string& wanted);

}  // namespace cairn::repo::ops
