#pragma once

#include <cstddef>
#include <utility>

#include "cairn/core/bytes.h"

namespace cairn::core {

/// Heap memory for key material: locked against swapping where the system allows it, wiped when it
/// is freed. Move-only, not printable; comparison is constant-time and explicit.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  /// `size` zero bytes.
  explicit SecretBytes(std::size_t size);
  /// A copy of `from`; the caller still owns and wipes its own.
  [[nodiscard]] static SecretBytes copy_of(ByteView from);

  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }
  [[nodiscard]] MutableByteView mutable_view() noexcept { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// A deliberate copy: every duplicate of a key can be found by this name.
  [[nodiscard]] SecretBytes duplicate() const { return copy_of(view()); }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A 32-byte symmetric or secret key of one purpose: Tag keeps purposes apart.
template <class Tag>
class SecretKey {
 public:
  static constexpr std::size_t kSize = 32;
  SecretKey() : bytes_(kSize) {}
  [[nodiscard]] static SecretKey copy_of(ByteView from) {
    SecretKey key;
    copy_exact_secret(key.mutable_view(), from);
    return key;
  }
  [[nodiscard]] ByteView view() const noexcept { return bytes_.view(); }
  [[nodiscard]] MutableByteView mutable_view() noexcept { return bytes_.mutable_view(); }
  [[nodiscard]] SecretKey duplicate() const { return copy_of(view()); }

 private:
  static void copy_exact_secret(MutableByteView to, ByteView from);
  SecretBytes bytes_;
};

/// Ends the process unless sizes are equal.
void copy_secret(MutableByteView to, ByteView from);

template <class Tag>
void SecretKey<Tag>::copy_exact_secret(MutableByteView to, ByteView from) {
  copy_secret(to, from);
}

/// Overwrites memory in a way that the optimiser may not remove.
void wipe(MutableByteView bytes) noexcept;
/// Constant-time in the contents; false at once if the sizes differ.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace cairn::core
