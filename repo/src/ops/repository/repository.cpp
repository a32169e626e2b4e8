#include "cairn/repo/repository.h"

#include <fmt/format.h>

#include <algorithm>

#include <gsl/gsl>
#include <utility>

#include "ops/repository/access.h"
#include "ops/repository/open_backend.h"
#include "ops/repository/reserve.h"
#include "ops/repository/state.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using ops::State;

/// A repository that two processes of one client share must not share a catalogue with another
/// repository at the same place: the folder is named by the id.
std::string catalogue_folder(const Environment& environment, const RepositoryId& id) {
  return environment.cache_folder.empty() ? "" : environment.cache_folder + '/' + id.hex();
}

void install(State& state, const format::Config& config, format::KeyBundle bundle) {
  state.config = config;
  state.keys = std::make_unique<store::KeyRing>(config, std::move(bundle));
  state.catalogue_folder = catalogue_folder(state.environment, config.repository_id);
  state.blocks = std::make_unique<store::BlockReader>(*state.backend, *state.keys);
}

core::Result<std::vector<KeySlotId>> list_slots(store::Backend& backend) {
  return store::list_ids<KeySlotId>(backend, format::ObjectKind::key_slot);
}

struct OpenedSlot {
  KeySlotId id;
  format::KeyBundle bundle;
};

/// Nothing is known of it: it may be whole.
bool is_out_of_reach(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::permission_denied || code == core::ErrorCode::io;
}

/// Tries the slots one after the other. Damaged ones are noted and passed over.
core::Result<OpenedSlot> open_any_slot(State& state, const Credentials& credentials) {
  CAIRN_TRY(const auto slots, list_slots(*state.backend));
  if (slots.empty()) {
    return core::fail(
        core::ErrorCode::not_found,
        fmt::format("the repository {} holds no key: its folder keys is empty or gone",
                    state.location),
        "whatever the passphrase, nothing opens it without one of its keys: bring them back with "
        "cairn key import from what cairn key export wrote, or the folder from a copy of the "
        "repository");
  }
  std::optional<core::Error> damage;
  // Of slots that may be whole: whatever the others are, one of these may be the one that is meant.
  std::optional<core::Error> unknown;
  const auto note_damage = [&](core::Error error) {
    const bool is_unknown =
        error.code() == core::ErrorCode::unsupported_version || is_out_of_reach(error.code());
    if (!is_out_of_reach(error.code())) {
      state.opening_damage.push_back(error.message());
    }
    (is_unknown ? unknown : damage) = std::move(error);
  };
  for (const KeySlotId& id : slots) {
    auto slot = store::get_key_slot(*state.backend, id);
    if (!slot) {
      note_damage(std::move(slot).error());
      continue;
    }
    auto bundle = store::open_key_slot(slot->value, credentials);
    if (!bundle) {
      note_damage(std::move(bundle).error().with_context(
          store::object_path(store::object_name(format::ObjectKind::key_slot, id))));
      continue;
    }
    if (!slot->intact) {
      state.opening_damage.push_back(
          fmt::format("keys/{}: one of its two copies is damaged", id.hex()));
    }
    if (*bundle) {
      return OpenedSlot{id, std::move(**bundle)};
    }
  }
  if (unknown) {
    return core::fail(*std::move(unknown));
  }
  if (damage) {
    // It may be another one than the one that is meant: name them all.
    std::string all;
    for (const std::string& one : state.opening_damage) {
      all += (all.empty() ? "" : "; ") + one;
    }
    return core::fail(core::Error(core::ErrorCode::corrupt, std::move(all))
                          .with_context("no intact key slot opens with these credentials")
                          .with_hint("use another key, or bring the key slot back from a copy of "
                                     "the repository"));
  }
  if (slots.empty()) {
    return core::fail(
        core::ErrorCode::corrupt,
        fmt::format("the repository {} has no keys any more", state.location),
        "bring the folder keys/ back from a copy of the repository, or a key that was "
        "exported with: cairn key import FILE");
  }
  const bool is_passphrase = credentials.type == Credentials::Type::passphrase;
  return core::fail(core::ErrorCode::wrong_key,
                    fmt::format("no key of the repository {} opens with this {}", state.location,
                                is_passphrase ? "passphrase" : "key file"),
                    is_passphrase ? "check the passphrase; it is never stored and cannot be reset"
                                  : "check which key file belongs to this repository");
}

core::Error with_access_hint(core::Error error) {
  if (error.code() != core::ErrorCode::permission_denied) {
    return error;
  }
  return std::move(error).with_hint(store::kSharingHint);
}

core::Status require_repository(State& state,
                                const core::Result<store::Twinned<format::Config>>& config) {
  if (config || config.error().code() != core::ErrorCode::not_found) {
    return {};
  }
  const auto slots = list_slots(*state.backend);
  if (slots && !slots->empty()) {
    return {};  // the config is gone, but each key slot holds a copy
  }
  return core::fail(
      core::ErrorCode::not_a_repository,
      fmt::format("{} is not a Cairn repository", state.location),
      fmt::format("check the path, or make one with: cairn init -r {}", state.location));
}

State make_state(const Environment& environment, ops::OpenBackend opened) {
  State state{.environment = environment,
              .location = std::move(opened.location),
              .backend = std::move(opened.backend),
              .config = {},
              .slot = {},
              .keys = nullptr,
              .catalogue_folder = {},
              .temporary_catalogue = nullptr,
              .writes_catalogue = false,
              .catalogue = nullptr,
              .blocks = nullptr,
              .chunks = nullptr,
              .missing_packs = std::make_unique<ops::MissingPacks>(),
              .first_unseen_pack = {},
              .listed_bytes = 0,
              .usable_packs = std::make_unique<ops::UsablePacks>(),
              .opening_damage = {}};
  return state;
}

}  // namespace

Repository::Repository(std::unique_ptr<State> state) : state_(std::move(state)) {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

const RepositoryId& Repository::id() const noexcept { return state_->config.repository_id; }
Role Repository::role() const noexcept { return state_->keys->role(); }
const std::string& Repository::location() const noexcept { return state_->location; }

core::Result<Repository> Repository::init(const Environment& environment,
                                          const InitOptions& options) {
  CAIRN_TRY_STATUS(core::init_crypto());
  if (!chunker::valid(options.chunking)) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "make a repository: these chunking parameters are out of bounds");
  }
  CAIRN_TRY_STATUS(ops::check_environment(environment));
  CAIRN_TRY(auto made, ops::open_backend(environment, options.location, ops::Place::made_new));
  auto state = std::make_unique<State>(make_state(environment, std::move(made)));

  format::Config config;
  environment.random.fill(config.repository_id.mutable_view());
  config.chunking = options.chunking;
  const core::Timestamp now = environment.clock.now();
  format::KeyBundle bundle = store::make_admin_bundle(environment.random, config, now);
  bundle.config_payload = format::encode_config(config);
  store::SlotRequest request;
  request.label = {.role = Role::admin,
                   .name = options.key_name,
                   .host = environment.host,
                   .user = environment.user,
                   .created = now};
  request.kdf = options.kdf;
  CAIRN_TRY(const auto slot, store::seal_key_slot(environment.random, config.repository_id, bundle,
                                                  options.credentials, request));
  // The key slot first: a config without a key would look like a repository that nobody can open.
  CAIRN_TRY(state->slot, store::put_key_slot(*state->backend, slot));
  CAIRN_TRY_STATUS(store::put_config(*state->backend, config));
  install(*state, config, std::move(bundle));
  ops::keep_reserve(*state);
  return Repository(std::move(state));
}

core::Result<Repository> Repository::open(const Environment& environment,
                                          const OpenOptions& options, Observer& observer) {
  CAIRN_TRY_STATUS(core::init_crypto());
  CAIRN_TRY_STATUS(ops::check_environment(environment));
  CAIRN_TRY(auto found, ops::open_backend(environment, options.location));
  auto state = std::make_unique<State>(make_state(environment, std::move(found)));
  auto config = store::get_config(*state->backend);
  CAIRN_TRY_STATUS(require_repository(*state, config));
  if (!config && config.error().code() == core::ErrorCode::unsupported_version) {
    return core::fail(std::move(config).error());
  }
  auto opened = open_any_slot(*state, options.credentials);
  if (!opened) {
    return core::fail(with_access_hint(std::move(opened).error()));
  }
  OpenedSlot slot = *std::move(opened);

  // The bundle's copy of the config is authenticated, the object is not: the copy decides.
  CAIRN_TRY(const format::Config trusted, format::decode_config(slot.bundle.config_payload));
  if (!config) {
    state->opening_damage.push_back(config.error().message());
  } else if (config->value != trusted) {
    state->opening_damage.push_back("config: it is not the one that the key slots vouch for");
  } else if (!config->intact) {
    state->opening_damage.push_back("config: one of its two copies is damaged");
  }
  for (const std::string& damage : state->opening_damage) {
    observer.warning(damage);
  }
  state->slot = slot.id;
  install(*state, trusted, std::move(slot.bundle));
  return Repository(std::move(state));
}

}  // namespace cairn::repo
