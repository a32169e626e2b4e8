#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "cairn/core/clock.h"
#include "cairn/repo/backup.h"

namespace cairn::repo::ops {

/// The work of a backup's threads. Each stage is measured separately.
enum class Stage : std::uint8_t {
  walk,      ///< list folders, stat, ask the stat cache
  open,      ///< open files, read their attributes, check whether they have changed
  read,      ///< read files
  cut,       ///< find the ends of chunks
  hash,      ///< of chunks of data
  find,      ///< look chunks up
  group,     ///< copy new chunks into blocks
  compress,  ///< blocks of data and of nodes
  seal,      ///< blocks of data and of nodes
  pack,      ///< hash packs, write, publish, list them in the index
};
inline constexpr std::size_t kStages = 10;

/// Adds up where time goes. Thread-safe. A measurement reads the clock twice (about 50 ns).
class StageTimes {
 public:
  explicit StageTimes(core::Clock& clock) : clock_(clock) {}

  /// From its construction to its destruction. nullptr: measures nothing.
  class Span {
   public:
    Span(StageTimes* times, Stage stage, std::uint64_t bytes = 0)
        : times_(times), stage_(stage), bytes_(bytes), start_ns_(now_ns()) {}
    ~Span() {
      if (times_ != nullptr) {
        times_->add(stage_, now_ns() - start_ns_, bytes_);
      }
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;
    void add_bytes(std::uint64_t bytes) noexcept { bytes_ += bytes; }

   private:
    [[nodiscard]] std::uint64_t now_ns() const {
      return times_ == nullptr ? 0 : times_->clock_.monotonic_ns();
    }

    StageTimes* times_;
    Stage stage_;
    std::uint64_t bytes_;
    std::uint64_t start_ns_;
  };

  /// In the order of Stage.
  [[nodiscard]] std::vector<StageTime> all() const;

 private:
  struct Sum {
    std::atomic<std::uint64_t> ns{0};
    std::atomic<std::uint64_t> bytes{0};
  };

  void add(Stage stage, std::uint64_t ns, std::uint64_t bytes) noexcept;

  core::Clock& clock_;
  std::array<Sum, kStages> sums_;
};

/// Measures one call and returns its result.
template <class Call>
auto measure(StageTimes* times, Stage stage, std::uint64_t bytes, const Call& call) {
  const StageTimes::Span span(times, stage, bytes);
  return call();
}

}  // namespace cairn::repo::ops
