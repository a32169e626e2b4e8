#include "store/backend/temporary_name.h"

#include <fmt/format.h>

#include <charconv>

namespace cairn::repo::store {
namespace {

constexpr std::size_t kPlaceDigits = 16;

std::string short_place(const core::ProcessIdentity& process) {
  return process.place.hex().substr(0, kPlaceDigits);
}

/// Takes "<number>-" from the front.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '-') {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()) + 1);
  return true;
}

}  // namespace

std::string writer_prefix(const core::ProcessIdentity& writer) {
  return fmt::format("{}-{}-{}-", short_place(writer), writer.number, writer.start);
}

std::string temporary_name(const core::ProcessIdentity& writer, std::uint64_t tag,
                           std::uint64_t number) {
  return fmt::format("{}{:016x}-{}", writer_prefix(writer), tag, number);
}

std::optional<core::ProcessIdentity> writer_in_place_of(std::string_view name,
                                                        const core::ProcessIdentity& process) {
  core::ProcessIdentity writer{.place = process.place};
  if (process.place.is_zero() || !name.starts_with(short_place(process) + '-')) {
    return std::nullopt;
  }
  name.remove_prefix(kPlaceDigits + 1);
  if (!take_number(name, writer.number) || !take_number(name, writer.start)) {
    return std::nullopt;
  }
  return writer;
}

}  // namespace cairn::repo::store
