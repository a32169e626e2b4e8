#include <algorithm>
#include <set>

#include "catch2.h"
#include "made_vectors.h"
#include "outcome.h"
#include "record_codecs.h"
#include "vector_file.h"

using namespace cairn;

namespace {

bool has(const std::vector<test::Vector>& vectors, bool accepted) {
  return std::any_of(vectors.begin(), vectors.end(), [accepted](const test::Vector& vector) {
    return (vector.expect == "ok") == accepted;
  });
}

}  // namespace

TEST_CASE("vectors: every record has a file, and every file is a record's") {
  std::vector<std::string> records(test::record_names().begin(), test::record_names().end());
  CHECK(test::vector_file_names() == records);
}

TEST_CASE("vectors: accepted ones encode to the same bytes, others fail as they say") {
  for (const std::string_view record : test::record_names()) {
    const auto vectors = test::read_vectors(record);
    CAPTURE(record);
    CHECK(has(vectors, true));
    CHECK(has(vectors, false));
    for (const test::Vector& vector : vectors) {
      CAPTURE(vector.note);
      REQUIRE(vector.record == record);
      const auto again = test::encode_again(record, vector.bytes);
      CAPTURE(test::message_of(again));
      CHECK(test::outcome(again) == vector.expect);
      if (again) {
        CHECK(core::to_hex(*again) == core::to_hex(vector.bytes));
      } else {
        CHECK(test::message_of(again).find(test::record_called(record)) != std::string::npos);
        CHECK(test::message_of(again).find(vector.says) != std::string::npos);
      }
    }
  }
}

TEST_CASE("vectors: no accepted record stays one when a byte is missing") {
  for (const std::string_view record : test::record_names()) {
    // What follows the header of an envelope is ciphertext of any length; a twin survives damage.
    if (record == "symmetric_envelope" || record == "public_envelope" || record == "twin") {
      continue;
    }
    CAPTURE(record);
    for (const test::Vector& vector : test::read_vectors(record)) {
      if (vector.expect != "ok") {
        continue;
      }
      CAPTURE(vector.note);
      for (std::size_t size = 0; size < vector.bytes.size(); ++size) {
        CAPTURE(size);
        const auto cut = core::ByteView(vector.bytes).first(size);
        REQUIRE(test::outcome(test::encode_again(record, cut)) == "corrupt");
      }
    }
  }
}

TEST_CASE("vectors: the files hold what the records are made of by hand") {
  for (const std::string_view record : test::record_names()) {
    CAPTURE(record);
    const auto made = test::made_vectors(record);
    CHECK(test::format_vectors(made) == test::format_vectors(test::read_vectors(record)));
    std::set<std::string> notes;
    for (const test::Vector& vector : made) {
      CAPTURE(vector.note);
      CHECK(notes.insert(vector.note).second);
    }
  }
}

// Run it on purpose, after a deliberate change of the format, and look at the difference:
//   format_tests "[write-vectors]"
// Writes tests/vectors/*.vec and, from the same bytes, fuzz/corpus/<record>/.
TEST_CASE("write the vectors", "[.][write-vectors]") {
  for (const std::string_view record : test::record_names()) {
    test::write_vectors(record, test::made_vectors(record));
  }
  SUCCEED();
}
