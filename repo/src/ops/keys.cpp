#include "cairn/repo/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ops/state.h"
#include "store/records.h"

namespace cairn::repo {

namespace {

using ops::State;

store::ObjectName slot_name(const KeySlotId& id) {
  return store::object_name(format::ObjectKind::key_slot, id);
}

core::Result<KeySlotId> write_slot(State& state, const format::KeyBundle& bundle,
                                   const Credentials& credentials, std::string name,
                                   const core::KdfParameters& kdf) {
  store::SlotRequest request;
  request.label = {.role = bundle.role,
                   .name = std::move(name),
                   .host = state.environment.host,
                   .user = state.environment.user,
                   .created = state.environment.clock.now()};
  request.kdf = kdf;
  CAIRN_TRY(const auto slot,
            store::seal_key_slot(state.environment.random, state.config.repository_id, bundle,
                                 credentials, request));
  return store::put_key_slot(*state.backend, slot);
}

core::Result<ListedKey> find_key(const std::vector<ListedKey>& keys, std::string_view prefix) {
  std::vector<const ListedKey*> matches;
  for (const ListedKey& key : keys) {
    if (!prefix.empty() && key.id.hex().starts_with(prefix)) {
      matches.push_back(&key);
    }
  }
  if (matches.empty()) {
    return core::fail(core::ErrorCode::not_found, fmt::format("no key with the id {}", prefix),
                      "see: cairn key list");
  }
  if (matches.size() > 1) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("{} keys begin with {}", matches.size(), prefix),
                      "give more digits of the id");
  }
  return *matches.front();
}

}  // namespace

core::Result<std::vector<ListedKey>> list_keys(Repository& repository) {
  State& state = repository.state();
  CAIRN_TRY(const auto ids,
            store::list_ids<KeySlotId>(*state.backend, format::ObjectKind::key_slot));
  std::vector<ListedKey> keys(ids.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ListedKey& key = keys[i];
    key.id = ids[i];
    key.is_current = key.id == state.slot;
    const auto slot = store::get_key_slot(*state.backend, key.id);
    if (!slot) {
      key.readable = false;
      continue;
    }
    key.is_key_file = slot->value.type == format::SlotType::key_file;
    auto label = store::open_slot_label(*state.keys, slot->value);
    key.readable = label.has_value();
    if (label) {
      key.role = label->role;
      key.name = std::move(label->name);
      key.host = std::move(label->host);
      key.user = std::move(label->user);
      key.created = label->created;
    }
  }
  return keys;
}

core::Result<KeySlotId> add_key(Repository& repository, const AddKeyOptions& options) {
  State& state = repository.state();
  const format::KeyBundle& own = state.keys->bundle();
  if (own.role != Role::admin) {
    return core::fail(core::ErrorCode::not_permitted,
                      fmt::format("a key of role {} cannot make keys", to_string(own.role)),
                      "use a key of role admin");
  }
  const format::KeyBundle bundle =
      store::make_role_bundle(state.environment.random, state.config.repository_id, own,
                              options.role, state.environment.clock.now());
  return write_slot(state, bundle, options.credentials, options.name, options.kdf);
}

core::Status remove_key(Repository& repository, std::string_view id_prefix) {
  State& state = repository.state();
  CAIRN_TRY(const auto keys, list_keys(repository));
  CAIRN_TRY(const ListedKey key, find_key(keys, id_prefix));
  if (state.keys->role() != Role::admin) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot remove keys", to_string(state.keys->role())),
        "use a key of role admin");
  }
  if (key.is_current) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("key {} is the one in use", key.id.short_hex()),
                      "open the repository with another key of role admin to remove this one");
  }
  const auto is_admin = [](const ListedKey& k) { return k.readable && k.role == Role::admin; };
  if (is_admin(key) && std::ranges::count_if(keys, is_admin) < 2) {
    return core::fail(core::ErrorCode::invalid_argument,
                      fmt::format("key {} is the last one of role admin", key.id.short_hex()));
  }
  return state.backend->remove(slot_name(key.id));
}

core::Result<KeySlotId> change_credentials(Repository& repository, const Credentials& credentials,
                                           const core::KdfParameters& kdf) {
  State& state = repository.state();
  std::string name;
  if (const auto slot = store::get_key_slot(*state.backend, state.slot)) {
    if (auto label = store::open_slot_label(*state.keys, slot->value)) {
      name = std::move(label->name);
    }
  }
  // The new slot is durable before the old one goes: a power cut in between leaves both.
  CAIRN_TRY(const KeySlotId id,
            write_slot(state, state.keys->bundle(), credentials, std::move(name), kdf));
  CAIRN_TRY_STATUS(state.backend->remove(slot_name(state.slot)));
  state.slot = id;
  return id;
}

}  // namespace cairn::repo
