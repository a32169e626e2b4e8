#pragma once

#include <stop_token>
#include <streambuf>
#include <vector>

#include "io/stop_wake.h"

namespace cairn::cli {

/// Buffered input from a descriptor. Unlike std::cin, for which a folder or a closed descriptor is
/// an empty input, it remembers why reading failed. A stop ends the wait for more. The descriptor
/// stays the caller's. For one thread.
class DescriptorInput final : public std::streambuf {
 public:
  DescriptorInput(int descriptor, const std::stop_token& stop);

  /// errno of the failed read; ECANCELED after a stop; 0: none.
  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int_type underflow() override;

 private:
  int descriptor_;
  int error_ = 0;
  StopWake wake_;
  std::vector<char> buffer_;
};

/// Buffered output to a descriptor. Unlike std::ofstream, it remembers why writing failed.
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
