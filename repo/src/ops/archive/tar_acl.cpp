#include "ops/archive/tar_acl.h"

#include <fmt/format.h>

#include <cstdint>

namespace cairn::repo::ops {
namespace {

// struct posix_acl_xattr_header and ..._entry of the kernel, little-endian.
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kEntryBytes = 8;

std::uint32_t number_at(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  }
  return value;
}

/// "user:1000:", nullopt for an unknown tag.
std::optional<std::string> who(std::uint32_t tag, std::uint32_t id) {
  switch (tag) {
    case 0x01:
      return "user::";
    case 0x02:
      return fmt::format("user:{}:", id);
    case 0x04:
      return "group::";
    case 0x08:
      return fmt::format("group:{}:", id);
    case 0x10:
      return "mask::";
    case 0x20:
      return "other::";
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> acl_text(std::string_view value) {
  if (value.size() < kHeadBytes || (value.size() - kHeadBytes) % kEntryBytes != 0 ||
      number_at(value, 0, kHeadBytes) != kVersion) {
    return std::nullopt;
  }
  std::string text;
  for (std::size_t at = kHeadBytes; at < value.size(); at += kEntryBytes) {
    const auto name = who(number_at(value, at, 2), number_at(value, at + 4, 4));
    const std::uint32_t rights = number_at(value, at + 2, 2);
    if (!name || rights > 7) {
      return std::nullopt;
    }
    text += *name;
    text += (rights & 4) != 0 ? 'r' : '-';
    text += (rights & 2) != 0 ? 'w' : '-';
    text += (rights & 1) != 0 ? 'x' : '-';
    text += '\n';
  }
  return text;
}

}  // namespace cairn::repo::ops
