#include "ops/choice/left_out.h"

#include <utility>

namespace cairn::repo::ops {

namespace {

// For one choice; the whole manifest has 32 MiB.
constexpr std::size_t kRecordedBytesMax = 1024 * 1024;

bool fits(const std::vector<std::string>& texts, std::size_t bytes_max) {
  std::size_t sum = 0;
  for (const std::string& text : texts) {
    if (text.empty() || text.size() > bytes_max) {
      return false;
    }
    sum += text.size();
  }
  return texts.size() <= kLeftOutPatternsMax && sum <= kRecordedBytesMax;
}

core::Result<Choice> choice_of(const LeftOut& recorded) {
  Choice choice;
  for (const std::string& pattern : recorded.patterns) {
    CAIRN_TRY_STATUS(choice.filter.add_exclude(pattern));
  }
  choice.exclude_caches = recorded.exclude_caches;
  choice.exclude_if_present = recorded.exclude_if_present;
  choice.exclude_larger_than_bytes = recorded.exclude_larger_than_bytes;
  choice.exclude_nodump = recorded.exclude_nodump;
  choice.one_file_system = recorded.one_file_system;
  return choice;
}

}  // namespace

void add_left_out(const Choice& choice, Snapshot& snapshot) {
  LeftOut recorded;
  recorded.patterns = choice.filter.patterns();
  recorded.exclude_if_present = choice.exclude_if_present;
  if (!fits(recorded.patterns, kPatternBytesMax) ||
      !fits(recorded.exclude_if_present, kNameBytesMax)) {
    recorded.patterns.clear();
    recorded.exclude_if_present.clear();
    recorded.is_whole = false;
  }
  recorded.exclude_caches = choice.exclude_caches;
  if (choice.exclude_larger_than_bytes && *choice.exclude_larger_than_bytes <= kFileSizeMax) {
    recorded.exclude_larger_than_bytes = choice.exclude_larger_than_bytes;
  }
  recorded.exclude_nodump = choice.exclude_nodump;
  recorded.one_file_system = choice.one_file_system;
  if (recorded == LeftOut()) {
    return;
  }
  if (snapshot.left_out.size() < kLeftOutMax) {
    snapshot.left_out.push_back(std::move(recorded));
  } else {
    snapshot.left_out.back() = {};
    snapshot.left_out.back().is_whole = false;
  }
}

core::Result<std::vector<Choice>> choices_of(const Snapshot& snapshot) {
  std::vector<Choice> choices;
  for (const LeftOut& recorded : snapshot.left_out) {
    auto choice = choice_of(recorded);
    if (!recorded.is_whole || !choice) {
      return core::fail(
          core::ErrorCode::invalid_argument,
          "the backup left out more than the snapshot records, so that nobody knows "
          "what of the target it would have left out, too",
          "restore it without --delete, or with --delete-excluded, which deletes that "
          "as well");
    }
    choices.push_back(std::move(*choice));
  }
  return choices;
}

}  // namespace cairn::repo::ops
