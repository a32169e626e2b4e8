#include <cairn/core/version.h>

#include <cstdio>

int main() {
  const auto version = cairn::core::version();
  std::printf("%.*s\n", static_cast<int>(version.size()), version.data());
  return 0;
}
