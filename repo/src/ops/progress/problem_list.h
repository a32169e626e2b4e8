#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "cairn/repo/snapshot.h"
#include "ops/progress/progress_meter.h"

namespace cairn::repo::ops {

/// Receives what could not be read, while the work goes on.
class ProblemSink {
 public:
  virtual ~ProblemSink() = default;
  virtual void add(Problem problem) = 0;
};

/// Collects problems: all are counted and reported, and the first kProblemsMax are kept for a
/// snapshot. Names come from whoever may write into a source: texts that are too long for a
/// snapshot are shortened in the middle. Thread-safe.
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

/// Adds a problem to those that a snapshot lists, shortened to what fits: a path to the format's
/// kPathBytesMax, and to kLongListPathBytesMax once the list is long. With kProblemsMax problems a
/// list stays below 10 MiB, far below the limit of a manifest.
void list_problem(std::vector<Problem>& listed, Problem problem);
inline constexpr std::size_t kLongListPathBytesMax = 4096;

/// At most `bytes_max` of `text`: its beginning, how many bytes are left out, and its end.
/// `bytes_max` must be at least 64, to leave space for these words.
[[nodiscard]] std::string cut_in_the_middle(const std::string& text, std::size_t bytes_max);

}  // namespace cairn::repo::ops
