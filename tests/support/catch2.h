#pragma once

// The one place that knows which Catch2 is installed: Debian 12 ships v2, Debian 13 ships v3. Tests
// use what both have; of the namespace Catch that is what stands here, in the spelling of v2
// (tests/tidy looks after it).
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

namespace Catch {

using Matchers::StartsWith;

inline auto Contains(const std::string& text) { return Matchers::ContainsSubstring(text); }

}  // namespace Catch
#else
#include <catch2/catch.hpp>
#endif
