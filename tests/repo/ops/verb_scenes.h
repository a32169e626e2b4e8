#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "repo_fixture.h"

/// One scene for each verb, for tests that let something fail in the middle of it. A scene can be
/// played again and again: whatever failed, everything that was published stays whole.
namespace cairn::test {

/// What may fail; both must outlive the scene.
struct SceneWorld {
  const core::Threads& threads = core::system_threads();
  core::FileSystem* file_system =
      nullptr;  ///< the repository's and the catalogue's; nullptr: the real one
};

class VerbScene {
 public:
  explicit VerbScene(const SceneWorld& world);
  virtual ~VerbScene() = default;
  VerbScene(const VerbScene&) = delete;
  VerbScene& operator=(const VerbScene&) = delete;

  /// What the verb will find; nothing must fail here. Answers what went wrong, or nothing.
  [[nodiscard]] virtual std::string prepare() = 0;
  /// The verb, with more to do than its first steps.
  [[nodiscard]] virtual core::Status play() = 0;
  /// What is wrong after play() succeeded: wrong success.
  [[nodiscard]] virtual std::string mistake() = 0;
  /// What is wrong in the repository, whatever became of play().
  [[nodiscard]] virtual std::string damage();

 protected:
  /// A file that no other has bytes of, and a backup of the source.
  void change_source();
  [[nodiscard]] core::Status add_snapshot();

  RepoFixture fixture_;
  std::optional<repo::Repository> repository_;
  std::optional<repo::Snapshot> first_;
  std::uint64_t changes_ = 0;
};

struct NamedScene {
  std::string_view verb;
  std::function<std::unique_ptr<VerbScene>(const SceneWorld& world)> make;
};
[[nodiscard]] const std::vector<NamedScene>& verb_scenes();

}  // namespace cairn::test
