#include "text/suggestions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cairn::cli {
namespace {

struct Foreign {
  std::string_view word;
  std::string_view here;
};

// From restic, rustic, borg, kopia, duplicity, tar and rsync.
constexpr std::array kCommands = std::to_array<Foreign>({
    {"archive", "cairn backup"},
    {"cat", "cairn dump"},
    {"change-passphrase", "cairn key passwd"},
    {"check", "cairn verify"},
    {"cleanup", "cairn forget --prune"},
    {"compact", "cairn prune"},
    {"create", "cairn init or cairn backup"},
    {"delete", "cairn forget"},
    {"download", "cairn restore"},
    {"du", "cairn stats"},
    {"export", "cairn dump"},
    {"export-tar", "cairn dump"},
    {"extract", "cairn restore"},
    {"gc", "cairn prune"},
    {"history", "cairn find --versions PATH"},
    {"import", "cairn copy"},
    {"info", "cairn stats or cairn snapshots"},
    {"list", "cairn snapshots, or cairn ls SNAP"},
    {"locate", "cairn find"},
    {"log", "cairn snapshots"},
    {"maintenance", "cairn prune"},
    {"merge", "cairn copy"},
    {"migrate", "cairn copy"},
    {"mirror", "cairn copy"},
    {"mount", "cairn ls, find, dump or restore: snapshots cannot be mounted"},
    {"passwd", "cairn key passwd"},
    {"password", "cairn key passwd"},
    {"pin", "cairn snapshots pin"},
    {"purge", "cairn prune"},
    {"rebuild-index", "cairn repair index"},
    {"recover", "cairn repair"},
    {"remove", "cairn forget"},
    {"rm", "cairn forget"},
    {"save", "cairn backup"},
    {"search", "cairn find"},
    {"show", "cairn ls SNAP"},
    {"size", "cairn stats"},
    {"status", "cairn snapshots or cairn stats"},
    {"sync", "cairn copy"},
    {"tree", "cairn ls -R SNAP"},
    {"undo", "cairn restore"},
    {"unlock", "nothing: Cairn has no locks"},
    {"break-lock", "nothing: Cairn has no locks"},
    {"unpin", "cairn snapshots unpin"},
    {"upload", "cairn backup"},
});

constexpr std::array kOptions = std::to_array<Foreign>({
    {"--comment", "--description"},
    {"--dest", "--target"},
    {"--destination", "--target"},
    {"--dryrun", "--dry-run"},
    {"--exclude-from", "--exclude-file"},
    {"--force", "--overwrite always (restore), --force-rehash (backup)"},
    {"--iexclude", "--exclude"},
    {"--keep-hours", "--keep-hourly"},
    {"--label", "--tag"},
    {"--list", "--verbose"},
    {"--one-filesystem", "--one-file-system"},
    {"--password-command", "the variable CAIRN_PASSWORD_COMMAND"},
    {"--read-data", "--check-integrity"},
    {"--repository", "--repo"},
    {"--verify-data", "--check-integrity"},
    {"--stdin-filename", "--stdin-name"},
    {"--stdin-from-command", "--stdin-command"},
    {"--to", "--target"},
    {"-V", "--version"},
    {"-t", "--target"},
});

template <std::size_t N>
std::string_view look_up(const std::array<Foreign, N>& words, std::string_view word) {
  const auto* const found = std::find_if(
      words.begin(), words.end(), [word](const Foreign& foreign) { return foreign.word == word; });
  return found == words.end() ? std::string_view() : found->here;
}

}  // namespace

std::size_t typing_distance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes of the two words.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::vector<std::string> near_words(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kWordBytesMax = 64;  // nobody mistypes more; the work is quadratic
  constexpr std::size_t kSuggestionsMax = 3;
  if (word.size() > kWordBytesMax) {
    return {};
  }
  const std::size_t far = word.size() < 3 ? 1 : word.size() < 6 ? 2 : 3;
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const std::size_t distance = typing_distance(word, candidate);
    const bool begins = word.size() > 2 && candidate.starts_with(word);
    // As many changes as letters turn any word into any other.
    if (begins || (distance <= far && 2 * distance < std::max(word.size(), candidate.size()) + 1)) {
      near.emplace_back(begins ? 0 : distance, candidate);
    }
  }
  std::ranges::sort(near);
  std::vector<std::string> words;
  for (const auto& [distance, candidate] : near) {
    if (words.size() < kSuggestionsMax && distance <= near.front().first + 1 &&
        std::ranges::find(words, candidate) == words.end()) {
      words.push_back(candidate);
    }
  }
  return words;
}

std::string_view command_of_others(std::string_view word) { return look_up(kCommands, word); }
std::string_view option_of_others(std::string_view word) { return look_up(kOptions, word); }

std::string did_you_mean(const std::vector<std::string>& words) {
  if (words.empty()) {
    return {};
  }
  if (words.size() == 1) {
    return fmt::format("did you mean {}?", words.front());
  }
  return fmt::format("did you mean {} or {}?", fmt::join(words.begin(), words.end() - 1, ", "),
                     words.back());
}

}  // namespace cairn::cli
