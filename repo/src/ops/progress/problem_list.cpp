#include "ops/progress/problem_list.h"

#include <fmt/format.h>

#include <utility>

namespace cairn::repo::ops {
namespace {

// So many whole paths, then shorter ones: 64 * 64 KiB and 1000 * 5 KiB are about 9 MiB.
constexpr std::size_t kWholePathsMax = 64;

}  // namespace

void ProblemList::add(Problem problem) {
  meter_.problem(problem);
  const std::scoped_lock lock(mutex_);
  count_ += 1;
  list_problem(kept_, std::move(problem));
}

std::uint64_t ProblemList::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

std::vector<Problem> ProblemList::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(kept_);
}

void list_problem(std::vector<Problem>& listed, Problem problem) {
  if (listed.size() >= kProblemsMax) {
    return;
  }
  const std::size_t path_bytes_max =
      listed.size() < kWholePathsMax ? kPathBytesMax : kLongListPathBytesMax;
  if (problem.path.size() > path_bytes_max) {
    problem.path = cut_in_the_middle(problem.path, path_bytes_max);
  }
  if (problem.reason.size() > kTextBytesMax) {
    problem.reason = cut_in_the_middle(problem.reason, kTextBytesMax);
  }
  listed.push_back(std::move(problem));
}

std::string cut_in_the_middle(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  constexpr std::size_t kWordsBytes = 48;
  const std::size_t tail = (bytes_max - kWordsBytes) / 2;
  const std::size_t head = bytes_max - kWordsBytes - tail;
  return fmt::format("{}[...{} bytes left out...]{}", text.substr(0, head),
                     text.size() - head - tail, text.substr(text.size() - tail));
}

}  // namespace cairn::repo::ops
