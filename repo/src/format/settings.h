#pragma once

#include <cstdint>

#include "cairn/repo/ids.h"
#include "format/key_slot.h"

/// What the admin may change about a repository after it was made. docs/FORMAT.md, "Config".
namespace cairn::repo::format {

/// settings/<id>: all settings, not a change of them. Sealed under the index key.
struct Settings {
  std::uint64_t number = 1;          ///< from 1; the one with the highest counts
  std::uint64_t max_repo_bytes = 0;  ///< of all objects together; 0: no limit
  core::Timestamp when;
  Certificate signer;         ///< admin
  core::Signature signature;  ///< over settings_message()

  friend bool operator==(const Settings&, const Settings&) = default;
};
[[nodiscard]] core::Bytes encode_settings(const Settings& settings);
[[nodiscard]] core::Result<Settings> decode_settings(core::ByteView input);
[[nodiscard]] core::Bytes settings_message(const RepositoryId& repository,
                                           const Settings& settings);

}  // namespace cairn::repo::format
