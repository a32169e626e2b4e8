// Certificates, key bundles, key slots and their labels.

#include "made_vectors.h"

namespace cairn::test {
namespace {

core::Bytes epoch(std::uint32_t number, std::uint8_t present, const core::Bytes& secrets) {
  return joined(u32(number), run(0x90), run(0xa0), run(0xb0), u8(present), secrets);
}

const core::Bytes& both_secrets() {
  static const core::Bytes bytes = joined(run(0xc0), run(0xd0));
  return bytes;
}

Pieces bundle_pieces(std::uint8_t role, std::uint8_t present, const core::Bytes& keys,
                     const core::Bytes& epochs) {
  Pieces pieces;
  pieces.add("version", u8(1))
      .add("role", u8(role))
      .add("config", text("the config"))
      .add("id key", run(0x10))
      .add("present", u8(present))
      .add("keys", keys)
      .add("certificate", (present & 2) == 0 ? core::Bytes() : made_certificate(role))
      .add("epoch count", varint(1))
      .add("epochs", epochs);
  return pieces;
}

Pieces admin_bundle() {
  return bundle_pieces(kAdmin, 7, joined(run(0x20), run(0x30), run(0x38)),
                       epoch(1, 3, both_secrets()));
}

Pieces slot_pieces() {
  Pieces pieces;
  pieces.add("type", u8(1))
      .add("repository", run(0x00))
      .add("passes", u32(3))
      .add("memory", u32(262144))
      .add("salt", run(0x20))
      .add("commitment", run(0x40))
      .add("label", prefixed(run(0x60, 60)))
      .add("bundle", prefixed(run(0x80, 20)));
  return pieces;
}

Pieces label_pieces() {
  Pieces pieces;
  pieces.add("role", u8(kBackup))
      .add("name", text("laptop"))
      .add("host", text("host"))
      .add("user", text("user"))
      .add("created", timestamp(1'767'225'600, 7));
  return pieces;
}

}  // namespace

std::vector<Vector> certificate_vectors() {
  Pieces good;
  good.add("subject", run(0x40))
      .add("role", u8(kBackup))
      .add("issued", timestamp(1'767'225'600, 5))
      .add("signature", run(0x60, 64));
  VectorList list("certificate");
  list.ok("backup", good)
      .ok("issued before 1970", good.with("issued", timestamp(-2, 999'999'999)))
      .corrupt("role 0", "unknown role", good.with("role", u8(0)))
      .corrupt("role 6", "unknown role", good.with("role", u8(6)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("issued", timestamp(0, 1'000'000'000)))
      .cut_and_grown("certificate", good.join());
  return std::move(list).take();
}

std::vector<Vector> key_bundle_vectors() {
  const Pieces good = admin_bundle();
  const Pieces backup = bundle_pieces(kBackup, 3, joined(run(0x20), run(0x30)), epoch(1, 0, {}));
  const Pieces restore = bundle_pieces(kRestore, 0, {}, epoch(1, 3, both_secrets()));
  const Pieces maintain = bundle_pieces(kMaintain, 2, run(0x30), epoch(1, 1, run(0xc0)));
  const Pieces audit = bundle_pieces(kAudit, 0, {}, epoch(1, 1, run(0xc0)));
  const auto two_epochs = [&good](std::uint32_t first, std::uint32_t second) {
    return good.with("epoch count", varint(2))
        .with("epochs", joined(epoch(first, 3, both_secrets()), epoch(second, 3, both_secrets())));
  };
  VectorList list("key_bundle");
  list.ok("admin", good)
      .ok("backup", backup)
      .ok("restore", restore)
      .ok("maintain", maintain)
      .ok("audit", audit)
      .ok("two epochs", two_epochs(1, 2))
      .unsupported("version 2", "version", good.with("version", u8(2)))
      .corrupt("role 0", "unknown role", good.with("role", u8(0)))
      .corrupt("role 6", "unknown role", good.with("role", u8(6)))
      .corrupt("no config", "copy of the config", good.with("config", varint(0)))
      .limit("config above the limit", "above the limit", good.with("config", varint(4097)))
      .corrupt("reserved presence bit", "reserved bits", good.with("present", u8(15)))
      .corrupt("reserved presence bit of an epoch", "reserved bits",
               good.with("epochs", epoch(1, 7, both_secrets())))
      .corrupt("backup with the admin seed", "not those of the role",
               bundle_pieces(kBackup, 7, joined(run(0x20), run(0x30), run(0x38)), epoch(1, 0, {})))
      .corrupt("backup without the chunker key", "not those of the role",
               bundle_pieces(kBackup, 2, run(0x30), epoch(1, 0, {})))
      .corrupt("backup with the metadata secret", "epoch are not those of the role",
               backup.with("epochs", epoch(1, 1, run(0xc0))))
      .corrupt("restore with a signing key", "not those of the role",
               bundle_pieces(kRestore, 2, run(0x30), epoch(1, 3, both_secrets())))
      .corrupt("maintain with the data secret", "epoch are not those of the role",
               maintain.with("epochs", epoch(1, 3, both_secrets())))
      .corrupt("audit without the metadata secret", "epoch are not those of the role",
               audit.with("epochs", epoch(1, 0, {})))
      .corrupt("admin without the data secret", "epoch are not those of the role",
               good.with("epochs", epoch(1, 1, run(0xc0))))
      .corrupt("certificate for another role", "another role",
               good.with("certificate", made_certificate(kBackup)))
      .corrupt("no epochs", "number of epochs",
               good.with("epoch count", varint(0)).without("epochs"))
      .limit("epochs above the limit", "above the limit", good.with("epoch count", varint(1025)))
      .corrupt("more epochs than bytes", "cannot fit", good.with("epoch count", varint(3)))
      .corrupt("the same epoch twice", "do not ascend", two_epochs(1, 1))
      .corrupt("epochs that descend", "do not ascend", two_epochs(2, 1))
      .cut_and_grown("key bundle", good.join());
  return std::move(list).take();
}

std::vector<Vector> key_slot_vectors() {
  const Pieces good = slot_pieces();
  const Pieces key_file = good.with("type", u8(0)).with("passes", u32(0)).with("memory", u32(0));
  VectorList list("key_slot");
  list.ok("passphrase", good)
      .ok("key file", key_file)
      .ok("largest parameters", good.with("passes", u32(32)).with("memory", u32(4194304)))
      .ok("smallest parameters", good.with("passes", u32(1)).with("memory", u32(8)))
      .corrupt("unknown type", "unknown type", good.with("type", u8(2)))
      .corrupt("key file with passes", "not stretched", key_file.with("passes", u32(1)))
      .corrupt("key file with memory", "not stretched", key_file.with("memory", u32(8)))
      .limit("no passes", "out of bounds", good.with("passes", u32(0)))
      .limit("too many passes", "out of bounds", good.with("passes", u32(33)))
      .limit("too little memory", "out of bounds", good.with("memory", u32(7)))
      .limit("too much memory", "out of bounds", good.with("memory", u32(4194305)))
      .corrupt("label too short", "label is shorter", good.with("label", prefixed(run(0x60, 51))))
      .limit("label above the limit", "above the limit", good.with("label", varint(16385)))
      .corrupt("bundle is only a tag", "shorter than its tag",
               good.with("bundle", prefixed(run(0x80, 16))))
      .limit("bundle above the limit", "above the limit",
             good.with("bundle", varint(256 * 1024 + 17)))
      .cut_and_grown("key slot", good.join());
  return std::move(list).take();
}

std::vector<Vector> slot_label_vectors() {
  const Pieces good = label_pieces();
  VectorList list("slot_label");
  list.ok("backup on a laptop", good)
      .ok("no names", good.with("name", text("")).with("host", text("")).with("user", text("")))
      .corrupt("role 0", "unknown role", good.with("role", u8(0)))
      .corrupt("role 6", "unknown role", good.with("role", u8(6)))
      .limit("name above the limit", "above the limit", good.with("name", varint(1025)))
      .limit("host above the limit", "above the limit", good.with("host", varint(1025)))
      .limit("user above the limit", "above the limit", good.with("user", varint(1025)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("created", timestamp(0, 1'000'000'000)))
      .corrupt("length in two bytes", "needless bytes",
               good.with("host", joined(needless_varint(4), raw("host"))))
      .cut_and_grown("key slot label", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
