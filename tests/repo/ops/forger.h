#pragma once

#include <optional>
#include <string>
#include <utility>

#include "catch2.h"
#include "format/node.h"
#include "ops/snapshots/chain.h"
#include "ops/writing/block_writer.h"
#include "ops/writing/chunk_store.h"
#include "ops/writing/stored_nodes.h"
#include "outcome.h"
#include "repo_fixture.h"

namespace cairn::test {

/// Writes snapshots that no backup would: what somebody with the keys of a repository could do to
/// somebody who restores from it.
class Forger {
 public:
  explicit Forger(RepoFixture& fixture)
      : repository_(*fixture.init()), meter_(fixture.observer, fixture.clock) {
    const auto view = repo::ops::ensure_catalogue(parts(), fixture.observer);
    REQUIRE(outcome(view) == "ok");
    store_.emplace(repo::ops::WriteView{*view, usable_packs_}, repo::ops::ChunkStoreOptions(),
                   meter_);
    nodes_.emplace(*store_, *parts().keys);
  }

  repo::ChunkId put(core::ByteView node) { return *nodes_->put_node(node); }
  repo::ChunkId put_data(core::ByteView bytes) {
    repo::ops::BlockWriter writer(*store_);
    const repo::ChunkId id = parts().keys->data_chunk_id(bytes);
    REQUIRE(writer.add(repo::ops::BlockClass::general, id, bytes));
    REQUIRE(writer.flush());
    return id;
  }

  static repo::Entry folder(std::string name, const repo::ChunkId& node) {
    repo::Entry entry;
    entry.name = std::move(name);
    entry.type = repo::EntryType::folder;
    entry.mode = 0755;
    entry.folder.node = node;
    return entry;
  }
  static repo::Entry file(std::string name, repo::Content content = {}) {
    repo::Entry entry;
    entry.name = std::move(name);
    entry.mode = 0644;
    entry.content = std::move(content);
    return entry;
  }

  /// A snapshot of "/evil" whose top folder is `node`.
  repo::Snapshot publish(const repo::ChunkId& node) {
    repo::Source source;
    source.path = "/evil";
    source.root = put(repo::format::encode_root(folder("", node)).value());
    REQUIRE(nodes_->flush());
    REQUIRE(store_->publish_all());
    repo::Snapshot snapshot;
    snapshot.sources = {source};
    repo::SnapshotId id;
    parts().environment.random.fill(id.mutable_view());
    std::uint64_t written = 0;
    repo::Observer nobody;
    REQUIRE(repo::ops::publish_snapshot(*repo::ops::catalogue_if_open(parts()), id, snapshot,
                                        written, nobody));
    return snapshot;
  }

  repo::Repository& repository() { return repository_; }

 private:
  repo::ops::OpenRepository& parts() { return repo::ops::opened(repository_); }

  repo::Repository repository_;
  repo::ops::UsablePacks usable_packs_;
  repo::ops::ProgressMeter meter_;
  std::optional<repo::ops::ChunkStore> store_;
  std::optional<repo::ops::StoredNodes> nodes_;
};

}  // namespace cairn::test
