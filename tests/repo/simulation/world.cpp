#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cairn/repo/backup.h"
#include "cairn/repo/browse.h"
#include "cairn/repo/forget.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/verify.h"
#include "checker.h"
#include "fake_clock.h"
#include "ops/repository/local_catalogue.h"
#include "scheduler.h"
#include "seeded_random.h"
#include "sim_backend.h"

namespace cairn::test {

namespace {

constexpr std::size_t kActors = 6;
constexpr std::size_t kPieceBytes = 512;
constexpr std::uint64_t kPieces = 6;     // of which contents are made: few, so that they are shared
constexpr std::uint64_t kPiecesMax = 4;  // of one content
constexpr int kPatience = 200;           // turns that the forgetter waits for a snapshot
constexpr std::string_view kStreamPath = "/stream";

/// Lets the others have turns while it waits.
class SimClock final : public core::Clock {
 public:
  SimClock(Scheduler& scheduler, std::size_t actor) : scheduler_(scheduler), actor_(actor) {}
  core::Timestamp now() override { return clock_.now(); }
  std::uint64_t monotonic_ns() override { return clock_.monotonic_ns(); }
  std::uint64_t thread_waits() override { return 0; }
  void pause(std::uint64_t nanoseconds) override {
    clock_.pause(nanoseconds);
    scheduler_.turn(actor_);
  }
  int utc_offset_minutes(core::Timestamp /*when*/) override { return 0; }

 private:
  FakeClock clock_;
  Scheduler& scheduler_;
  std::size_t actor_;
};

repo::Credentials credentials() {
  return {repo::Credentials::Type::key_file,
          core::SecretBytes::copy_of(core::Bytes(32, std::byte{7}))};
}

const std::function<bool(const core::ProcessIdentity&)> kNobodyLives =
    [](const core::ProcessIdentity&) { return true; };

class NullObserver final : public repo::Observer {};

/// What outlives a client's processes.
struct Client {
  std::shared_ptr<MemTables> tables = std::make_shared<MemTables>();
  std::shared_ptr<MemNotes> notes = std::make_shared<MemNotes>();
};

struct Scene {
  std::string folder;
  std::uint64_t seed;
  Probes& probes;
  MemBackend storage;
  Scheduler scheduler;
  std::optional<Checker> checker;
  std::map<repo::SnapshotId, core::Bytes> contents;  ///< of what was reported as done
  std::vector<std::string> violations;
  std::uint64_t processes = 0;

  Scene(std::string made_in, std::uint64_t number, Probes& counts)
      : folder(std::move(made_in)), seed(number), probes(counts), scheduler(number) {}
};

/// One run of the program.
class Process {
 public:
  Process(Scene& scene, Client& client, std::size_t actor, const SimBackend::Options& faults)
      : clock_(scene.scheduler, actor),
        random_(scene.seed * 1'000'003 + ++scene.processes),
        files_(core::make_posix_file_system()) {
    const repo::Environment environment{
        .file_system = *files_,
        .clock = clock_,
        .random = random_,
        .host = "host",
        .user = "user",
        .process = {.place = {}, .number = static_cast<std::uint32_t>(actor) + 1},
        .cache_folder = fmt::format("{}/{}", scene.folder, actor),
        // Who comes last knows that all others are dead.
        .process_is_gone = actor == kActors ? kNobodyLives : nullptr};
    auto opened = repo::Repository::open(
        environment, {.location = scene.folder + "/repo", .credentials = credentials()}, observer_);
    Expects(opened.has_value());
    repository_.emplace(std::move(*opened));
    repo::ops::OpenRepository& parts = repo::ops::opened(*repository_);
    auto backend =
        std::make_unique<SimBackend>(scene.storage, scene.scheduler, *scene.checker, actor, faults);
    backend_ = backend.get();
    parts.backend = std::move(backend);
    parts.blocks = std::make_unique<repo::store::BlockReader>(*parts.backend, *parts.keys);
    repo::ops::install_catalogue(parts,
                                 std::make_unique<MemCatalogue>(client.tables, client.notes));
    std::filesystem::create_directories(parts.local->folder);
  }

  [[nodiscard]] bool is_dead() const { return backend_->is_dead(); }
  void let_others_go() { clock_.pause(0); }
  repo::Repository& repository() { return *repository_; }
  repo::Observer& observer() { return observer_; }

 private:
  SimClock clock_;
  SeededRandom random_;
  std::unique_ptr<core::FileSystem> files_;
  NullObserver observer_;
  std::optional<repo::Repository> repository_;
  SimBackend* backend_ = nullptr;
};

/// Config and key slots, which nobody here changes.
void copy_keys(repo::store::Backend& from, MemBackend& to) {
  for (const auto kind : {repo::format::ObjectKind::config, repo::format::ObjectKind::key_slot}) {
    const auto listed = from.list(kind, [&](const repo::store::ListedObject& object) {
      const auto data = from.get(object.name, object.size_bytes);
      Expects(data.has_value());
      to.set_object(object.name, *data);
    });
    Expects(listed.has_value());
  }
}

core::Bytes make_content(Scheduler& scheduler) {
  core::Bytes content;
  for (std::uint64_t i = scheduler.below(kPiecesMax) + 1; i > 0; --i) {
    core::append(content, seeded_bytes(scheduler.below(kPieces) + 1, kPieceBytes));
  }
  return content;
}

/// Runs `act` in one process after the other until it has been done `times` times. What fails in a
/// living process is a violation unless `act` expects it.
template <class Act>
void repeat(Scene& scene, Client& client, std::size_t actor, int times,
            const SimBackend::Options& faults, const Act& act) {
  constexpr int kDeathsMax = 3;
  int deaths = 0;
  for (int done = 0; done < times;) {
    SimBackend::Options now = faults;
    if (deaths >= kDeathsMax) {
      now.crash_one_in = 0;
    }
    Process process(scene, client, actor, now);
    act(process);
    if (process.is_dead()) {
      deaths += 1;
      scene.probes["died"] += 1;
    } else {
      done += 1;
    }
  }
}

void back_up(Scene& scene, Process& process) {
  const core::Bytes content = make_content(scene.scheduler);
  std::size_t at = 0;
  repo::BackupOptions options;
  options.workers = 1;
  options.stream.emplace();
  options.stream->path = std::string(kStreamPath);
  options.stream->read = [&](core::MutableByteView out) -> core::Result<std::size_t> {
    const std::size_t size = std::min(out.size(), content.size() - at);
    core::copy_exact(out.first(size), core::ByteView(content).subspan(at, size));
    at += size;
    return size;
  };
  options.stream->finish = [] { return core::Status(); };
  const auto report = repo::backup(process.repository(), options, process.observer());
  if (report) {
    scene.contents.emplace(*report->id, content);
    scene.probes["backed up"] += 1;
  } else if (report.error().code() == core::ErrorCode::fenced) {
    scene.probes["fenced while alive"] += 1;
  } else if (!process.is_dead()) {
    scene.violations.push_back("backup: " + report.error().message());
  }
}

void collect(Scene& scene, Process& process) {
  repo::PruneOptions options;
  options.max_unused = scene.scheduler.below(3) == 0 ? 0.2 : 0;
  options.repack_small = scene.scheduler.below(2) == 0;
  options.stale_after_seconds = scene.scheduler.below(2) == 0 ? 5 : 40;
  options.workers = 1;
  const auto report = repo::prune(process.repository(), options, process.observer());
  if (!report) {
    if (process.is_dead()) {
      return;
    }
    // It may meet, again and again, what another collector is just taking away: it refuses, and
    // harms nothing. But it must not cry damage.
    scene.probes["prune refused"] += 1;
    if (report.error().code() == core::ErrorCode::corrupt) {
      scene.violations.push_back("prune: " + report.error().message());
    }
    return;
  }
  const auto count = [&](const char* probe, bool met) { scene.probes[probe] += met ? 1 : 0; };
  count("pruned", true);
  count("removed packs", report->removed.packs > 0);
  count("repacked", report->written.packs > 0);
  count("kept for a backup under way", report->kept.packs > 0);
  count("gave a backup up", report->sessions_given_up > 0);
  count("cleared a forgotten snapshot", report->snapshots_removed > 0);
  count("replaced index segments", report->index_segments_removed > 0);
}

void forget_one(Scene& scene, Process& process) {
  auto standing = scene.checker->standing();
  for (int i = 0; standing.empty() && i < kPatience; ++i) {
    process.let_others_go();
    standing = scene.checker->standing();
  }
  if (standing.empty()) {
    return;
  }
  const repo::SnapshotId id = standing[scene.scheduler.below(standing.size())];
  const auto report =
      repo::forget(process.repository(), {.snapshots = {id.hex()}}, process.observer());
  if (report) {
    scene.probes["forgot"] += 1;
  } else if (!process.is_dead()) {
    scene.probes["forget refused"] += 1;
  }
}

/// Structure, beside whatever the others do: nothing of that is damage.
void check(Scene& scene, Process& process) {
  const auto report = repo::verify(process.repository(), {.workers = 1}, process.observer());
  if (report) {
    scene.probes["verified"] += 1;
    for (const repo::Finding& finding : report->findings) {
      if (finding.severity != repo::Finding::Severity::note && !process.is_dead()) {
        scene.violations.push_back("verify: " + finding.object + ": " + finding.message);
      }
    }
  } else if (report.error().code() == core::ErrorCode::busy) {
    scene.probes["verify found it busy"] += 1;
  } else if (!process.is_dead()) {
    scene.violations.push_back("verify: " + report.error().message());
  }
}

/// A collector alone, then every byte.
void settle(Scene& scene, Process& process) {
  repo::Repository& repository = process.repository();
  const auto pruned = repo::prune(
      repository, {.max_unused = 0, .stale_after_seconds = 1, .workers = 1}, process.observer());
  if (!pruned) {
    scene.violations.push_back("last prune: " + pruned.error().message());
    return;
  }
  const auto planned =
      repo::prune(repository, {.max_unused = 0, .dry_run = true}, process.observer());
  if (!planned || planned->unused_bytes != 0) {
    scene.violations.emplace_back("something unneeded is left");
  }
  for (const auto& name : scene.storage.names()) {
    if (name.kind == repo::format::ObjectKind::condemned ||
        name.kind == repo::format::ObjectKind::session) {
      scene.violations.push_back("left behind: " + repo::store::object_path(name));
    }
  }
  const auto verified =
      repo::verify(repository, {.snapshots = {}, .check_integrity = true, .workers = 1, .stop = {}},
                   process.observer());
  if (!verified) {
    scene.violations.push_back("verify: " + verified.error().message());
    return;
  }
  for (const repo::Finding& finding : verified->findings) {
    scene.violations.push_back(finding.object + ": " + finding.message);
  }
  const auto listed = repo::list_snapshots(repository, process.observer());
  if (!listed || listed->size() != scene.checker->standing().size()) {
    scene.violations.emplace_back("other snapshots are listed than stand");
    return;
  }
  for (const repo::ListedSnapshot& snapshot : *listed) {
    const auto expected = scene.contents.find(snapshot.id);
    if (expected == scene.contents.end()) {
      scene.probes["committed by a process that died"] += 1;
      continue;
    }
    core::Bytes content;
    const auto dumped = repo::dump_file(repository, snapshot.snapshot, kStreamPath,
                                        process.observer(), [&](core::ByteView data) {
                                          core::append(content, data);
                                          return core::Status();
                                        });
    if (!dumped || content != expected->second) {
      scene.violations.push_back("other contents: " + snapshot.id.short_hex());
    }
  }
}

}  // namespace

World::World(std::string folder) : folder_(std::move(folder)) {
  FakeClock clock;
  SeededRandom random(1);
  const auto files = core::make_posix_file_system();
  const repo::Environment environment{.file_system = *files,
                                      .clock = clock,
                                      .random = random,
                                      .host = "host",
                                      .user = "user",
                                      .process = {},
                                      .cache_folder = folder_ + "/cache"};
  chunker::Policy policy = chunker::default_policy();
  for (auto& parameters : policy.classes) {
    parameters = {.kernel = chunker::Kernel::fixed,
                  .size_min = kPieceBytes,
                  .size_avg = kPieceBytes,
                  .size_max = kPieceBytes};
  }
  const auto made = repo::Repository::init(
      environment,
      {.location = folder_ + "/repo", .credentials = credentials(), .kdf = {}, .chunking = policy});
  Expects(made.has_value());
}

World::Outcome World::run(std::uint64_t seed, Probes& probes) {
  Scene scene(folder_, seed, probes);
  std::vector<Client> clients(kActors);
  SeededRandom choice(seed);
  if (choice.below(2) == 0) {  // three processes of one machine
    clients[1].tables = clients[0].tables;
    clients[2].tables = clients[0].tables;
  }
  SimBackend::Options faults;
  faults.crash_one_in = choice.below(3) == 0 ? 0 : 60 + choice.below(300);
  faults.sleep_one_in = choice.below(3) == 0 ? 0 : 20 + choice.below(100);
  faults.sleep_turns = 20 + choice.below(400);

  FakeClock clock;
  SeededRandom random(seed);
  const auto files = core::make_posix_file_system();
  NullObserver observer;
  auto opened = repo::Repository::open(
      {.file_system = *files,
       .clock = clock,
       .random = random,
       .host = "witness",
       .user = "user",
       .process = {},
       .cache_folder = folder_ + "/witness"},
      {.location = folder_ + "/repo", .credentials = credentials()}, observer);
  Expects(opened.has_value());
  copy_keys(*repo::ops::opened(*opened).backend, scene.storage);
  scene.checker.emplace(scene.storage, *repo::ops::opened(*opened).keys);

  const auto actor = [&](std::size_t number, int times, auto act) {
    const std::size_t added = scene.scheduler.add([&scene, &clients, &faults, number, times, act] {
      repeat(scene, clients[number], number, times, faults,
             [&](Process& process) { act(scene, process); });
    });
    Expects(added == number);
  };
  actor(0, 3, back_up);
  actor(1, 3, back_up);
  actor(2, 2, collect);
  actor(3, 2, collect);
  actor(4, 3, forget_one);
  actor(5, 3, check);
  scene.scheduler.run();

  Client fresh;
  scene.probes["turns"] += scene.scheduler.turns();
  scene.scheduler.add([&] {
    Process process(scene, fresh, kActors, {});
    settle(scene, process);
  });
  scene.scheduler.run();
  Outcome outcome;
  outcome.turns = scene.scheduler.turns();
  outcome.violations = scene.violations;
  for (const std::string& violation : scene.checker->violations()) {
    outcome.violations.push_back(violation);
  }
  return outcome;
}

}  // namespace cairn::test
