#pragma once

#include <memory>

#include "cairn/repo/entry.h"

namespace cairn::repo::ops {

/// Names of user and group numbers, asked from the system once each. Thread-safe.
class OwnerNames {
 public:
  OwnerNames();
  ~OwnerNames();
  OwnerNames(const OwnerNames&) = delete;
  OwnerNames& operator=(const OwnerNames&) = delete;
  /// Fills user and group by their numbers; empty where there is no name.
  void fill(Owner& owner);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::repo::ops
