#include "store/packs/pack_writer.h"

#include <algorithm>
#include <gsl/assert>
#include <utility>

#include "cairn/core/codec.h"
#include "store/objects/seal.h"

namespace cairn::repo::store {
namespace {

using core::Status;

/// The part of kPackBytesMax that directory and footer may need at the end.
constexpr std::uint64_t kTrailerBytesMax =
    format::kPackDirectoryBytesMax + core::kAeadTagBytes +
    (format::kPackBytesMax / format::kPackSegmentBytes) * core::Hash256::kSize +
    format::kPackFooterFixedBytes;
static_assert(kTrailerBytesMax + format::kPackHeaderBytes + format::kBlockStoredBytesMax <
              format::kPackBytesMax);

}  // namespace

std::uint64_t full_pack_bytes(format::BlockKind kind) noexcept {
  return kind == format::BlockKind::data ? 32 * 1024 * 1024 : 8 * 1024 * 1024;
}

PackWriter::PackWriter(std::unique_ptr<ObjectWriter> object, const KeyRing& keys,
                       const format::PackHeader& header, SegmentHasher& segments)
    : object_(std::move(object)), keys_(keys), header_(header), segments_(segments) {
  directory_.kind = header.kind;
  segments_.clear();
}

core::Result<std::unique_ptr<PackWriter>> PackWriter::open(Backend& backend, const KeyRing& keys,
                                                           core::Random& random,
                                                           format::BlockKind kind,
                                                           SegmentHasher& segments) {
  CAIRN_TRY(const PackSeal seal, make_pack_seal(keys, random, kind));
  CAIRN_TRY(std::unique_ptr<ObjectWriter> object, backend.start());
  std::unique_ptr<PackWriter> writer(
      new PackWriter(std::move(object), keys, seal.header, segments));
  CAIRN_TRY_STATUS(writer->write_covered(format::encode_pack_header(seal.header)));
  return writer;
}

bool PackWriter::has_room_for(const format::BlockRecord& record) const noexcept {
  return directory_.blocks.size() < format::kPackBlocksMax &&
         directory_.keys.size() < format::kPackKeysMax &&
         record.chunks.size() <= format::kPackChunksMax - chunks_ &&
         offset_ + format::kBlockStoredBytesMax + kTrailerBytesMax <= format::kPackBytesMax;
}

core::Status PackWriter::append(format::BlockRecord record, const format::KeyRecord& key,
                                core::ByteView sealed) {
  if (broken_) {
    return core::fail(*broken_);
  }
  Expects(sealed.size() == record.stored_bytes);
  Expects(has_room_for(record));
  CAIRN_TRY_STATUS(write_covered(sealed));
  record.key = key_index(key);
  chunks_ += record.chunks.size();
  directory_.blocks.push_back(std::move(record));
  return {};
}

// Each thread that seals has its own key, and blocks are moved pack by pack: the key is nearly
// always one of the last.
std::uint32_t PackWriter::key_index(const format::KeyRecord& key) {
  const auto found = std::find(directory_.keys.rbegin(), directory_.keys.rend(), key);
  if (found != directory_.keys.rend()) {
    return static_cast<std::uint32_t>(std::distance(found, directory_.keys.rend()) - 1);
  }
  directory_.keys.push_back(key);
  return static_cast<std::uint32_t>(directory_.keys.size() - 1);
}

core::Status PackWriter::write(core::ByteView data) {
  Status written = object_->append(data);
  if (!written) {
    broken_ = written.error();
    return written;
  }
  offset_ += data.size();
  return {};
}

// Header, blocks and directory: what the segment table covers.
core::Status PackWriter::write_covered(core::ByteView data) {
  segments_.update(data);
  return write(data);
}

core::Result<format::IndexedPack> PackWriter::publish() {
  if (broken_) {
    return core::fail(*broken_);
  }
  auto published = publish_now();
  broken_ = published ? core::Error(core::ErrorCode::internal, "write a pack: it is published")
                      : published.error();
  return published;
}

core::Result<format::IndexedPack> PackWriter::publish_now() {
  Expects(!empty());
  core::Encoder plaintext;
  format::encode_pack_directory(plaintext, directory_);
  const core::Bytes directory = seal_directory(keys_, header_, plaintext.view());
  CAIRN_TRY_STATUS(write_covered(directory));
  format::PackFooter footer;
  footer.covered_bytes = offset_;
  footer.directory_bytes = static_cast<std::uint32_t>(directory.size());
  footer.segments = segments_.finish();
  const core::Bytes encoded = format::encode_pack_footer(footer);
  CAIRN_TRY_STATUS(write(encoded));
  const PackId id = format::pack_id(encoded);
  CAIRN_TRY_STATUS(object_->publish(object_name(format::ObjectKind::pack, id)));
  return format::IndexedPack{.id = id, .size_bytes = offset_, .directory = std::move(directory_)};
}

}  // namespace cairn::repo::store
