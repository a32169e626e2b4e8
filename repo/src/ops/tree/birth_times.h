#pragma once

#include <cstdint>
#include <optional>

#include "cairn/core/bytes.h"
#include "cairn/core/clock.h"
#include "cairn/core/codec.h"
#include "cairn/core/result.h"
#include "ops/repository/catalogue_view.h"
#include "ops/tree/content_cursor.h"
#include "ops/tree/node_builder.h"

/// The birth times of a source's objects, in walk order. docs/FORMAT.md, "Birth times".
namespace cairn::repo::ops {

/// Not thread-safe. Memory: a piece of 64 KiB, and a leaf of the list of pieces.
class BirthTimeWriter {
 public:
  explicit BirthTimeWriter(NodeSink& sink) : sink_(sink), content_(sink) {}
  core::Status add(const std::optional<core::Timestamp>& time);
  /// Empty content if no object had one.
  [[nodiscard]] core::Result<Content> finish();

 private:
  core::Status write_piece();

  NodeSink& sink_;
  ContentBuilder content_;
  core::Encoder piece_;
  std::int64_t last_seconds_ = 0;
  bool any_ = false;
};

/// Not thread-safe. Memory: as the writer's.
class BirthTimeReader {
 public:
  BirthTimeReader(CatalogueView view, const Content& times) : view_(view), pieces_(view, times) {}
  /// The birth time of the next object: nullopt if unknown, or beyond the end. Errors: as
  /// read_node.
  [[nodiscard]] core::Result<std::optional<core::Timestamp>> next();

 private:
  core::Status read_piece();

  CatalogueView view_;
  ContentCursor pieces_;
  core::Bytes piece_;
  std::optional<core::Decoder> values_;  ///< decodes piece_
  std::int64_t last_seconds_ = 0;
  bool ended_ = false;
};

}  // namespace cairn::repo::ops
