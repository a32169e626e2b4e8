#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"
#include "cairn/repo/entry.h"
#include "cairn/repo/observer.h"
#include "cairn/repo/repository.h"
#include "cairn/repo/snapshot.h"

/// A snapshot that stays open, so that many threads can read any part of it: for programs that show
/// it as a file system.
///
/// Everything that is read has been authenticated and re-hashed. Nothing here may outlive the
/// Repository. While a thread is inside one of these calls, no verb may work on the same Repository
/// and no other snapshot may be opened with it; a second Repository can be opened for that.
///
/// Memory: the repository caches Environment::block_cache_bytes_max of expanded blocks for all
/// readers together. Each thread inside a call has one more block, stored and expanded (16 MiB each
/// at most), and the nodes on the way to what it reads.
///
/// Errors of reading: not_found (something that the snapshot refers to is gone: it is lost, or the
/// snapshot was forgotten and pruned meanwhile), corrupt, io. Each names the object. Chunks that a
/// prune has only moved are found.
namespace cairn::repo {

struct ListedEntry {
  std::string path;         ///< absolute raw bytes
  Entry entry;              ///< its name is the last component of the path
  bool is_recorded = true;  ///< false: a folder above sources, of which only the name is known
};

class FileReader;
class FolderListing;

/// Immutable, thread-safe. Cheap to copy.
class OpenedSnapshot {
 public:
  /// Brings the catalogue up to date, which lists the repository's objects. Errors: not_permitted
  /// (the key's role), those of the catalogue.
  [[nodiscard]] static core::Result<OpenedSnapshot> open(Repository& repository, Snapshot snapshot,
                                                         Observer& observer);

  [[nodiscard]] const Snapshot& snapshot() const noexcept;
  /// The object at an absolute path. Errors: invalid_argument (the path is not absolute), not_found
  /// (names the nearest thing that exists), those of reading.
  [[nodiscard]] core::Result<ListedEntry> lookup(std::string_view path) const;
  /// The children of a folder from the first on whose name is not less than `from`. Of a folder
  /// above sources only those on the way to sources are known. Reads nothing yet. Errors:
  /// invalid_argument (not a folder).
  [[nodiscard]] core::Result<FolderListing> list(const ListedEntry& folder,
                                                 std::string from = {}) const;
  /// Reads nothing yet. Errors: not_permitted (the key's role), invalid_argument (not a file).
  [[nodiscard]] core::Result<FileReader> open_file(const ListedEntry& file) const;

 private:
  friend class FileReader;
  struct Parts;
  explicit OpenedSnapshot(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

/// The children of one folder in name order. Not thread-safe, but each thread may have its own.
/// Memory: one leaf of the folder, and the inner nodes above it.
class FolderListing {
 public:
  FolderListing(FolderListing&&) noexcept;
  FolderListing& operator=(FolderListing&&) noexcept;
  ~FolderListing();

  /// nullopt at the end. Errors: those of reading.
  [[nodiscard]] core::Result<std::optional<ListedEntry>> next();

 private:
  friend class OpenedSnapshot;
  struct Parts;
  explicit FolderListing(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// The bytes of one file. Immutable, thread-safe.
class FileReader {
 public:
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return content_.size_bytes; }
  /// Fills `out` with the bytes from `offset` on, and returns how many there are: fewer than were
  /// asked for only at the end of the file. Holes are read as zeros. Of a long file's list of
  /// chunks only the nodes on the way to `offset` are read, one for each level. After an error the
  /// content of `out` is undefined. Errors: those of reading.
  [[nodiscard]] core::Result<std::size_t> read_at(std::uint64_t offset,
                                                  core::MutableByteView out) const;

 private:
  friend class OpenedSnapshot;
  FileReader(OpenedSnapshot snapshot, const ListedEntry& file)
      : snapshot_(std::move(snapshot)), content_(file.entry.content), path_(file.path) {}

  OpenedSnapshot snapshot_;
  Content content_;
  std::string path_;
};

}  // namespace cairn::repo
