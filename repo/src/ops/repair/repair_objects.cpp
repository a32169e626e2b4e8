#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "cairn/core/stop.h"
#include "cairn/repo/repair.h"
#include "ops/repository/access.h"
#include "ops/repository/damage.h"
#include "ops/repository/open_repository.h"
#include "ops/writing/announced_sessions.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using core::ErrorCode;
using format::ObjectKind;
using ops::OpenRepository;
using store::ObjectName;
using Action = RepairedObject::Action;

class ObjectRepair {
 public:
  ObjectRepair(const OpenRepository& repository, const RepairObjectsOptions& options)
      : repository_(repository), options_(options) {}

  core::Result<std::vector<RepairedObject>> run() {
    CAIRN_TRY_STATUS(mend_config());
    CAIRN_TRY_STATUS(
        each(ObjectKind::key_slot, [this](const ObjectName& name) { return mend_key_slot(name); }));
    CAIRN_TRY_STATUS(
        each(ObjectKind::snapshot, [this](const ObjectName& name) { return mend_register(name); }));
    CAIRN_TRY_STATUS(each(ObjectKind::forgotten,
                          [this](const ObjectName& name) { return mend_tombstone(name); }));
    CAIRN_TRY_STATUS(each(ObjectKind::mark, [this](const ObjectName& name) {
      return drop_if_damaged(
          name,
          store::get_mark(*repository_.backend, *repository_.keys, MarkId::from(name.id.view())),
          "some snapshot has lost its changed tags, or its pin: see cairn snapshots, and set them "
          "again with cairn tag and cairn snapshots pin");
    }));
    CAIRN_TRY_STATUS(each(ObjectKind::settings, [this](const ObjectName& name) {
      return drop_if_damaged(
          name,
          store::get_settings(*repository_.backend, *repository_.keys,
                              SettingsId::from(name.id.view())),
          "these settings did not count: see cairn config, and set what is wanted");
    }));
    CAIRN_TRY_STATUS(
        each(ObjectKind::session, [this](const ObjectName& name) { return end_session(name); }));
    CAIRN_TRY_STATUS(each(ObjectKind::condemned,
                          [this](const ObjectName& name) { return tell_condemned(name); }));
    return std::move(done_);
  }

 private:
  core::Status each(ObjectKind kind, const std::function<core::Status(const ObjectName&)>& mend) {
    CAIRN_TRY(const auto ids, store::list_ids<core::Hash256>(*repository_.backend, kind));
    for (const core::Hash256& id : ids) {
      CAIRN_TRY_STATUS(core::check_stop(options_.stop));
      CAIRN_TRY_STATUS(mend({.kind = kind, .id = id}));
    }
    return {};
  }

  void tell(Action action, const ObjectName& name, std::string message) {
    done_.push_back(
        {.action = action, .object = store::object_path(name), .message = std::move(message)});
  }

  core::Result<core::Bytes> bytes_of(const ObjectName& name) {
    return repository_.backend->get(name, store::object_bytes_max(name.kind));
  }

  /// True if the object is still what it was when it was judged.
  core::Result<bool> is_still(const ObjectName& name, core::ByteView seen) {
    const auto now = bytes_of(name);
    if (!now) {
      return now.error().code() == ErrorCode::not_found ? core::Result<bool>(false)
                                                        : core::fail(now.error());
    }
    return std::ranges::equal(*now, seen);
  }

  core::Status rewrite(const ObjectName& name, core::ByteView seen, core::ByteView good,
                       std::string message) {
    if (!options_.dry_run) {
      CAIRN_TRY(const bool same, is_still(name, seen));
      if (!same) {
        return {};  // another process was faster
      }
      CAIRN_TRY_STATUS(repository_.backend->replace(name, good));
    }
    tell(Action::rewritten, name, std::move(message));
    return {};
  }

  core::Status remove(const ObjectName& name, std::string message) {
    if (!options_.dry_run) {
      const core::Status removed = repository_.backend->remove(name);
      if (!removed && removed.error().code() != ErrorCode::not_found) {
        return removed;
      }
    }
    tell(Action::removed, name, std::move(message));
    return {};
  }

  /// What cannot be read is left alone and reported.
  core::Status leave(const ObjectName& name, const core::Error& error, std::string_view advice) {
    if (error.code() == ErrorCode::not_found) {
      return {};
    }
    if (error.code() == ErrorCode::not_permitted) {
      return core::fail(error);
    }
    const bool was_read = ops::is_damaged(error.code());
    tell(Action::left, name,
         fmt::format("{}{}{}", error.message(), was_read ? ": " : "",
                     was_read ? advice : std::string_view()));
    return {};
  }

  /// The copy in the key bundle is authenticated, the object is not.
  core::Status mend_config() {
    const ObjectName name = store::config_name();
    const core::Bytes good =
        format::encode_twin(ObjectKind::config, repository_.keys->bundle().config_payload);
    const auto seen = bytes_of(name);
    if (!seen && seen.error().code() == ErrorCode::not_found) {
      if (!options_.dry_run) {
        CAIRN_TRY_STATUS(repository_.backend->put(name, good));
      }
      tell(Action::rewritten, name, "it was missing; the key slots hold a copy");
      return {};
    }
    if (!seen && !ops::is_damaged(seen.error().code())) {
      return leave(name, seen.error(), {});
    }
    if (!seen) {  // larger than any
      if (!options_.dry_run) {
        CAIRN_TRY_STATUS(repository_.backend->replace(name, good));
      }
      tell(Action::rewritten, name, "it was damaged; the key slots hold a copy");
      return {};
    }
    return std::ranges::equal(*seen, good)
               ? core::Status()
               : rewrite(name, *seen, good, "it was damaged; the key slots hold a copy");
  }

  core::Status mend_key_slot(const ObjectName& name) {
    const std::string advice = fmt::format(
        "whoever holds this key needs another one: cairn key add; then take this one off with: "
        "cairn key remove {}",
        name.id.hex());
    const auto seen = bytes_of(name);
    if (!seen) {
      return leave(name, seen.error(), advice);
    }
    const auto twin = format::decode_twin(*seen, name.kind);
    if (!twin) {
      return leave(name, twin.error(), advice);
    }
    if (twin->digest != name.id) {
      return mend_misnamed(name, {.kind = name.kind, .id = twin->digest}, *seen);
    }
    return twin->intact ? core::Status() : rewrite_from_copy(name, *seen, twin->payload);
  }

  core::Status rewrite_from_copy(const ObjectName& name, core::ByteView seen,
                                 core::ByteView payload) {
    return rewrite(name, seen, format::encode_twin(name.kind, payload),
                   "one of its two copies was damaged");
  }

  /// An intact object that belongs under another name, and is moved there if that is free.
  core::Status mend_misnamed(const ObjectName& name, const ObjectName& right, core::ByteView seen) {
    CAIRN_TRY(const auto there, repository_.backend->size(right));
    if (!there && !options_.dry_run) {
      CAIRN_TRY_STATUS(repository_.backend->put(right, seen));
    }
    return remove(name, fmt::format("it is {}, under a wrong name", store::object_path(right)));
  }

  core::Status mend_register(const ObjectName& name) {
    const auto id = SnapshotId::from(name.id.view());
    auto record = store::get_register(*repository_.backend, *repository_.keys, id);
    if (record && record->intact) {
      return {};
    }
    const std::string advice =
        fmt::format("it cannot be restored; to end it: cairn forget {}", id.hex());
    const auto seen = bytes_of(name);
    if (!seen) {
      return leave(name, seen.error(), advice);
    }
    const auto twin = format::decode_twin(*seen, name.kind);
    if (record && twin) {
      return rewrite_from_copy(name, *seen, twin->payload);
    }
    CAIRN_TRY(const bool forgotten, ops::is_forgotten(repository_, id));
    if (record || forgotten) {
      return {};  // it is intact now, or the next prune removes it
    }
    if (twin && ops::is_damaged(record.error().code())) {
      CAIRN_TRY(const auto original, original_of(name, *seen));
      if (original) {
        return remove(name,
                      fmt::format("it is {}, under a wrong name", store::object_path(*original)));
      }
    }
    return leave(name, record.error(), advice);
  }

  /// Another register with the same bytes, to which they belong; nullopt too if some snapshot
  /// misses what should be here instead.
  core::Result<std::optional<ObjectName>> original_of(const ObjectName& name, core::ByteView seen) {
    std::optional<ObjectName> original;
    CAIRN_TRY(const auto ids, store::list_ids<SnapshotId>(*repository_.backend, name.kind));
    for (const SnapshotId& id : ids) {
      const auto record = store::get_register(*repository_.backend, *repository_.keys, id);
      if (!record) {
        continue;
      }
      if (record->link.previous == SnapshotId::from(name.id.view())) {
        return std::optional<ObjectName>();
      }
      const ObjectName other = store::object_name(name.kind, id);
      CAIRN_TRY(const bool equal, is_still(other, seen));
      if (equal) {
        original = other;
      }
    }
    return original;
  }

  core::Status mend_tombstone(const ObjectName& name) {
    const auto id = SnapshotId::from(name.id.view());
    const auto tombstone = store::get_tombstone(*repository_.backend, *repository_.keys, id);
    if (tombstone && tombstone->intact) {
      return {};
    }
    if (!tombstone && !ops::is_damaged(tombstone.error().code())) {
      return leave(name, tombstone.error(), {});
    }
    if (tombstone) {
      CAIRN_TRY(const core::Bytes seen, bytes_of(name));
      CAIRN_TRY(const format::Frame twin, format::decode_twin(seen, name.kind));
      return rewrite_from_copy(name, seen, twin.payload);
    }
    // Its writer is no longer known: rewriting it must not make it count.
    return remove(name, fmt::format("{}: it did not count. To forget the snapshot: cairn forget {}",
                                    tombstone.error().message(), id.hex()));
  }

  template <class T>
  core::Status drop_if_damaged(const ObjectName& name, const core::Result<T>& read,
                               std::string_view meaning) {
    if (read) {
      return {};
    }
    if (!ops::is_damaged(read.error().code())) {
      return leave(name, read.error(), {});
    }
    return remove(name, fmt::format("{}: {}", read.error().message(), meaning));
  }

  /// A fence first: if it had announced a living backup, that begins again.
  core::Status end_session(const ObjectName& name) {
    const auto id = SnapshotId::from(name.id.view());
    const auto session = store::get_session(*repository_.backend, *repository_.keys, id);
    if (session) {
      return {};
    }
    if (!ops::is_damaged(session.error().code())) {
      return leave(name, session.error(), {});
    }
    if (!options_.dry_run) {
      const core::Status fenced = store::put_fence(*repository_.backend, *repository_.keys,
                                                   repository_.environment.random, id);
      if (!fenced && fenced.error().code() != ErrorCode::already_exists) {
        return fenced;
      }
    }
    return remove(name, session.error().message() + ": it announced a backup, if anything");
  }

  core::Status tell_condemned(const ObjectName& name) {
    const auto record = store::get_condemned(*repository_.backend, *repository_.keys,
                                             CondemnedId::from(name.id.view()));
    return record ? core::Status()
                  : leave(name, record.error(),
                          "it tells which packs a prune was about to delete. Once no prune runs on "
                          "any machine, remove it by hand, then run: cairn verify");
  }

  const OpenRepository& repository_;
  const RepairObjectsOptions& options_;
  std::vector<RepairedObject> done_;
};

}  // namespace

std::string_view to_string(RepairedObject::Action action) noexcept {
  switch (action) {
    case Action::rewritten:
      return "rewritten";
    case Action::removed:
      return "removed";
    case Action::left:
      break;
  }
  return "left";
}

core::Result<std::vector<RepairedObject>> repair_objects(Repository& repository,
                                                         const RepairObjectsOptions& options,
                                                         Observer& /*observer*/) {
  const OpenRepository& open = ops::opened(repository);
  CAIRN_TRY_STATUS(ops::require_collecting_key(open, "mend objects"));
  return ObjectRepair(open, options).run();
}

}  // namespace cairn::repo
