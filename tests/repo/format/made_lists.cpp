// Content lists.

#include "made_vectors.h"

namespace cairn::test {
namespace {

constexpr std::uint64_t kFileMax = (1ULL << 63) - 1;

core::Bytes data(std::uint64_t length, std::uint8_t id) {
  return joined(varint(length << 1), run(id));
}
core::Bytes hole(std::uint64_t length) { return varint(length << 1 | 1); }

core::Bytes child(std::uint8_t node, std::uint64_t length) {
  return joined(run(node), varint(length));
}

}  // namespace

std::vector<Vector> list_leaf_vectors() {
  Pieces good;
  good.add("type", u8(3))
      .add("count", varint(3))
      .add("items", joined(data(100, 0x10), hole(1 << 20), data(8 * 1024 * 1024, 0x20)));
  const auto items = [&good](std::uint64_t count, const core::Bytes& bytes) {
    return good.with("count", varint(count)).with("items", bytes);
  };
  VectorList list("list_leaf");
  list.ok("data, hole, data", good)
      .ok("one hole as large as any file", items(1, hole(kFileMax)))
      .ok("the same chunk twice", items(2, joined(data(5, 0x10), data(5, 0x10))))
      .corrupt("another type", "type is 4, not 3", good.with("type", u8(4)))
      .corrupt("no items", "no items", items(0, {}))
      .corrupt("two holes", "two holes", items(2, joined(hole(1), hole(2))))
      .corrupt("empty data", "is empty", items(1, data(0, 0x10)))
      .corrupt("empty hole", "is empty", items(2, joined(data(5, 0x10), hole(0))))
      .limit("data above the limit", "longer than any chunk",
             items(1, data(8 * 1024 * 1024 + 1, 0x10)))
      .corrupt("more than any file", "larger than any file",
               items(2, joined(hole(kFileMax), data(1, 0x10))))
      .limit("items above the limit", "above the limit", good.with("count", varint(4097)))
      .corrupt("more items than bytes", "cannot fit", good.with("count", varint(1000)))
      .corrupt("number in two bytes", "needless bytes", good.with("count", needless_varint(3)))
      .cut_and_grown("list leaf", good.join());
  return std::move(list).take();
}

std::vector<Vector> list_inner_vectors() {
  Pieces good;
  good.add("type", u8(4))
      .add("level", u8(1))
      .add("count", varint(2))
      .add("children", joined(child(0x10, 1'000'000), child(0x20, 1)));
  VectorList list("list_inner");
  list.ok("two children", good)
      .ok("highest level", good.with("level", u8(16)))
      .ok("as large as any file",
          good.with("children", joined(child(0x10, kFileMax - 1), child(0x20, 1))))
      .corrupt("another type", "type is 3, not 4", good.with("type", u8(3)))
      .corrupt("level 0", "level", good.with("level", u8(0)))
      .corrupt("level 17", "level", good.with("level", u8(17)))
      .corrupt("no children", "less than two", good.with("count", varint(0)).without("children"))
      .corrupt("one child", "less than two",
               good.with("count", varint(1)).with("children", child(0x10, 5)))
      .corrupt("an empty child", "child is empty",
               good.with("children", joined(child(0x10, 5), child(0x20, 0))))
      .corrupt("more than any file", "larger than any file",
               good.with("children", joined(child(0x10, kFileMax), child(0x20, 1))))
      .limit("a child above the limit", "above the limit",
             good.with("children", joined(child(0x10, kFileMax + 1), child(0x20, 1))))
      .limit("children above the limit", "above the limit", good.with("count", varint(4097)))
      .corrupt("more children than bytes", "cannot fit", good.with("count", varint(1000)))
      .cut_and_grown("list inner node", good.join());
  return std::move(list).take();
}

}  // namespace cairn::test
