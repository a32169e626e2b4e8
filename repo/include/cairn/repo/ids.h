#pragma once

#include "cairn/core/id.h"

/// The names of things in a repository. All are 32 bytes; none converts into another.
namespace cairn::repo {

struct RepositoryIdTag;
struct ChunkIdTag;
struct PackIdTag;
struct IndexSegmentIdTag;
struct KeySlotIdTag;
struct SnapshotIdTag;
struct ChainIdTag;
struct CondemnedIdTag;
struct MarkIdTag;
struct SettingsIdTag;

using RepositoryId = core::Id<RepositoryIdTag>;      ///< random, made by init
using ChunkId = core::Id<ChunkIdTag>;                ///< keyed hash of kind and plaintext
using PackId = core::Id<PackIdTag>;                  ///< hash of the pack's segment table
using IndexSegmentId = core::Id<IndexSegmentIdTag>;  ///< hash of the object
using KeySlotId = core::Id<KeySlotIdTag>;            ///< hash of the object
using SnapshotId = core::Id<SnapshotIdTag>;    ///< random: a session and the snapshot it makes
using ChainId = core::Id<ChainIdTag>;          ///< random: all snapshots of one client
using CondemnedId = core::Id<CondemnedIdTag>;  ///< hash of the object
using MarkId = core::Id<MarkIdTag>;            ///< hash of the object
using SettingsId = core::Id<SettingsIdTag>;    ///< hash of the object

}  // namespace cairn::repo
