#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/core/process_identity.h"

/// Names of temporary things, which show when nobody needs them any more: the files below tmp/, and
/// catalogues for one run.
namespace cairn::repo::store {

/// "<place>-<process>-<start>-<tag>-<number>": 16 hexadecimal digits of the writer's place, its
/// process id and start, 16 random digits, a counter. No two writers share a name, even if one was
/// taken for dead and its file removed.
[[nodiscard]] std::string temporary_name(const core::ProcessIdentity& writer, std::uint64_t tag,
                                         std::uint64_t number);

/// "<place>-<process>-<start>-": the part of a name that says who writes; anything may follow.
[[nodiscard]] std::string writer_prefix(const core::ProcessIdentity& writer);

/// If the name says that its writer runs in the same place as `process`, returns the writer: its
/// number and start, and the place of `process`. Nullopt for all other names.
[[nodiscard]] std::optional<core::ProcessIdentity> writer_in_place_of(
    std::string_view name, const core::ProcessIdentity& process);

}  // namespace cairn::repo::store
