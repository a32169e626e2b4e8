#include "format/mark.h"

#include <utility>

#include "cairn/repo/snapshot.h"
#include "format/fields.h"

namespace cairn::repo::format {
namespace {

void encode_signed_part(core::Encoder& out, const Mark& mark) {
  encode_id(out, mark.snapshot);
  out.varint(mark.number);
  out.u8(mark.pinned ? 1 : 0);
  encode_tags(out, mark.tags);
  encode_timestamp(out, mark.when);
  encode_certificate(out, mark.signer);
}

std::string_view defect_of(const Mark& mark) noexcept {
  if (mark.number == 0) {
    return "its number is 0";
  }
  return may_collect(mark.signer.role) ? tags_defect(mark.tags) : kWrongSigner;
}

}  // namespace

core::Result<core::Bytes> encode_mark(const Mark& mark) {
  CAIRN_TRY_STATUS(check_encodable("a mark", defect_of(mark)));
  core::Encoder out;
  encode_signed_part(out, mark);
  encode_id(out, mark.signature);
  return std::move(out).take();
}

core::Result<Mark> decode_mark(core::ByteView input) {
  core::Decoder in(input, "mark");
  Mark mark;
  mark.snapshot = decode_id<SnapshotId>(in);
  mark.number = in.varint();
  if (in.ok() && mark.number == 0) {
    in.fail_corrupt("its number is 0");
  }
  mark.pinned = decode_flag(in);
  mark.tags = decode_tags(in);
  if (in.ok()) {
    if (const std::string_view defect = tags_defect(mark.tags); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  mark.when = decode_timestamp(in);
  mark.signer = decode_certificate(in);
  if (in.ok() && !may_collect(mark.signer.role)) {
    in.fail_corrupt(kWrongSigner);
  }
  mark.signature = decode_id<core::Signature>(in);
  CAIRN_TRY_STATUS(in.finish());
  return mark;
}

core::Bytes mark_message(const RepositoryId& repository, const Mark& mark) {
  core::Encoder out = start_message("cairn mark v1", repository);
  encode_signed_part(out, mark);
  return std::move(out).take();
}

std::string_view tags_defect(const std::vector<std::string>& tags) noexcept {
  if (tags.size() > kTagsMax) {
    return "it has too many tags";
  }
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kTextBytesMax) {
      return "the length of a tag is out of bounds";
    }
  }
  return ascends_strictly(tags.begin(), tags.end()) ? "" : "its tags are not in order";
}

void encode_tags(core::Encoder& out, const std::vector<std::string>& tags) {
  out.varint(tags.size());
  for (const std::string& tag : tags) {
    out.bytes(tag);
  }
}

std::vector<std::string> decode_tags(core::Decoder& in) {
  std::vector<std::string> tags;
  const std::size_t count = in.count(kTagsMax, 2);
  tags.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    tags.push_back(in.text(kTextBytesMax));
  }
  return tags;
}

}  // namespace cairn::repo::format
