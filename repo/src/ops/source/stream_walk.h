#pragma once

#include <optional>

#include "cairn/core/clock.h"
#include "ops/source/source.h"

namespace cairn::repo::ops {

/// A source of one object: a file with the bytes of a stream.
class StreamWalk final : public SourceWalk {
 public:
  /// Both must outlive it, and the contents of `stream` too.
  StreamWalk(const StreamSource& stream, core::Clock& clock) : stream_(&stream), clock_(clock) {}

  core::Result<std::optional<WalkStep>> next() override;
  void end_early() override { stream_ = nullptr; }

 private:
  const StreamSource* stream_;  ///< nullptr: it was returned
  core::Clock& clock_;
};

}  // namespace cairn::repo::ops
