// Records of the collection protocol.

#include "made_vectors.h"

namespace cairn::test {

std::vector<Vector> session_vectors() {
  Pieces good;
  good.add("id", run(0x01))
      .add("host", text("host"))
      .add("user", text("user"))
      .add("place", run(0x41))
      .add("process", varint(4711))
      .add("process start", varint(81'234))
      .add("start", timestamp(1'767'225'600, 1))
      .add("program", text("0.1.0"))
      .add("heartbeat", varint(0));
  VectorList list("session");
  list.ok("announcement", good)
      .ok("largest numbers", good.with("process", varint(UINT32_MAX))
                                 .with("process start", varint(UINT64_MAX))
                                 .with("heartbeat", varint(UINT64_MAX)))
      .limit("process above the limit", "above the limit", good.with("process", varint(1ULL << 32)))
      .limit("host above the limit", "above the limit", good.with("host", varint(1025)))
      .limit("user above the limit", "above the limit", good.with("user", varint(1025)))
      .limit("program above the limit", "above the limit", good.with("program", varint(1025)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("start", timestamp(0, 1'000'000'000)))
      .corrupt("a number of more than 64 bits", "more than 64 bits",
               good.with("heartbeat", joined(run(0x80, 9), u8(2))))
      .corrupt("number in two bytes", "needless bytes", good.with("heartbeat", needless_varint(0)))
      .cut_and_grown("session", good.join());
  return std::move(list).take();
}

std::vector<Vector> tombstone_vectors() {
  Pieces good;
  good.add("snapshot", run(0x01))
      .add("link hash", run(0x21))
      .add("signer", made_certificate(kMaintain))
      .add("when", timestamp(1'767'225'600, 1))
      .add("reason", text("keep-daily 7"))
      .add("signature", run(0x80, 64));
  VectorList list("tombstone");
  list.ok("by maintain", good)
      .ok("no reason", good.with("reason", text("")))
      .corrupt("by backup", "may not write it", good.with("signer", made_certificate(kBackup)))
      .corrupt("by audit", "may not write it", good.with("signer", made_certificate(kAudit)))
      .corrupt("by role 0", "unknown role", good.with("signer", made_certificate(0)))
      .limit("reason above the limit", "above the limit", good.with("reason", varint(1025)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("when", timestamp(0, 1'000'000'000)))
      .cut_and_grown("tombstone", good.join());
  return std::move(list).take();
}

std::vector<Vector> condemned_vectors() {
  Pieces good;
  good.add("collector", run(0x01))
      .add("when", timestamp(1'767'225'600, 1))
      .add("signer", made_certificate(kMaintain))
      .add("count", varint(2))
      .add("packs", joined(run(0x30), run(0x31)))
      .add("signature", run(0x80, 64));
  VectorList list("condemned");
  list.ok("two packs", good)
      .ok("one pack", good.with("count", varint(1)).with("packs", run(0x30)))
      .corrupt("no packs", "condemns nothing", good.with("count", varint(0)).without("packs"))
      .corrupt("packs that descend", "not in order",
               good.with("packs", joined(run(0x31), run(0x30))))
      .corrupt("a pack twice", "not in order", good.with("packs", joined(run(0x30), run(0x30))))
      .corrupt("by backup", "may not write it", good.with("signer", made_certificate(kBackup)))
      .corrupt("by audit", "may not write it", good.with("signer", made_certificate(kAudit)))
      .limit("packs above the limit", "above the limit",
             good.with("count", varint(1024 * 1024 + 1)))
      .corrupt("more packs than bytes", "cannot fit", good.with("count", varint(1000)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("when", timestamp(0, 1'000'000'000)))
      .cut_and_grown("condemned record", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
