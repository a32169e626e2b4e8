#include "cairn/repo/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/fields.h"
#include "ops/repository/open_backend.h"
#include "ops/repository/open_repository.h"
#include "store/backend/backend.h"
#include "store/objects/records.h"

namespace cairn::repo {

namespace {

using ops::OpenRepository;

store::ObjectName slot_name(const KeySlotId& id) {
  return store::object_name(format::ObjectKind::key_slot, id);
}

core::Result<KeySlotId> write_slot(const OpenRepository& repository,
                                   const format::KeyBundle& bundle, const Credentials& credentials,
                                   std::string name, const core::KdfParameters& kdf) {
  store::SlotRequest request;
  request.label = {.role = bundle.role,
                   .name = std::move(name),
                   .host = repository.environment.host,
                   .user = repository.environment.user,
                   .created = repository.environment.clock.now()};
  request.kdf = kdf;
  CAIRN_TRY(const auto slot,
            store::seal_key_slot(repository.environment.random, repository.config.repository_id,
                                 bundle, credentials, request));
  return store::put_key_slot(*repository.backend, slot);
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

constexpr std::string_view kRule = "-----";
constexpr std::string_view kBegin = "-----BEGIN CAIRN KEY ";
constexpr std::string_view kEnd = "-----END CAIRN KEY-----";

/// Makes a user's text safe to print between the lines that count: it must neither look like one of
/// them nor break its line.
std::string as_remark(std::string words) {
  for (char& c : words) {
    const auto byte = static_cast<unsigned char>(c);
    c = byte < ' ' || byte == 0x7f ? '?' : c;
  }
  for (auto at = words.find(kRule); at != std::string::npos; at = words.find(kRule)) {
    words.replace(at, kRule.size(), kRule.size(), '?');
  }
  return words;
}

/// One slot as text: its payload in hexadecimal digits between two lines, the first with its id.
std::string slot_text(const ListedKey& key, const format::KeySlot& slot) {
  constexpr std::size_t kDigitsALine = 64;
  std::string text = fmt::format(
      "Repository {}\nrole {}, opens with {}{}{}\n{}{}{}\n", slot.repository_id.hex(),
      to_string(key.role), key.is_key_file ? "a key file" : "a passphrase",
      key.name.empty() ? "" : ", name ", as_remark(key.name), kBegin, key.id.hex(), kRule);
  const std::string digits = core::to_hex(format::encode_key_slot(slot));
  for (std::size_t at = 0; at < digits.size(); at += kDigitsALine) {
    text += digits.substr(at, kDigitsALine) + '\n';
  }
  return text + std::string(kEnd) + "\n\n";
}

/// `key` as a message names it.
core::Error not_as_exported(std::string_view key, std::string_view why) {
  return {core::ErrorCode::invalid_argument, fmt::format("{}: {}", key, why),
          "take the lines as they were exported, from the line BEGIN to the line END"};
}

/// The slot between two such lines. White space is allowed anywhere, for people who type it.
core::Result<format::KeySlot> parse_slot(std::string_view id, std::string_view lines) {
  const std::string key = fmt::format("key {}", id.substr(0, 8));
  std::string digits;
  for (const char c : lines) {
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
      digits += c;
    }
  }
  core::Bytes payload(digits.size() / 2);
  if (digits.size() % 2 != 0 || !core::parse_hex(digits, payload)) {
    return core::fail(
        not_as_exported(key, "something else than hexadecimal digits, or one too few"));
  }
  auto slot = format::decode_key_slot(payload);
  if (!slot || store::key_slot_id(*slot).hex() != id) {
    return core::fail(not_as_exported(
        key, "its digits, or those of the id in its first line, are not those that were exported"));
  }
  return slot;
}

/// A key whose BEGIN line is not recognised must not be skipped as a remark.
core::Status check_remarks(std::string_view between) {
  return between.find(kEnd) == std::string_view::npos
             ? core::Status()
             : core::fail(not_as_exported("a key", "its first line is missing or wrong"));
}

core::Result<std::vector<format::KeySlot>> parse_slots(std::string_view text) {
  std::vector<format::KeySlot> slots;
  for (std::size_t begin = text.find(kBegin); begin != std::string_view::npos;
       begin = text.find(kBegin)) {
    CAIRN_TRY_STATUS(check_remarks(text.substr(0, begin)));
    text.remove_prefix(begin + kBegin.size());
    const std::string_view id = text.substr(0, text.find(kRule));
    if (id.size() != 2 * KeySlotId::kSize) {
      return core::fail(not_as_exported("a key", "its first line is missing or wrong"));
    }
    const std::size_t start = id.size() + kRule.size();
    const std::size_t end = text.find(kEnd);
    if (end == std::string_view::npos || end < start || text.find(kBegin) < end) {
      return core::fail(not_as_exported(fmt::format("key {}", id.substr(0, 8)),
                                        "its last line is missing or wrong"));
    }
    CAIRN_TRY(auto slot, parse_slot(id, text.substr(start, end - start)));
    slots.push_back(std::move(slot));
    text.remove_prefix(end + kEnd.size());
  }
  CAIRN_TRY_STATUS(check_remarks(text));
  if (slots.empty()) {
    return core::fail(core::ErrorCode::invalid_argument, "there is no key in it",
                      "give a file that cairn key export has written");
  }
  return slots;
}

/// Something of a repository must exist, and its config, if there is one, must have the keys' id.
core::Status check_repository_of(store::Backend& backend, const std::string& location,
                                 const std::vector<format::KeySlot>& slots) {
  if (const auto config = store::get_config(backend); config) {
    for (const format::KeySlot& slot : slots) {
      if (slot.repository_id != config->value.repository_id) {
        return core::fail(core::ErrorCode::invalid_argument,
                          fmt::format("the key is of the repository {}, and {} is {}",
                                      slot.repository_id.short_hex(), location,
                                      config->value.repository_id.short_hex()));
      }
    }
    return {};
  } else if (config.error().code() != core::ErrorCode::not_found) {
    return {};  // damaged: each slot holds a copy of it
  }
  const auto packs = store::list_ids<PackId>(backend, format::ObjectKind::pack);
  if (packs && !packs->empty()) {
    return {};
  }
  return core::fail(core::ErrorCode::not_a_repository,
                    fmt::format("there is nothing of a Cairn repository at {}", location));
}

}  // namespace

core::Result<std::vector<ListedKey>> list_keys(Repository& repository) {
  const OpenRepository& open = ops::opened(repository);
  CAIRN_TRY(const auto ids,
            store::list_ids<KeySlotId>(*open.backend, format::ObjectKind::key_slot));
  std::vector<ListedKey> keys(ids.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ListedKey& key = keys[i];
    key.id = ids[i];
    key.is_current = key.id == open.slot;
    const auto slot = store::get_key_slot(*open.backend, key.id);
    if (!slot) {
      key.readable = false;
      continue;
    }
    key.is_key_file = slot->value.type == format::SlotType::key_file;
    auto label = store::open_slot_label(*open.keys, slot->value);
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
  const OpenRepository& open = ops::opened(repository);
  const format::KeyBundle& own = open.keys->bundle();
  if (own.role != Role::admin) {
    return core::fail(core::ErrorCode::not_permitted,
                      fmt::format("a key of role {} cannot make keys", to_string(own.role)),
                      "use a key of role admin");
  }
  if (!format::is_known(options.role)) {
    return core::fail(core::ErrorCode::invalid_argument, "make a key: there is no such role");
  }
  const format::KeyBundle bundle =
      store::make_role_bundle(open.environment.random, open.config.repository_id, own, options.role,
                              open.environment.clock.now());
  return write_slot(open, bundle, options.credentials, options.name, options.kdf);
}

core::Status remove_key(Repository& repository, std::string_view id_prefix) {
  const OpenRepository& open = ops::opened(repository);
  CAIRN_TRY(const auto keys, list_keys(repository));
  CAIRN_TRY(const ListedKey key, find_key(keys, id_prefix));
  if (open.keys->role() != Role::admin) {
    return core::fail(
        core::ErrorCode::not_permitted,
        fmt::format("a key of role {} cannot remove keys", to_string(open.keys->role())),
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
  return open.backend->remove(slot_name(key.id));
}

core::Result<ExportedKeys> export_keys(Repository& repository, std::string_view id_prefix) {
  const OpenRepository& open = ops::opened(repository);
  CAIRN_TRY(auto keys, list_keys(repository));
  if (!id_prefix.empty()) {
    CAIRN_TRY(ListedKey one, find_key(keys, id_prefix));
    keys = {std::move(one)};
  }
  ExportedKeys exported;
  exported.text = fmt::format(
      "Keys of the Cairn repository at {}\n"
      "Each is sealed: its passphrase or key file is needed as well.\n"
      "If the repository has lost them: cairn key import FILE\n\n",
      as_remark(open.location));
  for (const ListedKey& key : keys) {
    const auto slot = store::get_key_slot(*open.backend, key.id);
    if (!slot && id_prefix.empty() && keys.size() > 1) {
      continue;
    }
    CAIRN_TRY_STATUS(slot.has_value() ? core::Status() : core::fail(slot.error()));
    exported.text += slot_text(key, slot->value);
    exported.ids.push_back(key.id);
  }
  return exported;
}

core::Result<ImportedKeys> import_keys(const Environment& environment, const std::string& location,
                                       std::string_view text) {
  CAIRN_TRY_STATUS(core::init_crypto());
  if (text.size() > kKeyExportBytesMax) {
    return core::fail(core::ErrorCode::limit_exceeded,
                      fmt::format("more than {} bytes", kKeyExportBytesMax));
  }
  CAIRN_TRY(const auto slots, parse_slots(text));
  CAIRN_TRY(const ops::OpenBackend opened, ops::open_backend(environment, location));
  const auto& backend = opened.backend;
  CAIRN_TRY_STATUS(check_repository_of(*backend, opened.location, slots));
  ImportedKeys imported;
  for (const format::KeySlot& slot : slots) {
    const KeySlotId id = store::key_slot_id(slot);
    if (store::get_key_slot(*backend, id)) {
      imported.already_there += 1;
    } else {
      auto put = store::put_key_slot(*backend, slot);
      if (!put && put.error().code() == core::ErrorCode::already_exists) {
        // The object under its name is not readable.
        CAIRN_TRY_STATUS(backend->remove(slot_name(id)));
        put = store::put_key_slot(*backend, slot);
      }
      CAIRN_TRY_STATUS(put.has_value() ? core::Status() : core::fail(put.error()));
    }
    imported.ids.push_back(id);
  }
  return imported;
}

core::Result<KeySlotId> change_credentials(Repository& repository, const Credentials& credentials,
                                           const core::KdfParameters& kdf) {
  OpenRepository& open = ops::opened(repository);
  std::string name;
  if (const auto slot = store::get_key_slot(*open.backend, open.slot)) {
    if (auto label = store::open_slot_label(*open.keys, slot->value)) {
      name = std::move(label->name);
    }
  }
  // The new slot is durable before the old one is removed: a power cut in between leaves both.
  CAIRN_TRY(const KeySlotId id,
            write_slot(open, open.keys->bundle(), credentials, std::move(name), kdf));
  CAIRN_TRY_STATUS(open.backend->remove(slot_name(open.slot)));
  open.slot = id;
  return id;
}

}  // namespace cairn::repo
