#include "store/catalogue/lmdb_env.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <gsl/assert>

#include "cairn/core/descriptor.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

constexpr mdb_mode_t kEnvironmentMode = 0600;
constexpr unsigned kReaderSlots = 512;
/// A process may not be allowed a terabyte of address space (ulimit -v): then ask for less, down to
/// this.
constexpr std::uint64_t kMapBytesMin = std::uint64_t{1} << 26;
constexpr int kAttemptsMax = 16;

struct AssertionFailed {};

/// LMDB ends the process after this returns, so an exception leaves its frames instead. All that it
/// holds then is the transaction, which is aborted, and the environment is discarded.
void on_assertion(MDB_env* /*env*/, const char* /*text*/) { throw AssertionFailed(); }

template <class Call>
int guarded(const Call& call) {
  try {
    return call();
  } catch (const AssertionFailed&) {
    return MDB_CORRUPTED;
  }
}

MDB_val to_val(core::ByteView bytes) {
  // LMDB's type is not const, but keys and values are only read.
  return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

core::ByteView to_view(const MDB_val& value) {
  return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}

}  // namespace

core::Error LmdbEnv::error(int code, std::string_view action) const {
  const std::string what = fmt::format("catalogue {}: {}", folder_, action);
  // Inside a transaction these result from impossible lengths and places: damage, which only
  // starting empty repairs.
  const bool impossible = code == ENOMEM || code == EINVAL || code == EFBIG;
  if (code > 0 && !impossible) {
    return core::errno_error(code, what);
  }
  switch (code) {
    case MDB_MAP_FULL:
      map_full_ = true;
      return {ErrorCode::no_space, what + ": the map is full"};
    case MDB_READERS_FULL:
      return {ErrorCode::busy, what + ": too many processes read it", "try again later"};
    case MDB_TXN_FULL:
    case MDB_DBS_FULL:
      return {ErrorCode::internal, what + ": " + mdb_strerror(code)};
    default:
      return {ErrorCode::corrupt, what + ": " + mdb_strerror(code),
              "the catalogue is only a cache: remove its folder, it will be made again"};
  }
}

// --- environment ---

core::Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const LmdbOptions& options) {
  std::unique_ptr<LmdbEnv> env(new LmdbEnv(options.folder));
  CAIRN_TRY_STATUS(env->open_map(options));
  CAIRN_TRY_STATUS(env->open_tables(options));
  env->release_dead_readers();
  return env;
}

Status LmdbEnv::open_map(const LmdbOptions& options) {
  // No MDB_WRITEMAP: a stray pointer of ours must not reach the file. No read-ahead: lookups are
  // random. No sync: the owner keeps a mark that says whether the file can be trusted.
  const unsigned flags =
      MDB_NOTLS | MDB_NORDAHEAD | (options.read_only ? MDB_RDONLY | MDB_NOLOCK : MDB_NOSYNC);
  for (std::uint64_t map_bytes = options.map_bytes;; map_bytes /= 4) {
    if (const int code = mdb_env_create(&env_); code != 0) {
      env_ = nullptr;
      return core::fail(error(code, "open"));
    }
    mdb_env_set_assert(env_, on_assertion);
    mdb_env_set_maxdbs(env_, static_cast<MDB_dbi>(options.tables.size()));
    mdb_env_set_maxreaders(env_, kReaderSlots);
    int code = mdb_env_set_mapsize(env_, map_bytes);
    if (code == 0) {
      code = guarded(
          [&] { return mdb_env_open(env_, options.folder.c_str(), flags, kEnvironmentMode); });
    }
    if (code == 0) {
      watch_residency();
      return {};
    }
    mdb_env_close(env_);
    env_ = nullptr;
    if (code == ENOMEM && map_bytes / 4 >= kMapBytesMin) {
      continue;
    }
    return core::fail(code > 0 ? core::errno_error(code, "open catalogue " + folder_)
                               : error(code, "open"));
  }
}

Status LmdbEnv::open_tables(const LmdbOptions& options) {
  MDB_txn* txn = nullptr;
  int code = guarded([&] {
    return mdb_txn_begin(env_, nullptr, options.create ? 0U : unsigned{MDB_RDONLY}, &txn);
  });
  for (const LmdbTable& table : options.tables) {
    if (code != 0) {
      break;
    }
    const unsigned flags = (options.create ? unsigned{MDB_CREATE} : 0U) |
                           (table.integer_keys ? unsigned{MDB_INTEGERKEY} : 0U);
    MDB_dbi handle = 0;
    code = guarded([&] { return mdb_dbi_open(txn, table.name.c_str(), flags, &handle); });
    unsigned found = 0;
    if (code == 0 && mdb_dbi_flags(txn, handle, &found) == 0 &&
        found != (flags & ~unsigned{MDB_CREATE})) {
      code = MDB_INCOMPATIBLE;  // duplicate keys or another order: not written by us
    }
    tables_.push_back(handle);
  }
  if (code == 0) {
    // Handles opened in a transaction become the environment's when it commits.
    code = guarded([&] { return mdb_txn_commit(txn); });
  } else if (txn != nullptr) {
    mdb_txn_abort(txn);
  }
  if (code != 0) {
    return core::fail(error(code, "open its tables"));
  }
  return options.create ? ensure_file_length() : Status();
}

LmdbEnv::~LmdbEnv() {
  if (env_ != nullptr) {
    mdb_env_close(env_);
  }
}

Status LmdbEnv::sync() {
  constexpr int kForce = 1;
  const int code = mdb_env_sync(env_, kForce);
  return code == 0 ? Status() : Status(core::fail(error(code, "sync")));
}

void LmdbEnv::release_dead_readers() {
  int dead = 0;
  // Best effort: on failure some pages only stay unusable.
  static_cast<void>(mdb_reader_check(env_, &dead));
}

core::Result<LmdbFileIdentity> LmdbEnv::file_identity() const {
  mdb_filehandle_t descriptor = -1;
  struct stat info {};
  if (mdb_env_get_fd(env_, &descriptor) != 0 || ::fstat(descriptor, &info) != 0) {
    return core::fail(core::errno_error(errno, "catalogue " + folder_ + ": stat data.mdb"));
  }
  return LmdbFileIdentity{.device = info.st_dev,
                          .inode = info.st_ino,
                          .size_bytes = static_cast<std::uint64_t>(info.st_size)};
}

/// LMDB does not write pages at the end that a transaction took and gave back, so a sound file may
/// be shorter than its meta page says. Extending it makes the length a test for truncation.
Status LmdbEnv::ensure_file_length() {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_filehandle_t descriptor = -1;
  if (mdb_env_info(env_, &info) != 0 || mdb_env_stat(env_, &stat) != 0 ||
      mdb_env_get_fd(env_, &descriptor) != 0) {
    return core::fail(error(MDB_PANIC, "read its size"));
  }
  CAIRN_TRY(const LmdbFileIdentity file, file_identity());
  const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
  if (file.size_bytes < needed && ::ftruncate(descriptor, static_cast<off_t>(needed)) != 0) {
    return core::fail(error(errno, "extend data.mdb"));
  }
  residency_.file_has(std::max(file.size_bytes, needed));
  return {};
}

void LmdbEnv::watch_residency() {
  if (const auto file = file_identity()) {
    residency_.attach(file->inode);
    residency_.file_has(file->size_bytes);
  }
}

Status LmdbEnv::grow_map() {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return set_map_size(info.me_mapsize * 2);
}

Status LmdbEnv::set_map_size(std::uint64_t map_bytes) {
  map_gate_.close();
  const int code = mdb_env_set_mapsize(env_, map_bytes);
  watch_residency();
  map_gate_.open();
  return code == 0 ? Status() : Status(core::fail(error(code, "enlarge its map")));
}

void LmdbMapGate::enter() noexcept {
  int inside = inside_.load(std::memory_order_relaxed);
  for (;;) {
    if (inside < 0) {
      inside_.wait(inside, std::memory_order_relaxed);
      inside = inside_.load(std::memory_order_relaxed);
    } else if (inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
      return;
    }
  }
}

void LmdbMapGate::leave() noexcept {
  if (inside_.fetch_sub(1, std::memory_order_release) == 1) {
    inside_.notify_all();
  }
}

void LmdbMapGate::close() noexcept {
  for (;;) {
    int inside = 0;
    if (inside_.compare_exchange_strong(inside, -1, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return;
    }
    inside_.wait(inside, std::memory_order_relaxed);
  }
}

void LmdbMapGate::open() noexcept {
  inside_.store(0, std::memory_order_release);
  inside_.notify_all();
}

// --- transactions ---

LmdbTxn::LmdbTxn(LmdbTxn&& other) noexcept
    : env_(other.env_), txn_(other.txn_), map_pass_(std::move(other.map_pass_)) {
  other.txn_ = nullptr;
}

core::Result<std::optional<core::ByteView>> LmdbTxn::get(LmdbTableIndex table,
                                                         core::ByteView key) const {
  CAIRN_TRY(const auto value, locate(table, key));
  if (value) {
    env_->residency_.touched(*value);
  }
  return value;
}

core::Result<bool> LmdbTxn::read(LmdbTableIndex table, core::ByteView key,
                                 core::MutableByteView out) const {
  CAIRN_TRY(const auto value, locate(table, key));
  if (!value || value->size() != out.size()) {
    return false;
  }
  CAIRN_TRY(const core::ByteView bytes, read(*value, out));
  if (bytes.data() != out.data()) {
    std::ranges::copy(bytes, out.begin());
  }
  return true;
}

core::Result<core::ByteView> LmdbTxn::read(core::ByteView value, core::MutableByteView out) const {
  Expects(value.size() <= out.size());
  const auto offset = env_->residency_.file_offset(value);
  if (!offset) {
    return value;
  }
  mdb_filehandle_t file = -1;
  mdb_env_get_fd(env_->env_, &file);
  const auto into = out.first(value.size());
  const ssize_t got = core::uninterrupted(
      [&] { return ::pread(file, into.data(), into.size(), static_cast<off_t>(*offset)); });
  if (got < 0) {
    return core::fail(env_->error(errno, "read"));
  }
  if (static_cast<std::size_t>(got) != into.size()) {
    return core::fail(env_->error(MDB_CORRUPTED, "read behind the end of its file"));
  }
  return core::ByteView(into);
}

core::Result<std::optional<core::ByteView>> LmdbTxn::locate(LmdbTableIndex table,
                                                            core::ByteView key) const {
  MDB_val name = to_val(key);
  MDB_val value{};
  const int code = guarded([&] { return mdb_get(txn_, env_->tables_[table], &name, &value); });
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  if (code != 0) {
    return core::fail(env_->error(code, "read"));
  }
  return to_view(value);
}

core::Result<std::uint64_t> LmdbTxn::entries(LmdbTableIndex table) const {
  MDB_stat stat{};
  const int code = guarded([&] { return mdb_stat(txn_, env_->tables_[table], &stat); });
  if (code != 0) {
    return core::fail(env_->error(code, "read its statistics"));
  }
  return std::uint64_t{stat.ms_entries};
}

core::Result<LmdbReadTxn> LmdbReadTxn::begin(LmdbEnv& env) {
  LmdbReadTxn txn(env);
  CAIRN_TRY_STATUS(txn.renew());
  return txn;
}

LmdbReadTxn::~LmdbReadTxn() {
  if (txn_ != nullptr) {
    mdb_txn_abort(txn_);
  }
}

void LmdbReadTxn::reset() noexcept {
  mdb_txn_reset(txn_);
  map_pass_.leave();
}

Status LmdbReadTxn::renew() {
  for (int attempt = 0;; ++attempt) {
    map_pass_ = LmdbMapPass(env_->map_gate_);
    const int code = guarded([&] {
      return txn_ == nullptr ? mdb_txn_begin(env_->env_, nullptr, MDB_RDONLY, &txn_)
                             : mdb_txn_renew(txn_);
    });
    if (code == 0) {
      return {};
    }
    map_pass_.leave();
    if (attempt < kAttemptsMax && code == MDB_MAP_RESIZED) {
      CAIRN_TRY_STATUS(env_->set_map_size(0));
    } else if (attempt == 0 && code == MDB_READERS_FULL) {
      env_->release_dead_readers();
    } else {
      return core::fail(env_->error(code, "begin to read"));
    }
  }
}

// LMDB 0.9 reads the number first and the roots a moment later, from the one of two meta pages that
// belongs to the number. If two commits finish in between, these are the roots of number + 2: a
// sound snapshot, which the reader's slot protects, but under the wrong number. As long as `number`
// is the newest one afterwards, the second of those commits has not even begun.
std::optional<std::uint64_t> LmdbReadTxn::snapshot() const noexcept {
  const std::uint64_t number = mdb_txn_id(txn_);
  MDB_envinfo info{};
  const bool is_newest = mdb_env_info(env_->env_, &info) == 0 && info.me_last_txnid == number;
  return is_newest ? std::optional(number) : std::nullopt;
}

core::Result<LmdbWriteTxn> LmdbWriteTxn::begin(LmdbEnv& env) {
  LmdbWriteTxn txn(env);
  for (int attempt = 0;; ++attempt) {
    txn.map_pass_ = LmdbMapPass(env.map_gate_);
    const int code = guarded([&] { return mdb_txn_begin(env.env_, nullptr, 0, &txn.txn_); });
    if (code == 0) {
      return txn;
    }
    txn.txn_ = nullptr;
    txn.map_pass_.leave();
    if (code != MDB_MAP_RESIZED || attempt == kAttemptsMax) {
      return core::fail(env.error(code, "begin to write"));
    }
    CAIRN_TRY_STATUS(env.set_map_size(0));
  }
}

LmdbWriteTxn::~LmdbWriteTxn() {
  if (txn_ != nullptr) {
    mdb_txn_abort(txn_);
  }
}

Status LmdbWriteTxn::put_with(LmdbTableIndex table, core::ByteView key, core::ByteView value,
                              unsigned flags) {
  MDB_val name = to_val(key);
  MDB_val data = to_val(value);
  const int code =
      guarded([&] { return mdb_put(txn_, env_->tables_[table], &name, &data, flags); });
  return code == 0 ? Status() : Status(core::fail(env_->error(code, "write")));
}

Status LmdbWriteTxn::put(LmdbTableIndex table, core::ByteView key, core::ByteView value) {
  return put_with(table, key, value, 0);
}

Status LmdbWriteTxn::append(LmdbTableIndex table, core::ByteView key, core::ByteView value) {
  return put_with(table, key, value, MDB_APPEND);
}

core::Result<bool> LmdbWriteTxn::remove(LmdbTableIndex table, core::ByteView key) {
  MDB_val name = to_val(key);
  const int code = guarded([&] { return mdb_del(txn_, env_->tables_[table], &name, nullptr); });
  if (code != 0 && code != MDB_NOTFOUND) {
    return core::fail(env_->error(code, "remove"));
  }
  return code == 0;
}

Status LmdbWriteTxn::commit() && {
  Expects(txn_ != nullptr);
  bool asserted = false;
  int code = 0;
  try {
    code = mdb_txn_commit(txn_);
  } catch (const AssertionFailed&) {
    asserted = true;
  }
  if (asserted) {
    // A commit that returned has ended the transaction; one that threw has not.
    mdb_txn_abort(txn_);
    code = MDB_CORRUPTED;
  }
  txn_ = nullptr;
  Status status =
      code == 0 ? env_->ensure_file_length() : Status(core::fail(env_->error(code, "commit")));
  env_->residency_.let_go();  // the places where it wrote are not counted
  map_pass_.leave();
  return status;
}

// --- cursors ---

core::Result<LmdbCursor> LmdbCursor::open(const LmdbTxn& txn, LmdbTableIndex table) {
  MDB_cursor* cursor = nullptr;
  const int code =
      guarded([&] { return mdb_cursor_open(txn.txn_, txn.env_->tables_[table], &cursor); });
  if (code != 0) {
    return core::fail(txn.env_->error(code, "open a cursor"));
  }
  return LmdbCursor(*txn.env_, cursor);
}

LmdbCursor::LmdbCursor(LmdbCursor&& other) noexcept : env_(other.env_), cursor_(other.cursor_) {
  other.cursor_ = nullptr;
}

LmdbCursor::~LmdbCursor() {
  if (cursor_ != nullptr) {
    mdb_cursor_close(cursor_);
  }
}

Status LmdbCursor::renew(const LmdbReadTxn& txn) {
  const int code = guarded([&] { return mdb_cursor_renew(txn.txn_, cursor_); });
  return code == 0 ? Status() : Status(core::fail(env_->error(code, "renew a cursor")));
}

core::Result<std::optional<LmdbItem>> LmdbCursor::move(core::ByteView key, int operation) {
  MDB_val name = to_val(key);
  MDB_val value{};
  const int code = guarded([&] {
    return mdb_cursor_get(cursor_, &name, &value, static_cast<MDB_cursor_op>(operation));
  });
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  if (code != 0) {
    return core::fail(env_->error(code, "read"));
  }
  env_->residency_.touched(to_view(name));
  return LmdbItem{.key = to_view(name), .value = to_view(value)};
}

core::Result<std::optional<LmdbItem>> LmdbCursor::move_and_look(core::ByteView key, int operation) {
  CAIRN_TRY(const auto item, move(key, operation));
  if (item) {
    env_->residency_.touched(item->value);
  }
  return item;
}

core::Result<std::optional<LmdbItem>> LmdbCursor::first() { return move_and_look({}, MDB_FIRST); }
core::Result<std::optional<LmdbItem>> LmdbCursor::seek(core::ByteView key) {
  return move_and_look(key, MDB_SET_RANGE);
}
core::Result<std::optional<LmdbItem>> LmdbCursor::next() { return move_and_look({}, MDB_NEXT); }
core::Result<std::optional<LmdbItem>> LmdbCursor::seek_unread(core::ByteView key) {
  return move(key, MDB_SET_RANGE);
}
core::Result<std::optional<LmdbItem>> LmdbCursor::next_unread() { return move({}, MDB_NEXT); }

Status LmdbCursor::remove() {
  const int code = guarded([&] { return mdb_cursor_del(cursor_, 0); });
  return code == 0 ? Status() : Status(core::fail(env_->error(code, "remove")));
}

}  // namespace cairn::repo::store
