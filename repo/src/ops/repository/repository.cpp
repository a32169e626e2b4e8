#include "cairn/repo/repository.h"

#include <fmt/format.h>

#include <algorithm>

#include <utility>

#include "ops/repository/access.h"
#include "ops/repository/local_catalogue.h"
#include "ops/repository/open_backend.h"
#include "ops/repository/open_repository.h"
#include "ops/repository/reserve.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using ops::OpenRepository;

/// A repository that no key has opened yet.
struct FoundRepository {
  Environment environment;
  std::string location;
  std::unique_ptr<store::Backend> backend;
  std::vector<std::string> damage;  ///< a damaged copy of the config, of a slot
};

FoundRepository found_at(const Environment& environment, ops::OpenBackend opened) {
  return {.environment = environment,
          .location = std::move(opened.location),
          .backend = std::move(opened.backend),
          .damage = {}};
}

std::unique_ptr<OpenRepository> open_with(FoundRepository found, const format::Config& config,
                                          const KeySlotId& slot, format::KeyBundle bundle) {
  auto keys = std::make_unique<store::KeyRing>(config, std::move(bundle));
  auto blocks = std::make_unique<store::BlockReader>(*found.backend, *keys);
  auto local = std::make_unique<ops::LocalCatalogue>();
  // Two repositories may have been at the same place one after the other and must not share a
  // catalogue, so the folder is named by the id.
  if (const std::string& cache = found.environment.cache_folder; !cache.empty()) {
    local->folder = cache + '/' + config.repository_id.hex();
  }
  return std::make_unique<OpenRepository>(OpenRepository{.environment = found.environment,
                                                         .location = std::move(found.location),
                                                         .backend = std::move(found.backend),
                                                         .config = config,
                                                         .slot = slot,
                                                         .keys = std::move(keys),
                                                         .blocks = std::move(blocks),
                                                         .local = std::move(local)});
}

core::Result<std::vector<KeySlotId>> list_slots(store::Backend& backend) {
  return store::list_ids<KeySlotId>(backend, format::ObjectKind::key_slot);
}

struct OpenedSlot {
  KeySlotId id;
  format::KeyBundle bundle;
};

/// Nothing is known about it: it may be intact.
bool is_out_of_reach(core::ErrorCode code) noexcept {
  return code == core::ErrorCode::permission_denied || code == core::ErrorCode::io;
}

/// Tries the slots one after the other. Damaged ones are noted and skipped.
core::Result<OpenedSlot> open_any_slot(FoundRepository& found, const Credentials& credentials) {
  CAIRN_TRY(const auto slots, list_slots(*found.backend));
  if (slots.empty()) {
    return core::fail(
        core::ErrorCode::not_found,
        fmt::format("the repository {} holds no key: its folder keys is empty or gone",
                    found.location),
        "whatever the passphrase, nothing opens it without one of its keys: bring them back with "
        "cairn key import from what cairn key export wrote, or the folder from a copy of the "
        "repository");
  }
  std::optional<core::Error> damage;
  // The error of a slot that may be intact: it may be the one that the credentials are for.
  std::optional<core::Error> unknown;
  const auto note_damage = [&](core::Error error) {
    const bool is_unknown =
        error.code() == core::ErrorCode::unsupported_version || is_out_of_reach(error.code());
    if (!is_out_of_reach(error.code())) {
      found.damage.push_back(error.message());
    }
    (is_unknown ? unknown : damage) = std::move(error);
  };
  for (const KeySlotId& id : slots) {
    auto slot = store::get_key_slot(*found.backend, id);
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
      found.damage.push_back(fmt::format("keys/{}: one of its two copies is damaged", id.hex()));
    }
    if (*bundle) {
      return OpenedSlot{id, std::move(**bundle)};
    }
  }
  if (unknown) {
    return core::fail(*std::move(unknown));
  }
  if (damage) {
    // It may be another slot than the intended one: name them all.
    std::string all;
    for (const std::string& one : found.damage) {
      all += (all.empty() ? "" : "; ") + one;
    }
    return core::fail(core::Error(core::ErrorCode::corrupt, std::move(all))
                          .with_context("no intact key slot opens with these credentials")
                          .with_hint("use another key, or bring the key slot back from a copy of "
                                     "the repository"));
  }
  const bool is_passphrase = credentials.type == Credentials::Type::passphrase;
  return core::fail(core::ErrorCode::wrong_key,
                    fmt::format("no key of the repository {} opens with this {}", found.location,
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

core::Status require_repository(const FoundRepository& found,
                                const core::Result<store::Twinned<format::Config>>& config) {
  if (config || config.error().code() != core::ErrorCode::not_found) {
    return {};
  }
  const auto slots = list_slots(*found.backend);
  if (slots && !slots->empty()) {
    return {};  // the config is gone, but each key slot holds a copy
  }
  return core::fail(
      core::ErrorCode::not_a_repository,
      fmt::format("{} is not a Cairn repository", found.location),
      fmt::format("check the path, or make one with: cairn init -r {}", found.location));
}

}  // namespace

OpenRepository& ops::opened(Repository& repository) noexcept { return *repository.opened_; }

Repository::Repository(std::unique_ptr<OpenRepository> opened) : opened_(std::move(opened)) {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

const RepositoryId& Repository::id() const noexcept { return opened_->config.repository_id; }
Role Repository::role() const noexcept { return opened_->keys->role(); }
const std::string& Repository::location() const noexcept { return opened_->location; }

core::Result<Repository> Repository::init(const Environment& environment,
                                          const InitOptions& options) {
  CAIRN_TRY_STATUS(core::init_crypto());
  if (!chunker::valid(options.chunking)) {
    return core::fail(core::ErrorCode::invalid_argument,
                      "make a repository: these chunking parameters are out of bounds");
  }
  CAIRN_TRY_STATUS(ops::check_environment(environment));
  CAIRN_TRY(auto made, ops::open_backend(environment, options.location, ops::Place::made_new));
  FoundRepository found = found_at(environment, std::move(made));

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
  CAIRN_TRY(const KeySlotId id, store::put_key_slot(*found.backend, slot));
  CAIRN_TRY_STATUS(store::put_config(*found.backend, config));
  auto opened = open_with(std::move(found), config, id, std::move(bundle));
  ops::keep_reserve(*opened);
  return Repository(std::move(opened));
}

core::Result<Repository> Repository::open(const Environment& environment,
                                          const OpenOptions& options, Observer& observer) {
  CAIRN_TRY_STATUS(core::init_crypto());
  CAIRN_TRY_STATUS(ops::check_environment(environment));
  CAIRN_TRY(auto backend, ops::open_backend(environment, options.location));
  FoundRepository found = found_at(environment, std::move(backend));
  auto config = store::get_config(*found.backend);
  CAIRN_TRY_STATUS(require_repository(found, config));
  if (!config && config.error().code() == core::ErrorCode::unsupported_version) {
    return core::fail(std::move(config).error());
  }
  auto opened = open_any_slot(found, options.credentials);
  if (!opened) {
    return core::fail(with_access_hint(std::move(opened).error()));
  }
  OpenedSlot slot = *std::move(opened);

  // The bundle's copy of the config is authenticated, the object is not: the copy decides.
  CAIRN_TRY(const format::Config trusted, format::decode_config(slot.bundle.config_payload));
  if (!config) {
    found.damage.push_back(config.error().message());
  } else if (config->value != trusted) {
    found.damage.push_back("config: it is not the one that the key slots vouch for");
  } else if (!config->intact) {
    found.damage.push_back("config: one of its two copies is damaged");
  }
  for (const std::string& damage : found.damage) {
    observer.warning(damage);
  }
  return Repository(open_with(std::move(found), trusted, slot.id, std::move(slot.bundle)));
}

}  // namespace cairn::repo
