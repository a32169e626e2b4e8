// The decision register: links, registers and manifests.

#include "made_vectors.h"

namespace cairn::test {
namespace {

Pieces first_link() {
  Pieces pieces;
  pieces.add("type", u8(1))
      .add("id", run(0x01))
      .add("signer", made_certificate(kBackup))
      .add("chain", run(0x21))
      .add("sequence", varint(1))
      .add("previous", zeros(32))
      .add("previous hash", zeros(32))
      .add("manifest hash", run(0x41))
      .add("signature", run(0x80, 64));
  return pieces;
}

Pieces later_link() {
  return first_link()
      .with("sequence", varint(300))
      .with("previous", run(0x31))
      .with("previous hash", run(0x51));
}

Pieces fence() {
  return first_link()
      .with("type", u8(2))
      .with("signer", made_certificate(kMaintain))
      .with("chain", zeros(32))
      .with("sequence", varint(0))
      .with("manifest hash", zeros(32));
}

core::Bytes empty_content() { return joined(varint(0), u8(0), varint(0)); }

core::Bytes source(std::string_view path) {
  return joined(text(path), run(0x10), varint(1), varint(2), varint(3), varint(4), varint(5),
                empty_content());
}

/// "/srv" with a short list of birth times.
core::Bytes full_source() {
  return joined(text("/srv"), run(0x11), varint(1000), varint(200), varint(30), varint(4),
                varint(123'456'789),
                joined(varint(66'000), u8(0), varint(2), varint(65536 << 1), run(0x30),
                       varint(464 << 1), run(0x40)));
}

core::Bytes problem(std::uint8_t kind) {
  return joined(u8(kind), text("/home/x"), text("permission denied"));
}

Pieces manifest_pieces() {
  Pieces pieces;
  pieces.add("version", u8(1))
      .add("start", timestamp(1'767'225'600, 1))
      .add("end", timestamp(1'767'225'700, 999'999'999))
      .add("offset", svarint(-330))
      .add("host", text("host"))
      .add("user", text("user"))
      .add("program", text("0.1.0"))
      .add("set", text("home"))
      .add("type", u8(1))
      .add("tag count", varint(2))
      .add("tags", joined(text("a"), text("b")))
      .add("description", text("before the upgrade"))
      .add("source count", varint(2))
      .add("sources", joined(source("/home"), full_source()))
      .add("added data", joined(varint(1), varint(2), varint(3)))
      .add("added metadata", joined(varint(4), varint(5), varint(6)))
      .add("partial", u8(0))
      .add("problem count", varint(2))
      .add("listed count", varint(2))
      .add("problems", joined(problem(0), problem(2)));
  return pieces;
}

Pieces smallest_manifest() {
  return manifest_pieces()
      .with("host", text(""))
      .with("user", text(""))
      .with("program", text(""))
      .with("set", text(""))
      .with("type", u8(0))
      .with("tag count", varint(0))
      .without("tags")
      .with("description", text(""))
      .with("source count", varint(1))
      .with("sources", source("/"))
      .with("problem count", varint(0))
      .with("listed count", varint(0))
      .without("problems");
}

Pieces with_source(std::string_view path) {
  return manifest_pieces().with("source count", varint(1)).with("sources", source(path));
}

Pieces with_birth_times(const core::Bytes& content) {
  return manifest_pieces()
      .with("source count", varint(1))
      .with("sources", joined(text("/srv"), run(0x11), varint(1), varint(2), varint(3), varint(4),
                              varint(5), content));
}

void add_source_rules(VectorList& list) {
  const Pieces good = manifest_pieces();
  const auto two = [&good](std::string_view first, std::string_view second) {
    return good.with("sources", joined(source(first), source(second)));
  };
  list.ok("source /", with_source("/"))
      .ok("source with three components", with_source("/a/b.c/..d"))
      .corrupt("no sources", "number of sources",
               good.with("source count", varint(0)).without("sources"))
      .limit("sources above the limit", "above the limit", good.with("source count", varint(65537)))
      .corrupt("more sources than bytes", "cannot fit", good.with("source count", varint(1000)))
      .corrupt("source without a path", "not absolute", with_source(""))
      .corrupt("relative source", "not absolute", with_source("home"))
      .corrupt("source with a slash at the end", "not absolute", with_source("/home/"))
      .corrupt("source with two slashes", "not absolute", with_source("//home"))
      .corrupt("source with a dot", "not absolute", with_source("/home/./x"))
      .corrupt("source with two dots", "not absolute", with_source("/home/.."))
      .corrupt("source with a zero byte", "not absolute",
               with_source(std::string_view("/ho\0me", 6)))
      .limit("source path above the limit", "above the limit",
             good.with("sources", joined(varint(65537), zeros(100))))
      .corrupt("sources that descend", "sources are not in order", two("/srv", "/home"))
      .corrupt("a source twice", "sources are not in order", two("/srv", "/srv"))
      .corrupt("birth times that do not add up", "do not add up",
               with_birth_times(joined(varint(3), u8(0), varint(1), varint(2 << 1), run(0x30))))
      .ok("birth times in a tree", with_birth_times(joined(varint(9'000'000), u8(1), run(0x30))));
}

core::Bytes folder_above(std::string_view path, std::uint64_t mode = 0750) {
  return joined(text(path), u16(mode), varint(1000), varint(100), text("ada"), text("users"),
                timestamp(1'767'225'600, 1), varint(1), text("user.a"), text("b"));
}

core::Bytes left_out(std::uint8_t flags, std::uint64_t size, const core::Bytes& lists) {
  return joined(u8(flags), varint(size), lists);
}

core::Bytes no_lists() { return joined(varint(0), varint(0)); }

Pieces manifest_with_tail() {
  Pieces pieces = manifest_pieces().with("version", u8(2));
  pieces.add("folder count", varint(2))
      .add("folders", joined(folder_above("/a"), folder_above("/a/b", 07777)))
      .add("choice count", varint(2))
      .add("choices", joined(left_out(7, 1001,
                                      joined(varint(1), text(".nobackup"), varint(2), text("*.o"),
                                             text("!/keep.o"))),
                             left_out(8, 0, no_lists())));
  return pieces;
}

void add_tail_rules(VectorList& list) {
  const Pieces good = manifest_with_tail();
  const auto folders = [&good](const core::Bytes& first, const core::Bytes& second) {
    return good.with("folders", joined(first, second));
  };
  const auto choice = [&good](const core::Bytes& one) {
    return good.with("choice count", varint(1)).with("choices", one);
  };
  const Pieces no_folders = good.with("folder count", varint(0)).without("folders");
  const Pieces no_choices = good.with("choice count", varint(0)).without("choices");
  list.ok("folders above the sources, and what was left out", good)
      .ok("only folders above", no_choices)
      .ok("only what was left out", no_folders)
      .ok("files of any size left out", choice(left_out(0, 1, no_lists())))
      .corrupt("a tail that says nothing", "says nothing",
               no_folders.with("choice count", varint(0)).without("choices"))
      .corrupt("folders above that descend", "not in order",
               folders(folder_above("/a/b"), folder_above("/a")))
      .corrupt("a folder above twice", "not in order",
               folders(folder_above("/a"), folder_above("/a")))
      .corrupt("/ as a folder above", "not absolute",
               folders(folder_above("/"), folder_above("/a")))
      .corrupt("relative folder above", "not absolute",
               folders(folder_above("a"), folder_above("b")))
      .corrupt("mode of a folder above beyond 07777", "beyond 07777",
               folders(folder_above("/a", 010000), folder_above("/b")))
      .corrupt("more folders above than bytes", "cannot fit",
               good.with("folder count", varint(4000)))
      .limit("folders above above the limit", "above the limit",
             good.with("folder count", varint(4097)))
      .corrupt("a choice that leaves nothing out", "leaves nothing out",
               choice(left_out(0, 0, no_lists())))
      .corrupt("reserved flags of a choice", "reserved flags", choice(left_out(16, 0, no_lists())))
      .corrupt("a choice not recorded that has patterns", "not recorded",
               choice(left_out(8, 0, joined(varint(0), varint(1), text("*.o")))))
      .corrupt("an empty pattern", "cannot fit",
               choice(left_out(0, 0, joined(varint(0), varint(1), text("")))))
      .corrupt("an empty name of a tag", "out of bounds",
               choice(left_out(0, 0, joined(varint(1), text(""), varint(0)))))
      .corrupt("a size beyond 2^63", "out of bounds",
               choice(left_out(0, (std::uint64_t{1} << 63U) + 1, no_lists())))
      .limit("choices above the limit", "above the limit", good.with("choice count", varint(65)))
      .limit("patterns above the limit", "above the limit",
             choice(left_out(0, 0, joined(varint(0), varint(16385)))))
      .limit("pattern above the limit", "above the limit",
             choice(left_out(0, 0, joined(varint(0), varint(1), varint(4097), zeros(10)))))
      .limit("name of a tag above the limit", "above the limit",
             choice(left_out(0, 0, joined(varint(1), varint(1025), zeros(10)))));
}

void add_limits(VectorList& list) {
  const Pieces good = manifest_pieces();
  for (const char* field : {"host", "user", "program", "set"}) {
    list.limit(std::string(field) + " above the limit", "above the limit",
               good.with(field, varint(1025)));
  }
  list.limit("description above the limit", "above the limit",
             good.with("description", varint(65537)))
      .limit("tags above the limit", "above the limit", good.with("tag count", varint(257)))
      .limit("tag above the limit", "above the limit", good.with("tags", varint(1025)))
      .limit("problems above the limit", "above the limit",
             good.with("problem count", varint(2000)).with("listed count", varint(1001)))
      .limit("reason above the limit", "above the limit",
             good.with("problems", joined(u8(0), text("/x"), varint(1025), zeros(100))))
      .limit("path of a problem above the limit", "above the limit",
             good.with("problems", joined(u8(0), varint(65537), zeros(100))))
      .limit("a second of nanoseconds", "above the limit",
             good.with("end", timestamp(0, 1'000'000'000)));
}

}  // namespace

std::vector<Vector> link_vectors() {
  const Pieces good = first_link();
  VectorList list("link");
  list.ok("first of a chain", good)
      .ok("later in a chain", later_link())
      .ok("by the admin", good.with("signer", made_certificate(kAdmin)))
      .ok("fence", fence())
      .corrupt("unknown type", "unknown type", good.with("type", u8(3)))
      .corrupt("type 0", "unknown type", good.with("type", u8(0)))
      .corrupt("snapshot by maintain", "may not write snapshots",
               good.with("signer", made_certificate(kMaintain)))
      .corrupt("snapshot by audit", "may not write snapshots",
               good.with("signer", made_certificate(kAudit)))
      .corrupt("snapshot by role 0", "unknown role", good.with("signer", made_certificate(0)))
      .corrupt("snapshot without a chain", "no place in a chain", good.with("chain", zeros(32)))
      .corrupt("snapshot without a number", "no place in a chain", good.with("sequence", varint(0)))
      .corrupt("snapshot without a manifest", "no place in a chain",
               good.with("manifest hash", zeros(32)))
      .corrupt("first with a predecessor", "predecessor", good.with("previous", run(0x31)))
      .corrupt("first with a predecessor's hash", "predecessor",
               good.with("previous hash", run(0x51)))
      .corrupt("second without a predecessor", "predecessor",
               later_link().with("previous", zeros(32)))
      .corrupt("second without a predecessor's hash", "predecessor",
               later_link().with("previous hash", zeros(32)))
      .corrupt("fence by backup", "may not write fences",
               fence().with("signer", made_certificate(kBackup)))
      .corrupt("fence with a chain", "fields of a snapshot", fence().with("chain", run(0x21)))
      .corrupt("fence with a number", "fields of a snapshot", fence().with("sequence", varint(1)))
      .corrupt("fence with a predecessor", "fields of a snapshot",
               fence().with("previous", run(0x31)))
      .corrupt("fence with a predecessor's hash", "fields of a snapshot",
               fence().with("previous hash", run(0x31)))
      .corrupt("fence with a manifest", "fields of a snapshot",
               fence().with("manifest hash", run(0x31)))
      .corrupt("number in two bytes", "needless bytes", good.with("sequence", needless_varint(1)))
      .cut_and_grown("link", good.join());
  return std::move(list).take();
}

std::vector<Vector> register_vectors() {
  Pieces good;
  good.add("link", prefixed(run(0x10, 60))).add("manifest", prefixed(run(0x60, 120)));
  VectorList list("register");
  list.ok("snapshot", good)
      .ok("fence", good.with("manifest", varint(0)))
      .corrupt("link too short", "link is shorter", good.with("link", prefixed(run(0x10, 51))))
      .corrupt("no link", "link is shorter", good.with("link", varint(0)))
      .corrupt("manifest too short", "manifest is shorter",
               good.with("manifest", prefixed(run(0x60, 115))))
      .limit("link above the limit", "above the limit", good.with("link", varint(4097)))
      .limit("manifest above the limit", "above the limit",
             good.with("manifest", varint(32 * 1024 * 1024 + 1)))
      .cut_and_grown("snapshot register", good.join());
  return std::move(list).take();
}

std::vector<Vector> snapshot_vectors() {
  const Pieces good = manifest_pieces();
  VectorList list("snapshot");
  list.ok("two sources", good)
      .ok("smallest", smallest_manifest())
      .ok("partial", good.with("partial", u8(1)))
      .ok("widest time zone", good.with("offset", svarint(1440)))
      .unsupported("version 3", "version 3", good.with("version", u8(3)))
      .corrupt("version 2 without its tail", "snapshot manifest", good.with("version", u8(2)))
      .corrupt("version 1 with a tail", "snapshot manifest",
               manifest_with_tail().with("version", u8(1)))
      .corrupt("time zone too far west", "time zone", good.with("offset", svarint(-1441)))
      .corrupt("time zone too far east", "time zone", good.with("offset", svarint(1441)))
      .corrupt("unknown type", "unknown type", good.with("type", u8(6)))
      .corrupt("an empty tag", "length of a tag", good.with("tags", joined(text(""), text("bb"))))
      .corrupt("tags that descend", "tags are not in order",
               good.with("tags", joined(text("b"), text("a"))))
      .corrupt("a tag twice", "tags are not in order",
               good.with("tags", joined(text("a"), text("a"))))
      .corrupt("partial is 2", "neither 0 nor 1", good.with("partial", u8(2)))
      .corrupt("more problems than listed", "number of problems",
               good.with("problem count", varint(3)))
      .corrupt("fewer problems than listed", "number of problems",
               good.with("problem count", varint(1)))
      .ok("lost from the repository", good.with("problems", joined(problem(4), problem(5))))
      .corrupt("unknown kind of problem", "unknown kind",
               good.with("problems", joined(problem(0), problem(6))))
      .corrupt("number in two bytes", "needless bytes", good.with("tag count", needless_varint(2)));
  add_source_rules(list);
  add_tail_rules(list);
  add_limits(list);
  list.cut_and_grown("snapshot manifest", good.join());
  return std::move(list).take();
}

std::vector<Vector> settings_vectors() {
  Pieces good;
  good.add("number", varint(2))
      .add("limit", varint(500'000'000'000))
      .add("when", timestamp(1'767'225'600, 1))
      .add("signer", made_certificate(kAdmin))
      .add("signature", run(0x80, 64));
  VectorList list("settings");
  list.ok("a limit", good)
      .ok("no limit", good.with("limit", varint(0)))
      .ok("first", good.with("number", varint(1)))
      .ok("largest number and limit",
          good.with("number", varint(UINT64_MAX)).with("limit", varint(UINT64_MAX)))
      .corrupt("number 0", "their number is 0", good.with("number", varint(0)))
      .corrupt("number in two bytes", "needless bytes", good.with("number", needless_varint(2)))
      .corrupt("limit in two bytes", "needless bytes", good.with("limit", needless_varint(3)))
      .limit("a second of nanoseconds", "above the limit",
             good.with("when", timestamp(0, 1'000'000'000)))
      .corrupt("by backup", "may not write it", good.with("signer", made_certificate(kBackup)))
      .corrupt("by restore", "may not write it", good.with("signer", made_certificate(kRestore)))
      .corrupt("by maintain", "may not write it", good.with("signer", made_certificate(kMaintain)))
      .corrupt("by audit", "may not write it", good.with("signer", made_certificate(kAudit)))
      .corrupt("by role 0", "unknown role", good.with("signer", made_certificate(0)))
      .cut_and_grown("settings", good.join());
  return std::move(list).take();
}

std::vector<Vector> mark_vectors() {
  Pieces good;
  good.add("snapshot", run(0x01))
      .add("number", varint(2))
      .add("pinned", u8(1))
      .add("tag count", varint(2))
      .add("tags", joined(text("a"), text("bb")))
      .add("when", timestamp(1'767'225'600, 1))
      .add("signer", made_certificate(kMaintain))
      .add("signature", run(0x80, 64));
  const Pieces untagged = good.with("tag count", varint(0)).without("tags");
  VectorList list("mark");
  list.ok("two tags and a pin", good)
      .ok("neither tags nor pin", untagged.with("pinned", u8(0)))
      .ok("first, by admin",
          untagged.with("number", varint(1)).with("signer", made_certificate(kAdmin)))
      .ok("largest number", untagged.with("number", varint(UINT64_MAX)))
      .corrupt("number 0", "its number is 0", good.with("number", varint(0)))
      .corrupt("number in two bytes", "needless bytes", good.with("number", needless_varint(2)))
      .corrupt("pinned is 2", "neither 0 nor 1", good.with("pinned", u8(2)))
      .corrupt("an empty tag", "length of a tag", good.with("tags", joined(text(""), text("bb"))))
      .corrupt("tags that descend", "tags are not in order",
               good.with("tags", joined(text("b"), text("a"))))
      .corrupt("a tag twice", "tags are not in order",
               good.with("tags", joined(text("a"), text("a"))))
      .corrupt("more tags than bytes", "cannot fit", untagged.with("tag count", varint(256)))
      .limit("tags above the limit", "above the limit", good.with("tag count", varint(257)))
      .limit("tag above the limit", "above the limit",
             good.with("tags", joined(varint(1025), text("bb"))))
      .limit("a second of nanoseconds", "above the limit",
             good.with("when", timestamp(0, 1'000'000'000)))
      .corrupt("by backup", "may not write it", good.with("signer", made_certificate(kBackup)))
      .corrupt("by restore", "may not write it", good.with("signer", made_certificate(kRestore)))
      .corrupt("by audit", "may not write it", good.with("signer", made_certificate(kAudit)))
      .corrupt("by role 0", "unknown role", good.with("signer", made_certificate(0)))
      .cut_and_grown("mark", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
