#include "cairn/core/compress.h"

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <gsl/assert>
#include <new>
#include <utility>

namespace cairn::core {
namespace {

constexpr int kLevelMax = 19;
constexpr int kWindowLogMin = 10;  // zstd's minimum
constexpr int kWindowLogMax = 27;  // what every zstd decoder accepts by default

struct FreeCompression {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
struct FreeDecompression {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

int window_log_for(std::size_t size_bytes) {
  const int bits = size_bytes < 2 ? 0 : static_cast<int>(std::bit_width(size_bytes - 1));
  return std::clamp(bits, kWindowLogMin, kWindowLogMax);
}

/// Level 3 has its own parameters here (measurements: docs/CHUNKING.md). Except for the table sizes
/// they are what zstd chooses for large inputs; for inputs of at most 256 KiB it would choose
/// others, which make blocks of database pages 4 % larger in no less time.
constexpr int kPinnedLevel = 3;
constexpr std::array<std::pair<ZSTD_cParameter, int>, 4> kPinnedParameters{{
    {ZSTD_c_searchLog, 1},
    {ZSTD_c_minMatch, 5},
    {ZSTD_c_targetLength, 0},
    {ZSTD_c_strategy, ZSTD_dfast},
}};

/// log2 of the number of entries, each of 4 bytes.
struct TableLogs {
  int hash;
  int chain;
};
/// zstd's own sizes. Beyond 1 MiB tables half as large: (2^16 + 2^15) * 4 = 384 KiB, which fit into
/// a core's L2 cache together with the data being compressed. 768 KiB would not, and each lookup
/// would wait.
constexpr TableLogs table_logs_for(std::size_t size_bytes) {
  constexpr std::size_t kSmallInputBytesMax = 1024 * 1024;
  return size_bytes <= kSmallInputBytesMax ? TableLogs{17, 16} : TableLogs{16, 15};
}

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  Ensures(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
}

bool starts_with_magic(ByteView frame) {
  std::uint32_t magic = 0;
  if (frame.size() < sizeof(magic)) {
    return false;
  }
  for (std::size_t i = 0; i < sizeof(magic); ++i) {
    magic |= std::to_integer<std::uint32_t>(frame[i]) << (8 * i);
  }
  return magic == ZSTD_MAGICNUMBER;
}

}  // namespace

struct Compressor::Impl {
  std::unique_ptr<ZSTD_CCtx, FreeCompression> context;
};

Compressor::Compressor(int level, std::size_t size_hint_bytes) {
  Expects(level >= 0 && level <= kLevelMax);
  if (level == 0) {
    return;
  }
  impl_ = std::make_unique<Impl>();
  impl_->context.reset(ZSTD_createCCtx());
  ZSTD_CCtx* const context = impl_->context.get();
  if (context == nullptr) {
    throw std::bad_alloc();
  }
  set(context, ZSTD_c_compressionLevel, level);
  set(context, ZSTD_c_windowLog, window_log_for(size_hint_bytes));
  if (level == kPinnedLevel) {
    const TableLogs tables = table_logs_for(size_hint_bytes);
    set(context, ZSTD_c_hashLog, tables.hash);
    set(context, ZSTD_c_chainLog, tables.chain);
    for (const auto& [parameter, value] : kPinnedParameters) {
      set(context, parameter, value);
    }
  }
  set(context, ZSTD_c_contentSizeFlag, 1);
  set(context, ZSTD_c_checksumFlag, 0);  // every block is authenticated anyway
}

Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

bool Compressor::compress(ByteView input, Bytes& out) {
  if (impl_ == nullptr || input.empty()) {
    return false;
  }
  // There is only room for a result worth keeping: zstd gives up as soon as it does not fit.
  const std::size_t worth_keeping = input.size() - (input.size() + 63) / 64;
  out.clear();  // otherwise resize would also copy the old contents
  out.resize(worth_keeping);
  const std::size_t written =
      ZSTD_compress2(impl_->context.get(), out.data(), out.size(), input.data(), input.size());
  if (ZSTD_isError(written) != 0) {
    // Too large, or no memory for the tables: storing it raw is right in both cases.
    return false;
  }
  out.resize(written);
  return true;
}

struct Decompressor::Impl {
  std::unique_ptr<ZSTD_DCtx, FreeDecompression> context;
};

Decompressor::Decompressor() : impl_(std::make_unique<Impl>()) {
  impl_->context.reset(ZSTD_createDCtx());
  if (impl_->context == nullptr) {
    throw std::bad_alloc();
  }
}

Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

Status Decompressor::decompress(ByteView input, MutableByteView out) {
  // One plain frame and nothing else: no skippable or old frames, nothing after it.
  if (!starts_with_magic(input)) {
    return fail(ErrorCode::corrupt, "expand compressed data: it does not start like a zstd frame");
  }
  if (ZSTD_getFrameContentSize(input.data(), input.size()) != out.size()) {
    return fail(ErrorCode::corrupt,
                fmt::format("expand compressed data: its length is not {} bytes", out.size()));
  }
  if (ZSTD_findFrameCompressedSize(input.data(), input.size()) != input.size()) {
    return fail(ErrorCode::corrupt, "expand compressed data: the frame is cut or padded");
  }
  const std::size_t written =
      ZSTD_decompressDCtx(impl_->context.get(), out.data(), out.size(), input.data(), input.size());
  if (ZSTD_getErrorCode(written) == ZSTD_error_memory_allocation) {
    throw std::bad_alloc();  // nothing is wrong with the data
  }
  if (ZSTD_isError(written) != 0) {
    return fail(ErrorCode::corrupt,
                fmt::format("expand compressed data: {}", ZSTD_getErrorName(written)));
  }
  if (written != out.size()) {
    return fail(ErrorCode::corrupt,
                fmt::format("expand compressed data: {} bytes instead of {}", written, out.size()));
  }
  return {};
}

}  // namespace cairn::core
