// The catalogue at 10^6 and 10^7 chunks (or the counts given as arguments): what ingesting, looking
// up and opening cost. Synthetic ids, no data. A plain program, because each figure needs the
// catalogue that the one before has made.
//
//     bench_catalogue [chunks...]          in $TMPDIR

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>

#include "made_index.h"
#include "store/catalogue/catalogue.h"
#include "temp_folder.h"

namespace cairn::bench {
namespace {

using repo::ChunkId;
using repo::store::Catalogue;

constexpr std::size_t kChunksPerSegment = 65536;  // a checkpoint of 1 GiB at 16 KiB a chunk
constexpr std::size_t kLookups = 1'000'000;
constexpr std::size_t kSmallIngests = 300;
constexpr std::size_t kSmallChunks = 10;

/// Seconds of this process: on a machine that does other things too, its share is the better
/// figure.
double cpu_seconds() {
  struct timespec now {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Cost {
  double wall = 0;
  double cpu = 0;

  Cost& operator+=(const Cost& other) {
    wall += other.wall;
    cpu += other.cpu;
    return *this;
  }
};

Cost cost(const std::function<void()>& work) {
  const auto wall = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  work();
  return {.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(),
          .cpu = cpu_seconds() - cpu};
}

void print_cost(std::string_view what, const Cost& cost, double units, std::string_view unit) {
  fmt::print("  {:<28} {:>9.3f} {}, of it CPU {:.3f}\n", what, cost.wall * units, unit,
             cost.cpu * units);
}

/// A catalogue being filled; chunks have the numbers 0 .. count() - 1.
class Subject {
 public:
  explicit Subject(const std::string& folder)
      : options_{.folder = folder, .repository = numbered_id<repo::RepositoryId>(0)} {
    open();
  }

  Cost open() {
    catalogue_.reset();
    return cost([&] { catalogue_ = checked(Catalogue::open(options_)); });
  }
  Cost close() {
    return cost([&] { catalogue_.reset(); });
  }

  /// Ingests one segment of new chunks.
  Cost ingest(std::size_t chunks) {
    const auto segment = make_segment(count_, chunks);
    const auto id = numbered_id<repo::IndexSegmentId>(count_);
    count_ += chunks;
    return cost([&] { checked(catalogue_->ingest(id, segment)); });
  }

  /// Looks for kLookups random ids, of which all or none are known.
  Cost look_up(bool known) {
    test::SeededNumbers numbers(known ? 1 : 2);
    std::vector<ChunkId> ids(kLookups);
    for (ChunkId& id : ids) {
      id = numbered_id<ChunkId>(known ? numbers.next() % count_ : count_ + numbers.next() / 2);
    }
    std::size_t found = 0;
    const Cost spent = cost([&] {
      for (const ChunkId& id : ids) {
        found += checked(catalogue_->find(id)).has_value() ? 1U : 0U;
      }
    });
    if (found != (known ? kLookups : 0)) {
      fmt::print(stderr, "{} of {} were found\n", found, kLookups);
      std::exit(1);
    }
    return spent;
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] repo::store::CatalogueStatistics statistics() const {
    return checked(catalogue_->statistics());
  }

 private:
  repo::store::CatalogueOptions options_;
  std::unique_ptr<Catalogue> catalogue_;
  std::uint64_t count_ = 0;
};

void report(const Subject& subject, std::string_view when) {
  const auto statistics = subject.statistics();
  fmt::print("  {:<28} {:>9} levels, {:.1f} bytes of disk a chunk\n", when, statistics.levels,
             static_cast<double>(statistics.disk_bytes) / static_cast<double>(subject.count()));
}

void lookups(Subject& subject) {
  constexpr double kNanoseconds = 1e9 / kLookups;
  print_cost("find, known", subject.look_up(true), kNanoseconds, "ns");
  print_cost("find, unknown", subject.look_up(false), kNanoseconds, "ns");
}

void run(std::uint64_t chunks) {
  const test::TempFolder temp;
  Subject subject(temp / "catalogue");
  fmt::print("{} chunks in segments of {}\n", chunks, kChunksPerSegment);

  Cost ingest;
  Cost slowest;
  while (subject.count() < chunks) {
    const std::uint64_t left = chunks - subject.count();
    const Cost spent = subject.ingest(std::min<std::uint64_t>(left, kChunksPerSegment));
    ingest += spent;
    slowest = spent.wall > slowest.wall ? spent : slowest;
  }
  fmt::print("  {:<28} {:>9.3f} M chunks/s, by CPU {:.3f}\n", "ingest",
             static_cast<double>(chunks) / ingest.wall / 1e6,
             static_cast<double>(chunks) / ingest.cpu / 1e6);
  print_cost("slowest segment", slowest, 1e3, "ms");
  report(subject, "then");
  lookups(subject);
  print_cost("close (syncs)", subject.close(), 1e3, "ms");
  print_cost("open", subject.open(), 1e3, "ms");

  fmt::print("  {} more segments of {} chunks\n", kSmallIngests, kSmallChunks);
  const Cost first = subject.ingest(kSmallChunks);
  Cost small;
  slowest = {};
  for (std::size_t i = 0; i < kSmallIngests; ++i) {
    const Cost spent = subject.ingest(kSmallChunks);
    small += spent;
    slowest = spent.wall > slowest.wall ? spent : slowest;
  }
  print_cost("first (syncs the mark)", first, 1e3, "ms");
  print_cost("the others", small, 1e3 / kSmallIngests, "ms");
  print_cost("slowest of them", slowest, 1e3, "ms");
  report(subject, "then");
  lookups(subject);

  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("  {:<28} {:>9} MiB, the map's pages among them\n", "peak memory",
             usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    cairn::bench::run(1'000'000);
    cairn::bench::run(10'000'000);
  }
  for (int i = 1; i < argc; ++i) {
    cairn::bench::run(std::strtoull(argv[i], nullptr, 10));
  }
  return 0;
}
