#include "cairn/repo/forget.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "ops/repository/access.h"
#include "ops/repository/damage.h"
#include "ops/repository/reserve.h"
#include "ops/snapshots/chain.h"
#include "ops/snapshots/snapshot_choice.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using ops::OpenRepository;

constexpr std::size_t kIdDigits = 2 * SnapshotId::kSize;

/// A snapshot that find_in() cannot return: damaged, or forgotten before.
core::Status take_unlisted(const ops::SnapshotList& list, const std::string& name,
                           const core::Error& not_found, ForgetPlan& plan) {
  for (const auto& [id, error] : list.unreadable) {
    const std::string hex = id.hex();
    if (!hex.starts_with(name)) {
      continue;
    }
    // A snapshot of a newer program is not damaged.
    if (!ops::is_damaged(error.code())) {
      return core::fail(error);
    }
    if (name.size() < kIdDigits) {
      return core::fail(ErrorCode::not_found,
                        fmt::format("snapshot {} cannot be read", id.short_hex()),
                        fmt::format("to forget it all the same, give its full id: {}", hex));
    }
    if (list.marks.is_pinned(id)) {
      const auto mark = store::object_name(format::ObjectKind::mark, list.marks.of.at(id).id);
      return core::fail(ErrorCode::invalid_argument,
                        fmt::format("snapshot {} is pinned", id.short_hex()),
                        fmt::format("it cannot be read; to unpin it, remove {} from the repository",
                                    store::object_path(mark)));
    }
    plan.doomed.push_back(id);
    return {};
  }
  const bool was_forgotten = std::ranges::any_of(
      list.forgotten, [&name](const SnapshotId& id) { return id.hex().starts_with(name); });
  if (was_forgotten) {
    plan.already_forgotten += 1;
    return {};
  }
  const auto id = SnapshotId::from_hex(name);
  if (id && list.missed.contains(*id)) {
    plan.doomed.push_back(*id);  // all that is left of it is that others were made after it
    return {};
  }
  return core::fail(not_found);
}

/// The last snapshot of this client, if it is gone: nobody else can miss it. Only used if somebody
/// names something by its whole id that does not exist.
core::Status take_missed_head(OpenRepository& repository, const ForgetOptions& options,
                              Observer& observer, ops::SnapshotList& list) {
  const bool may_be_meant = std::ranges::any_of(options.snapshots, [&](const std::string& name) {
    const auto id = SnapshotId::from_hex(name);
    return id && !list.link_hashes.contains(*id) && !list.unreadable.contains(*id) &&
           !list.forgotten.contains(*id) && !list.missed.contains(*id);
  });
  if (!may_be_meant) {
    return {};
  }
  CAIRN_TRY(const ops::CatalogueView view, ops::ensure_catalogue(repository, observer));
  CAIRN_TRY(const auto head, ops::chain_head(view));
  if (head) {
    CAIRN_TRY(const auto there, repository.backend->size(
                                    store::object_name(format::ObjectKind::snapshot, head->last)));
    if (!there) {
      list.missed.insert(head->last);
    }
  }
  return {};
}

core::Result<ForgetPlan> plan_by_name(ops::SnapshotList& list, const ForgetOptions& options,
                                      Observer& observer) {
  ForgetPlan plan;
  std::set<SnapshotId> named;
  for (const std::string& name : options.snapshots) {
    const auto found = ops::find_in(list, name, options.filter, observer);
    if (!found) {
      if (found.error().code() == ErrorCode::invalid_argument) {
        return core::fail(found.error());
      }
      CAIRN_TRY_STATUS(take_unlisted(list, name, found.error(), plan));
      continue;
    }
    if ((*found)->pinned) {
      const std::string id = (*found)->id.short_hex();
      return core::fail(ErrorCode::invalid_argument, fmt::format("snapshot {} is pinned", id),
                        fmt::format("unpin it first: cairn snapshots unpin {}", id));
    }
    named.insert((*found)->id);
  }
  for (ListedSnapshot& listed : list.snapshots) {
    if (named.contains(listed.id)) {
      plan.doomed.push_back(listed.id);
      plan.snapshots.push_back(std::move(listed));
    }
  }
  return plan;
}

RetentionRules rules_for(const ForgetOptions& options) {
  RetentionRules rules = options.rules;
  const auto& types = options.filter.types;
  if (std::ranges::find(types, SnapshotType::restore_point) != types.end()) {
    rules.by_type.try_emplace(SnapshotType::restore_point, rules.general);
  }
  return rules;
}

/// A list of tags or types that no snapshot has, perhaps misspelt, must not empty a group. Nor may
/// only snapshots be left that rules do not count, such as partial ones.
core::Status check_leaves_something(const ForgetPlan& plan) {
  for (const RetentionGroup& group : plan.groups) {
    const bool any_counts = std::ranges::any_of(group.verdicts, &RetentionVerdict::counts);
    if (std::ranges::any_of(group.verdicts, [any_counts](const RetentionVerdict& verdict) {
          return verdict.keep && verdict.counts == any_counts;
        })) {
      continue;
    }
    const ListedSnapshot& newest = plan.snapshots[group.verdicts.front().index];
    return core::fail(
        ErrorCode::invalid_argument,
        fmt::format("the policy keeps none of the {} snapshots that {} is the newest of",
                    group.verdicts.size(), newest.id.short_hex()),
        "keep at least the last one of each group, or name the snapshots to forget");
  }
  return {};
}

core::Result<ForgetPlan> plan_by_policy(ops::SnapshotList& list, const ForgetOptions& options,
                                        Observer& observer) {
  const RetentionRules rules = rules_for(options);
  if (rules.is_empty()) {
    return core::fail(ErrorCode::invalid_argument, "no policy says what to keep",
                      "give one, such as --keep-daily 7, or name the snapshots to forget");
  }
  if (!list.unreadable.empty()) {
    const auto& [id, error] = *list.unreadable.begin();
    return core::fail(
        error.code(),
        fmt::format("nothing is forgotten by a policy, since snapshot {} cannot be "
                    "read, and might be what the policy keeps: {}",
                    id.short_hex(), error.message()),
        fmt::format("see: cairn verify. If it is lost, give it up: cairn forget {}", id.hex()));
  }
  CAIRN_TRY_STATUS(ops::keep_matching(list, options.filter, observer));
  ForgetPlan plan;
  plan.snapshots = std::move(list.snapshots);
  plan.groups = apply_retention(plan.snapshots, rules, list.now);
  CAIRN_TRY_STATUS(check_leaves_something(plan));
  std::vector<std::size_t> doomed;
  for (const RetentionGroup& group : plan.groups) {
    for (const RetentionVerdict& verdict : group.verdicts) {
      if (!verdict.keep) {
        doomed.push_back(verdict.index);
      }
    }
  }
  std::ranges::sort(doomed);
  for (const std::size_t index : doomed) {
    plan.doomed.push_back(plan.snapshots[index].id);
  }
  return plan;
}

/// Removes from `list` what the plan does not take over.
core::Result<ForgetPlan> plan_of(ops::SnapshotList& list, const ForgetOptions& options,
                                 Observer& observer) {
  CAIRN_TRY(ForgetPlan plan, options.snapshots.empty() ? plan_by_policy(list, options, observer)
                                                       : plan_by_name(list, options, observer));
  if (!plan.doomed.empty() && !list.marks.damage.empty()) {
    return core::fail(
        ErrorCode::corrupt,
        fmt::format("nothing is forgotten, because a mark cannot be read, which may pin a "
                    "snapshot: {}",
                    list.marks.damage.front()),
        "set pins again where they may be missing, then remove the damaged mark");
  }
  return plan;
}

/// The reason in the tombstone, for people who wonder later.
std::string reason_for(const ForgetOptions& options, const ListedSnapshot* listed) {
  if (!options.snapshots.empty() || listed == nullptr) {
    return "by name";
  }
  const RetentionRules rules = rules_for(options);
  const RetentionPolicy* const policy = rules.policy_of(listed->snapshot.type);
  std::string reason = "policy: " + (policy == nullptr ? "" : to_string(*policy));
  reason.resize(std::min(reason.size(), kTextBytesMax));
  return reason;
}

core::Status put_tombstone(const OpenRepository& repository, format::Tombstone tombstone) {
  const SnapshotId id = tombstone.snapshot;
  tombstone.when = repository.environment.clock.now();
  const core::Status put = store::put_tombstone(
      *repository.backend, *repository.keys, repository.environment.random, std::move(tombstone));
  if (put || put.error().code() != ErrorCode::already_exists) {
    return put;
  }
  const auto standing = store::get_tombstone(*repository.backend, *repository.keys, id);
  if (!standing) {
    const auto name = store::object_name(format::ObjectKind::forgotten, id);
    return core::fail(core::Error(standing.error())
                          .with_hint(fmt::format("remove {} from the repository, then forget it "
                                                 "again",
                                                 store::object_path(name))));
  }
  return {};  // another process has just forgotten it
}

}  // namespace

core::Result<ForgetPlan> plan_forget(Repository& repository, const ForgetOptions& options,
                                     Observer& observer) {
  OpenRepository& open = ops::opened(repository);
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(open));
  list.warn(observer);
  CAIRN_TRY_STATUS(take_missed_head(open, options, observer, list));
  return plan_of(list, options, observer);
}

core::Result<ForgetReport> forget(Repository& repository, const ForgetOptions& options,
                                  Observer& observer) {
  OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open, "forget snapshots"));
  CAIRN_TRY(ops::SnapshotList list, ops::read_snapshots(open));
  list.warn(observer);
  CAIRN_TRY_STATUS(take_missed_head(open, options, observer, list));
  ForgetReport report;
  CAIRN_TRY(report.plan, plan_of(list, options, observer));
  if (options.dry_run) {
    return report;
  }
  for (const SnapshotId& id : report.plan.doomed) {
    if (options.stop.stop_requested()) {
      return core::fail(ErrorCode::interrupted,
                        fmt::format("interrupted after {} of {} snapshots were forgotten",
                                    report.forgotten, report.plan.doomed.size()),
                        "the same command forgets the rest");
    }
    const auto listed = std::ranges::find(report.plan.snapshots, id, &ListedSnapshot::id);
    const auto link_hash = list.link_hashes.find(id);
    format::Tombstone tombstone;
    tombstone.snapshot = id;
    if (link_hash != list.link_hashes.end()) {
      tombstone.link_hash = link_hash->second;
    }
    tombstone.reason =
        reason_for(options, listed == report.plan.snapshots.end() ? nullptr : &*listed);
    CAIRN_TRY_STATUS(
        ops::with_reserve(open, observer, [&] { return put_tombstone(open, tombstone); }));
    report.forgotten += 1;
    observer.detail(fmt::format("snapshot {} is forgotten", id.short_hex()));
  }
  return report;
}

}  // namespace cairn::repo
