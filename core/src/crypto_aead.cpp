#include "crypto_aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <gsl/gsl>
#include <memory>
#include <new>
#include <span>

#include "cairn/core/crypto.h"

namespace cairn::core {
namespace {

constexpr std::size_t kAeadKeyBytes = 32;
constexpr std::size_t kAeadNonceBytes = 12;
using Nonce = std::array<unsigned char, kAeadNonceBytes>;

/// OpenSSL takes lengths as int.
constexpr std::size_t kUpdateBytesMax = std::size_t{1} << 30;

struct Free {
  void operator()(OSSL_LIB_CTX* library) const noexcept { OSSL_LIB_CTX_free(library); }
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

/// The algorithm, fetched in a library context of its own: the default one reads openssl.cnf, in
/// which a system may have forbidden it, though stored data needs this very algorithm.
class ChaCha20Poly1305 {
 public:
  ChaCha20Poly1305()
      : library_(OSSL_LIB_CTX_new()),
        cipher_(EVP_CIPHER_fetch(library_.get(), "ChaCha20-Poly1305", "")) {}
  [[nodiscard]] const EVP_CIPHER* get() const noexcept { return cipher_.get(); }

 private:
  std::unique_ptr<OSSL_LIB_CTX, Free> library_;
  std::unique_ptr<EVP_CIPHER, Free> cipher_;
};

const EVP_CIPHER* find_cipher() {
  static const ChaCha20Poly1305 cipher;
  return cipher.get();
}

Nonce nonce_of(std::uint64_t number) noexcept {
  Nonce nonce{};
  for (std::size_t i = 0; i < sizeof(number); ++i) {
    nonce[i] = static_cast<unsigned char>(number >> (8 * i));
  }
  return nonce;
}

/// One message being processed. With arguments of the right sizes OpenSSL's calls fail only for
/// lack of memory, except finish() of a message that is not authentic.
class Message {
 public:
  enum class Direction { seal = 1, open = 0 };

  Message(Direction direction, ByteView key, std::uint64_t nonce_number, ByteView associated_data)
      : context_(EVP_CIPHER_CTX_new()) {
    Expects(key.size() == kAeadKeyBytes);
    const Nonce nonce = nonce_of(nonce_number);
    check(context_ != nullptr &&
          EVP_CipherInit_ex2(context_.get(), find_cipher(), u8_data(key), nonce.data(),
                             static_cast<int>(direction), nullptr) == 1);
    update(associated_data, nullptr);
  }

  /// `out` is nullptr (for associated data), as long as `in`, or `in` itself.
  void update(ByteView in, unsigned char* out) {
    while (!in.empty()) {
      const auto piece = in.first(std::min(in.size(), kUpdateBytesMax));
      int written = 0;
      check(EVP_CipherUpdate(context_.get(), out, &written, u8_data(piece),
                             gsl::narrow_cast<int>(piece.size())) == 1);
      out = out == nullptr ? nullptr : out + piece.size();
      in = in.subspan(piece.size());
    }
  }

  void get_tag(MutableByteView tag) {
    check(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG,
                              gsl::narrow_cast<int>(tag.size()), tag.data()) == 1);
  }
  void expect_tag(std::array<unsigned char, kAeadTagBytes> tag) {
    check(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG,
                              gsl::narrow_cast<int>(tag.size()), tag.data()) == 1);
  }
  /// False if the tag is not the one that was expected.
  [[nodiscard]] bool finish() {
    std::array<unsigned char, EVP_MAX_BLOCK_LENGTH> nothing{};
    int written = 0;
    return EVP_CipherFinal_ex(context_.get(), nothing.data(), &written) == 1;
  }

 private:
  static void check(bool done) {
    if (!done) {
      throw std::bad_alloc();
    }
  }

  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

}  // namespace

bool has_aead() { return find_cipher() != nullptr; }

void aead_seal(ByteView key, std::uint64_t nonce_number, ByteView associated_data,
               ByteView plaintext, MutableByteView out) {
  Expects(out.size() == plaintext.size() + kAeadTagBytes);
  Message message(Message::Direction::seal, key, nonce_number, associated_data);
  message.update(plaintext, u8_data(out));
  if (!message.finish()) {
    throw std::bad_alloc();
  }
  message.get_tag(out.last(kAeadTagBytes));
}

bool aead_open(ByteView key, std::uint64_t nonce_number, ByteView associated_data, ByteView sealed,
               MutableByteView out) {
  Expects(sealed.size() == out.size() + kAeadTagBytes);
  // Copied before anything is written: `out` may be the same memory.
  std::array<unsigned char, kAeadTagBytes> tag{};
  std::ranges::copy(sealed.last(kAeadTagBytes), std::as_writable_bytes(std::span(tag)).begin());
  Message message(Message::Direction::open, key, nonce_number, associated_data);
  message.update(sealed.first(out.size()), u8_data(out));
  message.expect_tag(tag);
  const bool is_authentic = message.finish();
  if (!is_authentic) {
    std::ranges::fill(out, std::byte{0});
  }
  return is_authentic;
}

}  // namespace cairn::core
