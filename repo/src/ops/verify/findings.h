#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/repo/verify.h"
#include "store/backend/backend.h"
#include "store/catalogue/catalogue.h"

namespace cairn::repo::ops {

// Advice for Finding::advice.
inline constexpr std::string_view kRepairObjectsHelps = "cairn repair objects puts that right";
inline constexpr std::string_view kRepairIndexHelps =
    "cairn repair index writes the index anew from the packs";
inline constexpr std::string_view kRepairPacksHelps =
    "cairn repair packs saves what is intact in it; with --from-source PATH or --from-repo REPO it "
    "finds the rest where it still is";
inline constexpr std::string_view kHealingHelps =
    "cairn repair packs --from-source PATH or --from-repo REPO finds it where it still is; if it "
    "is "
    "lost: cairn repair snapshots";

/// One block of one pack.
struct BlockKey {
  store::PackNumber pack{};
  std::uint32_t block = 0;

  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};
struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const noexcept {
    return (static_cast<std::size_t>(key.pack) << 20U) ^ key.block;
  }
};

/// What a check has found so far, and which bytes of the repository each finding makes unreadable,
/// so that paths can be reported afterwards. Thread-safe while adding.
class Findings {
 public:
  /// Returns the finding's number.
  std::size_t add(Finding::Severity severity, std::string object, std::string message,
                  std::string advice = {});
  std::size_t damage(const store::ObjectName& name, std::string message, std::string advice = {}) {
    return add(Finding::Severity::damage, store::object_path(name), std::move(message),
               std::move(advice));
  }
  /// Damage of the kind for which a running prune may be the cause.
  std::size_t missing(std::string object, std::string message, std::string advice = {});
  /// The finding for an object that could not be read: damage, unless the storage did not return
  /// it. `damage_helps` is advice for damage.
  std::size_t failed_read(std::string object, const core::Error& error, std::string damage_helps);

  void mark_pack(store::PackNumber pack, std::size_t finding);
  void mark_block(const BlockKey& block, std::size_t finding);
  void mark_chunk(const ChunkId& chunk, std::size_t finding);
  void affect(std::size_t finding, std::string path);

  /// A finding turns out to be harmless: it becomes a note.
  void excuse(std::size_t finding, std::string_view why);

  /// True if something is missing: see Finding::missing.
  [[nodiscard]] bool any_missing() const;
  /// True if some pack, block or chunk is marked: then paths are worth looking for.
  [[nodiscard]] bool any_marked() const;
  /// The finding that makes a chunk unreadable, by its id or its place; nullopt if there is none.
  [[nodiscard]] std::optional<std::size_t> blame(
      const ChunkId& chunk, const std::optional<store::ChunkLocation>& location) const;

  /// Appends the findings and marks of another check. What is already marked here keeps its
  /// finding.
  void append(const Findings& other);

  [[nodiscard]] std::vector<Finding> take();

 private:
  mutable std::mutex mutex_;
  std::vector<Finding> findings_;
  std::unordered_map<store::PackNumber, std::size_t> packs_;
  std::unordered_map<BlockKey, std::size_t, BlockKeyHash> blocks_;
  std::unordered_map<ChunkId, std::size_t> chunks_;
};

}  // namespace cairn::repo::ops
