#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/core/bytes.h"

namespace cairn::test {

/// One test vector: bytes, and what a reader must make of them. tests/vectors/README.md says how
/// they are written down.
struct Vector {
  std::string record;
  std::string expect;  ///< "ok", or the name of an error code
  std::string note;    ///< which rule this is about; unique within the record
  std::string says;    ///< if rejected: words of the error's message; may be empty
  core::Bytes bytes;
};

/// Names of the files in the vectors' folder, without ".vec": one for each record.
[[nodiscard]] std::vector<std::string> vector_file_names();
/// All vectors of one file. Ends the process if the file cannot be read or understood.
[[nodiscard]] std::vector<Vector> read_vectors(std::string_view record);

[[nodiscard]] std::string format_vectors(const std::vector<Vector>& vectors);
[[nodiscard]] std::vector<Vector> parse_vectors(std::string_view text);

/// Replaces tests/vectors/<record>.vec, and fuzz/corpus/<record>/ by one input for each vector.
void write_vectors(std::string_view record, const std::vector<Vector>& vectors);

}  // namespace cairn::test
