#include "store/catalogue/lmdb_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "cairn/core/codec.h"
#include "cairn/core/thread.h"
#include "store/catalogue/catalogue_changes.h"
#include "store/catalogue/catalogue_folder.h"
#include "store/catalogue/catalogue_readers.h"
#include "store/catalogue/run_filter.h"
#include "store/catalogue/run_merge.h"
#include "store/catalogue/watched_catalogue.h"

namespace cairn::repo::store {
namespace {

using core::ErrorCode;
using core::Status;

constexpr std::string_view kIdentityKey = "identity";
constexpr std::size_t kNoteBytesMax = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kPacksPerVisit = 1024;
constexpr int kGrowthsMax = 48;  ///< doublings: more than the address space allows

core::Bytes encode_identity(const RepositoryId& repository) {
  core::Encoder out;
  out.u32(kCatalogueVersion);
  out.raw(repository.view());
  return std::move(out).take();
}

/// Errors after which open() starts empty. Any other (no permission, no space, no address space)
/// would only happen again.
bool is_unusable(const core::Error& error) {
  return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_found ||
         error.code() == ErrorCode::limit_exceeded ||
         error.code() == ErrorCode::unsupported_version;
}

Status check_note_name(std::string_view name) {
  if (name.empty() || name.size() > kNoteNameBytesMax) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("catalogue note: a name of {} bytes", name.size()));
  }
  return {};
}

class LmdbCatalogue final : public Catalogue {
 public:
  LmdbCatalogue(CatalogueOptions options, CatalogueTuning tuning,
                std::unique_ptr<CatalogueFolder> folder)
      : options_(std::move(options)),
        tuning_(std::move(tuning)),
        boot_(current_boot_id()),
        folder_(std::move(folder)) {}
  ~LmdbCatalogue() override { close(); }
  LmdbCatalogue(const LmdbCatalogue&) = delete;
  LmdbCatalogue& operator=(const LmdbCatalogue&) = delete;

  Status open_or_start();

  [[nodiscard]] bool started_empty() const override { return started_empty_; }
  [[nodiscard]] bool is_read_only() const override { return options_.read_only; }
  [[nodiscard]] std::string discarded_because() const override { return discarded_because_; }

  [[nodiscard]] core::Result<std::vector<IndexSegmentId>> segments() const override;
  Status ingest(const IndexSegmentId& id, const format::IndexSegment& segment) override;
  Status retain(std::span<const IndexSegmentId> listed) override;

  using Catalogue::find;
  using Catalogue::find_all;
  [[nodiscard]] core::Result<std::optional<ChunkLocation>> find(
      const ChunkId& id, const PackFilter& usable) const override;
  [[nodiscard]] core::Result<std::vector<std::optional<ChunkLocation>>> find_all(
      std::span<const ChunkId> ids, const PackFilter& usable) const override;
  [[nodiscard]] core::Result<PackSummary> pack(PackNumber number) const override;
  [[nodiscard]] core::Result<std::optional<PackNumber>> find_pack(const PackId& id) const override;
  [[nodiscard]] core::Result<PackNumber> next_pack() const override;
  Status for_each_pack(const std::function<Status(PackNumber, const PackId&, std::uint64_t,
                                                  format::BlockKind)>& visit) const override;

  [[nodiscard]] core::Result<std::unordered_map<PackNumber, std::uint64_t>> chunks_by_pack()
      const override;

  [[nodiscard]] core::Result<std::optional<core::Bytes>> stat_record(
      core::ByteView key) const override;
  Status change_stat_records(std::span<const StatChange> changes) override;
  [[nodiscard]] core::Result<std::uint64_t> dead_packs() const override;

  Status put_note(std::string_view name, core::ByteView value) override;
  Status remove_note(std::string_view name) override;
  [[nodiscard]] core::Result<std::optional<core::Bytes>> note(std::string_view name) const override;
  [[nodiscard]] core::Result<std::vector<std::pair<std::string, core::Bytes>>> notes(
      std::string_view prefix) const override;

  [[nodiscard]] core::Result<CatalogueStatistics> statistics() const override;

 private:
  struct ListedPack {
    PackNumber number{};
    PackBrief brief;
  };

  Status open_existing();
  Status start_empty();
  Status open_env(bool create);
  void close() noexcept;
  Status mark_dirty();
  Status mark_clean();
  Status remove_all_doomed();
  [[nodiscard]] core::Result<std::vector<ListedPack>> packs_from(std::uint32_t first) const;

  /// Runs `body` with a transaction, under the locks, after cleaning up after a crash; repeats it
  /// with a larger map if the map was full.
  template <class Body>
  Status change(const Body& body);
  template <class Body>
  Status change_once(const Body& body);

  const CatalogueOptions options_;
  const CatalogueTuning tuning_;
  const std::string boot_;
  std::unique_ptr<CatalogueFolder> folder_;
  std::optional<FolderLock> no_writers_;  ///< read-only: as long as it is open
  std::unique_ptr<LmdbEnv> env_;
  LmdbFileIdentity file_;
  /// Made after env_, and destroyed before it.
  std::unique_ptr<CatalogueReaders> readers_;
  std::mutex write_mutex_;
  bool started_empty_ = false;
  std::string discarded_because_;
  bool unclean_ = false;  ///< closing has something to sync
};

// --- opening and closing ---

Status LmdbCatalogue::open_or_start() {
  if (options_.read_only) {
    CAIRN_TRY(FolderLock no_writers, folder_->try_share_writing());
    no_writers_.emplace(std::move(no_writers));
    CAIRN_TRY(const FolderLock files, folder_->share_files());
    return open_existing();
  }
  {
    CAIRN_TRY(const FolderLock files, folder_->share_files());
    Status status = open_existing();
    if (status || !is_unusable(status.error())) {
      return status;
    }
  }
  // Now nobody else uses the files or is in the middle of a commit; another process may have been
  // here in between.
  CAIRN_TRY(const FolderLock writing, folder_->own_writing());
  CAIRN_TRY(const FolderLock files, folder_->own_files());
  Status status = open_existing();
  if (status || !is_unusable(status.error())) {
    return status;
  }
  if (status.error().code() != ErrorCode::not_found) {
    discarded_because_ = status.error().message();
  }
  return start_empty();
}

Status LmdbCatalogue::open_env(bool create) {
  readers_.reset();
  env_.reset();  // never two of them at a time
  CAIRN_TRY(env_, LmdbEnv::open({.folder = options_.folder,
                                 .map_bytes = options_.map_bytes,
                                 .tables = catalogue_tables(),
                                 .create = create,
                                 .read_only = options_.read_only}));
  CAIRN_TRY(file_, env_->file_identity());
  readers_ = std::make_unique<CatalogueReaders>(*env_);
  return {};
}

Status LmdbCatalogue::open_existing() {
  const std::optional<CatalogueMark> mark = folder_->read_mark();
  if (!mark || mark->repository != options_.repository) {
    return core::fail(ErrorCode::not_found, "catalogue: none of this repository and version");
  }
  if (!mark->clean && (mark->boot != boot_ || boot_ == std::string(kBootIdBytes, '\0'))) {
    return core::fail(ErrorCode::corrupt, "catalogue: the machine stopped before it was synced");
  }
  CAIRN_TRY_STATUS(check_lmdb_file(options_.folder));
  CAIRN_TRY_STATUS(open_env(false));
  // The lease also reads and checks the ledger.
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(const auto identity, reader->txn.get(about_table, core::as_view(kIdentityKey)));
  if (!identity || !core::equal(*identity, encode_identity(options_.repository))) {
    return core::fail(ErrorCode::corrupt, "catalogue: its contents are of another one");
  }
  unclean_ = !mark->clean;
  return {};
}

Status LmdbCatalogue::start_empty() {
  readers_.reset();
  env_.reset();
  // The mark first: an old "clean" must not vouch for what is written from now on.
  CAIRN_TRY_STATUS(
      folder_->write_mark({.repository = options_.repository, .clean = false, .boot = boot_}));
  unclean_ = true;
  CAIRN_TRY_STATUS(folder_->remove_environment());
  CAIRN_TRY_STATUS(open_env(true));
  CAIRN_TRY(LmdbWriteTxn txn, LmdbWriteTxn::begin(*env_));
  CAIRN_TRY_STATUS(
      txn.put(about_table, core::as_view(kIdentityKey), encode_identity(options_.repository)));
  CAIRN_TRY_STATUS(write_ledger(txn, Ledger()));
  CAIRN_TRY_STATUS(std::move(txn).commit());
  started_empty_ = true;
  return {};
}

void LmdbCatalogue::close() noexcept {
  if (env_ && unclean_ && !options_.read_only) {
    // Best effort: an environment that stays marked dirty is as good until the next power cut.
    static_cast<void>(core::guarded("closing the catalogue", [this] { return mark_clean(); }));
  }
}

/// To be called before anything is written. Durable; otherwise a power cut could leave a changed
/// file marked clean.
Status LmdbCatalogue::mark_dirty() {
  CAIRN_TRY(const FolderLock files, folder_->share_files());
  unclean_ = true;
  if (!folder_->names_file(file_.device, file_.inode)) {
    return {};  // replaced by another process: the mark is not about our file
  }
  const std::optional<CatalogueMark> mark = folder_->read_mark();
  if (mark && !mark->clean && mark->boot == boot_) {
    return {};
  }
  return folder_->write_mark({.repository = options_.repository, .clean = false, .boot = boot_});
}

Status LmdbCatalogue::mark_clean() {
  CAIRN_TRY(const auto writing, folder_->try_own_writing());
  if (!writing) {
    return {};  // it will sync what we wrote together with its own
  }
  CAIRN_TRY(const FolderLock files, folder_->share_files());
  if (!folder_->names_file(file_.device, file_.inode)) {
    return {};
  }
  CAIRN_TRY_STATUS(env_->sync());
  return folder_->write_mark({.repository = options_.repository, .clean = true, .boot = boot_});
}

// --- changes ---

template <class Body>
Status LmdbCatalogue::change(const Body& body) {
  if (options_.read_only) {
    return core::fail(ErrorCode::permission_denied,
                      fmt::format("the catalogue {} cannot be written", options_.folder));
  }
  const std::lock_guard lock(write_mutex_);
  CAIRN_TRY(const FolderLock writing, folder_->own_writing());
  CAIRN_TRY_STATUS(mark_dirty());
  for (int growths = 0;; ++growths) {
    static_cast<void>(env_->take_map_full());
    Status status = change_once(body);
    if (status || !env_->take_map_full() || growths == kGrowthsMax) {
      return status;
    }
    CAIRN_TRY_STATUS(env_->grow_map());
  }
}

template <class Body>
Status LmdbCatalogue::change_once(const Body& body) {
  CAIRN_TRY_STATUS(remove_all_doomed());  // what a crash left
  {
    CAIRN_TRY(CatalogueWriteTxn txn, CatalogueWriteTxn::begin(*env_, tuning_));
    CAIRN_TRY_STATUS(body(txn));
  }
  return remove_all_doomed();  // what the change merged away
}

Status LmdbCatalogue::remove_all_doomed() {
  {
    CAIRN_TRY(const auto reader, readers_->lease());
    if (reader->ledger.doomed.empty()) {
      return {};
    }
  }
  CAIRN_TRY(CatalogueWriteTxn txn, CatalogueWriteTxn::begin(*env_, tuning_));
  for (;;) {
    CAIRN_TRY(const bool done, remove_doomed(txn, tuning_.removals_per_transaction));
    if (done) {
      return txn.finish();
    }
    CAIRN_TRY_STATUS(txn.commit_portion());
  }
}

Status LmdbCatalogue::ingest(const IndexSegmentId& id, const format::IndexSegment& segment) {
  return change([&](CatalogueWriteTxn& txn) { return ingest_segment(txn, id, segment); });
}

Status LmdbCatalogue::retain(std::span<const IndexSegmentId> listed) {
  return change([&](CatalogueWriteTxn& txn) { return retain_segments(txn, listed); });
}

Status LmdbCatalogue::change_stat_records(std::span<const StatChange> changes) {
  return change([&](CatalogueWriteTxn& txn) -> Status {
    for (const StatChange& item : changes) {
      if (item.value) {
        CAIRN_TRY_STATUS(txn.lmdb().put(stat_table, item.key, *item.value));
      } else {
        CAIRN_TRY_STATUS(txn.lmdb().remove(stat_table, item.key));
      }
    }
    return txn.finish();
  });
}

Status LmdbCatalogue::put_note(std::string_view name, core::ByteView value) {
  CAIRN_TRY_STATUS(check_note_name(name));
  if (value.size() > kNoteBytesMax) {
    return core::fail(ErrorCode::limit_exceeded,
                      fmt::format("catalogue note {}: {} bytes", name, value.size()));
  }
  return change([&](CatalogueWriteTxn& txn) -> Status {
    CAIRN_TRY_STATUS(txn.lmdb().put(note_table, core::as_view(name), value));
    return txn.finish();
  });
}

Status LmdbCatalogue::remove_note(std::string_view name) {
  CAIRN_TRY_STATUS(check_note_name(name));
  return change([&](CatalogueWriteTxn& txn) -> Status {
    CAIRN_TRY_STATUS(txn.lmdb().remove(note_table, core::as_view(name)));
    return txn.finish();
  });
}

// --- questions ---

core::Result<std::vector<IndexSegmentId>> LmdbCatalogue::segments() const {
  CAIRN_TRY(const auto reader, readers_->lease());
  std::vector<IndexSegmentId> ids;
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(reader->txn, segment_table));
  CAIRN_TRY(auto item, cursor.first());
  while (item) {
    if (item->key.size() != IndexSegmentId::kSize) {
      return core::fail(ErrorCode::corrupt, "catalogue: a segment's id has a wrong length");
    }
    ids.push_back(IndexSegmentId::from(item->key));
    CAIRN_TRY(item, cursor.next());
  }
  return ids;
}

core::Result<std::optional<ChunkLocation>> LmdbCatalogue::find(const ChunkId& id,
                                                               const PackFilter& usable) const {
  CAIRN_TRY(const auto reader, readers_->lease());
  LastLeaves last;
  return reader->find(id, usable, last);
}

core::Result<std::vector<std::optional<ChunkLocation>>> LmdbCatalogue::find_all(
    std::span<const ChunkId> ids, const PackFilter& usable) const {
  CAIRN_TRY(const auto reader, readers_->lease());
  // In the order of ids, which is that of the runs, so that neighbours are read together. Eight
  // bytes distinguish nearly all ids, and only the order matters here.
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  order.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    order.emplace_back(id_prefix(ids[i].view().data()), i);
  }
  std::ranges::sort(order);
  std::vector<std::optional<ChunkLocation>> locations(ids.size());
  LastLeaves last;
  for (const auto& [prefix, i] : order) {
    CAIRN_TRY(locations[i], reader->find(ids[i], usable, last));
  }
  return locations;
}

core::Result<PackSummary> LmdbCatalogue::pack(PackNumber number) const {
  CAIRN_TRY(const auto reader, readers_->lease());
  const auto key = static_cast<std::uint32_t>(number);
  CAIRN_TRY(const auto value, reader->txn.get(pack_table, integer_key(key)));
  if (!value) {
    return core::fail(ErrorCode::not_found, fmt::format("catalogue: there is no pack {}", key));
  }
  return decode_pack_summary(number, *value);
}

core::Result<std::optional<PackNumber>> LmdbCatalogue::find_pack(const PackId& id) const {
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(const auto value, reader->txn.get(pack_id_table, id.view()));
  if (!value) {
    return std::nullopt;
  }
  CAIRN_TRY(const PackNumber number, decode_pack_number(*value));
  return number;
}

core::Result<PackNumber> LmdbCatalogue::next_pack() const {
  CAIRN_TRY(const auto reader, readers_->lease());
  return static_cast<PackNumber>(reader->ledger.next_pack);
}

core::Result<std::vector<LmdbCatalogue::ListedPack>> LmdbCatalogue::packs_from(
    std::uint32_t first) const {
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(reader->txn, pack_table));
  std::vector<ListedPack> packs;
  CAIRN_TRY(auto item, cursor.seek(integer_key(first)));
  while (item && packs.size() < kPacksPerVisit) {
    CAIRN_TRY(const PackNumber number, pack_number_from_key(item->key));
    CAIRN_TRY(const PackBrief brief, decode_pack_brief(item->value));
    packs.push_back({.number = number, .brief = brief});
    CAIRN_TRY(item, cursor.next());
  }
  return packs;
}

Status LmdbCatalogue::for_each_pack(
    const std::function<Status(PackNumber, const PackId&, std::uint64_t, format::BlockKind)>& visit)
    const {
  // In portions, each copied out of its transaction: `visit` may be slow or call us.
  for (std::uint32_t first = 0;;) {
    CAIRN_TRY(const std::vector<ListedPack> packs, packs_from(first));
    for (const ListedPack& pack : packs) {
      CAIRN_TRY_STATUS(visit(pack.number, pack.brief.id, pack.brief.size_bytes, pack.brief.kind));
    }
    if (packs.size() < kPacksPerVisit) {
      return {};
    }
    first = static_cast<std::uint32_t>(packs.back().number) + 1;
  }
}

core::Result<std::unordered_map<PackNumber, std::uint64_t>> LmdbCatalogue::chunks_by_pack() const {
  CAIRN_TRY(const auto reader, readers_->lease());
  std::unordered_map<PackNumber, std::uint64_t> counts;
  for (const RunInfo& run : reader->ledger.runs) {
    CAIRN_TRY(const auto entries, RunEntries::open(reader->txn, run));
    CAIRN_TRY(core::ByteView some, entries->next());
    while (!some.empty()) {
      for (; !some.empty(); some = some.subspan(kEntryBytes)) {
        counts[entry_pack(some.data())] += 1;
      }
      CAIRN_TRY(some, entries->next());
    }
  }
  return counts;
}

core::Result<std::optional<core::Bytes>> LmdbCatalogue::stat_record(core::ByteView key) const {
  if (key.empty() || key.size() > kStatKeyBytesMax) {
    return core::fail(ErrorCode::invalid_argument,
                      fmt::format("catalogue stat record: a key of {} bytes", key.size()));
  }
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(const auto value, reader->txn.get(stat_table, key));
  if (!value) {
    return std::nullopt;
  }
  return core::to_bytes(*value);
}

core::Result<std::uint64_t> LmdbCatalogue::dead_packs() const {
  CAIRN_TRY(const auto reader, readers_->lease());
  return reader->ledger.dead_packs;
}

core::Result<std::optional<core::Bytes>> LmdbCatalogue::note(std::string_view name) const {
  CAIRN_TRY_STATUS(check_note_name(name));
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(const auto value, reader->txn.get(note_table, core::as_view(name)));
  if (!value) {
    return std::nullopt;
  }
  return core::to_bytes(*value);
}

core::Result<std::vector<std::pair<std::string, core::Bytes>>> LmdbCatalogue::notes(
    std::string_view prefix) const {
  std::vector<std::pair<std::string, core::Bytes>> found;
  if (prefix.size() > kNoteNameBytesMax) {
    return found;
  }
  CAIRN_TRY(const auto reader, readers_->lease());
  CAIRN_TRY(LmdbCursor cursor, LmdbCursor::open(reader->txn, note_table));
  CAIRN_TRY(auto item, prefix.empty() ? cursor.first() : cursor.seek(core::as_view(prefix)));
  while (item) {
    std::string name = core::to_string(item->key);
    if (!name.starts_with(prefix)) {
      break;
    }
    found.emplace_back(std::move(name), core::to_bytes(item->value));
    CAIRN_TRY(item, cursor.next());
  }
  return found;
}

core::Result<CatalogueStatistics> LmdbCatalogue::statistics() const {
  CAIRN_TRY(const auto reader, readers_->lease());
  CatalogueStatistics statistics;
  CAIRN_TRY(statistics.segments, reader->txn.entries(segment_table));
  CAIRN_TRY(statistics.packs, reader->txn.entries(pack_table));
  statistics.chunks = reader->ledger.entries();
  statistics.levels = reader->ledger.runs.size();
  CAIRN_TRY(const LmdbFileIdentity file, env_->file_identity());
  statistics.disk_bytes = file.size_bytes;
  return statistics;
}

}  // namespace

core::Result<std::unique_ptr<Catalogue>> open_lmdb_catalogue(const CatalogueOptions& options,
                                                             const CatalogueTuning& tuning) {
  CAIRN_TRY(std::unique_ptr<CatalogueFolder> folder,
            CatalogueFolder::open(options.folder, options.read_only));
  auto catalogue = std::make_unique<LmdbCatalogue>(options, tuning, std::move(folder));
  CAIRN_TRY_STATUS(catalogue->open_or_start());
  return catalogue;
}

core::Result<std::unique_ptr<Catalogue>> Catalogue::open(const CatalogueOptions& options) {
  CAIRN_TRY(auto catalogue, open_lmdb_catalogue(options, CatalogueTuning()));
  return std::make_unique<WatchedCatalogue>(std::move(catalogue));
}

Status Catalogue::discard(const std::string& folder) {
  if (!catalogue_folder_exists(folder)) {
    return {};
  }
  CAIRN_TRY(const std::unique_ptr<CatalogueFolder> opened, CatalogueFolder::open(folder));
  CAIRN_TRY(const FolderLock files, opened->own_files());
  CAIRN_TRY_STATUS(opened->remove_mark());
  return opened->remove_environment();
}

}  // namespace cairn::repo::store
