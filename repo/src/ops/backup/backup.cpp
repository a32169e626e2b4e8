#include "cairn/repo/backup.h"
#include "cairn/core/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ops/backup/backup_pipeline.h"
#include "ops/choice/left_out.h"
#include "ops/incremental/stat_cache.h"
#include "ops/progress/after_commit.h"
#include "ops/progress/progress_meter.h"
#include "ops/progress/reported_verb.h"
#include "ops/repository/access.h"
#include "ops/repository/reserve.h"
#include "ops/repository/write_view.h"
#include "ops/snapshots/earlier_snapshots.h"
#include "ops/source/backup_sources.h"
#include "ops/source/folders_above.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/writing_session.h"

namespace cairn::repo {

namespace {

using ops::OpenRepository;

Snapshot describe(const OpenRepository& repository, const BackupOptions& options,
                  const std::vector<std::string>& paths, core::Timestamp start) {
  Snapshot snapshot;
  snapshot.start = options.time.value_or(start);
  snapshot.utc_offset_minutes = repository.environment.clock.utc_offset_minutes(snapshot.start);
  snapshot.host = options.host.empty() ? repository.environment.host : options.host;
  snapshot.user = repository.environment.user;
  snapshot.program_version = options.program_version;
  snapshot.set = options.set;
  snapshot.type = options.type;
  snapshot.tags = options.tags;
  std::ranges::sort(snapshot.tags);
  snapshot.tags.erase(std::unique(snapshot.tags.begin(), snapshot.tags.end()), snapshot.tags.end());
  snapshot.description = options.description;
  if (!options.stream) {
    snapshot.folders_above = ops::read_folders_above(paths);
    ops::add_left_out(options.choice, snapshot);
  }
  return snapshot;
}

core::Status check_time(const BackupOptions& options, core::Timestamp now) {
  if (options.time && options.time->nanoseconds >= core::kNanosecondsPerSecond) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("the time of a snapshot: {} nanoseconds are more than a second",
                                  options.time->nanoseconds));
  }
  if (options.time && *options.time > now) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("a snapshot cannot be dated in the future: {}",
                                  core::format_rfc3339(*options.time, 0)));
  }
  return {};
}

core::Status check_texts(const BackupOptions& options) {
  const auto too_long = [](const std::string& text) { return text.size() > kTextBytesMax; };
  if (too_long(options.set) || too_long(options.host) ||
      options.description.size() > kDescriptionBytesMax || options.tags.size() > kTagsMax ||
      std::ranges::any_of(options.tags, too_long)) {
    return core::fail(
        core::ErrorCode::limit_exceeded,
        fmt::format("a name, host or tag is longer than {} bytes, a description than {}, "
                    "or there are more than {} tags",
                    kTextBytesMax, kDescriptionBytesMax, kTagsMax));
  }
  if (std::ranges::any_of(options.tags, [](const std::string& tag) { return tag.empty(); })) {
    return core::fail(core::ErrorCode::invalid_argument, "a tag must not be empty");
  }
  for (const std::string& tag : options.tags) {
    if (tag.find(',') != std::string::npos) {
      return core::fail(core::ErrorCode::invalid_argument,
                        fmt::format("the tag \"{}\" has a comma in it", tag),
                        "a comma stands between tags");
    }
  }
  return {};
}

/// The result of reading everything.
struct Ingested {
  BackupReport report;
  std::vector<std::optional<ChunkId>> folder_nodes;  ///< of the snapshot's sources
};

// Two backups of the same folders by one client may disturb each other now and then; each time they
// begin again with what the other one has recorded. After this many attempts the last one looks at
// no record.
constexpr int kRestartsMax = 8;

constexpr std::uint64_t kTimeLimitSecondsMax = 1'000'000'000;

ops::PipelineOptions pipeline_options(const OpenRepository& repository,
                                      const BackupOptions& options,
                                      const ops::BackupSources& sources, ops::StatCache* cache) {
  ops::PipelineOptions pipeline;
  pipeline.paths = sources.paths;
  pipeline.read_from = sources.read_from;
  pipeline.stream = options.stream ? &*options.stream : nullptr;
  pipeline.cache = options.stream ? nullptr : cache;
  ops::set_sources(sources, options.choice, pipeline.walk);
  pipeline.walk.read_everything = options.force_rehash;
  pipeline.walk.ignores = {.ctime = options.ignore_ctime, .inode = options.ignore_inode};
  // Compared first: a NaN cannot become an integer.
  const double sample = options.rehash_sample > 0 ? std::min(options.rehash_sample, 1.0) : 0.0;
  pipeline.walk.samples_in_2_32 = static_cast<std::uint64_t>(sample * 0x1p32);
  pipeline.walk.sample_seed = repository.environment.random.number();
  pipeline.tell_changes = options.tell_changes;
  if (options.time_limit_seconds > 0) {
    pipeline.deadline_ns =
        repository.environment.clock.monotonic_ns() +
        std::min(options.time_limit_seconds, kTimeLimitSecondsMax) * std::uint64_t{1'000'000'000};
  }
  // One reads the stream, the others compress.
  pipeline.workers = core::worker_count(repository.environment.threads, options.workers) +
                     (options.stream ? 1U : 0U);
  pipeline.stop = options.stop;
  return pipeline;
}

/// Reads, stores and makes durable; fills in sources, sums and problems of the snapshot.
core::Status ingest(ops::WriteView view, const BackupOptions& options,
                    const ops::BackupSources& from, Observer& observer, ops::StatCache& cache,
                    Ingested& ingested) {
  BackupReport& report = ingested.report;
  ops::ProgressMeter meter(observer, view.repository.environment.clock);
  ops::StageTimes times(view.repository.environment.clock);
  ops::StorageLimit limit;
  if (!options.dry_run) {
    CAIRN_TRY(limit, ops::measure_storage(view, observer));
  }
  ops::ChunkStore store(view,
                        {.compression_level = options.compression_level,
                         .dry_run = options.dry_run,
                         .limit = limit,
                         .times = options.measure_stages ? &times : nullptr},
                        meter);
  ops::PipelineOptions settings = pipeline_options(view.repository, options, from, &cache);
  settings.walk.on_own_folder = [&](const std::string& path, bool is_new) {
    report.left_out_folders.push_back(path);
    if (is_new) {
      meter.warning(fmt::format("{} is left out: it is this repository, or its cache", path));
    }
  };
  ops::BackupPipeline pipeline(view.repository, settings, store, meter);

  std::optional<ops::Estimate> estimate;
  if (options.estimate && !options.stream) {
    estimate.emplace(view.repository.environment.threads, from, options.choice, meter);
  }
  meter.phase("reading the sources");
  auto sources = pipeline.run();
  estimate.reset();
  if (!sources && sources.error().code() != core::ErrorCode::interrupted) {
    return core::fail(std::move(sources).error());
  }
  // Interrupted work is also made durable: the next backup goes on from there. On an interruption
  // the pipeline waited until nothing was in progress, so records may be trusted.
  meter.phase("storing what is left");
  CAIRN_TRY_STATUS(store.publish_all());
  CAIRN_TRY_STATUS(cache.settle());
  if (!sources) {
    return core::fail(std::move(sources).error());
  }
  meter.finish();

  const auto totals = store.totals();
  for (ops::AssembledSource& assembled : *sources) {
    ingested.folder_nodes.push_back(assembled.folder_node);
    if (assembled.is_new_and_empty) {
      observer.warning(fmt::format("{} holds nothing", assembled.source.path));
    }
    report.snapshot.sources.push_back(std::move(assembled.source));
  }
  report.snapshot.partial = pipeline.is_partial();
  report.changes = pipeline.changes();
  report.snapshot.added_data = totals.data;
  report.snapshot.added_metadata = totals.metadata;
  report.snapshot.problem_count = pipeline.problems().count();
  report.snapshot.problems = pipeline.problems().take();
  report.data_packs = totals.data_packs;
  report.metadata_packs = totals.metadata_packs;
  report.written_bytes = totals.written_bytes;
  if (options.measure_stages) {
    report.stages = times.all();
  }
  return store.check_room_for(report.snapshot);
}

core::Result<BackupReport> backup_once(OpenRepository& repository, const BackupOptions& options,
                                       ops::BackupSources& sources, bool recall,
                                       Observer& observer) {
  CAIRN_TRY(
      const auto session,
      ops::WritingSession::begin(
          repository, {.program_version = options.program_version, .announce = !options.dry_run},
          observer));
  const ops::WriteView view = session->view();
  ops::warn_of_future(view, observer);
  Ingested ingested;
  BackupReport& report = ingested.report;
  report.snapshot = describe(repository, options, sources.paths, session->start());
  CAIRN_TRY(const auto cache,
            ops::StatCache::open(view, {.record = !options.dry_run, .recall = recall}));
  sources.own_folders = ops::own_folders(view);
  if (auto done = ingest(view, options, sources, observer, *cache, ingested); !done) {
    if (done.error().code() == core::ErrorCode::changed) {
      CAIRN_TRY_STATUS(cache->drop_unreadable());
    }
    return core::fail(std::move(done).error());
  }
  const core::Timestamp end = repository.environment.clock.now();
  report.snapshot.end = end;
  if (options.time) {
    report.snapshot.end.seconds = options.time->seconds + (end.seconds - session->start().seconds);
  }
  if (options.skip_if_unchanged) {
    auto equal = ops::equal_snapshot(repository, report.snapshot);
    if (equal) {
      report.unchanged_since = *equal;
    } else {
      observer.warning(equal.error().message() + ": whether something is new is not known");
    }
  }
  if (!options.dry_run && !report.unchanged_since) {
    observer.event(PhaseBegun{"publishing the snapshot"});
    CAIRN_TRY_STATUS(session->publish(report.snapshot, report.written_bytes, observer));
    report.id = session->id();
    ops::AfterCommit after(observer, fmt::format("snapshot {} is stored", report.id->short_hex()));
    for (std::size_t i = 0; i < ingested.folder_nodes.size(); ++i) {
      if (ingested.folder_nodes[i]) {
        after(cache->set_anchor(report.snapshot.sources[i].path, session->id(),
                                *ingested.folder_nodes[i]));
      }
    }
  }
  return std::move(report);
}

}  // namespace

core::Result<BackupReport> backup(Repository& repository, const BackupOptions& options,
                                  Observer& observer) {
  OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_writing_key(open));
  CAIRN_TRY_STATUS(ops::check_compression_level(options.compression_level));
  CAIRN_TRY_STATUS(check_texts(options));
  CAIRN_TRY_STATUS(check_time(options, open.environment.clock.now()));
  if (options.skip_if_unchanged) {
    CAIRN_TRY_STATUS(ops::require_metadata_key(open));
  }
  if (options.stream && !options.paths.empty()) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "back up: a stream is a snapshot of its own, without paths");
  }
  if (options.stream && (!options.stream->read || !options.stream->finish)) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("back up {}: nothing reads it", options.stream->path));
  }
  CAIRN_TRY(auto sources,
            ops::find_sources(options.stream ? std::vector{options.stream->path} : options.paths,
                              options.read_from, options.stream.has_value(), observer));

  return ops::reported_verb(observer, "backup", [&]() -> core::Result<BackupReport> {
    auto report = backup_once(open, options, sources, true, observer);
    // A stream cannot be read again.
    int fences = 0;
    int restarts = 0;
    bool rebuilt = false;
    while (!report && !options.stream) {
      const core::ErrorCode code = report.error().code();
      if (code == core::ErrorCode::fenced && fences < ops::WritingSession::kFencesMax) {
        observer.warning(report.error().message() + ": starting again, with what it has stored");
        fences += 1;
      } else if (code == core::ErrorCode::changed && restarts < kRestartsMax) {
        restarts += 1;
        observer.detail(report.error().message() + (restarts < kRestartsMax
                                                        ? ": starting again, with what is recorded"
                                                        : ": reading everything"));
      } else if (ops::is_damage_of_catalogue(open, report) && !rebuilt) {
        rebuilt = true;
        CAIRN_TRY_STATUS(ops::rebuild_catalogue(open, observer));
      } else {
        break;
      }
      report = backup_once(open, options, sources, restarts < kRestartsMax, observer);
    }
    if (report && !options.dry_run) {
      ops::keep_reserve(open);
    } else if (!report && report.error().code() == core::ErrorCode::no_space) {
      return core::fail(
          std::move(report).error().with_hint("no snapshot was made. Make room on that disk, in a "
                                              "repository with: cairn forget --prune; "
                                              "what has been stored is used by the next backup"));
    }
    return report;
  });
}

}  // namespace cairn::repo
