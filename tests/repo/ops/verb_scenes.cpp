#include "verb_scenes.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cairn/repo/browse.h"
#include "cairn/repo/copy.h"
#include "cairn/repo/diff.h"
#include "cairn/repo/find.h"
#include "cairn/repo/forget.h"
#include "cairn/repo/prune.h"
#include "cairn/repo/repair.h"
#include "outcome.h"
#include "tree_spec.h"

namespace cairn::test {
namespace {

using core::Status;

template <class T>
Status status_of(const core::Result<T>& result) {
  return result ? Status() : Status(core::fail(result.error()));
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

std::vector<TreeObject> first_tree() {
  std::vector<TreeObject> objects;
  for (unsigned i = 0; i < 40; ++i) {
    objects.push_back(tree::file(fmt::format("d{}/f{}", i % 5, i), 500 + i * 900, i + 1));
  }
  objects.push_back(tree::file("large", 1'500'000, 77));
  objects.push_back(tree::hard_link("d0/again", "large"));
  objects.push_back(tree::symlink("d1/link", "nowhere"));
  return objects;
}

/// Nothing but names, bytes and links: the clock of the tests stands still.
constexpr TreeAspects kAspects{.mtimes = true};

class BackupScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override {
    change_source();
    return {};
  }
  Status play() override {
    const auto report = fixture_.backup(*repository_, {fixture_.at("source")});
    made_ = report ? std::optional(report->snapshot) : std::nullopt;
    return status_of(report);
  }
  std::string mistake() override {
    if (made_->problem_count != 0) {
      return {};  // it says that it is not whole
    }
    std::filesystem::remove_all(fixture_.at("out"));
    const auto restored =
        fixture_.restore(*repository_, *made_, fixture_.at("source"), fixture_.at("out"));
    return message_of(restored) +
           joined(compare_trees(fixture_.at("source"), fixture_.at("out"), kAspects));
  }

 private:
  std::optional<repo::Snapshot> made_;
};

class RestoreScene : public VerbScene {
 public:
  RestoreScene(const SceneWorld& world, repo::Overwrite overwrite)
      : VerbScene(world), overwrite_(overwrite) {}
  std::string prepare() override {
    std::filesystem::remove_all(fixture_.at("out"));
    if (overwrite_ == repo::Overwrite::refuse) {
      return {};
    }
    std::filesystem::create_directory(fixture_.at("out"));
    std::vector<TreeObject> objects = first_tree();
    for (std::size_t i = 0; i < objects.size(); i += 3) {
      objects[i].seed += 1000;
    }
    return joined(make_tree(fixture_.at("out"), objects));
  }
  Status play() override {
    repo::RestoreOptions options;
    options.path = fixture_.at("source");
    options.target = fixture_.at("out");
    options.overwrite = overwrite_;
    options.workers = 3;
    const auto report = repo::restore(*repository_, *first_, options, fixture_.observer);
    is_whole_ = report && report->problem_count == 0;
    return status_of(report);
  }
  std::string mistake() override {
    return is_whole_ ? joined(compare_trees(fixture_.at("source"), fixture_.at("out"), kAspects))
                     : std::string();
  }

 private:
  const repo::Overwrite overwrite_;
  bool is_whole_ = false;
};

class VerifyScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override { return {}; }
  Status play() override {
    const auto report = fixture_.verify(*repository_);
    is_damaged_ = report && report->damaged();
    return status_of(report);
  }
  std::string mistake() override { return is_damaged_ ? "a false alarm" : ""; }

 private:
  bool is_damaged_ = false;
};

/// Some of what the packs hold is needed by nobody.
class PruneScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override {
    change_source();
    if (const Status added = add_snapshot(); !added) {
      return added.error().message();
    }
    std::filesystem::remove(fixture_.at(fmt::format("source/new/{}", changes_)));
    repo::ForgetOptions options;
    options.snapshots = {"latest"};
    return message_of(repo::forget(*repository_, options, fixture_.observer));
  }
  Status play() override {
    repo::PruneOptions options;
    options.max_unused = 0;
    options.repack_small = true;
    options.workers = 3;
    return status_of(repo::prune(*repository_, options, fixture_.observer));
  }
  std::string mistake() override { return {}; }
};

/// Nothing is damaged.
class RepairPacksScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override { return {}; }
  Status play() override {
    repo::RepairPacksOptions options;
    options.workers = 3;
    const auto report = repo::repair_packs(*repository_, options, fixture_.observer);
    damaged_ = report ? report->damaged.size() : 0;
    return status_of(report);
  }
  std::string mistake() override { return damaged_ != 0 ? "a false alarm" : ""; }

 private:
  std::size_t damaged_ = 0;
};

/// Two snapshots, of which the second is read in step with the first, into a destination that is
/// new each time: so every copy has the same to do, whatever became of the one before.
class CopyScene final : public VerbScene {
 public:
  explicit CopyScene(const SceneWorld& world) : VerbScene(world), world_(world) {
    change_source();
    Ensures(add_snapshot().has_value());
  }
  std::string prepare() override {
    copies_.reset();
    destination_ = std::make_unique<RepoFixture>(world_.file_system);
    destination_->threads = &world_.threads;
    core::Bytes apart(8);  // or it would be the same repository
    destination_->random.fill(apart);
    auto made = destination_->init();
    if (made) {
      copies_.emplace(*std::move(made));
    }
    return message_of(made);
  }
  Status play() override {
    repo::CopyOptions options;
    options.workers = 3;
    const auto report = repo::copy(*repository_, *copies_, options, fixture_.observer);
    unreadable_ = report ? report->unreadable : 0;
    return status_of(report);
  }
  /// A snapshot that cannot be read is left out, and counted.
  std::string mistake() override {
    const auto there = repo::list_snapshots(*copies_, fixture_.observer);
    if (!there || there->size() + unreadable_ != 2 || there->empty()) {
      return "a snapshot was not copied";
    }
    if (unreadable_ > 0) {
      return {};
    }
    const std::string out = destination_->at("out");
    std::filesystem::remove_all(out);
    const auto restored =
        destination_->restore(*copies_, there->back().snapshot, fixture_.at("source"), out);
    return message_of(restored) + joined(compare_trees(fixture_.at("source"), out, kAspects));
  }
  std::string damage() override {
    const auto report = destination_->verify(*copies_);
    return VerbScene::damage() + message_of(report) +
           (report && report->damaged() ? "the copy is damaged" : "");
  }

 private:
  const SceneWorld world_;
  std::unique_ptr<RepoFixture> destination_;
  std::optional<repo::Repository> copies_;
  std::uint64_t unreadable_ = 0;
};

class FindScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override { return {}; }
  Status play() override {
    fixture_.observer.warnings.clear();
    CAIRN_TRY(const auto snapshots, repo::list_snapshots(*repository_, fixture_.observer));
    repo::FindOptions options;
    options.patterns = {"f1*"};
    found_ = 0;
    CAIRN_TRY_STATUS(status_of(
        repo::find(*repository_, snapshots, options, fixture_.observer,
                   [this](const repo::ListedSnapshot&, const repo::ListedEntry&) -> Status {
                     found_ += 1;
                     return {};
                   })));
    return {};
  }
  /// A snapshot that cannot be read is left out with a warning.
  std::string mistake() override {
    return found_ == 11 || !fixture_.observer.warnings.empty()
               ? ""
               : fmt::format("found {} without a warning", found_);
  }

 private:
  std::uint64_t found_ = 0;
};

class DiffScene final : public VerbScene {
 public:
  using VerbScene::VerbScene;
  std::string prepare() override { return {}; }
  Status play() override {
    repo::DiffOptions options;
    options.before = {&*first_, fixture_.at("source")};
    options.after = {nullptr, fixture_.at("source")};
    options.compare_contents = true;
    const auto report = repo::diff(*repository_, options, fixture_.observer,
                                   [](const repo::Difference&) -> Status { return {}; });
    differs_ = report && report->problem_count == 0 &&
               report->content_changed + report->added.files + report->removed.files > 0;
    return status_of(report);
  }
  std::string mistake() override { return differs_ ? "what is equal differs" : ""; }

 private:
  bool differs_ = false;
};

template <class Scene>
std::unique_ptr<VerbScene> make(const SceneWorld& world) {
  return std::make_unique<Scene>(world);
}

}  // namespace

VerbScene::VerbScene(const SceneWorld& world) : fixture_(world.file_system) {
  fixture_.threads = &world.threads;
  fixture_.workers = 3;
  Ensures(make_tree(fixture_.at("source"), first_tree()).empty());
  auto made = fixture_.init();
  Ensures(made.has_value());
  repository_.emplace(*std::move(made));
  const auto report = fixture_.backup(*repository_, {fixture_.at("source")});
  Ensures(report.has_value());
  first_ = report->snapshot;
}

void VerbScene::change_source() {
  changes_ += 1;
  Ensures(make_tree(fixture_.at("source"),
                    {tree::file(fmt::format("new/{}", changes_), 300'000, 10'000 + changes_)})
              .empty());
}

Status VerbScene::add_snapshot() {
  return status_of(fixture_.backup(*repository_, {fixture_.at("source")}));
}

std::string VerbScene::damage() {
  const auto report = fixture_.verify(*repository_);
  return message_of(report) + (report && report->damaged() ? "the repository is damaged" : "");
}

const std::vector<NamedScene>& verb_scenes() {
  static const std::vector<NamedScene> scenes{
      {"backup", make<BackupScene>},
      {"restore",
       [](const SceneWorld& world) -> std::unique_ptr<VerbScene> {
         return std::make_unique<RestoreScene>(world, repo::Overwrite::refuse);
       }},
      {"restore over what is there",
       [](const SceneWorld& world) -> std::unique_ptr<VerbScene> {
         return std::make_unique<RestoreScene>(world, repo::Overwrite::always);
       }},
      {"verify", make<VerifyScene>},
      {"prune", make<PruneScene>},
      {"repair packs", make<RepairPacksScene>},
      {"copy", make<CopyScene>},
      {"find", make<FindScene>},
      {"diff", make<DiffScene>},
  };
  return scenes;
}

}  // namespace cairn::test
