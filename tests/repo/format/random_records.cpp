// Keys, packs and the records around snapshots; nodes are in random_nodes.cpp.

#include "random_records.h"

#include <algorithm>
#include <set>

#include "cairn/chunker/policy.h"

namespace cairn::test {

using namespace repo;
using namespace repo::format;

namespace {

core::SecretBytes random_secret(SeededRandom& random) {
  core::SecretBytes secret(32);
  random.fill(secret.mutable_view());
  return secret;
}

Role random_role(SeededRandom& random) { return static_cast<Role>(1 + random.below(5)); }

/// `count` different ids, sorted.
template <class IdType>
std::vector<IdType> random_ids(SeededRandom& random, std::size_t count) {
  std::set<IdType> ids;
  while (ids.size() < count) {
    ids.insert(random_id<IdType>(random));
  }
  return {ids.begin(), ids.end()};
}

Role random_collector(SeededRandom& random) {
  return random.below(2) == 0 ? Role::admin : Role::maintain;
}

BlockRecord random_block(SeededRandom& random, std::size_t keys, std::uint32_t number) {
  BlockRecord block;
  block.chunks.resize(1 + random.below(5));
  for (ChunkRecord& chunk : block.chunks) {
    chunk.id = random_id<ChunkId>(random);
    chunk.length_bytes = static_cast<std::uint32_t>(1 + random_number(random, 2 * 1024 * 1024));
    block.plain_bytes += chunk.length_bytes;
  }
  const bool compressed = block.plain_bytes > 1 && random.below(2) == 0;
  block.codec = compressed ? BlockCodec::zstd : BlockCodec::raw;
  block.stored_bytes = compressed
                           ? 17 + static_cast<std::uint32_t>(random.below(block.plain_bytes - 1))
                           : block.plain_bytes + 16;
  block.key = static_cast<std::uint32_t>(random.below(keys));
  block.key_block = number;
  return block;
}

EpochKeys random_epoch(SeededRandom& random, Role role, std::uint32_t number) {
  EpochKeys epoch;
  epoch.epoch = number;
  epoch.index_key = random_secret(random);
  epoch.metadata_public = random_id<core::BoxPublicKey>(random);
  epoch.data_public = random_id<core::BoxPublicKey>(random);
  if (role != Role::backup) {
    epoch.metadata_secret = random_secret(random);
  }
  if (role == Role::admin || role == Role::restore) {
    epoch.data_secret = random_secret(random);
  }
  return epoch;
}

}  // namespace

std::uint64_t random_number(SeededRandom& random, std::uint64_t max) {
  std::uint64_t number = random.next() >> random.below(64);
  if (random.below(4) == 0) {
    number = (std::uint64_t{1} << random.below(64)) - random.below(2);
  }
  return number <= max ? number : max - number % (max / 2 + 1);
}

std::string random_text(SeededRandom& random, std::size_t size_max) {
  const std::size_t size = random.below(16) == 0 ? size_max : random.below(20);
  return core::to_string(random.bytes(std::min(size, size_max)));
}

core::Timestamp random_time(SeededRandom& random) {
  const auto seconds = static_cast<std::int64_t>(random_number(random, UINT64_MAX));
  return {seconds, static_cast<std::uint32_t>(random_number(random, 999'999'999))};
}

Config random_config(SeededRandom& random) {
  Config config;
  config.repository_id = random_id<RepositoryId>(random);
  config.admin_key = random_id<core::SignPublicKey>(random);
  for (chunker::CutParameters& parameters : config.chunking.classes) {
    const std::uint32_t average = 1U << (9 + random.below(11));
    parameters.kernel = random.below(2) == 0 ? chunker::Kernel::fixed : chunker::Kernel::gear;
    const bool is_fixed = parameters.kernel == chunker::Kernel::fixed;
    parameters.size_min = is_fixed ? average : average / 4;
    parameters.size_avg = average;
    parameters.size_max = is_fixed ? average : average * 8;
  }
  // A policy may have rules across its classes.
  if (!chunker::valid(config.chunking)) {
    config.chunking = chunker::default_policy();
  }
  return config;
}

Certificate random_certificate(SeededRandom& random, Role role) {
  Certificate certificate;
  certificate.subject = random_id<core::SignPublicKey>(random);
  certificate.role = role;
  certificate.issued = random_time(random);
  certificate.signature = random_id<core::Signature>(random);
  return certificate;
}

KeyBundle random_key_bundle(SeededRandom& random) {
  KeyBundle bundle;
  bundle.role = random_role(random);
  bundle.config_payload = random.bytes(1 + random.below(kConfigBytesMax));
  bundle.id_key = random_secret(random);
  if (bundle.role == Role::admin || bundle.role == Role::backup) {
    bundle.chunker_key = random_secret(random);
  }
  if (bundle.role != Role::restore && bundle.role != Role::audit) {
    bundle.sign_seed = random_secret(random);
    bundle.certificate = random_certificate(random, bundle.role);
  }
  if (bundle.role == Role::admin) {
    bundle.admin_seed = random_secret(random);
  }
  const std::size_t epochs = 1 + random.below(4);
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < epochs; ++i) {
    number += 1 + static_cast<std::uint32_t>(random.below(1000));
    bundle.epochs.push_back(random_epoch(random, bundle.role, number));
  }
  return bundle;
}

SlotLabel random_slot_label(SeededRandom& random) {
  SlotLabel label;
  label.role = random_role(random);
  label.name = random_text(random, kTextBytesMax);
  label.host = random_text(random, kTextBytesMax);
  label.user = random_text(random, kTextBytesMax);
  label.created = random_time(random);
  return label;
}

KeySlot random_key_slot(SeededRandom& random) {
  KeySlot slot;
  slot.type = random.below(2) == 0 ? SlotType::key_file : SlotType::passphrase;
  slot.repository_id = random_id<RepositoryId>(random);
  slot.kdf = {.passes = 0, .memory_kib = 0};
  if (slot.type == SlotType::passphrase) {
    slot.kdf.passes = 1 + static_cast<std::uint32_t>(random.below(core::kKdfPassesMax));
    slot.kdf.memory_kib = core::kKdfMemoryKibMin + static_cast<std::uint32_t>(random_number(
                                                       random, core::kKdfMemoryKibMax - 8));
  }
  slot.salt = random_id<Salt>(random);
  slot.commitment = random_id<Commitment>(random);
  slot.sealed_label = random.bytes(52 + random.below(kSealedLabelBytesMax - 51));
  slot.sealed_bundle = random.bytes(17 + random.below(10'000));
  return slot;
}

PackHeader random_pack_header(SeededRandom& random) {
  PackHeader header;
  header.kind = random.below(2) == 0 ? BlockKind::data : BlockKind::metadata;
  header.epoch = static_cast<std::uint32_t>(random.next());
  header.salt = random_id<Salt>(random);
  header.ephemeral = random_id<core::BoxPublicKey>(random);
  header.commitment = random_id<Commitment>(random);
  return header;
}

PackDirectory random_pack_directory(SeededRandom& random) {
  PackDirectory directory;
  directory.kind = random.below(2) == 0 ? BlockKind::data : BlockKind::metadata;
  directory.keys.resize(1 + random.below(3));
  for (KeyRecord& key : directory.keys) {
    key.epoch = static_cast<std::uint32_t>(random_number(random, UINT32_MAX));
    key.salt = random_id<Salt>(random);
    key.ephemeral = random_id<core::BoxPublicKey>(random);
  }
  const std::size_t blocks = 1 + random.below(10);
  auto number = static_cast<std::uint32_t>(random_number(random, UINT32_MAX));
  for (std::size_t i = 0; i < blocks; ++i) {
    directory.blocks.push_back(random_block(random, directory.keys.size(), number++));
  }
  return directory;
}

PackFooter random_pack_footer(SeededRandom& random) {
  PackFooter footer;
  footer.directory_bytes = 17 + static_cast<std::uint32_t>(random_number(random, 100'000));
  footer.covered_bytes = kPackHeaderBytes + 17 + footer.directory_bytes +
                         random_number(random, 20 * kPackSegmentBytes);
  footer.segments.resize((footer.covered_bytes + kPackSegmentBytes - 1) / kPackSegmentBytes);
  for (core::Hash256& segment : footer.segments) {
    segment = random_id<core::Hash256>(random);
  }
  return footer;
}

IndexSegment random_index_segment(SeededRandom& random) {
  IndexSegment segment;
  segment.replaces = random_ids<IndexSegmentId>(random, random.below(5));
  for (const PackId& id : random_ids<PackId>(random, random.below(5))) {
    IndexedPack pack;
    pack.id = id;
    pack.directory = random_pack_directory(random);
    pack.size_bytes = 100 * 1024 * 1024 * (6 + random.below(5));
    segment.packs.push_back(std::move(pack));
  }
  return segment;
}

Link random_link(SeededRandom& random) {
  Link link;
  link.id = random_id<SnapshotId>(random);
  link.signature = random_id<core::Signature>(random);
  if (random.below(4) == 0) {
    link.type = RegisterType::fence;
    link.signer = random_certificate(random, random_collector(random));
    return link;
  }
  link.signer = random_certificate(random, random.below(2) == 0 ? Role::admin : Role::backup);
  link.chain = random_id<ChainId>(random);
  link.sequence = 1 + random_number(random, UINT64_MAX - 1);
  if (link.sequence > 1) {
    link.previous = random_id<SnapshotId>(random);
    link.previous_hash = random_id<core::Hash256>(random);
  }
  link.manifest_hash = random_id<core::Hash256>(random);
  return link;
}

Register random_register(SeededRandom& random) {
  Register record;
  record.sealed_link = random.bytes(52 + random.below(kSealedLinkBytesMax - 51));
  if (random.below(4) != 0) {
    record.sealed_manifest = random.bytes(116 + random.below(10'000));
  }
  return record;
}

Mark random_mark(SeededRandom& random) {
  Mark mark;
  mark.snapshot = random_id<SnapshotId>(random);
  mark.number = 1 + random_number(random, UINT64_MAX - 1);
  mark.pinned = random.below(2) == 0;
  std::set<std::string> tags;
  for (std::size_t i = random.below(random.below(5) == 0 ? kTagsMax + 1 : 5); i > 0; --i) {
    tags.insert(random_text(random, kTextBytesMax - 1) + 't');
  }
  mark.tags.assign(tags.begin(), tags.end());
  mark.when = random_time(random);
  mark.signer = random_certificate(random, random_collector(random));
  mark.signature = random_id<core::Signature>(random);
  return mark;
}

Settings random_settings(SeededRandom& random) {
  Settings settings;
  settings.number = 1 + random_number(random, UINT64_MAX - 1);
  settings.max_repo_bytes = random_number(random, UINT64_MAX);
  settings.when = random_time(random);
  settings.signer = random_certificate(random, Role::admin);
  settings.signature = random_id<core::Signature>(random);
  return settings;
}

Session random_session(SeededRandom& random) {
  Session session;
  session.id = random_id<SnapshotId>(random);
  session.host = random_text(random, kTextBytesMax);
  session.user = random_text(random, kTextBytesMax);
  session.process.place = random_id<core::Hash256>(random);
  session.process.number = static_cast<std::uint32_t>(random_number(random, UINT32_MAX));
  session.process.start = random_number(random, UINT64_MAX);
  session.start = random_time(random);
  session.program_version = random_text(random, kTextBytesMax);
  session.heartbeat = random_number(random, UINT64_MAX);
  return session;
}

Tombstone random_tombstone(SeededRandom& random) {
  Tombstone tombstone;
  tombstone.snapshot = random_id<SnapshotId>(random);
  tombstone.link_hash = random_id<core::Hash256>(random);
  tombstone.signer = random_certificate(random, random_collector(random));
  tombstone.when = random_time(random);
  tombstone.reason = random_text(random, kTextBytesMax);
  tombstone.signature = random_id<core::Signature>(random);
  return tombstone;
}

Condemned random_condemned(SeededRandom& random) {
  Condemned condemned;
  condemned.collector = random_id<SnapshotId>(random);
  condemned.when = random_time(random);
  condemned.signer = random_certificate(random, random_collector(random));
  condemned.packs = random_ids<PackId>(random, 1 + random.below(300));
  condemned.signature = random_id<core::Signature>(random);
  return condemned;
}

}  // namespace cairn::test
