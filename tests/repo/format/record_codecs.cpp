#include "record_codecs.h"

#include <algorithm>
#include <array>
#include <gsl/assert>

#include "format/config.h"
#include "format/frame.h"
#include "format/index.h"
#include "format/key_slot.h"
#include "format/mark.h"
#include "format/node.h"
#include "format/pack.h"
#include "format/register.h"
#include "format/sealed.h"
#include "format/session.h"
#include "format/settings.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using core::Result;
namespace format = repo::format;

template <auto decode, auto encode>
Result<Bytes> through(ByteView input) {
  CAIRN_TRY(const auto value, decode(input));
  return encode(value);
}

Result<Bytes> frame(ByteView input) {
  CAIRN_TRY(const auto value, format::decode_frame(input, format::ObjectKind::index));
  return format::encode_frame(format::ObjectKind::index, value.payload);
}

Result<Bytes> twin(ByteView input) {
  CAIRN_TRY(const auto value, format::decode_twin(input, format::ObjectKind::config));
  return format::encode_twin(format::ObjectKind::config, value.payload);
}

Result<Bytes> certificate(ByteView input) {
  core::Decoder in(input, "certificate");
  const auto value = format::decode_certificate(in);
  CAIRN_TRY_STATUS(in.finish());
  core::Encoder out;
  format::encode_certificate(out, value);
  return std::move(out).take();
}

Result<Bytes> key_bundle(ByteView input) {
  CAIRN_TRY(const auto value, format::decode_key_bundle(input));
  return core::to_bytes(format::encode_key_bundle(value).view());
}

Result<Bytes> pack_directory(ByteView input) {
  CAIRN_TRY(const auto value, format::decode_pack_directory(input));
  core::Encoder out;
  format::encode_pack_directory(out, value);
  return std::move(out).take();
}

// The first eight bytes are the size of the pack, which a reader knows from the storage.
Result<Bytes> pack_footer(ByteView input) {
  core::Decoder in(input, "pack footer");
  const std::uint64_t pack_bytes = in.u64();
  CAIRN_TRY_STATUS(in.check());
  CAIRN_TRY(const auto value, format::decode_pack_footer(in.rest(), pack_bytes));
  core::Encoder out;
  out.u64(pack_bytes);
  out.raw(format::encode_pack_footer(value));
  return std::move(out).take();
}

struct Codec {
  std::string_view record;
  std::string_view called;
  Result<Bytes> (*encode_again)(ByteView input);
};
constexpr std::array kCodecs{
    Codec{"certificate", "certificate", certificate},
    Codec{"condemned", "condemned record",
          through<format::decode_condemned, format::encode_condemned>},
    Codec{"config", "config", through<format::decode_config, format::encode_config>},
    Codec{"folder_inner", "folder inner node",
          through<format::decode_folder_inner, format::encode_folder_inner>},
    Codec{"folder_leaf", "folder leaf",
          through<format::decode_folder_leaf, format::encode_folder_leaf>},
    Codec{"frame", "index segment", frame},
    Codec{"index_segment", "index segment",
          through<format::decode_index_segment, format::encode_index_segment>},
    Codec{"key_bundle", "key bundle", key_bundle},
    Codec{"key_slot", "key slot", through<format::decode_key_slot, format::encode_key_slot>},
    Codec{"link", "link", through<format::decode_link, format::encode_link>},
    Codec{"list_inner", "list inner node",
          through<format::decode_list_inner, format::encode_list_inner>},
    Codec{"list_leaf", "list leaf", through<format::decode_list_leaf, format::encode_list_leaf>},
    Codec{"mark", "mark", through<format::decode_mark, format::encode_mark>},
    Codec{"pack_directory", "pack directory", pack_directory},
    Codec{"pack_footer", "pack footer", pack_footer},
    Codec{"pack_header", "pack", through<format::decode_pack_header, format::encode_pack_header>},
    Codec{"padding", "padding", through<format::unpad, format::pad>},
    Codec{"public_envelope", "public envelope",
          through<format::decode_public_envelope, format::encode_public_envelope>},
    Codec{"register", "snapshot register",
          through<format::decode_register, format::encode_register>},
    Codec{"root", "root node", through<format::decode_root, format::encode_root>},
    Codec{"session", "session", through<format::decode_session, format::encode_session>},
    Codec{"settings", "settings", through<format::decode_settings, format::encode_settings>},
    Codec{"slot_label", "key slot label",
          through<format::decode_slot_label, format::encode_slot_label>},
    Codec{"snapshot", "snapshot manifest",
          through<format::decode_snapshot, format::encode_snapshot>},
    Codec{"symmetric_envelope", "symmetric envelope",
          through<format::decode_symmetric_envelope, format::encode_symmetric_envelope>},
    Codec{"tombstone", "tombstone", through<format::decode_tombstone, format::encode_tombstone>},
    Codec{"twin", "config", twin},
};

const Codec& codec_of(std::string_view record) {
  const auto* const found = std::find_if(kCodecs.begin(), kCodecs.end(),
                                         [record](const Codec& c) { return c.record == record; });
  Expects(found != kCodecs.end());
  return *found;
}

}  // namespace

const std::vector<std::string_view>& record_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> all;
    for (const Codec& codec : kCodecs) {
      all.push_back(codec.record);
    }
    return all;
  }();
  return kNames;
}

std::string_view record_called(std::string_view record) { return codec_of(record).called; }

core::Result<core::Bytes> encode_again(std::string_view record, core::ByteView input) {
  return codec_of(record).encode_again(input);
}

}  // namespace cairn::test
