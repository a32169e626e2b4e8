#include <fmt/format.h>

#include <array>
#include <utility>

#include "ops/backup/file_ingest.h"
#include "ops/source/database_log.h"
#include "ops/source/source_object.h"

/// Reading a database together with its logs; see ops/source/database_log.h.
///
/// All of them are opened, the database first, then read, then checked again. If none has changed,
/// there was a moment in between at which all were as read. A log may grow meanwhile: if what was
/// read of it reads the same again, that is what it was when it was opened, and at that moment the
/// database was as read.
namespace cairn::repo::ops {
namespace {

constexpr int kDatabaseAttempts = 5;

/// True if an object that the stat cache knows is still what it was when the walk looked.
bool is_as_walked(const SourceFile& file, const WalkItem& item) {
  return item.fate == Fate::as_recorded && file.is(item) && file.ctime() == item.ctime &&
         file.size_bytes() == item.size_bytes;
}

std::string torn_reason(const WalkItem& item) {
  const std::string log = log_beside(item);
  const std::string why =
      item.entry.name.empty() && !log.empty()
          ? fmt::format(
                "{} stands beside it and is not part of the backup, so changes may be "
                "missing or half done: back up the folder",
                log)
          : "it is a database in use, and what is stored of it and of its log may not fit "
            "together: "
            "stop what writes to it";
  return fmt::format("{}, or back up a copy made with: sqlite3 {} \"VACUUM INTO 'COPY'\"", why,
                     item.path);
}

}  // namespace

core::Status FileIngest::ingest_database(WalkItem& item, std::vector<Problem>& problems) {
  std::vector<Member> members;
  members.push_back({.item = item, .problems = problems, .error = nullptr});
  if (item.logs) {
    for (DatabaseLogs::Log& log : item.logs->logs) {
      members.push_back({.item = log.item, .problems = log.problems, .error = &log.error});
    }
  }
  Member& database = members.front();
  if (auto status = open_member(database); !status) {
    CAIRN_TRY_STATUS(ingest_apart(item, problems, false));
    return status;
  }
  std::array<std::byte, 16> head;
  core::Result<std::size_t> there = std::size_t{0};
  if (database.file) {
    there = database.file->read_at(0, head);
  }
  if (!there || !is_sqlite(core::ByteView(head).first(*there))) {
    return ingest_apart(item, problems, database.file.has_value());
  }
  const bool is_alone = item.entry.name.empty() && !log_beside(item).empty();
  for (int attempt = is_alone ? kDatabaseAttempts : 1; attempt <= kDatabaseAttempts; ++attempt) {
    CAIRN_TRY(const bool are_of_one_moment, read_members(members));
    if (are_of_one_moment) {
      return {};
    }
  }
  for (Member& member : members) {
    member.item.entry.changed_while_read = true;
    member.item.stamp = kNoStamp;
  }
  problems.push_back({ProblemKind::changed_while_read, item.path, torn_reason(item)});
  return {};
}

core::Status FileIngest::open_member(Member& member) {
  member.problems.clear();
  member.file.reset();
  member.is_read = false;
  member.before = shared_.clock.now();
  CAIRN_TRY(auto opened, open_what_is_there(member.item, member.problems));
  if (opened) {
    member.file.emplace(std::move(*opened));
  }
  return {};
}

/// True if everything that was read existed at one moment.
core::Result<bool> FileIngest::read_members(std::vector<Member>& members) {
  for (Member& member : members) {
    auto status = open_member(member);
    if (!status && member.error == nullptr) {
      return core::fail(std::move(status).error());
    }
    if (member.error != nullptr) {
      member.error->reset();
      if (!status) {
        *member.error = std::move(status).error();
      }
    }
    if (!member.file || is_as_walked(*member.file, member.item)) {
      continue;
    }
    if (member.item.fate == Fate::as_recorded) {
      member.item.fate = Fate::read_again;
    }
    member.is_read = true;
    CAIRN_TRY_STATUS(
        member.file->read_metadata(member.item.entry, member.item.path, member.problems));
    CAIRN_TRY_STATUS(read_content(*member.file, member.item.entry.content));
  }
  CAIRN_TRY_STATUS(store_pieces());
  bool all_steady = log_beside(members.front().item).empty();
  for (Member& member : members) {
    CAIRN_TRY(const bool steady, is_steady(member));
    all_steady = all_steady && steady;
    member.previous = member.item.entry.content;
  }
  return all_steady;
}

core::Result<bool> FileIngest::is_steady(Member& member) {
  if (!member.file) {
    return true;
  }
  CAIRN_TRY(const auto drift, member.file->drift());
  const Content& content = member.item.entry.content;
  if (drift == SourceFile::Drift::none) {
    return !member.is_read || !is_fresh(*member.file, member.before) || member.previous == content;
  }
  if (drift != SourceFile::Drift::grown || member.error == nullptr || !member.is_read) {
    return false;
  }
  Content again;
  CAIRN_TRY_STATUS(read_content(*member.file, again));
  CAIRN_TRY_STATUS(store_pieces());
  member.item.stamp = kNoStamp;
  return again == content;
}

/// The file is no database, or cannot be opened: each file is read by itself.
core::Status FileIngest::ingest_apart(WalkItem& item, std::vector<Problem>& problems,
                                      bool with_file) {
  if (item.logs) {
    for (DatabaseLogs::Log& log : item.logs->logs) {
      auto status =
          log.item.fate == Fate::as_recorded ? core::Status() : ingest(log.item, log.problems);
      if (!status && status.error().code() == core::ErrorCode::interrupted) {
        return status;
      }
      if (!status) {
        log.error = std::move(status).error();
      }
    }
  }
  return with_file && item.fate != Fate::as_recorded ? ingest(item, problems) : core::Status();
}

}  // namespace cairn::repo::ops
