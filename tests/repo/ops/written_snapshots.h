#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/repo/retention.h"

/// Snapshots and policies written as text, so that a table of cases can be read at a glance.
namespace cairn::test {

/// "2026-03-01T14:00", maybe with ":05" and "+01:00"; UTC without an offset.
struct WrittenTime {
  core::Timestamp when;
  int utc_offset_minutes = 0;
};
[[nodiscard]] WrittenTime written_time(std::string_view text);

/// Snapshots separated by ';': "a 2026-03-01T14:00+01:00 host=x set=y path=/p path=/q tag=t
/// type=daily number=3 pin partial". The first word is one letter, the snapshot's name; ids ascend
/// like the letters.
[[nodiscard]] std::vector<repo::ListedSnapshot> written_snapshots(std::string_view text);

/// "last=2 daily=all within=7d within-daily=1m tag=x+y type=monthly", with "hourly:" in front for
/// the policy of a type, and "group=host,tags". "hourly:" alone is an empty policy.
[[nodiscard]] repo::RetentionRules written_rules(std::string_view text);

/// The letters of what is kept, in order: "ace".
[[nodiscard]] std::string kept_letters(const std::vector<repo::ListedSnapshot>& snapshots,
                                       const std::vector<repo::RetentionGroup>& groups);

}  // namespace cairn::test
