#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ops/backup/tree_assembler.h"
#include "ops/writing/block_writer.h"

namespace cairn::repo::ops {

/// A run of steps that one worker ingests as a whole, so that neighbours in the tree are neighbours
/// in a block.
struct Batch {
  std::vector<IngestedStep> steps;
  bool ends_source = false;  ///< the walk of one source ends after these steps
  std::string source;        ///< its path, if it does
  bool done = false;         ///< guarded by the queue's mutex
};

/// The work of one backup: batches in walk order for the workers, the same batches in the same
/// order for the assembler once they are done, and full blocks that a busy worker gives away.
/// Thread-safe.
class WorkQueue final : public IdleWriters {
 public:
  /// Holds at most `batches_max` batches between the walk and the assembler.
  explicit WorkQueue(std::size_t batches_max) : batches_max_(batches_max) {}

  /// For the walk. False once cancelled.
  [[nodiscard]] bool push(std::shared_ptr<Batch> batch);
  /// Waits until all work is done. Until the next push() the caller alone may touch what belongs to
  /// workers and assembler. False once cancelled.
  [[nodiscard]] bool drain();
  /// No more batches will come.
  void close();

  using Work = std::variant<std::shared_ptr<Batch>, OpenBlock>;
  /// For workers: a full block before a batch. nullopt when there is nothing left and nobody could
  /// still give a block away.
  [[nodiscard]] std::optional<Work> pop();
  void finish_batch(const std::shared_ptr<Batch>& batch);
  void finish_block();
  /// True if some worker is idle: one huge file then keeps more than one processor busy.
  [[nodiscard]] bool take_over(OpenBlock& block) override;

  /// For the assembler: the next batch in walk order, once it is done; nullopt at the end.
  [[nodiscard]] std::optional<std::shared_ptr<Batch>> next_done();

  /// Ends everything at once.
  void cancel();

 private:
  [[nodiscard]] bool is_drained() const;

  const std::size_t batches_max_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::condition_variable drained_;
  std::deque<std::shared_ptr<Batch>> waiting_;
  std::deque<std::shared_ptr<Batch>> in_order_;
  std::deque<OpenBlock> blocks_;
  std::size_t idle_ = 0;
  std::size_t ingesting_ = 0;
  std::size_t writing_ = 0;  ///< blocks that were taken over
  bool assembling_ = false;
  bool closed_ = false;
  bool cancelled_ = false;
};

}  // namespace cairn::repo::ops
