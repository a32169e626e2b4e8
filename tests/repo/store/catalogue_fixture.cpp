#include "catalogue_fixture.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::test {
namespace {

using repo::store::PackNumber;

std::string compare_packs(const Catalogue& catalogue, const CatalogueModel& model,
                          std::map<PackNumber, PackId>& numbers) {
  const auto living = model.living_packs();
  bool ascending = true;
  const core::Status visited = catalogue.for_each_pack(
      [&](PackNumber number, const PackId& id, std::uint64_t size_bytes, auto kind) {
        ascending = ascending && (numbers.empty() || numbers.rbegin()->first < number);
        numbers[number] = id;
        const auto found = living.find(id);
        if (found == living.end() || found->second.size_bytes != size_bytes ||
            found->second.directory.kind != kind) {
          return core::Status(core::fail(core::ErrorCode::internal, "visited a wrong pack"));
        }
        return core::Status();
      });
  if (!visited) {
    return visited.error().message();
  }
  if (!ascending || numbers.size() != living.size()) {
    return fmt::format("{} packs, not {}, ascending {}", numbers.size(), living.size(), ascending);
  }
  for (const auto& [number, id] : numbers) {
    const auto found = catalogue.find_pack(id);
    const auto summary = catalogue.pack(number);
    if (!found || *found != number || !summary || summary->id != id || summary->number != number) {
      return "pack " + id.short_hex() + " is not found by id and number";
    }
    const auto& expected = living.at(id);
    std::uint64_t offset = repo::format::kPackHeaderBytes;
    bool same = summary->size_bytes == expected.size_bytes &&
                summary->kind == expected.directory.kind &&
                summary->keys == expected.directory.keys &&
                summary->blocks.size() == expected.directory.blocks.size();
    for (std::size_t i = 0; same && i < summary->blocks.size(); ++i) {
      auto record = expected.directory.blocks[i];
      record.chunks.clear();
      same = summary->blocks[i].record == record && summary->blocks[i].offset_bytes == offset;
      offset += record.stored_bytes;
    }
    if (!same) {
      return "pack " + id.short_hex() + " has another summary";
    }
  }
  return {};
}

}  // namespace

std::string difference(const Catalogue& catalogue, const CatalogueModel& model) {
  std::map<PackNumber, PackId> numbers;
  if (std::string wrong = compare_packs(catalogue, model, numbers); !wrong.empty()) {
    return wrong;
  }
  auto segments = catalogue.segments();
  if (!segments || segments->size() != model.segments().size() ||
      !std::all_of(segments->begin(), segments->end(),
                   [&](const auto& id) { return model.segments().contains(id); })) {
    return "the segments differ";
  }

  const auto locations = model.locations();
  std::vector<ChunkId> ids;
  for (const auto& [id, places] : locations) {
    ids.push_back(id);
  }
  const auto all = catalogue.find_all(ids);
  if (!all || all->size() != ids.size()) {
    return "find_all failed";
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = catalogue.find(ids[i]);
    if (!found || *found != (*all)[i]) {
      return "find and find_all differ for " + ids[i].short_hex();
    }
    if (!*found) {
      return "chunk " + ids[i].short_hex() + " is not found";
    }
    const ModelLocation place{.pack = numbers[(*found)->pack],
                              .block = (*found)->block,
                              .offset_bytes = (*found)->offset_bytes,
                              .length_bytes = (*found)->length_bytes};
    if (!locations.at(ids[i]).contains(place)) {
      return "chunk " + ids[i].short_hex() + " does not lie there";
    }
  }
  return {};
}

}  // namespace cairn::test
