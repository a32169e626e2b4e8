#include "ops/writing/writing_session.h"

#include <fmt/format.h>

#include <chrono>
#include <gsl/assert>
#include <utility>

#include "ops/repository/access.h"
#include "ops/snapshots/chain.h"
#include "ops/writing/condemned_packs.h"
#include "ops/writing/leftovers.h"
#include "store/objects/records.h"

namespace cairn::repo::ops {

namespace {

store::ObjectName heartbeat_name(const format::Session& session) {
  return store::object_name(format::ObjectKind::session,
                            store::session_object_id(session.id, session.heartbeat));
}

}  // namespace

WritingSession::WritingSession(const OpenRepository& repository, const Options& options)
    : repository_(repository), options_(options) {
  const Environment& environment = repository.environment;
  environment.random.fill(session_.id.mutable_view());
  session_.host = environment.host;
  session_.user = environment.user;
  session_.process = environment.process;
  session_.start = environment.clock.now();
  session_.program_version = options.program_version;
}

core::Result<std::unique_ptr<WritingSession>> WritingSession::begin(OpenRepository& repository,
                                                                    const Options& options,
                                                                    Observer& observer) {
  CAIRN_TRY_STATUS(check_text("the version of this program", options.program_version));
  std::unique_ptr<WritingSession> session(new WritingSession(repository, options));
  if (options.announce) {
    if (const std::uint64_t removed = clear_dead_leftovers(repository); removed > 0) {
      observer.detail(fmt::format("cleared away {} {} that dead runs had left", removed,
                                  removed == 1 ? "object" : "objects"));
    }
    CAIRN_TRY_STATUS(store::put_session(*repository.backend, *repository.keys,
                                        repository.environment.random, session->session_));
    CAIRN_TRY(session->heart_,
              core::GuardedThread::start(repository.environment.threads,
                                         {.action = "showing signs of life",
                                          .work = [&heart = *session]() -> core::Status {
                                            heart.run_heart();
                                            return {};
                                          }}));
  }
  CAIRN_TRY_STATUS(session->freeze_usable_packs(repository, observer));
  return session;
}

core::Status WritingSession::freeze_usable_packs(OpenRepository& repository, Observer& observer) {
  // The records before the catalogue. The other way round, a collector could finish in between: the
  // index still listed its packs, and its record is gone when we look for it.
  CAIRN_TRY(const auto condemned, read_condemned_packs(repository_));
  CAIRN_TRY(const CatalogueView view,
            ensure_catalogue_of_session(repository, options_.announce, observer));
  MissingPacks::Packs avoided = view.missing_packs().all();
  if (const std::size_t resized = view.missing_packs().resized(); resized > 0) {
    observer.warning(fmt::format(
        "{} {} not the size that the index recorded: nothing new relies on {}; what is needed and "
        "read again is stored again. See: cairn verify, cairn repair packs",
        resized, resized == 1 ? "pack has" : "packs have", resized == 1 ? "it" : "them"));
  }
  for (const CondemnedPacks& record : condemned) {
    for (const PackId& pack : record.packs) {
      CAIRN_TRY(const auto number, view.catalogue().find_pack(pack));
      if (number) {
        avoided.insert(*number);
      }
    }
  }
  usable_packs_.freeze(view.first_unseen_pack(), std::move(avoided));
  catalogue_.emplace(view);
  return {};
}

WritingSession::~WritingSession() {
  stop_heart();
  if (!options_.announce) {
    return;
  }
  // Storage that forbids deletion keeps them; a collector clears them away. The announcement goes
  // last: as long as it exists, it is known whose heartbeats these are.
  [[maybe_unused]] const auto status =
      core::guarded("withdrawing an announcement", [this]() -> core::Status {
        if (session_.heartbeat > 0) {
          [[maybe_unused]] const auto beat = repository_.backend->remove(heartbeat_name(session_));
        }
        return repository_.backend->remove(
            store::object_name(format::ObjectKind::session, session_.id));
      });
}

void WritingSession::run_heart() {
  std::unique_lock lock(stop_mutex_);
  while (!stop_changed_.wait_for(lock, std::chrono::seconds(kHeartbeatSeconds),
                                 [this] { return stops_; })) {
    lock.unlock();
    // The next one may succeed. If there is no memory for the work either, the work will report
    // that.
    [[maybe_unused]] const core::Status status =
        core::guarded("showing a sign of life", [this] { return beat(); });
    lock.lock();
  }
}

void WritingSession::stop_heart() {
  {
    const std::scoped_lock lock(stop_mutex_);
    stops_ = true;
  }
  stop_changed_.notify_all();
  [[maybe_unused]] const core::Status ended = heart_.join();
}

core::Status WritingSession::beat() {
  Expects(options_.announce);
  const std::scoped_lock lock(beat_mutex_);
  format::Session next = session_;
  next.heartbeat += 1;
  CAIRN_TRY_STATUS(store::put_session(*repository_.backend, *repository_.keys,
                                      repository_.environment.random, next));
  const format::Session before = std::exchange(session_, std::move(next));
  return before.heartbeat == 0 ? core::Status()
                               : repository_.backend->remove(heartbeat_name(before));
}

core::Status WritingSession::publish(const Snapshot& snapshot, std::uint64_t& written_bytes,
                                     Observer& observer) {
  Expects(options_.announce);
  core::Status published =
      publish_snapshot(*catalogue_, session_.id, snapshot, written_bytes, observer);
  if (!published && published.error().code() == core::ErrorCode::already_exists) {
    return core::fail(core::ErrorCode::fenced,
                      fmt::format("publish snapshot {}: a prune has given this run up, because it "
                                  "had shown no sign of life",
                                  session_.id.short_hex()),
                      "run it again: what it stored is used as far as it is still there");
  }
  return published;
}

}  // namespace cairn::repo::ops
