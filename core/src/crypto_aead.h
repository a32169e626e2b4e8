#pragma once

namespace cairn::core {

/// Finds the algorithm behind aead_seal() and aead_open(), once. False if there is none.
[[nodiscard]] bool has_aead();

}  // namespace cairn::core
