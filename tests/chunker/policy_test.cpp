#include "cairn/chunker/policy.h"

#include "catch2.h"

namespace cairn::chunker {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

}  // namespace

TEST_CASE("the default policy is valid and is the documented one", "[chunker][policy]") {
  const Policy policy = default_policy();
  CHECK(valid(policy));
  const auto of = [&policy](ContentClass content_class) {
    return cut_parameters(policy, content_class, 1000);
  };
  CHECK(of(ContentClass::general) == CutParameters{.kernel = Kernel::gear,
                                                   .size_min = 4 << 10,
                                                   .size_avg = 16 << 10,
                                                   .size_max = 256 << 10});
  CHECK(of(ContentClass::page_file) == CutParameters{.kernel = Kernel::fixed,
                                                     .size_min = 4 << 10,
                                                     .size_avg = 4 << 10,
                                                     .size_max = 4 << 10});
  CHECK(of(ContentClass::disk_image) == CutParameters{.kernel = Kernel::fixed,
                                                      .size_min = 32 << 10,
                                                      .size_avg = 32 << 10,
                                                      .size_max = 32 << 10});
  CHECK(of(ContentClass::compressed) == CutParameters{.kernel = Kernel::gear,
                                                      .size_min = 64 << 10,
                                                      .size_avg = 256 << 10,
                                                      .size_max = 1 << 20});
}

TEST_CASE("a policy with one bad class is not valid", "[chunker][policy]") {
  for (std::size_t i = 0; i < kContentClassCount; ++i) {
    Policy policy = default_policy();
    policy.classes[i].size_max = kChunkSizeMax + 1;
    CHECK_FALSE(valid(policy));
  }
}

TEST_CASE("page files double their page when they grow by a factor of eight", "[chunker][policy]") {
  const Policy policy = default_policy();
  const auto page = [&policy](std::uint64_t size_bytes) {
    return cut_parameters(policy, ContentClass::page_file, size_bytes).size_avg;
  };
  CHECK(page(0) == 4096);
  CHECK(page(4 * kGiB - 1) == 4096);
  CHECK(page(4 * kGiB) == 8192);
  CHECK(page(32 * kGiB - 1) == 8192);
  CHECK(page(32 * kGiB) == 16384);
  CHECK(page(256 * kGiB) == 32768);
  CHECK(page(2048 * kGiB) == 65536);
  CHECK(page(16384 * kGiB) == 65536);
  CHECK(page(~std::uint64_t{0}) == 65536);
}

TEST_CASE("a policy's larger page and a content-defined page class stay as they are",
          "[chunker][policy]") {
  Policy policy = default_policy();
  auto& pages = policy.classes[static_cast<std::size_t>(ContentClass::page_file)];
  pages.size_min = pages.size_avg = pages.size_max = 100 << 10;
  CHECK(cut_parameters(policy, ContentClass::page_file, 4096 * kGiB) == pages);
  pages = {.kernel = Kernel::gear, .size_min = 1 << 10, .size_avg = 4 << 10, .size_max = 64 << 10};
  CHECK(cut_parameters(policy, ContentClass::page_file, 4096 * kGiB) == pages);
}

TEST_CASE("other classes do not depend on the size", "[chunker][policy]") {
  const Policy policy = default_policy();
  for (const ContentClass content_class :
       {ContentClass::general, ContentClass::disk_image, ContentClass::compressed}) {
    CHECK(cut_parameters(policy, content_class, 0) ==
          cut_parameters(policy, content_class, 4096 * kGiB));
  }
}

TEST_CASE("every content class has a name", "[chunker][policy]") {
  CHECK(to_string(ContentClass::general) == "general");
  CHECK(to_string(ContentClass::page_file) == "page file");
  CHECK(to_string(ContentClass::disk_image) == "disk image");
  CHECK(to_string(ContentClass::compressed) == "compressed");
}

}  // namespace cairn::chunker
