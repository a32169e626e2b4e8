// What a byte, or a thing, costs of each kernel of a backup and a restore, alone and on one core:
// cutting, compressing, sealing, the catalogue, nodes, planning a restore. Hashing has a program of
// its own (bench_hashing), and so has the catalogue at scale (bench_catalogue).
//
//     bench_kernels --benchmark_repetitions=9 --benchmark_report_aggregates_only

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/core/compress.h"
#include "format/node.h"
#include "made_index.h"
#include "ops/restore/restore_plan.h"
#include "store/catalogue/catalogue.h"
#include "store/objects/seal.h"
#include "temp_folder.h"

namespace cairn::bench {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{4} * 1024 * 1024;
constexpr std::uint64_t kCatalogueChunks = 1'000'000;
constexpr std::size_t kSegmentChunks = 65536;
constexpr std::size_t kEntries = 256;  // of a leaf
constexpr std::size_t kSlices = 64 * 1024;

/// Nanoseconds a unit are seconds a thousand million of them.
void count_units(benchmark::State& state, const char* name, std::size_t units) {
  state.counters[name] = benchmark::Counter(
      static_cast<double>(units) / 1e9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
void count_bytes(benchmark::State& state, std::size_t bytes) {
  count_units(state, "ns_per_byte", bytes);
}

/// Words of a vocabulary in which some are far more usual than others, in lines: compresses about
/// as program text does.
core::Bytes text(std::size_t size) {
  test::SeededNumbers numbers(1);
  std::vector<std::string> words;
  for (int i = 0; i < 3000; ++i) {
    std::string& word = words.emplace_back();
    for (std::size_t letters = numbers.between(2, 9); letters > 0; --letters) {
      word += static_cast<char>('a' + numbers.between(0, 25));
    }
  }
  std::string out;
  while (out.size() < size) {
    const std::size_t usual = numbers.between(1, words.size());
    out += words[numbers.between(0, usual - 1)];
    out += numbers.next() % 8 == 0 ? ";\n  " : " ";
  }
  out.resize(size);
  const auto view = core::as_view(out);
  return {view.begin(), view.end()};
}

void cut(benchmark::State& state, const chunker::CutParameters& parameters) {
  const core::Bytes data = test::seeded_bytes(2, kBlockBytes);
  const chunker::GearTable table(test::seeded_bytes(3, 32));
  chunker::Chunker chunker(parameters, table);
  for ([[maybe_unused]] auto _ : state) {
    core::ByteView rest = data;
    std::size_t cuts = 0;
    while (!rest.empty()) {
      const auto length = chunker.scan(rest);
      rest = rest.subspan(length.value_or(rest.size()));
      ++cuts;
    }
    chunker.reset();
    benchmark::DoNotOptimize(cuts);
  }
  count_bytes(state, kBlockBytes);
}
BENCHMARK_CAPTURE(cut, gear_16_KiB, chunker::CutParameters{});
BENCHMARK_CAPTURE(cut, pages_4_KiB,
                  chunker::CutParameters{chunker::Kernel::fixed, 4096, 4096, 4096});

void compress(benchmark::State& state) {
  const core::Bytes data = text(kBlockBytes);
  core::Compressor compressor(static_cast<int>(state.range(0)), data.size());
  core::Bytes out;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(compressor.compress(data, out));
  }
  count_bytes(state, data.size());
  state.counters["size"] = static_cast<double>(out.size()) / static_cast<double>(data.size());
}
BENCHMARK(compress)->Arg(1)->Arg(3)->Arg(9);

void expand(benchmark::State& state) {
  const core::Bytes data = text(kBlockBytes);
  core::Bytes frame;
  static_cast<void>(core::Compressor(3, data.size()).compress(data, frame));
  core::Decompressor decompressor;
  core::Bytes out(data.size());
  for ([[maybe_unused]] auto _ : state) {
    checked(decompressor.decompress(frame, out));
  }
  count_bytes(state, data.size());
}
BENCHMARK(expand);

/// One block of data, as a pack's writer and reader have it.
struct SealedBlock {
  repo::RepositoryId repository = numbered_id<repo::RepositoryId>(1);
  repo::format::KeyRecord key;
  repo::format::BlockRecord record;
  core::Bytes cipher_key = test::seeded_bytes(4, 32);
  core::Bytes payload = test::seeded_bytes(5, 700'000);
  core::Bytes sealed;

  SealedBlock() {
    record.plain_bytes = static_cast<std::uint32_t>(payload.size());
    record.stored_bytes = record.plain_bytes + core::kAeadTagBytes;
    seal();
  }
  void seal() {
    sealed.clear();
    repo::store::seal_block(repository, repo::format::BlockKind::data, key, record, cipher_key,
                            payload, sealed);
  }
};

void seal(benchmark::State& state) {
  SealedBlock block;
  for ([[maybe_unused]] auto _ : state) {
    block.seal();
  }
  count_bytes(state, block.payload.size());
}
BENCHMARK(seal);

void open(benchmark::State& state) {
  const SealedBlock block;
  core::Bytes out;
  for ([[maybe_unused]] auto _ : state) {
    if (!repo::store::open_block(block.repository, repo::format::BlockKind::data, block.key,
                                 block.record, block.cipher_key, block.sealed, out)) {
      state.SkipWithError("it does not open");
      return;
    }
  }
  count_bytes(state, block.payload.size());
}
BENCHMARK(open);

/// With kCatalogueChunks chunks; made once, for all that look into it.
repo::store::Catalogue& catalogue() {
  struct Made {
    test::TempFolder temp;
    std::unique_ptr<repo::store::Catalogue> catalogue;
    Made()
        : catalogue(checked(repo::store::Catalogue::open(
              {.folder = temp / "catalogue", .repository = numbered_id<repo::RepositoryId>(0)}))) {
      for (std::uint64_t first = 0; first < kCatalogueChunks; first += kSegmentChunks) {
        const auto count = static_cast<std::size_t>(
            std::min<std::uint64_t>(kSegmentChunks, kCatalogueChunks - first));
        checked(catalogue->ingest(numbered_id<repo::IndexSegmentId>(first),
                                  make_segment(first, count)));
      }
    }
  };
  static const Made made;
  return *made.catalogue;
}

void find(benchmark::State& state, bool known) {
  const auto& subject = catalogue();
  test::SeededNumbers numbers(6);
  std::vector<repo::ChunkId> ids(4096);
  for (auto& id : ids) {
    id = numbered_id<repo::ChunkId>(numbers.next() % kCatalogueChunks +
                                    (known ? 0 : kCatalogueChunks));
  }
  std::size_t found = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (const auto& id : ids) {
      found += checked(subject.find(id)) ? 1U : 0U;
    }
  }
  if (found != (known ? ids.size() * static_cast<std::size_t>(state.iterations()) : 0)) {
    state.SkipWithError("it finds what is not there, or not what is");
  }
  count_units(state, "ns_per_chunk", ids.size());
}
BENCHMARK_CAPTURE(find, known, true);
BENCHMARK_CAPTURE(find, unknown, false);

repo::format::FolderLeaf leaf() {
  repo::format::FolderLeaf made;
  for (std::size_t i = 0; i < kEntries; ++i) {
    repo::Entry& entry = made.entries.emplace_back();
    entry.name = fmt::format("a_file_of_usual_length_{:04}.c", i);
    entry.mode = 0644;
    entry.mtime = {1'767'268'800 + static_cast<std::int64_t>(i), 0};
    entry.content.size_bytes = kChunkBytes;
    entry.content.items.push_back(
        {.length_bytes = kChunkBytes, .chunk = numbered_id<repo::ChunkId>(i)});
  }
  return made;
}

void encode_leaf(benchmark::State& state) {
  const auto made = leaf();
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(checked(repo::format::encode_folder_leaf(made)).size());
  }
  count_units(state, "ns_per_entry", kEntries);
}
BENCHMARK(encode_leaf);

void decode_leaf(benchmark::State& state) {
  const core::Bytes encoded = checked(repo::format::encode_folder_leaf(leaf()));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(checked(repo::format::decode_folder_leaf(encoded)).entries.size());
  }
  count_units(state, "ns_per_entry", kEntries);
}
BENCHMARK(decode_leaf);

/// A window of files whose chunks lie all over the repository: the worst there is to plan.
void plan_restore(benchmark::State& state) {
  repo::ops::RestorePlanner planner(catalogue());
  test::SeededNumbers numbers(7);
  std::vector<repo::ops::Slice> window(kSlices);
  for (std::size_t i = 0; i < window.size(); ++i) {
    window[i].chunk = numbered_id<repo::ChunkId>(numbers.next() % kCatalogueChunks);
    window[i].file_offset = i * kChunkBytes;
    window[i].length_bytes = kChunkBytes;
  }
  for ([[maybe_unused]] auto _ : state) {
    const auto tasks = checked(planner.plan(window));
    if (tasks.back().pack == nullptr) {
      state.SkipWithError("a chunk was not found");
      return;
    }
    benchmark::DoNotOptimize(tasks.size());
  }
  count_units(state, "ns_per_chunk", kSlices);
}
BENCHMARK(plan_restore);

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  // Without it libsodium takes what runs on every processor, four times slower.
  cairn::bench::checked(cairn::core::init_crypto());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
