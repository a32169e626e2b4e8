#pragma once

#include <memory>

#include "cairn/repo/entry.h"

namespace cairn::repo::ops {

/// Names of user and group numbers; the system is asked once for each. Thread-safe.
class OwnerNames {
 public:
  OwnerNames();
  ~OwnerNames();
  OwnerNames(const OwnerNames&) = delete;
  OwnerNames& operator=(const OwnerNames&) = delete;
  /// Fills in the names of user and group; empty if there is none.
  void fill(Owner& owner);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::repo::ops
