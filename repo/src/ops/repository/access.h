#pragma once

#include <string_view>

#include "cairn/core/result.h"
#include "ops/repository/open_repository.h"

/// What the key in use may read and sign. Errors: not_permitted, naming the roles that may.
namespace cairn::repo::ops {

/// A check that several verbs need for their options. Errors: invalid_argument.
core::Status check_compression_level(int level);
/// A text of at most kTextBytesMax. `what` as in "the name of this host". Errors: limit_exceeded.
core::Status check_text(std::string_view what, std::string_view text);
/// What records say about their writer. Errors: limit_exceeded.
core::Status check_environment(const Environment& environment);

core::Status require_metadata_key(const OpenRepository& repository);
core::Status require_data_key(const OpenRepository& repository);
/// May add snapshots.
core::Status require_writing_key(const OpenRepository& repository);
/// May forget, mark and prune. `action` is what the key is asked to do, for the message.
core::Status require_collecting_key(const OpenRepository& repository,
                                    std::string_view action = "take anything away");

}  // namespace cairn::repo::ops
