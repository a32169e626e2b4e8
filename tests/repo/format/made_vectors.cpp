#include "made_vectors.h"

#include <algorithm>
#include <array>
#include <gsl/assert>

namespace cairn::test {
namespace {

struct Maker {
  std::string_view record;
  std::vector<Vector> (*make)();
};
constexpr std::array kMakers{
    Maker{"certificate", certificate_vectors},
    Maker{"condemned", condemned_vectors},
    Maker{"config", config_vectors},
    Maker{"folder_inner", folder_inner_vectors},
    Maker{"folder_leaf", folder_leaf_vectors},
    Maker{"frame", frame_vectors},
    Maker{"index_segment", index_segment_vectors},
    Maker{"key_bundle", key_bundle_vectors},
    Maker{"key_slot", key_slot_vectors},
    Maker{"link", link_vectors},
    Maker{"list_inner", list_inner_vectors},
    Maker{"list_leaf", list_leaf_vectors},
    Maker{"mark", mark_vectors},
    Maker{"pack_directory", pack_directory_vectors},
    Maker{"pack_footer", pack_footer_vectors},
    Maker{"pack_header", pack_header_vectors},
    Maker{"padding", padding_vectors},
    Maker{"public_envelope", public_envelope_vectors},
    Maker{"register", register_vectors},
    Maker{"root", root_vectors},
    Maker{"session", session_vectors},
    Maker{"settings", settings_vectors},
    Maker{"slot_label", slot_label_vectors},
    Maker{"snapshot", snapshot_vectors},
    Maker{"symmetric_envelope", symmetric_envelope_vectors},
    Maker{"tombstone", tombstone_vectors},
    Maker{"twin", twin_vectors},
};

}  // namespace

std::vector<Vector> made_vectors(std::string_view record) {
  const auto* const found = std::find_if(kMakers.begin(), kMakers.end(),
                                         [record](const Maker& m) { return m.record == record; });
  Expects(found != kMakers.end());
  return found->make();
}

core::Bytes made_certificate(std::uint8_t role) {
  return joined(run(0x40), u8(role), timestamp(1'767'225'600, 5), run(0x60, 64));
}

}  // namespace cairn::test
