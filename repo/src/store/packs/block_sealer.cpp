#include "store/packs/block_sealer.h"

#include <gsl/gsl>
#include <utility>

#include "cairn/core/crypto.h"

namespace cairn::repo::store {

core::Result<SealedBlock> BlockSealer::seal(format::BlockRecord record, core::ByteView payload,
                                            core::Bytes memory) {
  Expects(payload.size() <= format::kBlockPlainBytesMax);
  if (!seal_ || bytes_ >= kKeyBytes) {
    CAIRN_TRY(seal_, make_pack_seal(keys_, random_, kind_));
    key_ = {.epoch = seal_->header.epoch,
            .salt = seal_->header.salt,
            .ephemeral = seal_->header.ephemeral};
    blocks_ = 0;
    bytes_ = 0;
  }
  record.stored_bytes = gsl::narrow_cast<std::uint32_t>(payload.size() + core::kAeadTagBytes);
  record.key_block = blocks_;
  memory.clear();
  seal_block(keys_.repository(), kind_, key_, record, seal_->cipher_key.view(), payload, memory);
  blocks_ += 1;
  bytes_ += memory.size();
  return SealedBlock{
      .kind = kind_, .record = std::move(record), .key = key_, .bytes = std::move(memory)};
}

}  // namespace cairn::repo::store
