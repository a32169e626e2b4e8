#pragma once

#include <string_view>
#include <vector>

#include "cairn/core/bytes.h"
#include "cairn/core/result.h"

namespace cairn::test {

/// Names of all records that have vectors, one for each decoder.
[[nodiscard]] const std::vector<std::string_view>& record_names();

/// What messages call it.
[[nodiscard]] std::string_view record_called(std::string_view record);

/// Decodes and encodes again. `record` must be one of record_names().
[[nodiscard]] core::Result<core::Bytes> encode_again(std::string_view record, core::ByteView input);

}  // namespace cairn::test
