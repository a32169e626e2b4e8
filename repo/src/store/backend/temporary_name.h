#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/process_identity.h"

/// What temporary things are called, so that it can be told when nobody needs them any more: the
/// files below tmp/, and catalogues for one run.
namespace cairn::repo::store {

/// "<place>-<process>-<start>-<tag>-<number>": 16 hexadecimal digits of the writer's place, its
/// process id and start, 16 digits of randomness, a counter. No two writers share a name, even if
/// one has been taken for dead and its file removed.
[[nodiscard]] std::string temporary_name(const core::ProcessIdentity& writer, std::uint64_t tag,
                                         std::uint64_t number);

/// "<place>-<process>-<start>-": with anything behind it, a name that says who writes.
[[nodiscard]] std::string writer_prefix(const core::ProcessIdentity& writer);

/// True if the name says that its writer is `process`'s place-mate, which it then fills in: number
/// and start of the writer, place as in `process`. Nullopt for all other names.
[[nodiscard]] std::optional<core::ProcessIdentity> writer_in_place_of(
    std::string_view name, const core::ProcessIdentity& process);

}  // namespace cairn::repo::store
