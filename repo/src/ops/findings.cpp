#include "ops/findings.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cairn::repo {

bool VerifyReport::damaged() const noexcept {
  return std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.severity == Finding::Severity::damage;
  });
}

}  // namespace cairn::repo

namespace cairn::repo::ops {

std::size_t Findings::add(Finding::Severity severity, std::string object, std::string message,
                          std::string advice) {
  Finding finding;
  finding.severity = severity;
  finding.object = std::move(object);
  finding.message = std::move(message);
  finding.advice = std::move(advice);
  const std::scoped_lock lock(mutex_);
  findings_.push_back(std::move(finding));
  return findings_.size() - 1;
}

void Findings::mark_pack(store::PackNumber pack, std::size_t finding) {
  const std::scoped_lock lock(mutex_);
  packs_.emplace(pack, finding);
}

void Findings::mark_block(const BlockKey& block, std::size_t finding) {
  const std::scoped_lock lock(mutex_);
  blocks_.emplace(block, finding);
}

void Findings::mark_chunk(const ChunkId& chunk, std::size_t finding) {
  const std::scoped_lock lock(mutex_);
  chunks_.emplace(chunk, finding);
}

void Findings::affect(std::size_t finding, std::string path) {
  const std::scoped_lock lock(mutex_);
  Finding& affected = findings_[finding];
  affected.affected_count += 1;
  if (affected.affected.size() < kFindingPathsMax) {
    affected.affected.push_back(std::move(path));
  }
}

bool Findings::any_marked() const {
  const std::scoped_lock lock(mutex_);
  return !packs_.empty() || !blocks_.empty() || !chunks_.empty();
}

std::optional<std::size_t> Findings::blame(
    const ChunkId& chunk, const std::optional<store::ChunkLocation>& location) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = chunks_.find(chunk); found != chunks_.end()) {
    return found->second;
  }
  if (!location) {
    return std::nullopt;
  }
  if (const auto found = packs_.find(location->pack); found != packs_.end()) {
    return found->second;
  }
  if (const auto found = blocks_.find({location->pack, location->block}); found != blocks_.end()) {
    return found->second;
  }
  return std::nullopt;
}

void Findings::excuse(std::size_t finding, std::string_view why) {
  const std::scoped_lock lock(mutex_);
  findings_[finding].severity = Finding::Severity::note;
  findings_[finding].message += why;
  findings_[finding].advice.clear();
}

void Findings::append(Findings& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  const std::size_t first = findings_.size();
  std::ranges::move(other.findings_, std::back_inserter(findings_));
  const auto take_marks = [first](auto& from, auto& to) {
    for (const auto& [key, finding] : from) {
      to.emplace(key, first + finding);
    }
    from.clear();
  };
  take_marks(other.packs_, packs_);
  take_marks(other.blocks_, blocks_);
  take_marks(other.chunks_, chunks_);
  other.findings_.clear();
}

std::vector<Finding> Findings::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(findings_);
}

}  // namespace cairn::repo::ops
