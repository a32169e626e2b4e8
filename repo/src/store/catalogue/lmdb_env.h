#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "store/catalogue/map_residency.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

/// LMDB behind RAII: environment, read and write transactions, cursors. lmdb_env.cpp is the only
/// file that includes <lmdb.h>.
///
/// Views into the map (from get() and cursors) are valid until their transaction ends or, in a
/// write transaction, until its next change. They are for the catalogue's own code, which copies or
/// decodes inside the transaction; none leaves it.
///
/// The effects of damage. Before the environment is opened, check_lmdb_file() compares its meta
/// pages with the file: missing, empty, foreign, zeroed and truncated files never reach LMDB. Page
/// numbers beyond the end, wrong page types and LMDB's own assertions come back as `corrupt`. What
/// remains: LMDB trusts offsets inside its tree pages (0.7 % of the file). A damaged one can make
/// it read outside the page or the file or, if it changes such a page, write outside its copy of
/// it; mostly this ends in a signal. And nothing can be done if somebody truncates the file while
/// it is mapped. LMDB follows no structure in the pages that hold the values; their readers check
/// what they find.
namespace cairn::repo::store {

/// A named database in the environment.
struct LmdbTable {
  std::string name;
  bool integer_keys = false;  ///< keys are native uint32 or uint64, all of one size
};
/// Index into LmdbOptions::tables.
using LmdbTableIndex = std::size_t;

struct LmdbOptions {
  std::string folder;  ///< holds data.mdb and lock.mdb
  std::uint64_t map_bytes = 0;
  std::vector<LmdbTable> tables;
  bool create = false;  ///< make the files and tables if they are missing
  /// Without LMDB's own locks, which are files that it writes: nobody else may write meanwhile.
  bool read_only = false;
};

struct LmdbItem {
  core::ByteView key;
  core::ByteView value;
};

/// Which file an environment has open, even if the name now belongs to another file.
struct LmdbFileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
};

/// Checks the file <folder>/data.mdb without LMDB. not_found: missing or empty. corrupt: not an
/// LMDB file of this machine, or shorter than its newest state needs.
core::Status check_lmdb_file(const std::string& folder);

/// Keeps the map in place while transactions use it. Not a shared_mutex: a thread that reads (a
/// merge's input) also writes, so entering again must not wait for a thread that waits to close.
class LmdbMapGate {
 public:
  void enter() noexcept;
  void leave() noexcept;
  /// Waits until nobody is inside, and lets nobody in until open().
  void close() noexcept;
  void open() noexcept;

 private:
  std::atomic<int> inside_{0};  ///< -1: closed
};

/// Enters the gate and leaves it in the destructor.
class LmdbMapPass {
 public:
  LmdbMapPass() = default;
  explicit LmdbMapPass(LmdbMapGate& gate) : gate_(&gate) { gate_->enter(); }
  LmdbMapPass(LmdbMapPass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
  LmdbMapPass& operator=(LmdbMapPass&& other) noexcept {
    std::swap(gate_, other.gate_);
    return *this;
  }
  LmdbMapPass(const LmdbMapPass&) = delete;
  LmdbMapPass& operator=(const LmdbMapPass&) = delete;
  ~LmdbMapPass() { leave(); }

  void leave() noexcept {
    if (gate_ != nullptr) {
      std::exchange(gate_, nullptr)->leave();
    }
  }

 private:
  LmdbMapGate* gate_ = nullptr;
};

/// Open at most once per folder and process, and not across fork(). Thread-safe.
/// Errors of all calls: corrupt, io, no_space, permission_denied, busy (no free reader slot).
class LmdbEnv {
 public:
  [[nodiscard]] static core::Result<std::unique_ptr<LmdbEnv>> open(const LmdbOptions& options);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  /// Everything committed so far, by any process, survives a power cut once this returns.
  core::Status sync();
  /// Frees the pages that readers in killed processes hold back.
  void release_dead_readers();
  [[nodiscard]] core::Result<LmdbFileIdentity> file_identity() const;

  /// True once after a write failed because the map was full: call grow_map() and repeat it.
  [[nodiscard]] bool take_map_full() noexcept { return map_full_.exchange(false); }
  /// Waits for this process's read transactions; there must be no write transaction.
  core::Status grow_map();

 private:
  friend class LmdbTxn;
  friend class LmdbReadTxn;
  friend class LmdbWriteTxn;
  friend class LmdbCursor;

  explicit LmdbEnv(std::string folder) : folder_(std::move(folder)) {}
  core::Status open_map(const LmdbOptions& options);
  core::Status open_tables(const LmdbOptions& options);
  core::Status ensure_file_length();
  void watch_residency();
  /// 0 takes the size that another process has set.
  core::Status set_map_size(std::uint64_t map_bytes);
  [[nodiscard]] core::Error error(int code, std::string_view action) const;

  std::string folder_;
  MDB_env* env_ = nullptr;
  std::vector<unsigned> tables_;
  LmdbMapGate map_gate_;
  MapResidency residency_;
  mutable std::atomic<bool> map_full_{false};
};

/// What read and write transactions have in common.
class LmdbTxn {
 public:
  LmdbTxn(const LmdbTxn&) = delete;
  LmdbTxn& operator=(const LmdbTxn&) = delete;

  [[nodiscard]] core::Result<std::optional<core::ByteView>> get(LmdbTableIndex table,
                                                                core::ByteView key) const;
  /// Copies a value of exactly out.size() bytes without touching it in the map: for random access.
  /// False if it is missing or has another length.
  [[nodiscard]] core::Result<bool> read(LmdbTableIndex table, core::ByteView key,
                                        core::MutableByteView out) const;
  /// The same for a value that a cursor found. Returns a view of `out`, or the value itself if it
  /// is not in the map. Requires value.size() <= out.size().
  [[nodiscard]] core::Result<core::ByteView> read(core::ByteView value,
                                                  core::MutableByteView out) const;
  [[nodiscard]] core::Result<std::uint64_t> entries(LmdbTableIndex table) const;

 protected:
  friend class LmdbCursor;

  explicit LmdbTxn(LmdbEnv& env) : env_(&env) {}
  [[nodiscard]] core::Result<std::optional<core::ByteView>> locate(LmdbTableIndex table,
                                                                   core::ByteView key) const;
  LmdbTxn(LmdbTxn&& other) noexcept;
  LmdbTxn& operator=(LmdbTxn&&) = delete;
  ~LmdbTxn() = default;

  LmdbEnv* env_;
  MDB_txn* txn_ = nullptr;
  LmdbMapPass map_pass_;
};

/// A snapshot. May be used by one thread at a time, any thread. Cheap to renew().
class LmdbReadTxn final : public LmdbTxn {
 public:
  [[nodiscard]] static core::Result<LmdbReadTxn> begin(LmdbEnv& env);
  LmdbReadTxn(LmdbReadTxn&&) noexcept = default;
  ~LmdbReadTxn();

  /// Gives the snapshot up but keeps the reader slot; only renew() or destruction may follow.
  void reset() noexcept;
  /// The newest snapshot.
  core::Status renew();
  /// Equal numbers of one environment mean equal contents. nullopt: there was a commit since, and
  /// it is not known any more which snapshot this is.
  [[nodiscard]] std::optional<std::uint64_t> snapshot() const noexcept;

 private:
  using LmdbTxn::LmdbTxn;
};

/// The one write transaction of all processes; begin() waits for it. Bound to its thread. The
/// destructor aborts.
class LmdbWriteTxn final : public LmdbTxn {
 public:
  [[nodiscard]] static core::Result<LmdbWriteTxn> begin(LmdbEnv& env);
  LmdbWriteTxn(LmdbWriteTxn&&) noexcept = default;
  ~LmdbWriteTxn();

  core::Status put(LmdbTableIndex table, core::ByteView key, core::ByteView value);
  /// `key` must be greater than every key of the table; corrupt if it is not.
  core::Status append(LmdbTableIndex table, core::ByteView key, core::ByteView value);
  /// True if the key was there.
  core::Result<bool> remove(LmdbTableIndex table, core::ByteView key);
  /// Cursors of this transaction must be gone.
  core::Status commit() &&;

 private:
  using LmdbTxn::LmdbTxn;
  core::Status put_with(LmdbTableIndex table, core::ByteView key, core::ByteView value,
                        unsigned flags);
};

/// Must not outlive its transaction, except that a read cursor survives reset(): renew() it after
/// its transaction.
class LmdbCursor {
 public:
  [[nodiscard]] static core::Result<LmdbCursor> open(const LmdbTxn& txn, LmdbTableIndex table);
  LmdbCursor(LmdbCursor&& other) noexcept;
  LmdbCursor& operator=(LmdbCursor&&) = delete;
  LmdbCursor(const LmdbCursor&) = delete;
  LmdbCursor& operator=(const LmdbCursor&) = delete;
  ~LmdbCursor();

  core::Status renew(const LmdbReadTxn& txn);
  [[nodiscard]] core::Result<std::optional<LmdbItem>> first();
  /// The first item whose key is not less than `key`.
  [[nodiscard]] core::Result<std::optional<LmdbItem>> seek(core::ByteView key);
  [[nodiscard]] core::Result<std::optional<LmdbItem>> next();
  /// seek() and next() for a caller that reads only the key, and passes the value to
  /// LmdbTxn::read().
  [[nodiscard]] core::Result<std::optional<LmdbItem>> seek_unread(core::ByteView key);
  [[nodiscard]] core::Result<std::optional<LmdbItem>> next_unread();
  /// Removes the item that the cursor is on; next() then returns the one that follows.
  core::Status remove();

 private:
  LmdbCursor(LmdbEnv& env, MDB_cursor* cursor) : env_(&env), cursor_(cursor) {}
  [[nodiscard]] core::Result<std::optional<LmdbItem>> move(core::ByteView key, int operation);
  [[nodiscard]] core::Result<std::optional<LmdbItem>> move_and_look(core::ByteView key,
                                                                    int operation);

  LmdbEnv* env_;
  MDB_cursor* cursor_;
};

}  // namespace cairn::repo::store
