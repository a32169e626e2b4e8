#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cairn::test {

/// What a run of the simulation came across: each must be met by some seed, or the simulation does
/// not look where it should.
using Probes = std::map<std::string, std::uint64_t>;

/// Runs two writers, two collectors and a forgetter, all of them the library's own code, against
/// one storage, by a seed. Some die in the middle and begin again, some fall asleep. Then a
/// collector that is alone clears up, and everything that stands must verify and have its contents.
class World {
 public:
  /// `folder`: for a repository's keys; empty, made once, used by all worlds of a process.
  explicit World(std::string folder);

  struct Outcome {
    std::vector<std::string> violations;
    std::uint64_t turns = 0;
  };
  Outcome run(std::uint64_t seed, Probes& probes);

 private:
  std::string folder_;
};

}  // namespace cairn::test
