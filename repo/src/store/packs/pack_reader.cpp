#include "store/packs/pack_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <gsl/assert>
#include <utility>

namespace cairn::repo::store {
namespace {

using core::ErrorCode;

/// Contains the footer and the directory of nearly every pack: one read instead of three.
constexpr std::size_t kTailGuessBytes = 64 * 1024;

std::string pack_path(const PackId& id) {
  return object_path(object_name(format::ObjectKind::pack, id));
}

std::string block_action(const PackSummary& pack, std::uint32_t block) {
  return fmt::format("read block {} of {}", block, pack_path(pack.id));
}

/// The end of a pack; reads more of it when asked.
class PackTail {
 public:
  PackTail(Backend& backend, ObjectName name, std::uint64_t pack_bytes)
      : backend_(backend), name_(name), pack_bytes_(pack_bytes), start_(pack_bytes) {}

  /// The last `size` bytes of the pack. Valid until the next call.
  core::Result<core::ByteView> last(std::uint64_t size) {
    Expects(size <= pack_bytes_);
    const std::uint64_t wanted_start = pack_bytes_ - size;
    if (wanted_start < start_) {
      core::Bytes more;
      more.resize(static_cast<std::size_t>(size));
      const auto missing = static_cast<std::size_t>(start_ - wanted_start);
      CAIRN_TRY_STATUS(
          backend_.get_range(name_, wanted_start, core::MutableByteView(more).first(missing)));
      core::copy_exact(core::MutableByteView(more).subspan(missing), bytes_);
      bytes_ = std::move(more);
      start_ = wanted_start;
    }
    return core::ByteView(bytes_).last(static_cast<std::size_t>(size));
  }

 private:
  Backend& backend_;
  ObjectName name_;
  std::uint64_t pack_bytes_;
  std::uint64_t start_;  ///< of bytes_ in the pack
  core::Bytes bytes_;
};

core::Result<format::PackFooter> read_footer(PackTail& tail, const PackId& id,
                                             std::uint64_t pack_bytes) {
  CAIRN_TRY(core::ByteView end, tail.last(std::min<std::uint64_t>(pack_bytes, kTailGuessBytes)));
  CAIRN_TRY(const std::size_t footer_bytes,
            format::pack_footer_size(end.last(format::kPackFooterFixedBytes), pack_bytes));
  CAIRN_TRY(const core::ByteView footer, tail.last(footer_bytes));
  if (format::pack_id(footer) != id) {
    return core::fail(ErrorCode::corrupt,
                      "its footer is damaged, or it is another pack than its name says");
  }
  return format::decode_pack_footer(footer, pack_bytes);
}

/// Whoever wrote the directory had the index key, but that is no reason to trust it blindly.
core::Status check_layout(const format::PackHeader& header, const format::PackFooter& footer,
                          const format::PackDirectory& directory) {
  if (directory.kind != header.kind) {
    return core::fail(ErrorCode::corrupt, "header and directory differ in the kind of blocks");
  }
  std::uint64_t end = format::kPackHeaderBytes;
  for (const format::BlockRecord& block : directory.blocks) {
    end += block.stored_bytes;
  }
  if (end + footer.directory_bytes != footer.covered_bytes) {
    return core::fail(ErrorCode::corrupt, "the blocks of the directory do not fill the pack");
  }
  return {};
}

core::Result<PackDescription> read_description(Backend& backend, const KeyRing& keys,
                                               const PackId& id, std::uint64_t pack_bytes) {
  if (pack_bytes < format::kPackHeaderBytes + format::kPackFooterFixedBytes ||
      pack_bytes > format::kPackBytesMax) {
    return core::fail(ErrorCode::corrupt, fmt::format("{} bytes cannot be a pack", pack_bytes));
  }
  const ObjectName name = object_name(format::ObjectKind::pack, id);
  PackTail tail(backend, name, pack_bytes);
  PackDescription description;
  description.size_bytes = pack_bytes;
  CAIRN_TRY(description.footer, read_footer(tail, id, pack_bytes));

  core::Bytes header;
  header.resize(format::kPackHeaderBytes);
  CAIRN_TRY_STATUS(backend.get_range(name, 0, header));
  CAIRN_TRY(description.header, format::decode_pack_header(header));

  const std::uint64_t after_directory = pack_bytes - description.footer.covered_bytes;
  CAIRN_TRY(const core::ByteView directory_and_footer,
            tail.last(description.footer.directory_bytes + after_directory));
  CAIRN_TRY(const core::Bytes plaintext,
            open_directory(keys, description.header,
                           directory_and_footer.first(description.footer.directory_bytes)));
  CAIRN_TRY(description.directory, format::decode_pack_directory(plaintext));
  CAIRN_TRY_STATUS(check_layout(description.header, description.footer, description.directory));
  return description;
}

}  // namespace

core::Result<PackDescription> read_pack_description(Backend& backend, const KeyRing& keys,
                                                    const PackId& id) {
  CAIRN_TRY(const std::optional<std::uint64_t> size,
            backend.size(object_name(format::ObjectKind::pack, id)));
  if (!size) {
    return core::fail(ErrorCode::not_found, fmt::format("read {}: it is missing", pack_path(id)));
  }
  auto description = read_description(backend, keys, id, *size);
  if (!description) {
    return core::fail(
        std::move(description).error().with_context(fmt::format("read {}", pack_path(id))));
  }
  return description;
}

core::Status BlockReader::read(const PackSummary& pack, std::uint32_t block, Scratch& scratch,
                               core::Bytes& out) {
  if (block >= pack.blocks.size()) {
    return core::fail(
        ErrorCode::corrupt,
        fmt::format("{}: the pack has {} blocks", block_action(pack, block), pack.blocks.size()));
  }
  const PackSummary::Block& place = pack.blocks[block];
  if (place.record.stored_bytes > format::kBlockStoredBytesMax) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("{}: {} bytes are too many for a block",
                                  block_action(pack, block), place.record.stored_bytes));
  }
  scratch.sealed.resize(place.record.stored_bytes);
  core::Status fetched = backend_.get_range(object_name(format::ObjectKind::pack, pack.id),
                                            place.offset_bytes, scratch.sealed);
  if (!fetched) {
    return core::fail(std::move(fetched).error().with_context(block_action(pack, block)));
  }
  bytes_read_ += scratch.sealed.size();
  return open(pack, block, scratch.sealed, scratch, out);
}

core::Status BlockReader::open(const PackSummary& pack, std::uint32_t block, core::ByteView sealed,
                               Scratch& scratch, core::Bytes& out) {
  core::Status opened = open_into(pack, block, sealed, scratch, out);
  if (!opened) {
    return core::fail(std::move(opened).error().with_context(block_action(pack, block)));
  }
  return opened;
}

core::Status BlockReader::open_into(const PackSummary& pack, std::uint32_t block,
                                    core::ByteView sealed, Scratch& scratch, core::Bytes& out) {
  if (block >= pack.blocks.size()) {
    return core::fail(ErrorCode::corrupt,
                      fmt::format("the pack has {} blocks", pack.blocks.size()));
  }
  const format::BlockRecord& record = pack.blocks[block].record;
  const bool is_raw = record.codec == format::BlockCodec::raw;
  if (record.key >= pack.keys.size() || record.plain_bytes > format::kBlockPlainBytesMax ||
      (is_raw && std::uint64_t{record.stored_bytes} !=
                     std::uint64_t{record.plain_bytes} + core::kAeadTagBytes)) {
    return core::fail(ErrorCode::corrupt, "its description makes no sense");
  }
  const format::KeyRecord& key_record = pack.keys[record.key];
  CAIRN_TRY(const SharedKey key, cipher_key(pack.kind, key_record));
  core::Bytes& payload = is_raw ? out : scratch.payload;
  if (!open_block(keys_.repository(), pack.kind, key_record, record, key->view(), sealed,
                  payload)) {
    return core::fail(ErrorCode::corrupt, "it is damaged or forged");
  }
  if (is_raw) {
    return {};
  }
  out.resize(record.plain_bytes);
  return scratch.decompressor.decompress(payload, out);
}

core::Result<BlockReader::SharedKey> BlockReader::cipher_key(format::BlockKind kind,
                                                             const format::KeyRecord& record) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = key_cache_.find(record.salt);
    if (found != key_cache_.end() && found->second.kind == kind && found->second.record == record) {
      return found->second.key;
    }
  }
  CAIRN_TRY(core::SecretBytes opened, open_pack_key(keys_, kind, record, nullptr));
  const auto key = std::make_shared<const core::SecretBytes>(std::move(opened));
  const std::scoped_lock lock(mutex_);
  if (key_cache_.size() >= kKeyCacheMax) {
    // Which key is dropped is random, since salts are.
    key_cache_.erase(key_cache_.begin());
  }
  key_cache_.insert_or_assign(record.salt, CachedKey{.kind = kind, .record = record, .key = key});
  return key;
}

std::vector<bool> intact_chunks(const KeyRing& keys, format::BlockKind kind,
                                const format::BlockRecord& record, core::ByteView plain) {
  std::vector<core::ByteView> chunks;
  for (const format::ChunkRecord& chunk : record.chunks) {
    if (chunk.length_bytes > plain.size()) {
      break;
    }
    chunks.push_back(plain.first(chunk.length_bytes));
    plain = plain.subspan(chunk.length_bytes);
  }
  const auto ids = keys.chunk_ids(kind, chunks);
  std::vector<bool> intact(record.chunks.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    intact[i] = ids[i] == record.chunks[i].id;
  }
  return intact;
}

}  // namespace cairn::repo::store
