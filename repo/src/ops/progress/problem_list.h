#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"

namespace cairn::repo::ops {

/// Collects what could not be read while the work goes on.
class ProblemSink {
 public:
  virtual ~ProblemSink() = default;
  virtual void add(Problem problem) = 0;
};

/// Collects problems: all are counted and told, the first kProblemsMax are kept, for a snapshot to
/// list. Names come from whoever may write into a source: texts that a snapshot has no room for are
/// cut in their middle. Thread-safe.
class ProblemList final : public ProblemSink {
 public:
  explicit ProblemList(ProgressMeter& meter) : meter_(meter) {}
  void add(Problem problem) override;
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::vector<Problem> take();

 private:
  ProgressMeter& meter_;
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::vector<Problem> kept_;
};

/// Adds one to those that a snapshot lists, cut to what there is room for: a path to the format's
/// kPathBytesMax, and to kLongListPathBytesMax once the list is long. With kProblemsMax of them a
/// list stays below 10 MiB, far below what a manifest may have.
void list_problem(std::vector<Problem>& listed, Problem problem);
inline constexpr std::size_t kLongListPathBytesMax = 4096;

/// At most `bytes_max` of `text`: its beginning, how many bytes are left out, and its end.
/// `bytes_max` has room for these words: 64 at least.
[[nodiscard]] std::string cut_in_the_middle(const std::string& text, std::size_t bytes_max);

}  // namespace cairn::repo::ops
