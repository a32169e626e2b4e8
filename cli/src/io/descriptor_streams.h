#pragma once

#include <stop_token>
#include <streambuf>
#include <vector>

#include "io/stop_wake.h"

namespace cairn::cli {

/// Buffered input from a descriptor that remembers why it failed, which std::cin does not: there a
/// folder, or a descriptor that is closed, is an empty input. A stop ends the wait for more. The
/// descriptor stays the caller's. For one thread.
class DescriptorInput final : public std::streambuf {
 public:
  DescriptorInput(int descriptor, const std::stop_token& stop);

  /// errno of the read that failed; ECANCELED after a stop; 0: none.
  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int_type underflow() override;

 private:
  int descriptor_;
  int error_ = 0;
  StopWake wake_;
  std::vector<char> buffer_;
};

/// Buffered output to a descriptor that remembers why it failed, which std::ofstream does not.
class DescriptorOutput final : public std::streambuf {
 public:
  explicit DescriptorOutput(int descriptor);

  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int_type overflow(int_type byte) override;
  int sync() override;

 private:
  int descriptor_;
  int error_ = 0;
  std::vector<char> buffer_;
};

}  // namespace cairn::cli
