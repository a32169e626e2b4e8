#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pieces.h"
#include "vector_file.h"

/// Where the vectors in tests/vectors come from: records put together by hand, whole ones and ones
/// with one rule broken. The first vector of a record is the one that golden_values_test.cpp
/// compares with a value.
namespace cairn::test {

/// The vectors of one record, collected.
class VectorList {
 public:
  explicit VectorList(std::string record) : record_(std::move(record)) {}

  VectorList& ok(std::string note, const Pieces& pieces) {
    return ok(std::move(note), pieces.join());
  }
  VectorList& ok(std::string note, core::Bytes bytes) {
    return add("ok", std::move(note), "", std::move(bytes));
  }
  VectorList& corrupt(std::string note, std::string says, const Pieces& pieces) {
    return add("corrupt", std::move(note), std::move(says), pieces.join());
  }
  VectorList& limit(std::string note, std::string says, const Pieces& pieces) {
    return add("limit_exceeded", std::move(note), std::move(says), pieces.join());
  }
  VectorList& unsupported(std::string note, std::string says, const Pieces& pieces) {
    return add("unsupported_version", std::move(note), std::move(says), pieces.join());
  }
  /// What no record may be: nothing, a byte short, a byte long. `name` is what messages call it.
  VectorList& cut_and_grown(const std::string& name, const core::Bytes& good) {
    add("corrupt", "empty", name, {});
    core::Bytes bytes = good;
    bytes.pop_back();
    add("corrupt", "a byte short", name, bytes);
    bytes = good;
    bytes.push_back(std::byte{0});
    return add("corrupt", "a byte added", name, bytes);
  }
  VectorList& add(std::string expect, std::string note, std::string says, core::Bytes bytes) {
    vectors_.push_back(
        {record_, std::move(expect), std::move(note), std::move(says), std::move(bytes)});
    return *this;
  }

  [[nodiscard]] std::vector<Vector> take() && { return std::move(vectors_); }

 private:
  std::string record_;
  std::vector<Vector> vectors_;
};

[[nodiscard]] std::vector<Vector> made_vectors(std::string_view record);

// By what they are about.
[[nodiscard]] std::vector<Vector> config_vectors();
[[nodiscard]] std::vector<Vector> frame_vectors();
[[nodiscard]] std::vector<Vector> twin_vectors();
[[nodiscard]] std::vector<Vector> symmetric_envelope_vectors();
[[nodiscard]] std::vector<Vector> public_envelope_vectors();
[[nodiscard]] std::vector<Vector> padding_vectors();

[[nodiscard]] std::vector<Vector> certificate_vectors();
[[nodiscard]] std::vector<Vector> key_bundle_vectors();
[[nodiscard]] std::vector<Vector> key_slot_vectors();
[[nodiscard]] std::vector<Vector> slot_label_vectors();

[[nodiscard]] std::vector<Vector> pack_header_vectors();
[[nodiscard]] std::vector<Vector> pack_directory_vectors();
[[nodiscard]] std::vector<Vector> pack_footer_vectors();
[[nodiscard]] std::vector<Vector> index_segment_vectors();

[[nodiscard]] std::vector<Vector> link_vectors();
[[nodiscard]] std::vector<Vector> register_vectors();
[[nodiscard]] std::vector<Vector> snapshot_vectors();
[[nodiscard]] std::vector<Vector> mark_vectors();
[[nodiscard]] std::vector<Vector> settings_vectors();
[[nodiscard]] std::vector<Vector> session_vectors();
[[nodiscard]] std::vector<Vector> tombstone_vectors();
[[nodiscard]] std::vector<Vector> condemned_vectors();

[[nodiscard]] std::vector<Vector> folder_leaf_vectors();
[[nodiscard]] std::vector<Vector> folder_inner_vectors();
[[nodiscard]] std::vector<Vector> list_leaf_vectors();
[[nodiscard]] std::vector<Vector> list_inner_vectors();
[[nodiscard]] std::vector<Vector> root_vectors();

// Roles, as docs/FORMAT.md numbers them.
inline constexpr std::uint8_t kAdmin = 1;
inline constexpr std::uint8_t kBackup = 2;
inline constexpr std::uint8_t kRestore = 3;
inline constexpr std::uint8_t kMaintain = 4;
inline constexpr std::uint8_t kAudit = 5;

/// A certificate for `role`: run(0x40), role, a time, run(0x60, 64).
[[nodiscard]] core::Bytes made_certificate(std::uint8_t role);

}  // namespace cairn::test
