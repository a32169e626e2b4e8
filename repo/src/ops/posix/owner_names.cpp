#include "ops/posix/owner_names.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace cairn::repo::ops {
namespace {

constexpr std::size_t kUsualRecordBytes = 4096;
// A group lists its members: tens of thousands in a large directory service.
constexpr std::size_t kRecordBytesMax = 4 * 1024 * 1024;

/// Calls getpwuid_r or getgrgid_r with a large enough buffer. A number without a name and a
/// directory service that does not answer are treated alike: the number decides anyway.
template <class Record, class Ask>
std::string ask_for_name(Ask ask, char* Record::*name_of) {
  std::vector<char> buffer(kUsualRecordBytes);
  while (true) {
    Record record{};
    Record* found = nullptr;
    const int error_number = ask(&record, buffer.data(), buffer.size(), &found);
    if (error_number == EINTR) {
      continue;
    }
    if (error_number == ERANGE && buffer.size() < kRecordBytesMax) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (error_number != 0 || found == nullptr || found->*name_of == nullptr) {
      return {};
    }
    std::string name = found->*name_of;
    return name.size() <= kOwnerNameBytesMax ? name : std::string();
  }
}

std::string user_name(std::uint32_t uid) {
  return ask_for_name<::passwd>(
      [uid](::passwd* record, char* buffer, std::size_t size, ::passwd** found) {
        return ::getpwuid_r(uid, record, buffer, size, found);
      },
      &::passwd::pw_name);
}

std::string group_name(std::uint32_t gid) {
  return ask_for_name<::group>(
      [gid](::group* record, char* buffer, std::size_t size, ::group** found) {
        return ::getgrgid_r(gid, record, buffer, size, found);
      },
      &::group::gr_name);
}

using Names = std::unordered_map<std::uint32_t, std::string>;

const std::string& cached(Names& names, std::uint32_t number, std::string (*ask)(std::uint32_t)) {
  const auto known = names.find(number);
  return known != names.end() ? known->second : names.emplace(number, ask(number)).first->second;
}

}  // namespace

struct OwnerNames::Impl {
  std::mutex mutex;
  Names users;
  Names groups;
};

OwnerNames::OwnerNames() : impl_(std::make_unique<Impl>()) {}
OwnerNames::~OwnerNames() = default;

void OwnerNames::fill(Owner& owner) {
  const std::scoped_lock lock(impl_->mutex);
  owner.user = cached(impl_->users, owner.uid, user_name);
  owner.group = cached(impl_->groups, owner.gid, group_name);
}

}  // namespace cairn::repo::ops
