// Measures what chunk sizes, block sizes and orders cost on real data: the tables of
// docs/CHUNKING.md. Sizes repeat exactly for the same data; times are this machine's.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/chunker/chunker.h"
#include "cairn/chunker/policy.h"
#include "chunking_corpus.h"
#include "chunking_storing.h"
#include "seeded_data.h"

namespace {

using namespace cairn::bench;
using cairn::chunker::Chunker;
using cairn::chunker::CutParameters;
using cairn::chunker::GearTable;
using cairn::chunker::Kernel;
using cairn::core::ByteView;
using Clock = std::chrono::steady_clock;
using Paths = std::span<char* const>;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr int kLevel = 3;

/// Per new chunk: id and length, in the pack's directory and in the index.
constexpr std::uint64_t kIndexedChunkBytes = 2 * std::uint64_t{36};
/// Per chunk named in a list of chunks.
constexpr std::uint64_t kReferenceBytes = 36;
/// References in one piece of a large file's chunk list, and in each level above.
constexpr std::size_t kReferencesPerNode = 32;

CutParameters gear(std::size_t size_min, std::size_t size_avg, std::size_t size_max) {
  return {.kernel = Kernel::gear,
          .size_min = static_cast<std::uint32_t>(size_min),
          .size_avg = static_cast<std::uint32_t>(size_avg),
          .size_max = static_cast<std::uint32_t>(size_max)};
}

CutParameters fixed(std::size_t size) {
  const auto narrow = static_cast<std::uint32_t>(size);
  return {.kernel = Kernel::fixed, .size_min = narrow, .size_avg = narrow, .size_max = narrow};
}

const GearTable& table() {
  static const GearTable table(cairn::test::seeded_bytes(1, 32));
  return table;
}

std::string mb(std::uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6);
}

std::string size_name(std::size_t bytes) {
  return bytes >= kMiB ? fmt::format("{}M", bytes / kMiB) : fmt::format("{}K", bytes / kKiB);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_line(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

// --- Chunk sizes ------------------------------------------------------------------------------

/// One row: the chunks of one version that no earlier version had.
struct Added {
  std::uint64_t chunks = 0;  ///< references, new or not
  std::uint64_t new_chunks = 0;
  std::uint64_t new_bytes = 0;
  std::vector<std::uint64_t> stored;  ///< for each of the block sizes
};

const std::vector<std::size_t> kBlockSizes = {0, 256 * kKiB, 1 * kMiB, 2 * kMiB, 4 * kMiB};

/// Blocks end with their version, as with a snapshot.
std::vector<Added> add_versions(const CutParameters& parameters, Paths versions,
                                const std::vector<std::size_t>& block_sizes) {
  Ingest ingest(parameters, table());
  std::vector<Added> rows;
  for (const char* version : versions) {
    Added row;
    std::vector<Blocks> blocks;
    for (const std::size_t block_bytes : block_sizes) {
      blocks.emplace_back(block_bytes, kLevel);
    }
    for (const File& file : files_below(version)) {
      ingest.read(file, [&](const Chunk& chunk) {
        ++row.chunks;
        if (chunk.is_new) {
          ++row.new_chunks;
          row.new_bytes += chunk.bytes.size();
          std::for_each(blocks.begin(), blocks.end(), [&](Blocks& b) { b.add(chunk.bytes); });
        }
      });
    }
    for (Blocks& b : blocks) {
      b.close();
      row.stored.push_back(b.stored_bytes());
    }
    rows.push_back(row);
  }
  return rows;
}

std::string row_text(const Added& row) {
  std::string text = fmt::format(" {} | {} | {} |", row.chunks, row.new_chunks, mb(row.new_bytes));
  for (const std::uint64_t stored : row.stored) {
    text += fmt::format(" {} |", mb(stored));
  }
  return text + fmt::format(" {} |", mb(row.new_chunks * (kIndexedChunkBytes + kReferenceBytes)));
}

constexpr std::string_view kAddedHeader =
    " version | chunks | new chunks | new MB | alone | 256K | 1M | 2M | 4M | metadata |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|";

void print_versions(const std::string& name, const CutParameters& parameters, Paths versions) {
  const auto rows = add_versions(parameters, versions, kBlockSizes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    print_line(fmt::format("| {} | {} |", name, i + 1) + row_text(rows[i]));
  }
}

int print_sizes(Paths versions) {
  print_line(fmt::format("| average |{}", kAddedHeader));
  for (std::size_t average = 4 * kKiB; average <= kMiB; average *= 2) {
    print_versions(size_name(average), gear(average / 4, average, average * 4), versions);
  }
  return 0;
}

int print_ratios(Paths versions) {
  constexpr std::size_t kAverage = 16 * kKiB;
  print_line(fmt::format("| min avg max |{}", kAddedHeader));
  for (const auto& [size_min, size_max] : std::vector<std::pair<std::size_t, std::size_t>>{
           {2, 256}, {4, 64}, {4, 128}, {4, 256}, {4, 1024}, {8, 32}, {8, 64}, {8, 256}}) {
    print_versions(fmt::format("{}K 16K {}K", size_min, size_max),
                   gear(size_min * kKiB, kAverage, size_max * kKiB), versions);
  }
  return 0;
}

// --- Blocks and orders ------------------------------------------------------------------------

KeptChunks keep_new_chunks(const CutParameters& parameters, Paths versions) {
  KeptChunks kept;
  Ingest ingest(parameters, table());
  for (const char* version : versions) {
    for (const File& file : files_below(version)) {
      ingest.read(file, [&](const Chunk& chunk) {
        if (chunk.is_new) {
          kept.add(chunk.bytes, chunk.file->group);
        }
      });
    }
  }
  return kept;
}

using Store = std::function<std::uint64_t(std::size_t block_bytes)>;

void print_blocks_row(const std::string& name, const Store& store) {
  std::string text = fmt::format("| {} |", name);
  for (const std::size_t block_bytes :
       {256 * kKiB, 512 * kKiB, kMiB, 2 * kMiB, 4 * kMiB, 8 * kMiB}) {
    const auto start = Clock::now();
    const std::uint64_t stored = store(block_bytes);
    text += fmt::format(" {} ({:.1f} s) |", mb(stored), seconds_since(start));
  }
  print_line(text);
}

/// All versions together, as one first backup.
KeptChunks keep_and_print_header(Paths versions) {
  const auto general = cairn::chunker::default_policy().classes[0];
  KeptChunks kept = keep_new_chunks(general, versions);
  print_line(fmt::format("{} new chunks, metadata {} MB, parameters of the general class",
                         kept.size(), mb(kept.size() * (kIndexedChunkBytes + kReferenceBytes))));
  print_line("| order, level | 256K | 512K | 1M | 2M | 4M | 8M |\n|---|---|---|---|---|---|---|");
  return kept;
}

int print_levels(Paths versions) {
  const KeptChunks kept = keep_and_print_header(versions);
  for (const int level : {1, 2, 3, 4, 5, 6}) {
    print_blocks_row(fmt::format("walk, level {}", level), [&](std::size_t block_bytes) {
      Blocks blocks(block_bytes, level);
      store_in_order(kept, blocks);
      return blocks.stored_bytes();
    });
  }
  return 0;
}

int print_orders(Paths versions) {
  const KeptChunks kept = keep_and_print_header(versions);
  for (const std::size_t open_max : std::vector<std::size_t>{1, 2, 4, 8, 16}) {
    print_blocks_row(fmt::format("{} open blocks by extension", open_max),
                     [&](std::size_t block_bytes) {
                       return store_by_open_blocks(kept, open_max, block_bytes, kLevel);
                     });
  }
  for (const std::size_t window : {16 * kMiB, 64 * kMiB, 256 * kMiB, 1024 * kMiB * 1024}) {
    print_blocks_row(fmt::format("by extension in {}", size_name(window)),
                     [&](std::size_t block_bytes) {
                       Blocks blocks(block_bytes, kLevel);
                       store_by_window(kept, window, blocks);
                       return blocks.stored_bytes();
                     });
  }
  return 0;
}

// --- Page files -------------------------------------------------------------------------------

/// Bytes of a chunk list's pieces that name a new chunk, and of the levels above them.
std::uint64_t rewritten_list_bytes(std::vector<bool> is_new) {
  std::uint64_t bytes = 0;
  while (is_new.size() > 1) {
    std::vector<bool> above;
    for (std::size_t i = 0; i < is_new.size(); i += kReferencesPerNode) {
      const auto first = is_new.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count = std::min(kReferencesPerNode, is_new.size() - i);
      above.push_back(std::any_of(first, first + static_cast<std::ptrdiff_t>(count),
                                  [](bool value) { return value; }));
      bytes += above.back() ? count * kReferenceBytes : 0;
    }
    is_new = std::move(above);
  }
  return bytes;
}

void print_page_rows(const std::string& name, const CutParameters& parameters, Paths versions) {
  Ingest ingest(parameters, table());
  for (std::size_t i = 0; i < versions.size(); ++i) {
    std::uint64_t new_bytes = 0;
    std::vector<Blocks> blocks;
    for (const std::size_t block_bytes : {std::size_t{0}, 256 * kKiB, kMiB}) {
      blocks.emplace_back(block_bytes, kLevel);
    }
    std::vector<bool> is_new;
    for (const File& file : files_below(versions[i])) {
      ingest.read(file, [&](const Chunk& chunk) {
        is_new.push_back(chunk.is_new);
        if (chunk.is_new) {
          new_bytes += chunk.bytes.size();
          std::for_each(blocks.begin(), blocks.end(), [&](Blocks& b) { b.add(chunk.bytes); });
        }
      });
    }
    std::for_each(blocks.begin(), blocks.end(), [](Blocks& b) { b.close(); });
    const auto new_chunks =
        static_cast<std::uint64_t>(std::count(is_new.begin(), is_new.end(), true));
    const std::uint64_t metadata = new_chunks * kIndexedChunkBytes + rewritten_list_bytes(is_new);
    print_line(fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |", name, i + 1,
                           is_new.size(), new_chunks, mb(new_bytes), mb(blocks[0].stored_bytes()),
                           mb(blocks[1].stored_bytes()), mb(blocks[2].stored_bytes()), mb(metadata),
                           mb(blocks[1].stored_bytes() + metadata)));
  }
}

void print_page_header() {
  print_line(
      "| cut | version | chunks | new chunks | new MB | alone | 256K | 1M | metadata | 256K + "
      "metadata |\n|---|---|---|---|---|---|---|---|---|---|");
}

int print_pages(Paths versions) {
  print_page_header();
  for (std::size_t size = 4 * kKiB; size <= 64 * kKiB; size *= 2) {
    print_page_rows(fmt::format("fixed {}", size_name(size)), fixed(size), versions);
  }
  for (std::size_t size = 4 * kKiB; size <= kMiB; size *= 2) {
    print_page_rows(fmt::format("gear {}", size_name(size)), gear(size / 4, size, size * 4),
                    versions);
  }
  return 0;
}

int print_images(Paths versions) {
  print_page_header();
  for (std::size_t size = 4 * kKiB; size <= 256 * kKiB; size *= 2) {
    print_page_rows(fmt::format("fixed {}", size_name(size)), fixed(size), versions);
  }
  for (const std::size_t size : {16 * kKiB, 64 * kKiB}) {
    print_page_rows(fmt::format("gear {}", size_name(size)), gear(size / 4, size, size * 4),
                    versions);
  }
  return 0;
}

// --- Classes ----------------------------------------------------------------------------------

/// What the policy makes of the files, with an example of each class: to look for mistakes.
int print_classes(Paths versions) {
  struct Seen {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::string example;
  };
  std::array<Seen, cairn::chunker::kContentClassCount> classes;
  std::vector<char> head(cairn::chunker::kClassifyBytes);
  for (const char* version : versions) {
    for (const File& file : files_below(version)) {
      std::ifstream stream(file.path, std::ios::binary);
      stream.read(head.data(), static_cast<std::streamsize>(head.size()));
      const auto bytes =
          std::as_bytes(std::span(head)).first(static_cast<std::size_t>(stream.gcount()));
      const auto size = std::filesystem::file_size(file.path);
      Seen& seen = classes[static_cast<std::size_t>(cairn::chunker::classify(bytes, size))];
      seen = {seen.files + 1, seen.bytes + size, file.path.string()};
    }
  }
  print_line("| class | files | MB | last file |\n|---|---|---|---|");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto name = to_string(static_cast<cairn::chunker::ContentClass>(i));
    print_line(fmt::format("| {} | {} | {} | {} |", name, classes[i].files, mb(classes[i].bytes),
                           classes[i].example));
  }
  return 0;
}

// --- Speed ------------------------------------------------------------------------------------

/// The best of several rounds over 1 MiB of noise: other work on the machine only adds to a time.
double best_nanoseconds_per_byte(const CutParameters& parameters) {
  constexpr int kRounds = 200;
  const auto noise = cairn::test::seeded_bytes(1, kMiB);
  Chunker chunker(parameters, table());
  double best = std::numeric_limits<double>::max();
  std::size_t cuts = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    for (ByteView rest = noise; !rest.empty(); ++cuts) {
      rest = rest.subspan(chunker.scan(rest).value_or(rest.size()));
    }
    best = std::min(best, seconds_since(start) * 1e9 / static_cast<double>(noise.size()));
  }
  return cuts == 0 ? 0 : best;
}

int print_speed() {
  print_line("| parameters | ns per byte |\n|---|---|");
  const auto row = [](const std::string& name, const CutParameters& parameters) {
    print_line(fmt::format("| {} | {:.3f} |", name, best_nanoseconds_per_byte(parameters)));
  };
  row("gear 4K 16K 256K", gear(4 * kKiB, 16 * kKiB, 256 * kKiB));
  row("gear 64K 256K 1M", gear(64 * kKiB, 256 * kKiB, kMiB));
  row("gear, nothing skipped, 64 4M 8M", gear(64, 4 * kMiB, 8 * kMiB));
  row("fixed 8K", fixed(8 * kKiB));
  return 0;
}

int usage() {
  fmt::print(stderr,
             "usage: chunking_table sizes|ratios|levels|orders|pages|images|classes VERSION...\n"
             "       chunking_table speed\n"
             "A VERSION is a folder or a file; each is added to those before it.\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const Paths arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view command = arguments.size() > 1 ? arguments[1] : "";
  if (!cairn::core::init_crypto().has_value()) {
    return 1;
  }
  if (command == "speed") {
    return print_speed();
  }
  if (arguments.size() < 3) {
    return usage();
  }
  const Paths versions = arguments.subspan(2);
  if (command == "sizes") return print_sizes(versions);
  if (command == "ratios") return print_ratios(versions);
  if (command == "levels") return print_levels(versions);
  if (command == "orders") return print_orders(versions);
  if (command == "pages") return print_pages(versions);
  if (command == "images") return print_images(versions);
  if (command == "classes") return print_classes(versions);
  return usage();
}
