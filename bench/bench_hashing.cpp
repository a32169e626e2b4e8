// What a byte costs of keyed BLAKE2b-256: libsodium, one input after the other, and every kernel
// that hashes inputs in lanes and that this processor has. The inputs of one call lie in 512 KiB,
// which is what a backup hashes at once.
//
//     bench_hashing --benchmark_repetitions=9 --benchmark_report_aggregates_only

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cairn/core/hash_lanes.h"
#include "seeded_data.h"

namespace cairn::bench {
namespace {

constexpr std::size_t kCallBytes = 512 * 1024;

std::vector<std::size_t> equal_sizes(std::size_t size) {
  return std::vector<std::size_t>(kCallBytes / size, size);
}

/// Like the files of a source tree: most of some KiB, some of tens of KiB.
std::vector<std::size_t> source_file_sizes() {
  test::SeededNumbers numbers(1);
  std::vector<std::size_t> sizes;
  std::size_t left = kCallBytes;
  while (left > 0) {
    const std::size_t limit = std::size_t{1} << numbers.between(9, 16);
    sizes.push_back(std::min(left, numbers.between(limit / 2, limit)));
    left -= sizes.back();
  }
  return sizes;
}

void hash_inputs(benchmark::State& state, core::HashKernel kernel,
                 const std::vector<std::size_t>& sizes) {
  const core::Bytes data = test::seeded_bytes(2, kCallBytes);
  std::vector<core::ByteView> inputs;
  std::size_t offset = 0;
  for (const std::size_t size : sizes) {
    inputs.push_back(core::ByteView(data).subspan(offset, size));
    offset += size;
  }
  const core::LaneHasher hasher(test::seeded_bytes(3, 32), kernel);
  std::vector<core::Hash256> hashes(inputs.size());
  for ([[maybe_unused]] auto _ : state) {
    hasher.hash_many(inputs, hashes);
    benchmark::DoNotOptimize(hashes.data());
  }
  const auto bytes = static_cast<std::int64_t>(offset);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
  // Seconds a gigabyte are nanoseconds a byte.
  state.counters["s_per_GB"] = benchmark::Counter(
      static_cast<double>(bytes) / 1e9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void register_all() {
  struct Mix {
    std::string name;
    std::vector<std::size_t> sizes;
  };
  const std::vector<Mix> mixes{{"1_KiB", equal_sizes(1024)},
                               {"4_KiB", equal_sizes(4 * 1024)},
                               {"16_KiB", equal_sizes(16 * 1024)},
                               {"256_KiB", equal_sizes(256 * 1024)},
                               {"source_files", source_file_sizes()}};
  for (const core::HashKernel kernel : core::kHashKernels) {
    if (!core::is_available(kernel)) {
      continue;
    }
    for (const Mix& mix : mixes) {
      const std::string name = "hash/" + std::string(core::to_string(kernel)) + "/" + mix.name;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [kernel, sizes = mix.sizes](benchmark::State& state) {
                                     hash_inputs(state, kernel, sizes);
                                   });
    }
  }
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  // Without it libsodium takes what runs on every processor.
  if (!cairn::core::init_crypto()) {
    return 1;
  }
  cairn::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
