#include "cairn/repo/environment.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <memory>

#include "cairn/core/crypto.h"

namespace cairn::repo {
namespace {

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

struct Account {
  std::string name;
  std::string home;
};

Account account() {
  constexpr std::size_t kEntryBytes = 64 * 1024;
  std::vector<char> text(kEntryBytes);
  ::passwd entry{};
  ::passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, text.data(), text.size(), &found) != 0 ||
      found == nullptr) {
    return {std::to_string(::geteuid()), {}};
  }
  return {found->pw_name, found->pw_dir};
}

std::optional<std::string> environment_variable(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Empty if it is not set.
std::string value_of(const UserFolders& folders, const std::string& name) {
  return folders.variable ? folders.variable(name).value_or("") : std::string();
}

}  // namespace

std::string UserFolders::cache() const {
  if (std::string chosen = value_of(*this, "CAIRN_CACHE_DIR"); !chosen.empty()) {
    return chosen;
  }
  // The XDG specification says that a relative path is to be ignored.
  if (const std::string xdg = value_of(*this, "XDG_CACHE_HOME"); xdg.starts_with('/')) {
    return xdg + "/cairn";
  }
  const std::string set = value_of(*this, "HOME");
  const std::string& found = set.starts_with('/') ? set : home;
  return found.empty() ? std::string() : found + "/.cache/cairn";
}

std::vector<std::string> UserFolders::temporary() const {
  // /dev/shm is memory, so it comes last.
  std::vector<std::string> folders = {"/var/tmp", "/tmp", "/dev/shm"};
  if (const std::string chosen = value_of(*this, "TMPDIR"); chosen.starts_with('/')) {
    folders.insert(folders.begin(), chosen);
  }
  return folders;
}

UserFolders system_user_folders() { return {environment_variable, account().home}; }

core::Result<Environment> system_environment() {
  CAIRN_TRY_STATUS(core::init_crypto());
  static core::SystemClock clock;
  static core::SystemRandom random;
  static const std::unique_ptr<core::FileSystem> file_system = core::make_posix_file_system();
  const Account who = account();
  const UserFolders folders{environment_variable, who.home};
  return Environment{.file_system = *file_system,
                     .clock = clock,
                     .random = random,
                     .host = host_name(),
                     .user = who.name,
                     .process = core::current_process(),
                     .cache_folder = folders.cache(),
                     .process_is_gone = core::is_gone,
                     .temporary_folders = folders.temporary()};
}

}  // namespace cairn::repo
