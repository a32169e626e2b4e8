#include <cstdio>

#include "cairn/core/version.h"

int main() {
  const auto version = cairn::core::version();
  return std::fwrite(version.data(), 1, version.size(), stdout) == version.size() ? 0 : 1;
}
