#include "cairn/core/secret.h"

#include <sodium.h>

#include <cstdlib>
#include <cstring>
#include <gsl/assert>
#include <new>

namespace cairn::core {
namespace {

// sodium_malloc would spend three pages and four system calls on each 32-byte key.
//
// Memory is locked but never unlocked: locks work on pages and do not count, so unlocking one key
// would unlock its neighbours. A freed page that stays locked is soon used for the next key.
std::byte* allocate_secret(std::size_t size) {
  auto* const data = static_cast<std::byte*>(std::calloc(size, 1));
  if (data == nullptr) {
    throw std::bad_alloc();
  }
  // Fails beyond RLIMIT_MEMLOCK, which is the administrator's decision to make.
  static_cast<void>(sodium_mlock(data, size));
  return data;
}

void free_secret(std::byte* data, std::size_t size) noexcept {
  if (data != nullptr) {
    sodium_memzero(data, size);
    std::free(data);
  }
}

}  // namespace

SecretBytes::SecretBytes(std::size_t size)
    : data_(size == 0 ? nullptr : allocate_secret(size)), size_(size) {}

SecretBytes SecretBytes::copy_of(ByteView from) {
  SecretBytes copy(from.size());
  copy_secret(copy.mutable_view(), from);
  return copy;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    free_secret(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { free_secret(data_, size_); }

void copy_secret(MutableByteView to, ByteView from) {
  Expects(to.size() == from.size());
  if (!from.empty()) {
    std::memcpy(to.data(), from.data(), from.size());
  }
}

void wipe(MutableByteView bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cairn::core
