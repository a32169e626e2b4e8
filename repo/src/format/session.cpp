#include "format/session.h"

#include "cairn/repo/snapshot.h"
#include "format/fields.h"

namespace cairn::repo::format {
namespace {

std::string_view defect_of(const Session& session) noexcept {
  return session.host.size() > kTextBytesMax || session.user.size() > kTextBytesMax ||
                 session.program_version.size() > kTextBytesMax
             ? "a text is too long"
             : "";
}

std::string_view defect_of(const Tombstone& tombstone) noexcept {
  if (!may_collect(tombstone.signer.role)) {
    return kWrongSigner;
  }
  return tombstone.reason.size() > kTextBytesMax ? "its reason is too long" : "";
}

std::string_view defect_of(const Condemned& condemned) noexcept {
  if (!may_collect(condemned.signer.role)) {
    return kWrongSigner;
  }
  if (condemned.packs.empty() || condemned.packs.size() > kCondemnedPacksMax) {
    return "the number of packs is out of bounds";
  }
  return ascends_strictly(condemned.packs.begin(), condemned.packs.end())
             ? ""
             : "the packs are not in order";
}

void encode_signed_part(core::Encoder& out, const Tombstone& tombstone) {
  encode_id(out, tombstone.snapshot);
  encode_id(out, tombstone.link_hash);
  encode_certificate(out, tombstone.signer);
  encode_timestamp(out, tombstone.when);
  out.bytes(tombstone.reason);
}

void encode_signed_part(core::Encoder& out, const Condemned& condemned) {
  encode_id(out, condemned.collector);
  encode_timestamp(out, condemned.when);
  encode_certificate(out, condemned.signer);
  out.varint(condemned.packs.size());
  for (const PackId& pack : condemned.packs) {
    encode_id(out, pack);
  }
}

}  // namespace

core::Result<core::Bytes> encode_session(const Session& session) {
  CAIRN_TRY_STATUS(check_encodable("a session", defect_of(session)));
  core::Encoder out;
  encode_id(out, session.id);
  out.bytes(session.host);
  out.bytes(session.user);
  encode_id(out, session.process.place);
  out.varint(session.process.number);
  out.varint(session.process.start);
  encode_timestamp(out, session.start);
  out.bytes(session.program_version);
  out.varint(session.heartbeat);
  return std::move(out).take();
}

core::Result<Session> decode_session(core::ByteView input) {
  core::Decoder in(input, "session");
  Session session;
  session.id = decode_id<SnapshotId>(in);
  session.host = in.text(kTextBytesMax);
  session.user = in.text(kTextBytesMax);
  session.process.place = decode_id<core::Hash256>(in);
  session.process.number = static_cast<std::uint32_t>(in.varint(UINT32_MAX));
  session.process.start = in.varint();
  session.start = decode_timestamp(in);
  session.program_version = in.text(kTextBytesMax);
  session.heartbeat = in.varint();
  CAIRN_TRY_STATUS(in.finish());
  return session;
}

core::Result<core::Bytes> encode_tombstone(const Tombstone& tombstone) {
  CAIRN_TRY_STATUS(check_encodable("a tombstone", defect_of(tombstone)));
  core::Encoder out;
  encode_signed_part(out, tombstone);
  encode_id(out, tombstone.signature);
  return std::move(out).take();
}

core::Result<Tombstone> decode_tombstone(core::ByteView input) {
  core::Decoder in(input, "tombstone");
  Tombstone tombstone;
  tombstone.snapshot = decode_id<SnapshotId>(in);
  tombstone.link_hash = decode_id<core::Hash256>(in);
  tombstone.signer = decode_certificate(in);
  if (in.ok() && !may_collect(tombstone.signer.role)) {
    in.fail_corrupt(kWrongSigner);
  }
  tombstone.when = decode_timestamp(in);
  tombstone.reason = in.text(kTextBytesMax);
  tombstone.signature = decode_id<core::Signature>(in);
  CAIRN_TRY_STATUS(in.finish());
  return tombstone;
}

core::Bytes tombstone_message(const RepositoryId& repository, const Tombstone& tombstone) {
  core::Encoder out = start_message("cairn tombstone v1", repository);
  encode_signed_part(out, tombstone);
  return std::move(out).take();
}

core::Result<core::Bytes> encode_condemned(const Condemned& condemned) {
  CAIRN_TRY_STATUS(check_encodable("a condemned record", defect_of(condemned)));
  core::Encoder out;
  encode_signed_part(out, condemned);
  encode_id(out, condemned.signature);
  return std::move(out).take();
}

core::Result<Condemned> decode_condemned(core::ByteView input) {
  core::Decoder in(input, "condemned record");
  Condemned condemned;
  condemned.collector = decode_id<SnapshotId>(in);
  condemned.when = decode_timestamp(in);
  condemned.signer = decode_certificate(in);
  if (in.ok() && !may_collect(condemned.signer.role)) {
    in.fail_corrupt(kWrongSigner);
  }
  const std::size_t packs = in.count(kCondemnedPacksMax, PackId::kSize);
  if (in.ok() && packs == 0) {
    in.fail_corrupt("it condemns nothing");
  }
  condemned.packs.resize(packs);
  for (PackId& pack : condemned.packs) {
    pack = decode_id<PackId>(in);
  }
  if (in.ok() && !ascends_strictly(condemned.packs.begin(), condemned.packs.end())) {
    in.fail_corrupt("the packs are not in order");
  }
  condemned.signature = decode_id<core::Signature>(in);
  CAIRN_TRY_STATUS(in.finish());
  return condemned;
}

core::Bytes condemned_message(const RepositoryId& repository, const Condemned& condemned) {
  core::Encoder out = start_message("cairn condemned v1", repository);
  encode_signed_part(out, condemned);
  return std::move(out).take();
}

}  // namespace cairn::repo::format
