#include "io/descriptor_streams.h"

#include <unistd.h>

#include <cerrno>

#include "cairn/core/descriptor.h"

namespace cairn::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

}  // namespace

DescriptorInput::DescriptorInput(int descriptor, const std::stop_token& stop)
    : descriptor_(descriptor), wake_(stop), buffer_(kBufferBytes) {}

DescriptorInput::int_type DescriptorInput::underflow() {
  if (gptr() < egptr()) {
    return traits_type::to_int_type(*gptr());
  }
  if (error_ != 0) {
    return traits_type::eof();
  }
  if (!wake_.wait_to_read(descriptor_)) {
    error_ = ECANCELED;
    return traits_type::eof();
  }
  const ::ssize_t count =
      core::uninterrupted([this] { return ::read(descriptor_, buffer_.data(), buffer_.size()); });
  if (count <= 0) {
    error_ = count < 0 ? errno : 0;
    return traits_type::eof();
  }
  setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
  return traits_type::to_int_type(*gptr());
}

DescriptorOutput::DescriptorOutput(int descriptor)
    : descriptor_(descriptor), buffer_(kBufferBytes) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorOutput::int_type DescriptorOutput::overflow(int_type byte) {
  if (sync() != 0) {
    return traits_type::eof();
  }
  if (!traits_type::eq_int_type(byte, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(byte);
    pbump(1);
  }
  return traits_type::not_eof(byte);
}

int DescriptorOutput::sync() {
  const char* at = pbase();
  while (at < pptr() && error_ == 0) {
    const ::ssize_t count = ::write(descriptor_, at, static_cast<std::size_t>(pptr() - at));
    if (count >= 0) {
      at += count;
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return error_ == 0 ? 0 : -1;
}

}  // namespace cairn::cli
