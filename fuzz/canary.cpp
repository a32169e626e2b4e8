#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Must crash on corpus/canary/crash. If it does not, no replay of any target can be trusted.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input == "the canary sings") {
    std::abort();
  }
  return 0;
}
