#include "source_walked.h"

#include <fmt/format.h>

#include <gsl/assert>
#include <utility>

namespace cairn::repo::ops {
namespace {

std::string relative(const std::string& path, const std::string& root) {
  return path == root ? "." : path.starts_with(root + "/") ? path.substr(root.size() + 1) : path;
}

}  // namespace

void ProblemLines::add(Problem problem) {
  lines_.push_back(fmt::format("{} {}: {}", to_string(problem.kind), relative(problem.path, root_),
                               problem.reason));
}

const WalkItem& Walked::at(const std::string& path) const {
  for (const WalkItem& item : items) {
    if (relative(item.path, items.front().path) == path) {
      return item;
    }
  }
  Expects(false);
  return items.front();
}

std::string step_line(const WalkStep& step, const std::string& source) {
  if (const auto* const run = std::get_if<UnchangedRun>(&step)) {
    return fmt::format("={}+{}", run->first, run->birth_times.size());
  }
  const WalkItem* const item = item_of(step);
  if (item == nullptr) {
    return "-";
  }
  return (std::holds_alternative<EnteredFolder>(step) ? "+" : "") + relative(item->path, source);
}

Walked walk_rest(SourceWalk& walk, const std::string& source, const ProblemLines& problems) {
  Walked walked;
  while (true) {
    core::Result<std::optional<WalkStep>> step = walk.next();
    if (!step.has_value()) {
      walked.error = step.error().message();
      break;
    }
    if (!step->has_value()) {
      break;
    }
    walked.steps.push_back(step_line(**step, source));
    if (WalkItem* const item = item_of(**step)) {
      item->folder.reset();
      walked.items.push_back(std::move(*item));
    }
  }
  walked.problems = problems.lines();
  return walked;
}

Walked walk_all(const std::string& source, WalkOptions options) {
  ProblemLines problems(source);
  const core::Result<std::unique_ptr<SourceWalk>> walk =
      SourceWalk::open(source, problems, std::move(options));
  if (!walk.has_value()) {
    Walked failed;
    failed.error = walk.error().message();
    return failed;
  }
  return walk_rest(**walk, source, problems);
}

WalkOptions looking_ahead(core::Clock& clock, unsigned threads, const Choice* choice) {
  WalkOptions options;
  options.choice = choice;
  options.clock = &clock;
  options.lookahead_threads = threads;
  options.threads = &core::system_threads();
  options.lookahead_at_once = true;
  return options;
}

std::optional<WalkItem> walk_until(SourceWalk& walk, const std::string& source,
                                   const std::string& wanted) {
  while (true) {
    core::Result<std::optional<WalkStep>> step = walk.next();
    if (!step.has_value() || !step->has_value()) {
      return std::nullopt;
    }
    if (step_line(**step, source) == wanted) {
      WalkItem* const item = item_of(**step);
      return item != nullptr ? std::optional(std::move(*item)) : std::nullopt;
    }
  }
}

}  // namespace cairn::repo::ops
