#include "ops/verify/findings.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cairn::repo {

std::string_view to_string(Finding::Severity severity) noexcept {
  switch (severity) {
    case Finding::Severity::damage:
      return "damage";
    case Finding::Severity::unreadable:
      return "unreadable";
    case Finding::Severity::note:
      break;
  }
  return "note";
}

bool VerifyReport::damaged() const noexcept {
  return std::ranges::find(findings, Finding::Severity::damage, &Finding::severity) !=
         findings.end();
}

bool VerifyReport::unreadable() const noexcept {
  return std::ranges::find(findings, Finding::Severity::unreadable, &Finding::severity) !=
         findings.end();
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

std::size_t Findings::missing(std::string object, std::string message, std::string advice) {
  const std::size_t number =
      add(Finding::Severity::damage, std::move(object), std::move(message), std::move(advice));
  const std::scoped_lock lock(mutex_);
  findings_[number].missing = true;
  return number;
}

std::size_t Findings::failed_read(std::string object, const core::Error& error,
                                  std::string damage_helps) {
  switch (error.code()) {
    case core::ErrorCode::unsupported_version:
      return add(Finding::Severity::unreadable, std::move(object), error.message(),
                 "a newer Cairn wrote it: check it with that one");
    case core::ErrorCode::permission_denied:
      return add(Finding::Severity::unreadable, std::move(object), error.message(),
                 "nothing is known of it: " + std::string(store::kSharingHint));
    case core::ErrorCode::io:
      return add(Finding::Severity::unreadable, std::move(object), error.message(),
                 "the storage did not give it, which says nothing about its contents: see to "
                 "mount, network or disk, then verify again");
    case core::ErrorCode::not_found:
      return missing(std::move(object), error.message(), std::move(damage_helps));
    default:
      return add(Finding::Severity::damage, std::move(object), error.message(),
                 std::move(damage_helps));
  }
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

bool Findings::any_missing() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(findings_, &Finding::missing);
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
  findings_[finding].missing = false;
  findings_[finding].message += why;
  findings_[finding].advice.clear();
}

void Findings::append(const Findings& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  const std::size_t first = findings_.size();
  std::ranges::copy(other.findings_, std::back_inserter(findings_));
  const auto take_marks = [first](const auto& from, auto& to) {
    for (const auto& [key, finding] : from) {
      to.emplace(key, first + finding);
    }
  };
  take_marks(other.packs_, packs_);
  take_marks(other.blocks_, blocks_);
  take_marks(other.chunks_, chunks_);
}

std::vector<Finding> Findings::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(findings_);
}

}  // namespace cairn::repo::ops
